"""Sums over time, read from the sums by hour and day (curation.browse.rollups): what charts and tiles show.

Times are UTC and those of `rollups`: a trace counts where it started, or else arrived.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.db import connection

from curation.browse.rollups import UNPACKED, percentile
from workspace.models import Project

Unit = Literal["hour", "day", "week"]
Split = Literal["", "agent", "model"]
_COUNTS = ("traces", "errors", "judged", "acceptable", "unacceptable", "costed", "timed")
_KNOWN = ("input_tokens", "output_tokens", "cost_usd")
# the latency classes of the rows of one bucket: bucket by bucket, each a small sum, in less than half the time of one sum
# over the classes of all buckets
_CLASSES = f"""
    SELECT array_agg(class) AS classes, array_agg(counted) AS counted FROM (
        SELECT class, sum(counted) AS counted FROM curation_rollup, LATERAL {UNPACKED} WHERE id = ANY(ids) GROUP BY 1
    ) every
"""  # noqa: S608
_NO_CLASSES = "SELECT NULL AS classes, NULL AS counted"


@dataclass(slots=True)
class Sums:
    """Counts of some traces; None is not known, never 0. `classes`: latency class -> number of traces. Only `add` changes
    them: `percentiles` keeps what was read off."""

    traces: int = 0
    errors: int = 0
    judged: int = 0
    acceptable: int = 0
    unacceptable: int = 0
    costed: int = 0
    timed: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    classes: dict[int, int] = field(default_factory=dict)
    percentiles: dict[float, float | None] = field(default_factory=dict, repr=False, compare=False)

    def add(self, other: "Sums") -> None:
        """Take the traces of `other` in."""
        self.traces += other.traces
        self.errors += other.errors
        self.judged += other.judged
        self.acceptable += other.acceptable
        self.unacceptable += other.unacceptable
        self.costed += other.costed
        self.timed += other.timed
        self.input_tokens = _plus(self.input_tokens, other.input_tokens)
        self.output_tokens = _plus(self.output_tokens, other.output_tokens)
        self.cost_usd = _plus(self.cost_usd, other.cost_usd)
        classes = self.classes
        for place, number in other.classes.items():
            classes[place] = classes.get(place, 0) + number
        self.percentiles.clear()

    def latency(self, share: float) -> float | None:
        """Percentile of the known latencies in ms, within rollups.ERROR."""
        if share not in self.percentiles:
            self.percentiles[share] = percentile(list(self.classes.items()), share)
        return self.percentiles[share]

    @property
    def decided(self) -> int:
        """Accepted or rejected."""
        return self.acceptable + self.unacceptable

    @property
    def tokens(self) -> int | None:
        """In and out together; None where neither is known."""
        known = [count for count in (self.input_tokens, self.output_tokens) if count is not None]
        return sum(known) if known else None


def _plus(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, and its sums by the start of each bucket that has traces."""

    name: str
    points: dict[datetime, Sums]

    def total(self) -> Sums:
        """All of it together."""
        return total(self.points.values())


def total(parts: Iterable[Sums]) -> Sums:
    """Several sums as one."""
    found = Sums()
    for part in parts:
        found.add(part)
    return found


def read(
    *,
    project: Project,
    unit: Unit,
    start: datetime | None = None,
    end: datetime | None = None,
    split: Split = "",
    agents: Sequence[str] = (),
    models: Sequence[str] = (),
    latencies: bool = True,
) -> list[Series]:
    """The series of `project` from `start` (included) to `end` (left out), the one with most traces first; without
    `split` there is at most one. `agents` and `models` keep only these. One query."""
    where, values = ["project_id = %s", "is_day = %s"], [project.pk, unit != "hour"]
    for condition, value in (("hour >= %s", start), ("hour < %s", end)):
        if value is not None:
            where.append(condition)
            values.append(value)  # type: ignore[arg-type]
    for column, wanted in (("agent", agents), ("model", models)):
        if wanted:
            where.append(f"{column} = ANY(%s)")
            values.append(list(wanted))  # type: ignore[arg-type]
    sums = ", ".join(f"sum({name})" for name in (*_COUNTS, *_KNOWN))
    ids = "array_agg(id)" if latencies else "NULL"
    sql = f"""
        SELECT {split or "''"} AS name, date_trunc('{unit}', hour, 'UTC') AS at, {ids} AS ids, {sums}
        FROM curation_rollup WHERE {" AND ".join(where)} GROUP BY 1, 2
    """  # noqa: S608
    found: dict[str, dict[datetime, Sums]] = {}
    with connection.cursor() as cursor:
        spread = _CLASSES if latencies else _NO_CLASSES
        cursor.execute(f"SELECT * FROM ({sql}) bucket, LATERAL ({spread}) spread", values)  # noqa: S608
        for name, at, _, *numbers, classes, counted in cursor.fetchall():
            point = _sums(numbers)
            if classes:
                point.classes = dict(zip(classes, counted, strict=True))
            found.setdefault(name, {})[at.astimezone(UTC)] = point
    series = [Series(name, points) for name, points in found.items()]
    return sorted(series, key=lambda one: (-sum(point.traces for point in one.points.values()), one.name))


def _sums(numbers: Sequence[Any]) -> Sums:
    counts: dict[str, Any] = dict(zip(_COUNTS, map(int, numbers), strict=False))
    inputs, outputs, cost = numbers[len(_COUNTS) :]
    return Sums(
        **counts,
        input_tokens=None if inputs is None else int(inputs),
        output_tokens=None if outputs is None else int(outputs),
        cost_usd=cost,
    )


def fold(series: list[Series], *, most: int) -> tuple[list[Series], int]:
    """The `most` largest, the others as one series; and how many those are."""
    if len(series) <= most:
        return series, 0
    others: dict[datetime, Sums] = {}
    for one in series[most:]:
        for at, sums in one.points.items():
            others.setdefault(at, Sums()).add(sums)
    rest = len(series) - most
    return [*series[:most], Series(f"{rest} others", others)], rest


def buckets(*, start: datetime, end: datetime, unit: Unit) -> list[datetime]:
    """The start of every bucket from `start` to `end` (left out), those without traces too."""
    step = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[unit]
    at = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if unit != "hour":
        at = at.replace(hour=0)
    if unit == "week":
        at -= timedelta(days=at.weekday())
    found = []
    while at < end:
        found.append(at)
        at += step
    return found


def names(*, project: Project) -> tuple[list[str], list[str]]:
    """The agents and the models that have traces, those with most first; at most 200 of each. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT agent, model, sum(traces) FROM curation_rollup WHERE project_id = %s AND is_day
            GROUP BY GROUPING SETS ((agent), (model)) ORDER BY 3 DESC""",
            [project.pk],
        )
        rows = cursor.fetchall()
    agents = [agent for agent, model, _ in rows if model is None and agent]
    models = [model for agent, model, _ in rows if agent is None and model]
    return agents[:200], models[:200]
