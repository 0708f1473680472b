"""Whose words are hidden from whom: in a blind queue a person answers before they see what others said and measured."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef

from curation import filters
from curation.models import Judgment, QueueItem, ReviewQueue, Trace
from curation.models.traces import TraceQuerySet
from workspace.models import Project, User

# fields of filters that ask what people and graders said
TELLING = ("judged", "score", "rating", "comment", "reviewer", "feedback", "flagged", "corrected")

# what a closed queue holds waits for nobody
_WAITING = QueueItem.objects.filter(queue__is_blind=True, queue__closed_at=None, status=QueueItem.Status.OPEN)


def waits_blind(trace: Any) -> Exists:
    """Whether a trace waits in a blind queue, for a query's annotation. `trace` is an OuterRef to its id."""
    return Exists(_WAITING.filter(trace=trace).order_by())


def shut(trace: Any, user: User) -> Any:
    """Whether it waits in a blind queue and this person has not judged what it holds now, for a query's annotation."""
    current = models.F("trace__revision")
    judged = Judgment.objects.filter(trace=trace, user=user, revision=current, withdrawn_at=None)
    return models.ExpressionWrapper(
        models.Q(waits_blind(trace)) & ~models.Q(Exists(judged.order_by())), output_field=models.BooleanField()
    )


def hides(*, trace: Trace, user: User | None, may_look: bool = False) -> bool:
    """Whether what others said of the trace is hidden from this person: it waits in a blind queue and they have not said
    a word on what it holds now. `may_look`: for those who run the project nothing is hidden outside of the queue. Tokens
    are programs of the project: nothing is hidden from them."""
    if user is None or may_look:
        return False
    if not _WAITING.filter(trace=trace).exists():
        return False
    return not Judgment.objects.filter(trace=trace, user=user, revision=trace.revision_id, withdrawn_at=None).exists()


def hidden_of(*, traces: Sequence[Trace], user: User | None) -> set[int]:
    """Ids of those traces of which `hides` is true, in one query; none for nobody (see
    workspace.access.reader_of)."""
    if user is None or not traces:
        return set()
    found = shut_traces(user).filter(pk__in=[trace.pk for trace in traces])
    return set(found.order_by().values_list("pk", flat=True))


def shut_traces(user: User) -> TraceQuerySet:
    """Traces that wait in a blind queue and of which this person has not judged what they hold now."""
    return Trace.objects.filter(_is_shut(user))


def telling(traces: TraceQuerySet, reader: User | None) -> TraceQuerySet:
    """With `told`: whether this person may be told what was said of it."""
    told = ~_is_shut(reader) if reader is not None else models.Value(True)
    return traces.annotate(told=models.ExpressionWrapper(told, output_field=models.BooleanField()))


def _is_shut(user: User | None) -> models.Q:
    """Asked trace by trace, so that a page of a million costs what its rows cost."""
    judged = Judgment.objects.filter(trace=OuterRef("pk"), user=user, revision=OuterRef("revision"), withdrawn_at=None)
    return models.Q(waits_blind(OuterRef("pk"))) & ~models.Q(Exists(judged.order_by()))


def asks(query: filters.Query, order: str = "") -> bool:
    """Whether a filter, or the column that sorts its list, asks what people and graders said."""
    return order.startswith("score.") or any(query.mentions(field) for field in TELLING)


def hides_filter(*, queue: ReviewQueue, may_look: bool) -> bool:
    """Whether the filter of a blind queue would itself say what was said of all that waits in it (judged:unacceptable). One
    that cannot be read might. `may_look`: who runs the project wrote it."""
    if may_look or not queue.is_blind or queue.closed_at:
        return False
    try:
        return asks(filters.parse(queue.query))
    except filters.FilterError:
        return True


def hides_any(*, project: Project, reader: User | None) -> bool:
    """Whether the project has anything that may be hidden from this person; nearly always one quick look says no."""
    return reader is not None and _WAITING.filter(queue__project=project).exists()


def among(*, project: Project, query: filters.Query, reader: User | None, order: str = "") -> TraceQuerySet:
    """The traces of a project that a list may show to `reader`: where it asks what others said (see `asks`), those that
    are hidden from them are left out, because being in such a list tells it. None: somebody who may see everything."""
    traces = Trace.objects.filter(project=project)
    if asks(query, order) and hides_any(project=project, reader=reader):
        return traces.exclude(_is_shut(reader))
    return traces
