"""TrainingRun is what is wanted; RunAttempt is what happens."""

from django.db import models

from curation.models import DatasetVersion
from training.models.processes import WorkerProcess
from workspace.models import Project, User
from workspace.uuid7 import uuid7


class RunStatus(models.TextChoices):
    """The states of docs/architecture.md. The last three are final; only a person's resume leads out of failed and
    cancelled, as a new attempt."""

    DRAFT = "draft", "Draft"
    CHECKED = "checked", "Checked"
    QUEUED = "queued", "Queued"
    SUBMITTING = "submitting", "Submitting"
    STARTING = "starting", "Starting"
    RUNNING = "running", "Training"
    PAUSING = "pausing", "Pausing"
    PAUSED = "paused", "Paused"
    STOPPING = "stopping", "Stopping"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"

    @classmethod
    def final(cls) -> tuple[str, ...]:
        """States in which nothing happens by itself any more."""
        return (cls.SUCCEEDED, cls.FAILED, cls.CANCELLED)

    @classmethod
    def live(cls) -> tuple[str, ...]:
        """States in which a process may exist."""
        return (cls.SUBMITTING, cls.STARTING, cls.RUNNING, cls.PAUSING, cls.STOPPING)


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    """Runs, guarded."""

    def fenced_by(self, attempt: "RunAttempt") -> "TrainingRunQuerySet":
        """The run of this attempt, for guarded updates: nobody once there is a newer attempt."""
        return self.filter(pk=attempt.run_id).exclude(attempts__number__gt=attempt.number)


class TrainingRun(models.Model):
    """A wish to train: base model, data, method, settings."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    name = models.CharField(max_length=120)
    method = models.CharField(max_length=20, default="sft")
    launcher = models.CharField(max_length=20, default="local")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.RESTRICT, related_name="runs")
    base = models.ForeignKey("ModelVersion", on_delete=models.RESTRICT, related_name="runs_from")
    settings = models.JSONField(default=dict, help_text="The checked recipe: epochs, batch, learning rate, LoRA, ...")
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.DRAFT)
    status_reason = models.TextField(blank=True, help_text="Why it failed or waits, in words, with what to do.")
    outcome_unknown = models.BooleanField(default=False)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_discard = models.BooleanField(default=False, help_text="Stop without saving a checkpoint.")
    step = models.IntegerField(null=True)
    total_steps = models.IntegerField(null=True)
    idempotency_key = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=RunStatus.values), name="run_status"),
            models.UniqueConstraint(
                fields=["project", "idempotency_key"], condition=~models.Q(idempotency_key=""), name="run_once"
            ),
        ]
        indexes = [models.Index(fields=["project", "-id"], name="run_newest")]

    def __str__(self) -> str:
        return self.name


class RunAttempt(WorkerProcess):
    """One try at a run; `number` fences: only the newest attempt may change the run."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="attempts")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="attempt_number"),
            models.CheckConstraint(
                condition=models.Q(status__in=["starting", "running", "exited", "lost"]), name="attempt_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} attempt {self.number}"


class RunEvent(models.Model):
    """One line of events.jsonl, stored once: (attempt, seq) is unique."""

    attempt = models.ForeignKey(RunAttempt, on_delete=models.CASCADE, related_name="events")
    seq = models.IntegerField()
    kind = models.CharField(max_length=30)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "seq"], name="event_once")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class Metric(models.Model):
    """One measured value at one step. After a resume the later attempt's value of a step is the one drawn."""

    attempt = models.ForeignKey(RunAttempt, on_delete=models.CASCADE, related_name="metrics")
    name = models.CharField(max_length=80)
    step = models.IntegerField()
    value = models.FloatField(null=True, help_text="Null where the trainer reported no finite number.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "name", "step"], name="metric_once")]

    def __str__(self) -> str:
        return f"{self.name}@{self.step}={self.value}"


class Checkpoint(models.Model):
    """A saved state of a run that can be continued from."""

    attempt = models.ForeignKey(RunAttempt, on_delete=models.CASCADE, related_name="checkpoints")
    step = models.IntegerField()
    path = models.CharField(max_length=500)
    bytes = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "step"], name="checkpoint_once")]

    def __str__(self) -> str:
        return f"checkpoint {self.step}"
