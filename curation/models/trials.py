"""Trials of graders: a version on some samples before anybody uses it. The rows are the queue."""

from django.db import models

from curation.models.graders import GraderVersion
from curation.models.traces import Trace, TraceRevision
from workspace.models import ApiToken, Project, User
from workspace.uuid7 import uuid7


class Trial(models.Model):
    """One version on traces drawn at random, priced and agreed to before it began. Nothing of it is a score."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed", "Stopped"
        CANCELLED = "cancelled"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(GraderVersion, on_delete=models.CASCADE, related_name="trials")
    query = models.TextField(blank=True, help_text="The filter as it was typed.")
    seed = models.BigIntegerField()
    total = models.PositiveSmallIntegerField(help_text="How many samples.")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    error = models.TextField(blank=True)
    agreed_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, help_text="Empty: price unknown.")
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0, help_text="Of what has a known cost.")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=100, help_text="Of whoever asked for it, and of their form.")
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "idempotency_key"], name="trial_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running", "done", "failed", "cancelled"]), name="trial_status"
            ),
        ]
        indexes = [
            models.Index(fields=["version", "-id"], name="trial_newest"),
            models.Index(fields=["id"], name="trial_open", condition=models.Q(status__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        return f"trial {self.uid} of {self.version_id}"


class TrialItem(models.Model):
    """One sample: taken once, asked once. `unknown`: its process ended, or the line broke, while an answer was awaited that
    may have been paid for, so nobody asks again by itself."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        ASKING = "asking"
        DONE = "done"
        UNKNOWN = "unknown", "Outcome unknown"
        CANCELLED = "cancelled", "Not asked"

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="items")
    ordinal = models.PositiveSmallIntegerField(help_text="Its place, from 0.")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    score = models.FloatField(null=True, help_text="Empty where it could not be graded; error or reason say why.")
    passed = models.BooleanField(null=True)
    reason = models.TextField(blank=True)
    error = models.TextField(blank=True)
    ms = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, help_text="Empty: not known.")
    asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "ordinal"], name="trial_item_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "asking", "done", "unknown", "cancelled"]),
                name="trial_item_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trial_id}: {self.trace_id} {self.status}"
