"""The figures above the trace list.

Of all traces, of an agent's or of a model's they come from the sums by hour once there are more than MOST: exact, though
some seconds behind. For every other filter they come from one bounded selection: the newest MOST traces that match, and
the page says so.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Aggregate, Count, F, FloatField, Func, IntegerField, Max, Min, Q, Sum, Value

from curation import filters
from curation.browse import rollups, series
from curation.filters.text import conjuncts
from curation.filters.tree import IS, Term
from curation.models import Trace
from curation.review import blind
from curation.search.conditions import planned
from workspace.models import Project, User

MOST = 10_000
BUCKETS = 14
_JUDGED = ~Q(verdict="") & Q(verdict_stale=False)
_ACCEPTED = Q(verdict="acceptable", verdict_stale=False)
_DECIDED = Q(verdict__in=["acceptable", "unacceptable"], verdict_stale=False)
_TOLD = Q(told=True)
_FAILED = Q(errors__gt=0) | Q(status="error")


class _Percentile(Aggregate):
    """percentile_disc of the known values."""

    function = "percentile_disc"
    output_field = FloatField()

    def __init__(self, expression: str, share: float, **extra: Any) -> None:
        super().__init__(
            expression, template=f"percentile_disc({share:g}) WITHIN GROUP (ORDER BY %(expressions)s)", **extra
        )


@dataclass(slots=True)
class Figures:
    """Counts over at most MOST traces; `more` says that there are more, and then all of it is about the newest MOST.
    None is unknown: no judged trace has no accepted share. The lists are BUCKETS equal spans of time, oldest first."""

    traces: int = 0
    more: bool = False
    recent: int = 0
    judged: int = 0
    decided: int = 0
    accepted: int = 0
    failed: int = 0
    cost: Decimal | None = None
    costed: int = 0
    middle_ms: float | None = None
    slow_ms: float | None = None
    over_time: dict[str, list[float | None]] = field(default_factory=dict)
    # from the sums by hour: all traces; times are off by at most rollups.ERROR, and hours that changed since are missing
    summed: bool = False
    behind: datetime | None = None

    @property
    def judged_share(self) -> float | None:
        """Judged (and not changed since) of all."""
        return self.judged / self.traces if self.traces else None

    @property
    def accepted_share(self) -> float | None:
        """Accepted of accepted and rejected."""
        return self.accepted / self.decided if self.decided else None

    @property
    def failed_share(self) -> float | None:
        """Traces with a failed call, of all."""
        return self.failed / self.traces if self.traces else None

    @property
    def mean_cost(self) -> Decimal | None:
        """US dollars per trace whose cost is known."""
        return self.cost / self.costed if self.cost is not None and self.costed else None


def measure(*, project: Project, query: filters.Query, now: datetime, reader: User | None = None) -> Figures:
    """The figures of all traces that match: three small queries of the sums, or two over at most MOST + 1 rows. What a
    blind queue hides from `reader` counts as not judged, but in the sums of more than MOST traces."""
    if (kept := _summable(query)) is not None and (found := _from_sums(project, now, **kept)):
        return found
    traces = blind.among(project=project, query=query, reader=reader)
    matching = filters.apply(traces, query, now=now, search=planned(project.pk))
    may_hide = blind.hides_any(project=project, reader=reader)
    newest = blind.telling(matching, reader if may_hide else None).order_by("-received_at", "-id")[: MOST + 1]
    total = newest.aggregate(
        **_sums(),
        recent=Count("pk", filter=Q(received_at__gte=now - timedelta(days=7))),
        middle_ms=_Percentile("latency_ms", 0.5),
        slow_ms=_Percentile("latency_ms", 0.95),
        first=Min("received_at"),
        last=Max("received_at"),
    )
    first, last = total.pop("first"), total.pop("last")
    more = total["traces"] > MOST
    found = Figures(**{**total, "traces": min(total["traces"], MOST), "more": more})
    if first is not None and last > first:
        found.over_time = _over_time(newest.values("pk"), first, last, reader if may_hide else None)
    return found


def _summable(query: filters.Query) -> dict[str, tuple[str, ...]] | None:
    """The agents and models that `query` keeps, where it says nothing else; None where it does."""
    kept: dict[str, tuple[str, ...]] = {}
    for part in conjuncts(query.tree):
        if (
            not (isinstance(part, Term) and part.field in ("agent", "model") and part.op == IS)
            or f"{part.field}s" in kept
        ):
            return None
        kept[f"{part.field}s"] = part.values
    return kept


def _from_sums(project: Project, now: datetime, **kept: tuple[str, ...]) -> Figures | None:
    """None where the traces are few enough to look at each, so that a small project's figures are of this moment."""
    counted = series.read(project=project, unit="week", latencies=False, **kept)  # type: ignore[arg-type]
    if not counted or counted[0].total().traces <= MOST:
        return None
    points = series.read(project=project, unit="day", **kept)[0].points  # type: ignore[arg-type]
    week = series.read(project=project, unit="hour", start=now - timedelta(days=7), latencies=False, **kept)  # type: ignore[arg-type]
    figures = _as_figures(series.total(points.values()))
    figures.recent = sum(one.traces for one in week[0].points.values()) if week else 0
    figures.summed, figures.behind = True, rollups.lag(project=project).since
    first, last = min(points), max(points) + timedelta(days=1)
    parts: list[list[series.Sums]] = [[] for _ in range(BUCKETS)]
    for at, sums in points.items():
        parts[int((at - first) / (last - first) * BUCKETS)].append(sums)
    figures.over_time = _drawn([_as_figures(series.total(part)) for part in parts])
    return figures


def _as_figures(sums: series.Sums) -> Figures:
    return Figures(
        traces=sums.traces, judged=sums.judged, decided=sums.decided, accepted=sums.acceptable, failed=sums.errors,
        cost=sums.cost_usd, costed=sums.costed, middle_ms=sums.latency(0.5), slow_ms=sums.latency(0.95),
    )  # fmt: skip


def _sums() -> dict[str, Aggregate]:
    return {
        "traces": Count("pk"),
        "judged": Count("pk", filter=_JUDGED & _TOLD),
        "decided": Count("pk", filter=_DECIDED & _TOLD),
        "accepted": Count("pk", filter=_ACCEPTED & _TOLD),
        "failed": Count("pk", filter=_FAILED),
        "cost": Sum("cost_usd"),
        "costed": Count("cost_usd"),
    }


def _over_time(keys: Any, first: datetime, last: datetime, reader: User | None) -> dict[str, list[float | None]]:
    seconds = Func(F("received_at"), template="extract(epoch from %(expressions)s)::float8", output_field=FloatField())
    bucket = Func(
        seconds, Value(first.timestamp()), Value(last.timestamp() + 1), Value(BUCKETS),
        function="width_bucket", output_field=IntegerField(),
    )  # fmt: skip
    rows: Any = (
        blind.telling(Trace.objects.filter(pk__in=keys), reader)
        .annotate(bucket=bucket)
        .values("bucket")
        .annotate(**_sums(), middle_ms=_Percentile("latency_ms", 0.5))
        .order_by("bucket")
    )
    parts = {row["bucket"]: Figures(**{name: row[name] for name in row if name != "bucket"}) for row in rows}
    return _drawn([parts.get(number, Figures()) for number in range(1, BUCKETS + 1)])


def _drawn(spans: list[Figures]) -> dict[str, list[float | None]]:
    return {
        "traces": [float(span.traces) for span in spans],
        "judged": [span.judged_share for span in spans],
        "accepted": [span.accepted_share for span in spans],
        "failed": [span.failed_share for span in spans],
        "cost": [float(span.mean_cost) if span.mean_cost is not None else None for span in spans],
        "time": [span.middle_ms for span in spans],
    }
