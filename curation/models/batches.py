"""Batches of calls to models and graders: the rows are the queue, and what was paid for is never asked twice."""

from django.db import models

from curation.models.graders import GraderVersion
from curation.models.traces import Trace, TraceRevision
from workspace.models import Connection, Project, User
from workspace.uuid7 import uuid7


class Batch(models.Model):
    """Many calls that belong together, paid or not: grading traces, or generating candidates for pairs. The row and its
    items are the queue; it is priced and confirmed before it starts."""

    class Kind(models.TextChoices):
        GRADE = "grade"
        GENERATE = "generate"

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    grader_version = models.ForeignKey(GraderVersion, null=True, on_delete=models.RESTRICT, related_name="batches")
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    settings = models.JSONField(
        default=dict, help_text="model, temperatures, candidates, max_tokens, seed, regrade ..."
    )
    query = models.TextField(blank=True, help_text="The filter that was asked for, with absolute times.")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    error = models.TextField(blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    reused = models.PositiveIntegerField(default=0, help_text="Scores that were there already and cost nothing.")
    estimate_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, help_text="Empty: price unknown.")
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=64, blank=True)
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "idempotency_key"], condition=~models.Q(idempotency_key=""), name="batch_once"
            ),
            models.CheckConstraint(condition=models.Q(kind__in=["grade", "generate"]), name="batch_kind"),
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running", "done", "failed", "cancelled"]), name="batch_status"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="batch_newest"),
            models.Index(fields=["id"], name="batch_open", condition=models.Q(status__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"


class BatchItem(models.Model):
    """One call of a batch: taken once, asked once. `unknown`: its process ended while it waited for an answer that may
    have been paid for, so it is not asked again unless a person says so."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        ASKING = "asking"
        DONE = "done"
        FAILED = "failed"
        UNKNOWN = "unknown", "Outcome unknown"
        CANCELLED = "cancelled"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    ordinal = models.PositiveSmallIntegerField(default=0, help_text="Which candidate of this trace, from 0.")
    settings = models.JSONField(default=dict, help_text="temperature, seed")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    prompt = models.JSONField(null=True, help_text="What was asked, as it was sent.")
    answer = models.JSONField(null=True, help_text="What came back, as it came.")
    grades = models.JSONField(
        default=dict, help_text="{grader version: {value, passed, reason, error}} of a candidate."
    )
    error = models.TextField(blank=True)
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    latency_ms = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "trace", "ordinal"], name="batch_item_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "asking", "done", "failed", "unknown", "cancelled"]),
                name="batch_item_status",
            ),
        ]
        indexes = [
            models.Index(
                fields=["batch", "id"], name="batch_item_open", condition=models.Q(status__in=["waiting", "asking"])
            ),
            models.Index(fields=["trace", "batch"], name="batch_item_trace"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.trace_id} {self.status}"
