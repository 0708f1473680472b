"""One page of the trace list: rows in an order, with the scores that the list shows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from django.db.models import Case, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from curation import filters
from curation.filters.tree import terms
from curation.models import Score, Trace
from curation.models.traces import TraceQuerySet
from workspace import paging
from workspace.models import Project

COLUMNS = {
    "seen": "received_at",
    "agent": "agent",
    "steps": "steps",
    "errors": "errors",
    "tokens": "sort_value",
    "cost": "cost_usd",
    "time": "latency_ms",
}
MOST_SCORES = 2
# a person's word first, then the newest: the rule of score.NAME in filters
_COUNTS_FIRST = (Case(When(source=Score.Source.HUMAN, then=0), default=1, output_field=IntegerField()), "-id")


class UnknownOrder(ValueError):
    """A sort= that names no column."""


@dataclass(frozen=True, slots=True)
class Order:
    """A column of the list (a key of COLUMNS, or score.NAME) and its direction."""

    column: str
    falling: bool

    def __str__(self) -> str:
        return f"{'-' if self.falling else ''}{self.column}"

    def turned(self, column: str) -> "Order":
        """What a click on the head of `column` asks for: largest first, then smallest first."""
        return Order(column, not self.falling if column == self.column else column != "agent")


NEWEST = Order("seen", falling=True)


@dataclass(frozen=True, slots=True)
class ShownScore:
    """A score as the list shows it. `share` is its place in its declared range, 0 to 1, where there is one."""

    score: Score
    share: float | None

    @property
    def tone(self) -> str:
        """good or bad where the grader said so; the size of a number alone says neither."""
        return "" if self.score.passed is None else "good" if self.score.passed else "bad"

    @property
    def width(self) -> str:
        """The share as a length for the meter, such as 62%."""
        return "" if self.share is None else f"{self.share:.0%}"


@dataclass(frozen=True, slots=True)
class Row:
    """A trace, its scores under the names of the page (None: missing), and how its time compares: 0 to 4."""

    trace: Trace
    scores: list[ShownScore | None]
    heat: int

    @property
    def tokens(self) -> int | None:
        """Tokens in and out together; None where neither is known."""
        return total_tokens(self.trace)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: rows, names of the score columns, how many more names there are, cursors."""

    rows: list[Row]
    score_names: list[str]
    more_scores: int
    older: str
    newer: str


def total_tokens(trace: Trace) -> int | None:
    """Tokens in and out together; None where neither is known."""
    known = [count for count in (trace.input_tokens, trace.output_tokens) if count is not None]
    return sum(known) if known else None


def read_order(text: str) -> Order:
    """`-seen`, `cost`, `-score.helpful`; "" is newest first. Raises UnknownOrder."""
    if not text:
        return NEWEST
    column = text.removeprefix("-")
    if column not in COLUMNS and not (column.startswith("score.") and 6 < len(column) <= 106 and "\0" not in column):
        raise UnknownOrder(f"Traces cannot be sorted by “{column}”: use {', '.join(COLUMNS)} or score.NAME.")
    return Order(column, text.startswith("-"))


def page(*, project: Project, query: filters.Query, order: Order, cursor: str, size: int) -> Listing:
    """The page behind `cursor` ("" is the first). Two database queries: rows and their scores."""
    page = plain_page(project=project, query=query, order=order, cursor=cursor, size=size)
    scores = effective_scores(page.rows)
    wanted = [term.key for term in terms(query.tree) if term.field == "score"]
    if order.column.startswith("score."):
        wanted.append(order.column.removeprefix("score."))
    often = Counter(name for named in scores.values() for name in named)
    names = list(dict.fromkeys([*wanted, *(name for name, _ in often.most_common())]))
    shown = names[:MOST_SCORES]
    usual = median([row.latency_ms for row in page.rows if row.latency_ms] or [0])
    rows = [
        Row(
            trace=row,
            scores=[_shown(scores.get(row.pk, {}).get(name)) for name in shown],
            heat=_heat(row.latency_ms, usual),
        )
        for row in page.rows
    ]
    return Listing(rows, shown, len(set(names) - set(shown)), page.older, page.newer)


def plain_page(*, project: Project, query: filters.Query, order: Order, cursor: str, size: int) -> paging.Page[Trace]:
    """The traces alone, metadata left out. One database query."""
    found, keys = _ordered(filters.apply(Trace.objects.filter(project=project), query), order)
    return paging.paginate(found.defer("metadata"), order=keys, cursor=cursor, size=size)


def effective_scores(traces: Iterable[Trace]) -> dict[int, dict[str, Score]]:
    """Trace id -> name -> the score that counts. One query."""
    rows = (
        Score.objects.filter(trace_id__in=[trace.pk for trace in traces])
        .defer("reason")
        .order_by("trace_id", "name", *_COUNTS_FIRST)
        .distinct("trace_id", "name")
    )
    found: dict[int, dict[str, Score]] = {}
    for score in rows:
        found.setdefault(score.trace_id, {})[score.name] = score
    return found


def _ordered(traces: TraceQuerySet, order: Order) -> tuple[TraceQuerySet, Sequence[str]]:
    sign = "-" if order.falling else ""
    if order.column == "tokens":
        known = Q(input_tokens__isnull=False) | Q(output_tokens__isnull=False)
        total = Coalesce(F("input_tokens"), Value(0)) + Coalesce(F("output_tokens"), Value(0))
        traces = traces.annotate(sort_value=Case(When(known, then=total)))
    elif order.column.startswith("score."):
        name = order.column.removeprefix("score.")
        counts = Score.objects.filter(trace=OuterRef("pk"), name=name).order_by(*_COUNTS_FIRST)
        # yes sorts above no; a category has no size and stands last, like a missing score
        size = Coalesce(F("number"), Case(When(boolean=True, then=1.0), When(boolean=False, then=0.0)))
        return traces.annotate(sort_value=Subquery(counts.values(size=size)[:1])), [f"{sign}sort_value", f"{sign}id"]
    return traces, [f"{sign}{COLUMNS[order.column]}", f"{sign}id"]


def _shown(score: Score | None) -> ShownScore | None:
    if score is None:
        return None
    share = None
    if score.number is not None and score.low is not None and score.high is not None and score.high > score.low:
        share = min(1.0, max(0.0, (score.number - score.low) / (score.high - score.low)))
    return ShownScore(score, share)


def _heat(milliseconds: int | None, usual: float) -> int:
    """How long against the page's median: 0 (below it) to 4 (four times as long and more)."""
    if not milliseconds or not usual:
        return 0
    return sum(milliseconds / usual >= limit for limit in (1.25, 1.75, 2.5, 4))
