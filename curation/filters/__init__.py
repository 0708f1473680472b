"""The filter: one grammar, one tree and one list of fields for lists, bulk actions, freezing, queues, API and commands.

query = filters.parse("agent:support-bot -judged:no latency>15s")     # FilterError says what is wrong, and where
traces = filters.apply(project.traces.all(), query)
fixed = filters.resolve(query, now=now)                               # since:7d becomes an absolute time
str(fixed)                                                            # canonical text; parsing it gives the same tree
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from curation.filters import compile as compiling
from curation.filters.errors import FilterError
from curation.filters.parse import parse_tree
from curation.filters.text import Chip, chips, fix_times, write
from curation.filters.tree import And, Node, Or, Term, conjunction, negation, terms
from curation.models.traces import TraceQuerySet
from curation.search.conditions import Search, walked

__all__ = ["Chip", "FilterError", "Query", "apply", "matching", "parse", "resolve"]


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that was read: the text as typed, and its tree (None: every trace)."""

    typed: str
    tree: Node | None

    def __str__(self) -> str:
        return write(self.tree)

    def __bool__(self) -> bool:
        return self.tree is not None

    def mentions(self, field: str) -> bool:
        """Whether some condition names `field`."""
        return any(term.field == field for term in terms(self.tree))

    def searched(self) -> list[str]:
        """The words looked for, as typed, without those that must not be there."""
        return list(_searched(self.tree))

    def opposite(self, *, until: str = "") -> str:
        """The text of a filter for what this one leaves out, of what was received until a moment where one is given; "" where
        it leaves nothing out."""
        if self.tree is None:
            return ""
        left = negation(self.tree)
        return write(conjunction([left, Term("until", ":", (until,))]) if until else left)

    def chips(self) -> list[Chip]:
        """The conditions in words, each with the filter that is left without it."""
        return chips(self.tree)


def _searched(node: Node | None) -> Iterator[str]:
    match node:
        case Term(field="text", values=values):
            yield from values
        case And(parts) | Or(parts):
            for part in parts:
                yield from _searched(part)


def parse(text: str) -> Query:
    """Read a filter. Raises FilterError (message, position, suggestion) and nothing else, whatever the text."""
    return Query(text, parse_tree(text))


def apply(
    queryset: TraceQuerySet,
    query: Query,
    *,
    now: datetime | None = None,
    search: Search = walked,
    replays: bool = False,
) -> TraceQuerySet:
    """The traces of `queryset` that `query` matches. Archived traces are left out unless the filter names `archived`,
    empty ones unless it names `empty`, replays unless it names `replay` (or `replays` says that the caller sorts them out).

    `now` (default: the clock) is what relative times count from. `search` says how words are looked up: lists take
    `curation.search.conditions.planned`, which is quick for rare words too.
    """
    if not query.mentions("archived"):
        queryset = queryset.filter(archived_at=None)
    if not query.mentions("empty"):
        queryset = queryset.filter(is_empty=False)
    if not replays and not query.mentions("replay"):
        queryset = queryset.filter(is_replay=False)
    return matching(queryset, query, now=now, search=search)


def matching(
    queryset: TraceQuerySet, query: Query, *, now: datetime | None = None, search: Search = walked
) -> TraceQuerySet:
    """Like `apply`, with archived ones, empty ones and replays among them."""
    if query.tree is None:
        return queryset
    return queryset.filter(compiling.condition(query.tree, now=now or timezone.now(), search=search))


def resolve(query: Query, *, now: datetime) -> Query:
    """`query` with absolute times, so that it means the same for ever (freezing records this)."""
    tree = fix_times(query.tree, now=now)
    return Query(write(tree), tree)
