"""What is in a queue: listing it, taking items out and putting them back. Whoever is on an item keeps it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.utils import timezone

from curation.models import BulkAct, Judgment, QueueItem, ReviewQueue, Trace
from curation.review.queues import AWAY
from workspace import audit, paging
from workspace.access import Actor
from workspace.models import User

SIZE = 50
# which items each part of the page shows, and in which order
SHOWN: dict[str, tuple[Q, tuple[str, ...]]] = {
    "waiting": (Q(status=QueueItem.Status.OPEN), ("skips", "-priority", "id")),
    "flagged": (Q(status=QueueItem.Status.FLAGGED), ("-id",)),
    "judged": (Q(status=QueueItem.Status.DONE), ("-done_at", "-id")),
    "out": (Q(status__in=AWAY), ("-out_at", "-id")),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What taking out did: items that were taken, those left because somebody else is on them, and the moment by which
    they can be put back."""

    taken: int
    held: int
    at: datetime


@dataclass(frozen=True, slots=True)
class PutBack:
    """What putting back did: items that wait again, and those left out because they were judged meanwhile."""

    back: int
    judged: int


def listed(*, queue: ReviewQueue, show: str, cursor: str = "", own: User | None = None) -> paging.Page[QueueItem]:
    """A page of the items in one part of a queue (a key of SHOWN), those that `own` put in by hand marked as `own`, those
    that anybody is on as `held`."""
    which, order = SHOWN[show]
    held = ExpressionWrapper(held_by_others(None), output_field=BooleanField())
    found = QueueItem.objects.filter(which, queue=queue).annotate(own=_own(queue, own), held=held)
    found = found.select_related("trace", "leased_by", "done_by", "out_by").defer("trace__metadata")
    return paging.paginate(found, order=order, cursor=cursor, size=SIZE)


def count_own(*, queue: ReviewQueue, user: User | None) -> int:
    """How many of the items that wait this person put in by hand."""
    return QueueItem.objects.filter(_own(queue, user), queue=queue, status=QueueItem.Status.OPEN).count()


def take_out(
    *, queue: ReviewQueue, actor: Actor, uids: Sequence[uuid.UUID] | None = None,
    traces: Sequence[uuid.UUID] | None = None, only_own: bool = False,
) -> Taken:  # fmt: skip
    """Take items that wait out of the queue: those with these outside ids, or of these traces, else all. With `only_own`
    only what the actor put in by hand. No filter brings them back; an item that somebody else is on stays, one that is
    flagged or judged too."""
    now = timezone.now()
    # JSON carries thousandths of a second: the moment must come back as the same
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    chosen = QueueItem.objects.filter(queue=queue, status=QueueItem.Status.OPEN)
    if uids is not None:
        chosen = chosen.filter(uid__in=uids)
    if traces is not None:
        chosen = chosen.filter(trace__in=Trace.objects.filter(project=queue.project_id, uid__in=traces))
    if only_own:
        chosen = chosen.filter(_own(queue, actor.user))
    with transaction.atomic():
        taken = chosen.exclude(held_by_others(actor.user)).update(
            status=QueueItem.Status.OUT, out_by=actor.user, out_at=at, leased_by=None, leased_until=None
        )
        held = chosen.count()
        if taken:
            how = "all" if uids is None and traces is None else "by hand"
            _record(queue, actor, "queue.items_taken_out", items=taken, left_to_others=held, chosen=how)
    return Taken(taken, held, at)


def put_back(
    *, queue: ReviewQueue, actor: Actor, uids: Sequence[uuid.UUID] | None = None,
    traces: Sequence[uuid.UUID] | None = None, at: datetime | None = None, only_own: bool = False,
) -> PutBack:  # fmt: skip
    """Let items wait again that were taken out: those with these outside ids, or of these traces, or those taken out at
    the moment `at`, but of these not what was judged since then. With `only_own` only what the actor took out."""
    chosen = QueueItem.objects.filter(queue=queue, status__in=AWAY)
    if uids is not None:
        chosen = chosen.filter(uid__in=uids)
    if traces is not None:
        chosen = chosen.filter(trace__in=Trace.objects.filter(project=queue.project_id, uid__in=traces))
    if at is not None:
        chosen = chosen.filter(out_at=at)
    if only_own:
        chosen = chosen.filter(out_by=actor.user, out_by__isnull=False)
    with transaction.atomic():
        back = chosen
        if at is not None:
            later = Judgment.objects.filter(trace=OuterRef("trace_id"), created_at__gte=at, withdrawn_at=None)
            back = chosen.exclude(Exists(later))
        count = back.update(status=QueueItem.Status.OPEN, out_by=None, out_at=None)
        judged = chosen.count() if at is not None else 0
        if count:
            _record(queue, actor, "queue.items_put_back", items=count)
    return PutBack(count, judged)


def held_by_others(user: User | None) -> Q:
    """Of items: somebody else is on it at this moment."""
    held = Q(leased_until__isnull=False, leased_until__gt=timezone.now())
    return held if user is None else held & ~Q(leased_by=user)


def _own(queue: ReviewQueue, user: User | None) -> Exists:
    return Exists(_acts(queue, user))


def _acts(queue: ReviewQueue, user: User | None) -> "QuerySet[BulkAct]":
    """The acts of this person that put an item in by hand; items carry the moment of the act."""
    acts = BulkAct.objects.filter(
        project=queue.project_id, kind=BulkAct.Kind.QUEUE, argument=queue.slug, created_at=OuterRef("created_at")
    )
    return acts.filter(user=user) if user is not None else acts.none()


def _record(queue: ReviewQueue, actor: Actor, action: str, **detail: object) -> None:
    audit.record(project=queue.project, actor=actor, action=action, target=f"queue:{queue.slug}", **detail)
