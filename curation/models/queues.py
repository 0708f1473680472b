"""Queues of traces to review. The row is the lock: an item is handed out by one UPDATE with SKIP LOCKED."""

from django.db import models

from curation.models.traces import Trace
from workspace.models import Project, User
from workspace.uuid7 import uuid7


class ReviewQueueQuerySet(models.QuerySet["ReviewQueue"]):
    """Which queues a page or an act is about."""

    def listed(self) -> "ReviewQueueQuerySet":
        """Those that were not deleted."""
        return self.filter(deleted_at=None)

    def handed_out(self) -> "ReviewQueueQuerySet":
        """Those that are filled and handed out: neither closed nor deleted."""
        return self.filter(closed_at=None, deleted_at=None)


class ReviewQueue(models.Model):
    """A named list of traces that wait for a judgment. A deleted one is closed too, and stays for a day so that deleting
    can be taken back."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="queues")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    query = models.TextField(blank=True, help_text="The filter that fills it; empty: traces are added by hand.")
    is_blind = models.BooleanField(
        default=False, db_default=False, help_text="Scores and words of others stay hidden until judged."
    )
    instructions = models.TextField(blank=True, help_text="Shown beside every trace, one rule a line.")
    questions = models.CharField(
        max_length=20,
        blank=True,
        db_default="",
        help_text="What is asked beside the verdict: a set of review.questions.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, help_text="Since then nothing is filled in or handed out.")
    deleted_at = models.DateTimeField(null=True)

    objects = ReviewQueueQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="queue_slug"),
            models.CheckConstraint(
                condition=models.Q(deleted_at=None) | models.Q(closed_at__isnull=False), name="queue_deleted_is_closed"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class QueueItem(models.Model):
    """One trace in one queue. `leased_by` holds it until `leased_until`; afterwards anybody may take it."""

    class Status(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        FLAGGED = "flagged"
        OUT = "out"  # somebody took it out: no filter brings it back
        DROPPED = "dropped"  # the queue's filter was changed: it comes back where it matches again

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    queue = models.ForeignKey(ReviewQueue, on_delete=models.CASCADE, related_name="items")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="queue_items")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.OPEN)
    priority = models.FloatField(default=0)
    reason = models.CharField(max_length=200, blank=True, help_text="Why it is in the queue.")
    leased_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    leased_until = models.DateTimeField(null=True)
    skips = models.IntegerField(default=0, help_text="How often it was put back to the end.")
    flag_note = models.TextField(blank=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    done_at = models.DateTimeField(null=True)
    out_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    out_at = models.DateTimeField(
        null=True, help_text="When it was taken out; kept where somebody puts it in again by hand."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "trace"], name="queue_item_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["open", "done", "flagged", "out", "dropped"]),
                name="queue_item_status",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "skips", "-priority", "id"], name="queue_next", condition=models.Q(status="open")
            ),
            models.Index(fields=["queue", "-done_at"], name="queue_history", condition=models.Q(status="done")),
            models.Index(
                fields=["queue", "-out_at"], name="queue_out", condition=models.Q(status__in=["out", "dropped"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.queue}: {self.trace_id} {self.status}"
