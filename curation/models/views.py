"""What people keep of the list of traces: views they saved, and acts on many traces."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from workspace.models import Project, User
from workspace.uuid7 import uuid7


class SavedView(models.Model):
    """A filter with columns and an order, under a name: one person's, or everybody's in the project."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_views")
    owner = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    is_shared = models.BooleanField(default=False)
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
    columns = ArrayField(models.CharField(max_length=120), default=list)
    order = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "owner", "name"], name="saved_view_name"),
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(is_shared=True), name="saved_view_shared_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BulkAct(models.Model):
    """One act on all traces that a filter found at one moment: its progress, and what undoing needs.

    Its first batch writes the ids that the filter finds into `traces`; then it works through them upwards. `reached` says
    how many of them are done, so an act that was interrupted goes on. While undoing it counts in `undone`.
    """

    class Kind(models.TextChoices):
        ARCHIVE = "archive"
        RESTORE = "restore"
        TAG = "tag"
        UNTAG = "untag"
        QUEUE = "queue"
        TOPIC = "topic"

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"
        UNDOING = "undoing"
        UNDONE = "undone"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    argument = models.CharField(max_length=200, blank=True, help_text="The tag, or the slug of the queue or topic.")
    query = models.TextField(blank=True, help_text="As typed.")
    resolved_query = models.TextField(blank=True, help_text="With absolute times: what it acts on.")
    by_hand = models.BooleanField(default=False, help_text="Chosen one by one instead of by a filter.")
    traces = ArrayField(models.BigIntegerField(), default=list, help_text="Ids, rising: chosen by hand or found.")
    until = models.DateTimeField(help_text="Traces that came later are not touched.")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.RUNNING)
    total = models.IntegerField(null=True)
    reached = models.BigIntegerField(default=0)
    changed = models.IntegerField(default=0)
    already = models.IntegerField(default=0)
    undone = models.IntegerField(default=0, help_text="Changes looked at again by undoing.")
    kept = models.IntegerField(default=0, help_text="Of these, left as they are: changed again since, or begun.")
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["archive", "restore", "tag", "untag", "queue", "topic"]), name="bulk_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["running", "done", "stopped", "undoing", "undone"]), name="bulk_status"
            ),
        ]
        indexes = [models.Index(fields=["id"], name="bulk_live", condition=models.Q(status__in=["running", "undoing"]))]

    def __str__(self) -> str:
        return f"{self.kind} {self.changed}/{self.total}"


class BulkChange(models.Model):
    """A trace that an act really changed: what undoing takes back."""

    act = models.ForeignKey(BulkAct, on_delete=models.CASCADE, related_name="changes")
    trace_id = models.BigIntegerField()
    former = models.CharField(
        max_length=70,
        blank=True,
        default="",
        db_default="",
        help_text="The status of its queue item, or its topic as source:slug; empty: it had none.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["act", "trace_id"], name="bulk_change_once")]

    def __str__(self) -> str:
        return f"{self.act_id}: {self.trace_id}"
