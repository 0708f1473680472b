"""What selecting rows keeps between two looks: signatures of revisions, replay buffers, and how steps are trained."""

from django.db import models

from curation.models.judgments import Correction, Judgment
from curation.models.traces import Trace, TraceRevision
from workspace.models import Project, User


class RevisionSignature(models.Model):
    """What a selection needs to know of one revision without reading it: worked out once, since revisions never change.
    A row with an old `rules` number is worked out anew."""

    revision = models.OneToOneField(TraceRevision, on_delete=models.CASCADE, primary_key=True, related_name="signature")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    rules = models.PositiveSmallIntegerField(help_text="Of which generation of the code.")
    conversation = models.PositiveSmallIntegerField(default=0, help_text="The one that a row is made of.")
    stopped = models.CharField(
        max_length=40, blank=True, help_text="Code of the reason why it can be no row; empty: it can."
    )
    digest = models.CharField(max_length=64, blank=True, help_text="Example.digest")
    sameness = models.BinaryField(default=bytes, help_text="Example.sameness, 16 bytes")
    tokens = models.PositiveIntegerField(default=0)
    trained_tokens = models.PositiveIntegerField(default=0)
    minhash = models.BinaryField(default=bytes, help_text="uint32, little-endian; empty: too short to compare")
    vector = models.BinaryField(default=bytes, help_text="float16, little-endian, length 1")
    findings = models.JSONField(default=dict, help_text="{format: [[level, code], ...]}")
    personal = models.PositiveIntegerField(
        default=0, help_text="Pieces of personal data found in what a row would hold."
    )

    def __str__(self) -> str:
        return f"signature of {self.revision_id}"


class ReplayBuffer(models.Model):
    """Rows of earlier datasets kept to be mixed into later ones, a uniform sample of all that passed (reservoir)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="replay_buffers")
    name = models.SlugField(max_length=80)
    capacity = models.PositiveIntegerField(default=2048)
    seen = models.BigIntegerField(default=0, help_text="Rows that passed through since it was cleared.")
    seed = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="replay_buffer_name"),
            models.CheckConstraint(condition=models.Q(capacity__gte=1), name="replay_buffer_capacity"),
        ]

    def __str__(self) -> str:
        return self.name


class ReplayBufferRow(models.Model):
    """One place of a buffer and what lies there."""

    buffer = models.ForeignKey(ReplayBuffer, on_delete=models.CASCADE, related_name="rows")
    slot = models.PositiveIntegerField()
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    conversation = models.PositiveSmallIntegerField(default=0)
    judgment = models.ForeignKey(Judgment, null=True, on_delete=models.SET_NULL, related_name="+")
    correction = models.ForeignKey(Correction, null=True, on_delete=models.SET_NULL, related_name="+")
    came_with = models.CharField(max_length=100, help_text="The version that it was a row of, as name@number.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["buffer", "slot"], name="replay_buffer_slot")]

    def __str__(self) -> str:
        return f"{self.buffer_id}[{self.slot}]"


class StepUse(models.Model):
    """How one step is trained on: mask keeps it as context without learning it, cut leaves it out. No row: keep."""

    class Use(models.TextChoices):
        MASK = "mask", "Context only"
        CUT = "cut", "Left out"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="step_uses")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    step_key = models.CharField(max_length=200)
    use = models.CharField(max_length=4, choices=Use.choices)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "step_key"], name="step_use_once"),
            models.CheckConstraint(condition=models.Q(use__in=["mask", "cut"]), name="step_use_value"),
        ]

    def __str__(self) -> str:
        return f"{self.step_key}: {self.use}"
