"""What can be charted over time: how each measure is read off sums, how it is written, and when it is not known.

A share or a latency of no traces is not known, and so is a cost that nobody reported: None, a gap in the chart. How many
traces there were is known, and then 0 is 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

from curation.browse.series import Sums
from workspace import formats

Number = float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of a measure: its name in the legend and in the table, its value, how it is written."""

    name: str
    value: Callable[[Sums], Number]
    write: Callable[[Number], str]


@dataclass(frozen=True, slots=True)
class Measure:
    """A chart: what its axis says, its lines, whether they are drawn as stacked bars (they add up) or as lines, and of
    how many traces it speaks. `part` is how many of those are meant, where the measure is a share or a count of some."""

    key: str
    label: str
    axis: str
    lines: tuple[Line, ...]
    bars: bool
    base: Callable[[Sums], int]
    base_label: str
    part: Callable[[Sums], int] | None = None

    @property
    def heading(self) -> str:
        """What the chart is called: with its unit where the name does not say it."""
        return f"{self.label}, {self.axis}" if self.key in ("latency", "cost", "errors", "acceptance") else self.label

    def counted(self, sums: Sums) -> str:
        """Of how many traces the figure speaks, in words: "98 with a known cost", "45 of 98 traces"."""
        base = formats.short(self.base(sums))
        return (
            f"{formats.short(self.part(sums))} of {base} {self.base_label}"
            if self.part
            else f"{base} {self.base_label}"
        )


def _share(part: int, whole: int) -> Number:
    return part / whole if whole else None


def _ms(share: float) -> Callable[[Sums], Number]:
    return lambda sums: sums.latency(share)


def _cost(sums: Sums) -> Number:
    return float(sums.cost_usd) if sums.cost_usd is not None else None


def _percent(value: Number) -> str:
    return formats.percent(value)


MEASURES = (
    Measure(
        "volume", "Traces", "traces", (Line("Traces", lambda sums: sums.traces, formats.whole),), True,
        lambda sums: sums.traces, "traces",
    ),
    Measure(
        "latency", "Latency", "seconds",
        (Line("p50", _ms(0.5), formats.duration), Line("p95", _ms(0.95), formats.duration)), False,
        lambda sums: sums.timed, "with a known time",
    ),
    Measure(
        "cost", "Cost", "US dollars", (Line("Cost", _cost, formats.money),), True, lambda sums: sums.costed,
        "with a known cost",
    ),
    Measure(
        "tokens", "Tokens", "tokens",
        (
            Line("In", lambda sums: sums.input_tokens, formats.short),
            Line("Out", lambda sums: sums.output_tokens, formats.short),
        ),
        True, lambda sums: sums.traces, "traces",
    ),
    Measure(
        "errors", "With errors", "% of traces",
        (Line("With errors", lambda sums: _share(sums.errors, sums.traces), _percent),), False,
        lambda sums: sums.traces, "traces", lambda sums: sums.errors,
    ),
    Measure(
        "judgments", "Judged", "judged traces", (Line("Judged", lambda sums: sums.judged, formats.whole),), True,
        lambda sums: sums.traces, "traces", lambda sums: sums.judged,
    ),
    Measure(
        "acceptance", "Accepted", "% of decided",
        (Line("Accepted", lambda sums: _share(sums.acceptable, sums.decided), _percent),), False,
        lambda sums: sums.decided, "decided", lambda sums: sums.acceptable,
    ),
)  # fmt: skip
BY_KEY = {measure.key: measure for measure in MEASURES}


def drawn(measure: Measure, value: Number) -> Number:
    """A value as its axis counts: shares in percent, latencies in seconds."""
    if value is None:
        return None
    if measure.axis.startswith("%"):
        return round(100 * value, 3)
    return round(value / 1000, 3) if measure.key == "latency" else value
