"""What people say of a trace. Each row pins the revision that was seen; changing one's mind adds a row."""

from django.db import models

from curation.models.traces import Trace, TraceRevision
from workspace.models import ApiToken, Project, User
from workspace.uuid7 import uuid7


class Verdict(models.TextChoices):
    """The word on a whole trace; unsure never trains."""

    ACCEPTABLE = "acceptable", "Acceptable"
    UNACCEPTABLE = "unacceptable", "Unacceptable"
    UNSURE = "unsure", "Unsure"


class Judgment(models.Model):
    """One person's word on one revision. The newest of a person that was not withdrawn counts."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="judgments")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="judgments")
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200, help_text="Who, as text: survives the deletion of the account.")
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    rating = models.PositiveSmallIntegerField(null=True, help_text="1 to 5")
    note = models.TextField(blank=True)
    adjudicated = models.BooleanField(default=False)
    idempotency_key = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True, help_text="From opening the page to judging.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(verdict__in=Verdict.values), name="judgment_verdict"),
            models.CheckConstraint(
                condition=models.Q(rating=None) | models.Q(rating__range=(1, 5)), name="judgment_rating"
            ),
            models.UniqueConstraint(
                fields=["project", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="judgment_once",
            ),
        ]
        indexes = [models.Index(fields=["trace", "-id"], name="judgment_newest")]

    def __str__(self) -> str:
        return f"{self.author}: {self.verdict}"


class StepVerdict(models.Model):
    """Good, bad or neutral for one step, by one person; saying it again replaces it."""

    class Value(models.TextChoices):
        GOOD = "good"
        BAD = "bad"
        NEUTRAL = "neutral"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="step_verdicts")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    step_key = models.CharField(max_length=200)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    value = models.CharField(max_length=7, choices=Value.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "step_key", "user"], name="step_verdict_once"),
            models.CheckConstraint(condition=models.Q(value__in=["good", "bad", "neutral"]), name="step_verdict_value"),
        ]

    def __str__(self) -> str:
        return f"{self.step_key}: {self.value}"


class Correction(models.Model):
    """An edited final answer (or whole conversation) that a person says should have been given."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="corrections")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    conversation = models.PositiveSmallIntegerField(default=0)
    messages = models.JSONField(help_text="The corrected conversation in the internal form.")
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["trace", "-id"], name="correction_newest")]

    def __str__(self) -> str:
        return f"{self.author} corrected {self.trace_id}"


class Feedback(models.Model):
    """What a user of the agent, or another program, said of a trace."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="feedback")
    author = models.CharField(max_length=200)
    rating = models.PositiveSmallIntegerField(null=True, help_text="1 to 5")
    aspects = models.JSONField(default=dict, help_text="Name to 1..5, such as toolSelection, responseQuality, speed.")
    comments = models.TextField(blank=True)
    suggested_tools = models.JSONField(default=list)
    suggested_response = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rating=None) | models.Q(rating__range=(1, 5)), name="feedback_rating"
            )
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.rating}"
