"""Models that judge the answers of a comparison: what was agreed to, and one row per answer and judge. The rows are the
queue, and what was paid for is never asked twice."""

from django.db import models

from curation.models import BatchItem, GraderVersion
from evaluation.models.comparisons import Comparison
from evaluation.models.runs import Answer


class Judging(models.Model):
    """The judging of one comparison. It begins once both models have answered, and takes no further answer once it has
    cost more than was agreed to."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for the answers"
        RUNNING = "running", "Judging"
        DONE = "done", "Judged"
        STOPPED = "stopped", "Stopped"
        CANCELLED = "cancelled", "Cancelled"

    comparison = models.OneToOneField(Comparison, on_delete=models.CASCADE, related_name="judging")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    error = models.TextField(blank=True, help_text="Why it stopped.")
    agreed_usd = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, help_text="Its cost may reach this. Empty: the price is not known."
    )
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "running", "done", "stopped", "cancelled"]),
                name="judging_status",
            )
        ]
        indexes = [
            models.Index(fields=["id"], name="judging_open", condition=models.Q(status__in=["waiting", "running"]))
        ]

    def __str__(self) -> str:
        return f"judging of {self.comparison_id}"


class JudgeCall(models.Model):
    """One answer before one judge: taken once, asked once, whichever comparison the answer is looked at in. `unknown`: its
    process ended while it waited for what may have been paid for, so it is not asked again unless a person says so."""

    Status = BatchItem.Status

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="judge_calls")
    version = models.ForeignKey(GraderVersion, on_delete=models.RESTRICT, related_name="+")
    judging = models.ForeignKey(
        Judging, null=True, on_delete=models.SET_NULL, related_name="calls", help_text="That took it last, and pays."
    )
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    prompt = models.JSONField(null=True, help_text="What was asked, as it was sent.")
    reply = models.JSONField(null=True, help_text="What came back, as it came.")
    error = models.TextField(blank=True)
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    latency_ms = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["answer", "version"], name="judge_call_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "asking", "done", "failed", "unknown", "cancelled"]),
                name="judge_call_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} on {self.answer_id}: {self.status}"
