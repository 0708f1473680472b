"""One model answering one suite."""

from django.db import models

from evaluation.models.suites import Scenario, Suite
from training.models import ModelVersion, WorkerProcess
from workspace.models import Project
from workspace.uuid7 import uuid7


class EvaluationRun(models.Model):
    """A model's answers to a suite. Its rows are the queue: a scenario without an answer is still to be done."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Answering"
        SUCCEEDED = "succeeded", "Answered"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    suite = models.ForeignKey(Suite, on_delete=models.CASCADE, related_name="runs")
    model = models.ForeignKey(ModelVersion, on_delete=models.RESTRICT, related_name="evaluations")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    status_reason = models.TextField(blank=True)
    settings = models.JSONField(default=dict, help_text="max_new_tokens, temperature, seed")
    is_simulated = models.BooleanField(default=False)
    # held by whoever answers through a connection, so that nobody pays for the same answer twice
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running", "succeeded", "failed", "cancelled"]),
                name="evaluation_status",
            )
        ]
        indexes = [models.Index(fields=["project", "model", "-id"], name="evaluation_newest")]

    def __str__(self) -> str:
        return f"{self.model_id} on {self.suite_id}"


class EvaluationAttempt(WorkerProcess):
    """The process in which a local model answers."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="attempts")
    answers_offset = models.BigIntegerField(default=0, help_text="Bytes of answers.jsonl that are in the database.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="evaluation_attempt_number")]

    def __str__(self) -> str:
        return f"{self.run_id} attempt {self.number}"


class Answer(models.Model):
    """What a model said to a scenario, or the error that came instead."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="answers")
    scenario = models.ForeignKey(Scenario, on_delete=models.CASCADE, related_name="answers")
    message = models.JSONField(null=True, help_text="Internal form; null where it failed.")
    error = models.TextField(blank=True)
    latency_ms = models.BigIntegerField(null=True)
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "scenario"], name="answer_once")]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.scenario_id}"


class AnswerScore(models.Model):
    """What one grader made of one answer; null where it could not be measured."""

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="scores")
    grader = models.CharField(max_length=100)
    version = models.CharField(max_length=64, help_text="Digest of the grader that said so.")
    value = models.FloatField(null=True, help_text="0 to 1")
    passed = models.BooleanField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["answer", "grader"], name="answer_score_once")]

    def __str__(self) -> str:
        return f"{self.grader}={self.value}"
