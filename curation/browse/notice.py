"""What the list says about what it does not show: how many match, what is hidden, what came since.

Every number here is bounded: at most MOST rows are counted, and `more` says that there are more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Count, Q

from curation import filters
from curation.browse.patience import TooSlow, patience
from curation.filters.text import write
from curation.filters.tree import Node, Term, conjunction
from curation.models import TraceText
from curation.review import blind
from curation.search.conditions import planned
from workspace.models import Project, User

MOST = 10_000
MOST_ARRIVALS = 99
SECONDS = 2.0
# what lists leave out unless the filter names it
HIDDEN = {"archived": Q(archived_at__isnull=False), "empty": Q(is_empty=True), "replay": Q(is_replay=True)}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many traces match and are listed (None: counting took too long), and how many are left out. A number above
    MOST stands for "more than MOST"; `newest_hidden` says that only the newest MOST left-out traces were looked at. `cut`:
    where words are looked for, how many traces of the project have only the first part of their text in the index.
    `blind`: how many traces of the project are left out of filters like this one, because what it asks about them is
    hidden from the reader."""

    listed: int | None = None
    archived: int | None = 0
    empty: int | None = 0
    replays: int | None = 0
    newest_hidden: bool = False
    cut: int = 0
    blind: int = 0

    @property
    def listed_more(self) -> bool:
        """Whether there are more than MOST."""
        return (self.listed or 0) > MOST

    @property
    def most(self) -> int:
        """Where counting ends."""
        return MOST


def count(*, project: Project, query: filters.Query, reader: User | None = None, order: str = "") -> Counts:
    """The counts of a filter and of the column that sorts (`order`). Three database queries, four where it
    looks for words, two more for a reader."""
    found = _count(project, query, reader, order)
    if blind.asks(query, order) and reader is not None and blind.hides_any(project=project, reader=reader):
        shut = blind.shut_traces(reader).filter(project=project)
        found = replace(found, blind=shut.order_by().values("pk")[: MOST + 1].count())
    if not query.searched():
        return found
    return replace(found, cut=TraceText.objects.filter(project=project, cut=True).values("pk")[: MOST + 1].count())


def _count(project: Project, query: filters.Query, reader: User | None, order: str) -> Counts:
    traces = blind.among(project=project, query=query, reader=reader, order=order)
    listed: int | None = None
    try:
        with patience(SECONDS):
            found = filters.apply(traces, query, search=planned(project.pk)).order_by("-received_at", "-id")
            listed = found.values("pk")[: MOST + 1].count()
    except TooSlow:
        pass  # not known is not 0
    hidden = [name for name in HIDDEN if not query.mentions(name)]
    if not hidden:
        return Counts(listed)
    # the newest that are left out, by an index of their own, and of these the ones that match
    left_out = traces.filter(_any(HIDDEN)).order_by("-id").values("pk")[: MOST + 1]
    # one that is left out twice over is counted once
    each = {name: Count("pk", filter=HIDDEN[name] & ~_any(hidden[:at])) for at, name in enumerate(hidden)}
    try:
        with patience(SECONDS):
            found = filters.matching(traces.filter(_any(hidden), pk__in=left_out), query)
            counts = found.aggregate(**{f"n_{name}": one for name, one in each.items()})
            more = left_out.count() > MOST
    except TooSlow:
        return Counts(listed, None, None, None)
    archived, empty, replays = (counts.get(f"n_{name}", 0) for name in HIDDEN)
    return Counts(listed, archived=archived, empty=empty, replays=replays, newest_hidden=more)


def _any(names: Iterable[str]) -> Q:
    """What at least one of these leaves out; nothing where there is none."""
    return reduce(or_, (HIDDEN[name] for name in names), Q(pk__in=[]))


def with_hidden(query: filters.Query) -> str:
    """The same filter with what is left out by default."""
    parts: list[Node] = [query.tree] if query.tree else []
    left_out = [name for name in HIDDEN if not query.mentions(name)]
    parts.extend(Term(name, ":", ("yes", "no")) for name in left_out)
    return write(conjunction(parts)) if parts else ""


def arrived(*, project: Project, query: filters.Query, after: datetime, reader: User | None = None) -> int:
    """How many traces that match came in after `after`, at most MOST_ARRIVALS + 1. One database query; 0 where it takes
    too long."""
    newer = blind.among(project=project, query=query, reader=reader).filter(received_at__gt=after)
    try:
        with patience(SECONDS):
            found = filters.apply(newer, query, search=planned(project.pk)).order_by("-received_at", "-id")
            return found.values("pk")[: MOST_ARRIVALS + 1].count()
    except TooSlow:
        return 0
