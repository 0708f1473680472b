"""Replays: a conversation sent again up to a step, with something changed."""

from django.db import models

from curation.models.traces import Trace, TraceRevision
from workspace.models import Connection, Project, User
from workspace.uuid7 import uuid7


class Replay(models.Model):
    """One request to a connection and what came of it. The row is the queue: asked once, the answer is a trace."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Asking"
        DONE = "done"
        FAILED = "failed"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="replays")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    step_key = models.CharField(max_length=200, help_text="The step that is asked for anew.")
    connection = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    model = models.CharField(max_length=200)
    messages = models.JSONField(help_text="What is sent, in the internal form; empty once the answer is a trace.")
    tools = models.JSONField(default=list)
    settings = models.JSONField(
        default=dict, help_text="temperature, max_tokens; what is not there is the model's own."
    )
    changed = models.JSONField(default=list, help_text="What differs from the original, in words.")
    estimate_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, help_text="Empty: price unknown.")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.QUEUED)
    error = models.TextField(blank=True)
    result = models.ForeignKey(Trace, null=True, on_delete=models.SET_NULL, related_name="+")
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    latency_ms = models.BigIntegerField(null=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "idempotency_key"], name="replay_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running", "done", "failed"]), name="replay_status"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="replay_open", condition=models.Q(status__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.model} for {self.trace_id} at {self.step_key}"
