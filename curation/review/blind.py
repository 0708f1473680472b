"""Whose words are hidden from whom: in a blind queue a person answers before they see what others said and measured."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef

from curation.models import Judgment, QueueItem, Trace
from workspace.models import User


def waits_blind(trace: Any) -> Exists:
    """Whether a trace waits in a blind queue, for a query's annotation. `trace` is an OuterRef to its id."""
    return Exists(QueueItem.objects.filter(trace=trace, queue__is_blind=True, status=QueueItem.Status.OPEN).order_by())


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
    if not QueueItem.objects.filter(trace=trace, queue__is_blind=True, status=QueueItem.Status.OPEN).exists():
        return False
    return not Judgment.objects.filter(trace=trace, user=user, revision=trace.revision_id, withdrawn_at=None).exists()


def hidden_of(*, traces: Sequence[Trace], user: User | None, may_look: bool = False) -> set[int]:
    """Ids of those traces of which `hides` is true, in one query; none where the reader is no person or may look."""
    if user is None or may_look or not traces:
        return set()
    judged = Judgment.objects.filter(trace=OuterRef("pk"), user=user, revision=OuterRef("revision"), withdrawn_at=None)
    found = Trace.objects.filter(waits_blind(OuterRef("pk")), pk__in=[trace.pk for trace in traces])
    return set(found.exclude(Exists(judged.order_by())).order_by().values_list("pk", flat=True))
