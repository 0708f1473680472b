"""What the list says about what it does not show: how many match, what is hidden, what came since.

Every number here is bounded: at most MOST rows are counted, and `more` says that there are more.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from curation import filters
from curation.browse.patience import TooSlow, patience
from curation.filters.text import write
from curation.filters.tree import Node, Term, conjunction
from curation.models import Trace
from curation.search.conditions import planned
from workspace.models import Project

MOST = 10_000
MOST_ARRIVALS = 99
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many traces match and are listed (None: counting took too long), and how many are left out. A number above
    MOST stands for "more than MOST"; `newest_hidden` says that only the newest MOST left-out traces were looked at."""

    listed: int | None = None
    archived: int | None = 0
    empty: int | None = 0
    newest_hidden: bool = False

    @property
    def listed_more(self) -> bool:
        """Whether there are more than MOST."""
        return (self.listed or 0) > MOST

    @property
    def most(self) -> int:
        """Where counting ends."""
        return MOST


def count(*, project: Project, query: filters.Query) -> Counts:
    """The counts of a filter. Three database queries."""
    traces = Trace.objects.filter(project=project)
    listed: int | None = None
    try:
        with patience(SECONDS):
            found = filters.apply(traces, query, search=planned(project.pk)).order_by("-received_at", "-id")
            listed = found.values("pk")[: MOST + 1].count()
    except TooSlow:
        pass  # not known is not 0
    hidden = Q()
    if not query.mentions("archived"):
        hidden |= Q(archived_at__isnull=False)
    if not query.mentions("empty"):
        hidden |= Q(is_empty=True)
    if not hidden:
        return Counts(listed)
    # the newest that are left out, by an index of their own, and of these the ones that match
    left_out = traces.filter(Q(archived_at__isnull=False) | Q(is_empty=True)).order_by("-id").values("pk")[: MOST + 1]
    try:
        with patience(SECONDS):
            # one that is both is counted once, as archived
            empty = Q(is_empty=True) if query.mentions("archived") else Q(is_empty=True, archived_at=None)
            counts = filters.matching(traces.filter(hidden, pk__in=left_out), query).aggregate(
                archived=Count("pk", filter=Q(archived_at__isnull=False)), empty=Count("pk", filter=empty)
            )
            more = left_out.count() > MOST
    except TooSlow:
        return Counts(listed, None, None)
    return Counts(
        listed,
        archived=0 if query.mentions("archived") else counts["archived"],
        empty=0 if query.mentions("empty") else counts["empty"],
        newest_hidden=more,
    )


def with_hidden(query: filters.Query) -> str:
    """The same filter with what is left out by default."""
    parts: list[Node] = [query.tree] if query.tree else []
    left_out = [name for name in ("archived", "empty") if not query.mentions(name)]
    parts.extend(Term(name, ":", ("yes", "no")) for name in left_out)
    return write(conjunction(parts)) if parts else ""


def arrived(*, project: Project, query: filters.Query, after: datetime) -> int:
    """How many traces that match came in after `after`, at most MOST_ARRIVALS + 1. One database query; 0 where it takes
    too long."""
    newer = Trace.objects.filter(project=project, received_at__gt=after)
    try:
        with patience(SECONDS):
            found = filters.apply(newer, query, search=planned(project.pk)).order_by("-received_at", "-id")
            return found.values("pk")[: MOST_ARRIVALS + 1].count()
    except TooSlow:
        return 0
