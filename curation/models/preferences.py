"""Which of two answers to the same request is better."""

from django.db import models

from curation.models.pairs import Pair
from curation.models.traces import Trace, TraceRevision
from workspace.models import Project, User
from workspace.uuid7 import uuid7


class Preference(models.Model):
    """One word on a pair. A side is an ending of a revision's main conversation: 0 the one it has, n its n-th candidate.

    Both sides may be of one revision (n > 1 answers, rows of preference data) or of two traces (two attempts).
    """

    class Choice(models.TextChoices):
        LEFT = "left"
        RIGHT = "right"
        TIE = "tie"
        BOTH_BAD = "both_bad", "Both bad"

    class Strength(models.TextChoices):
        SLIGHT = "slight"
        CLEAR = "clear"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    left_trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="preferences_left")
    left_revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    left_candidate = models.PositiveSmallIntegerField(default=0)
    right_trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="preferences_right")
    right_revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    right_candidate = models.PositiveSmallIntegerField(default=0)
    choice = models.CharField(max_length=8, choices=Choice.choices)
    strength = models.CharField(max_length=6, choices=Strength.choices, blank=True)
    criteria = models.JSONField(default=dict, db_default={}, help_text="{criterion: left, right or tie}")
    edited = models.TextField(
        blank=True, db_default="", help_text="The better answer as it should have been; empty: as it is."
    )
    is_flipped = models.BooleanField(null=True, help_text="The left side was shown as B; null: not shown by us.")
    pair = models.ForeignKey(Pair, null=True, on_delete=models.SET_NULL, related_name="preferences")
    note = models.TextField(blank=True)
    is_imported = models.BooleanField(default=False)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(choice__in=["left", "right", "tie", "both_bad"]), name="preference_choice"
            ),
            models.UniqueConstraint(
                fields=["project", "idempotency_key"], condition=~models.Q(idempotency_key=""), name="preference_once"
            ),
        ]
        indexes = [
            models.Index(fields=["left_trace", "-id"], name="preference_left"),
            models.Index(fields=["right_trace", "-id"], name="preference_right"),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.choice}"
