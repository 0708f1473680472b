"""Traces that somebody puts into a queue by hand, and takes out again."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from curation.models import QueueItem, ReviewQueue
from curation.models.traces import TraceQuerySet
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

SLUG = "picked"
BATCH = 1_000


def hand_queue(*, project: Project) -> ReviewQueue:
    """The queue of traces that were picked by hand; made at the first call."""
    queue, _ = ReviewQueue.objects.get_or_create(project=project, slug=SLUG, defaults={"name": "Picked by hand"})
    return queue


def add(*, queue: ReviewQueue, actor: Actor, traces: TraceQuerySet, said: str) -> tuple[int, int, datetime]:
    """Put `traces` into `queue`, before those that a filter put there. Returns how many were added, how many were in it
    already (open or done; they stay so), and the moment that undoing goes by. `said` is how they were chosen."""
    at = timezone.now()
    with transaction.atomic():
        # locked in one order, so that two people adding the same traces wait for each other and do not collide
        keys = list(traces.order_by("pk").select_for_update().values_list("pk", flat=True))
        inside = set(QueueItem.objects.filter(queue=queue, trace_id__in=keys).values_list("trace_id", flat=True))
        fresh = [key for key in keys if key not in inside]
        items = [
            QueueItem(queue=queue, trace_id=key, priority=1, reason=f"Picked by {actor.label}"[:200]) for key in fresh
        ]
        QueueItem.objects.bulk_create(items, batch_size=BATCH, ignore_conflicts=True)
        # the column fills itself with the clock of each row: one moment for all is what undoing needs
        added = QueueItem.objects.filter(queue=queue, uid__in=[item.uid for item in items]).update(created_at=at)
        audit.record(
            project=queue.project, actor=actor, action="queue.filled", target=f"queue:{queue.slug}",
            traces=added, chosen=said, at=at.isoformat(),
        )  # fmt: skip
    return added, len(keys) - added, at


def undo_add(*, project: Project, actor: Actor, at: datetime) -> int:
    """Take out again what was put in at that moment and that nobody has begun. Returns how many."""
    with transaction.atomic():
        waiting = QueueItem.objects.filter(
            queue__project=project, created_at=at, status=QueueItem.Status.OPEN, leased_by=None, done_at=None
        )
        removed, _ = waiting.delete()
        audit.record(project=project, actor=actor, action="queue.fill_undone", traces=removed, at=at.isoformat())
    return removed
