"""One page of the trace list: rows in an order, with the columns that are shown.

Only the newest-first order has an index. Any other order is made among the newest WINDOW traces that match, and the page
says so: sorting a million rows for one page would make everybody wait for a list that nobody reads to its end.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from curation import filters
from curation.browse.columns import Column, default_columns, with_metadata
from curation.browse.patience import patience
from curation.filters.tree import terms
from curation.models import Score, Trace
from curation.models.scores import COUNTS_FIRST
from curation.models.traces import TraceQuerySet
from curation.review import blind
from curation.review.scores import effective
from curation.search.conditions import planned
from workspace import paging
from workspace.models import Project, User

WINDOW = 10_000
ORDERS = {
    "seen": "received_at",
    "agent": "agent",
    "steps": "steps",
    "errors": "errors",
    "tokens": "sort_value",
    "cost": "cost_usd",
    "time": "latency_ms",
}
MOST_SCORES = 2


class UnknownOrder(ValueError):
    """A sort= that names no column."""


@dataclass(frozen=True, slots=True)
class Order:
    """A column of the list (a key of ORDERS, or score.NAME) and its direction."""

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
class Cell:
    """What stands in a column of a row, and how it is drawn."""

    column: Column
    value: Any


@dataclass(frozen=True, slots=True)
class Row:
    """A trace, its cells in the order of the columns, and how its time compares: 0 to 4. `blind`: what others said of it
    is hidden from the reader."""

    trace: Trace
    cells: list[Cell]
    heat: int
    blind: bool = False

    @property
    def lead(self) -> list[Cell]:
        """The cells before the request: a judgment that is the first column."""
        return self.cells[: leading(self.cells)]

    @property
    def rest(self) -> list[Cell]:
        """The cells behind the request."""
        return self.cells[leading(self.cells) :]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: rows, columns, cursors; `windowed` says that there are more than WINDOW and the order is among the newest
    of them."""

    rows: list[Row]
    columns: list[Column]
    older: str
    newer: str
    windowed: bool


def leading(parts: Sequence[Any]) -> int:
    """How many of these cells or heads stand before the request: a judgment, where it comes first."""
    return int(bool(parts) and parts[0].column.key == "judgment")


def total_tokens(trace: Trace) -> int | None:
    """Tokens in and out together; None where neither is known."""
    known = [count for count in (trace.input_tokens, trace.output_tokens) if count is not None]
    return sum(known) if known else None


def read_order(text: str) -> Order:
    """`-seen`, `cost`, `-score.helpful`; "" is newest first. Raises UnknownOrder."""
    if not text:
        return NEWEST
    column = text.removeprefix("-")
    if column not in ORDERS and not (column.startswith("score.") and 6 < len(column) <= 106 and "\0" not in column):
        raise UnknownOrder(f"Traces cannot be sorted by “{column}”: use {', '.join(ORDERS)} or score.NAME.")
    return Order(column, text.startswith("-"))


def page(
    *,
    project: Project,
    query: filters.Query,
    order: Order,
    cursor: str,
    size: int,
    columns: Sequence[Column] = (),
    reader: User | None = None,
) -> Listing:
    """The page behind `cursor` ("" is the first). No columns: the usual ones, with the scores that the filter, the order
    and most rows have. `reader`: whom blind queues hide something from (None: nobody). Two database queries, rows and
    their scores; one more where the order has no index, one or two for a reader. Raises patience.TooSlow."""
    with patience():
        page, windowed = plain_page(
            project=project, query=query, order=order, cursor=cursor, size=size, columns=columns, reader=reader
        )
        hidden = blind.hidden_of(traces=page.rows, user=reader)
        found = effective([row for row in page.rows if row.pk not in hidden])
    shown = list(columns) or default_columns(_usual_scores(query, order, found))
    usual = median([row.latency_ms for row in page.rows if row.latency_ms] or [0])
    rows = [
        Row(row, _cells(row, shown, found.get(row.pk, {})), _heat(row.latency_ms, usual), row.pk in hidden)
        for row in page.rows
    ]
    return Listing(rows, shown, page.older, page.newer, windowed)


def _usual_scores(query: filters.Query, order: Order, scores: dict[int, dict[str, Score]]) -> list[str]:
    wanted = [term.key for term in terms(query.tree) if term.field == "score"]
    if order.column.startswith("score."):
        wanted.append(order.column.removeprefix("score."))
    often = Counter(name for named in scores.values() for name in named)
    return list(dict.fromkeys([*wanted, *(name for name, _ in often.most_common())]))[:MOST_SCORES]


def _cells(trace: Trace, columns: Sequence[Column], scores: dict[str, Score]) -> list[Cell]:
    metas = itertools.count()
    cells = []
    for column in columns:
        if column.score:
            value: Any = _shown(scores.get(column.score))
        elif column.meta:
            value = getattr(trace, f"meta_{next(metas)}", None)
        else:
            value = total_tokens(trace) if column.key == "tokens" else column.value(trace)
        cells.append(Cell(column, value))
    return cells


def plain_page(
    *,
    project: Project,
    query: filters.Query,
    order: Order,
    cursor: str,
    size: int,
    columns: Sequence[Column] = (),
    reader: User | None = None,
) -> tuple[paging.Page[Trace], bool]:
    """The traces alone, and whether their order is among the newest WINDOW only. One or two database queries."""
    traces = blind.among(project=project, query=query, reader=reader, order=order.column)
    matching = filters.apply(traces, query, search=planned(project.pk))
    windowed = False
    if order.column != "seen":
        newest = matching.order_by("-received_at", "-id").values_list("received_at", flat=True)
        edge = newest[WINDOW : WINDOW + 1].first()
        if edge is not None:
            windowed = True
            matching = matching.filter(received_at__gte=edge)
    found, keys = _ordered(matching, order)
    return paging.paginate(with_metadata(found, columns), order=keys, cursor=cursor, size=size), windowed


def _ordered(traces: TraceQuerySet, order: Order) -> tuple[TraceQuerySet, Sequence[str]]:
    sign = "-" if order.falling else ""
    if order.column == "tokens":
        known = Q(input_tokens__isnull=False) | Q(output_tokens__isnull=False)
        total = Coalesce(F("input_tokens"), Value(0)) + Coalesce(F("output_tokens"), Value(0))
        traces = traces.annotate(sort_value=Case(When(known, then=total)))
    elif order.column.startswith("score."):
        name = order.column.removeprefix("score.")
        counts = Score.objects.filter(trace=OuterRef("pk"), name=name).order_by(*COUNTS_FIRST)
        # yes sorts above no; a category has no size and stands last, like a missing score
        size = Coalesce(F("number"), Case(When(boolean=True, then=1.0), When(boolean=False, then=0.0)))
        return traces.annotate(sort_value=Subquery(counts.values(size=size)[:1])), [f"{sign}sort_value", f"{sign}id"]
    return traces, [f"{sign}{ORDERS[order.column]}", f"{sign}id"]


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
