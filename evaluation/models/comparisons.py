"""Two models on the same scenarios."""

from django.db import models

from evaluation.models.runs import EvaluationRun
from evaluation.models.suites import Suite
from workspace.models import Project, User
from workspace.uuid7 import uuid7


class Comparison(models.Model):
    """Baseline against candidate, paired by scenario, with a verdict that a person can check."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Outcome(models.TextChoices):
        APPROVE = "APPROVE", "Approve"
        REJECT = "REJECT", "Reject"
        INCONCLUSIVE = "INCONCLUSIVE", "Inconclusive"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="comparisons")
    name = models.CharField(max_length=200)
    suite = models.ForeignKey(Suite, on_delete=models.RESTRICT, related_name="comparisons")
    baseline = models.ForeignKey(EvaluationRun, on_delete=models.RESTRICT, related_name="+")
    candidate = models.ForeignKey(EvaluationRun, on_delete=models.RESTRICT, related_name="+")
    primary_grader = models.CharField(max_length=100)
    rules = models.JSONField(default=dict, help_text="Limits: accuracy 0.95, latency 1.10, cost 1.20, alpha 0.05")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.RUNNING)
    status_reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    sentence = models.TextField(blank=True, help_text="Why, in one sentence.")
    result = models.JSONField(default=dict, help_text="metrics: [...], further: [...], pairs")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["running", "done", "failed"]), name="comparison_status"
            ),
            models.CheckConstraint(
                condition=models.Q(outcome__in=["", "APPROVE", "REJECT", "INCONCLUSIVE"]), name="comparison_outcome"
            ),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="comparison_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_concluded(self) -> bool:
        """Its verdict stands. While judges go on, that of before waits for theirs."""
        return self.status == self.Status.DONE
