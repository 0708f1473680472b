"""The one way a benchmark prints: a table for people, and JSON as the last line for programs.

    from benchmarks.report import Bar, Figure, report
    report("export", [Figure("rows_per_second", 41_200, "rows/s", note="median of 5")],
           [Bar("ratio_to_bare_script", 0.82, at_least=0.5)])

A comparison is a ratio taken in one run on one machine, in alternating pairs: `alternate` runs the pairs, `Spread`
holds the median and how far the values lie apart.
"""

import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Number = int | float


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What repeated measuring gave: median, quartiles and the number of values. Same unit as the values."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Median and quartiles (inclusive method) of at least one value; with fewer than 4 values, least and most."""
        if not values:
            raise ValueError("no values: a benchmark that measured nothing has no figure")
        if len(values) < 4:
            return cls(median=statistics.median(values), low=min(values), high=max(values), n=len(values))
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median=median, low=low, high=high, n=len(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie: nearest rank, so it is one that was measured."""
    if not values:
        raise ValueError("no values: a benchmark that measured nothing has no percentile")
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def alternate(
    first: Callable[[], float], second: Callable[[], float], *, pairs: int
) -> tuple[list[float], list[float], list[float]]:
    """Run the two measurements in alternating order (AB, BA, AB, ...); each returns its value.

    Returns the values of `first`, those of `second`, and the ratio first/second of each pair.
    """
    firsts: list[float] = []
    seconds: list[float] = []
    for number in range(pairs):
        if number % 2 == 0:
            firsts.append(first())
            seconds.append(second())
        else:
            seconds.append(second())
            firsts.append(first())
    return firsts, seconds, [a / b for a, b in zip(firsts, seconds, strict=True)]


class Figure:
    """One measured number: its name (snake_case, a JSON key), value or Spread, unit, and a remark for the table."""

    def __init__(self, name: str, value: Number | Spread | None, unit: str = "", *, note: str = "") -> None:
        self.name, self.value, self.unit, self.note = name, value, unit, note

    def plain(self) -> object:
        """For the JSON line: a number, {median, low, high, n}, or null for what could not be measured."""
        if isinstance(self.value, Spread):
            return {
                "median": _rounded(self.value.median),
                "low": _rounded(self.value.low),
                "high": _rounded(self.value.high),
                "n": self.value.n,
            }
        return None if self.value is None else _rounded(self.value)

    def row(self) -> tuple[str, str, str, str]:
        """For the table."""
        if isinstance(self.value, Spread):
            value = _shown(self.value.median)
            remark = f"{_shown(self.value.low)} to {_shown(self.value.high)}, n={self.value.n}"
            return self.name, value, self.unit, f"{remark}; {self.note}" if self.note else remark
        return self.name, "not measured" if self.value is None else _shown(self.value), self.unit, self.note


class Bar:
    """A limit a value must keep: `at_most` or `at_least` (one of them). A value of None never holds."""

    def __init__(
        self, name: str, value: Number | None, *, at_most: Number | None = None, at_least: Number | None = None
    ) -> None:
        if (at_most is None) == (at_least is None):
            raise ValueError(f"{name}: give either at_most or at_least")
        self.name, self.value = name, value
        self.limit: Number = at_most if at_most is not None else at_least  # type: ignore[assignment]
        self.sign = "<=" if at_most is not None else ">="

    @property
    def holds(self) -> bool:
        """Whether the value keeps the limit."""
        if self.value is None:
            return False
        return self.value <= self.limit if self.sign == "<=" else self.value >= self.limit

    def plain(self) -> dict[str, object]:
        """For the JSON line."""
        value = None if self.value is None else _rounded(self.value)
        return {"name": self.name, "value": value, "limit": self.limit, "sign": self.sign, "holds": self.holds}


def report(
    name: str,
    figures: "Sequence[Figure] | dict[str, Number | Spread | None]",
    bars: Sequence[Bar] = (),
    *,
    left_out: Sequence[str] = (),
) -> int:
    """Print the table, what was left out and why, and the JSON line. Returns 0, or 1 where a bar does not hold.

    `figures` may be a plain dict name -> number where no units or remarks are needed.
    """
    rows = [Figure(key, value) for key, value in figures.items()] if isinstance(figures, dict) else list(figures)
    print(f"\n{name} on {_machine()}\n")
    _table([("figure", "value", "unit", "remark"), *(figure.row() for figure in rows)])
    if bars:
        print()
        _table(
            [
                ("bar", "value", "limit", ""),
                *(
                    (
                        bar.name,
                        "not measured" if bar.value is None else _shown(bar.value),
                        f"{bar.sign} {_shown(bar.limit)}",
                        "holds" if bar.holds else "DOES NOT HOLD",
                    )
                    for bar in bars
                ),
            ]
        )
    for reason in left_out:
        print(f"\nleft out: {reason}")
    print()
    line: dict[str, object] = {
        "name": name,
        "figures": {figure.name: figure.plain() for figure in rows},
        "bars": [bar.plain() for bar in bars],
    }
    if left_out:
        line["left_out"] = list(left_out)
    print(json.dumps(line), flush=True)
    return 0 if all(bar.holds for bar in bars) else 1


def _rounded(value: Number) -> Number:
    return value if isinstance(value, int) else float(f"{value:.6g}")


def _shown(value: Number) -> str:
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if column == 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    sys.stdout.flush()
