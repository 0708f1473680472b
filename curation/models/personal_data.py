"""Personal data: what was found, what a project keeps and for how long, and whom it has forgotten."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from curation.models.traces import Trace, TraceRevision
from workspace.models import Project
from workspace.uuid7 import uuid7


class IntakeRules(models.Model):
    """What a project does with what comes in; a project without a row has the defaults."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="intake_rules")
    redact = ArrayField(
        models.CharField(max_length=20),
        default=list,
        help_text="Kinds replaced before anything is stored; empty: none.",
    )
    look_for_personal_data = models.BooleanField(default=True)
    keep_days = models.PositiveIntegerField(null=True, help_text="Traces older than this are deleted; empty: never.")
    keep_most = models.PositiveIntegerField(null=True, help_text="Above this many the oldest are deleted.")

    def __str__(self) -> str:
        return f"rules of {self.project_id}"


class PersonalData(models.Model):
    """What was found in one revision: how often each kind, and where. The text itself is not copied here."""

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="personal_data")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    count = models.PositiveIntegerField()
    places = models.JSONField(
        default=list, help_text="[[conversation, message, part or field, start, end]], the first 50"
    )
    dismissed_at = models.DateTimeField(null=True, help_text="Somebody says that it is none.")
    dismissed_by = models.CharField(max_length=200, blank=True)
    found_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "kind"], name="personal_data_once")]
        indexes = [models.Index(fields=["trace", "kind"], name="personal_data_of_trace")]

    def __str__(self) -> str:
        return f"{self.kind} x {self.count} in {self.revision_id}"


class Erasure(models.Model):
    """One person was forgotten: whom (as a keyed hash, not by name), how much went, and what had learned from it."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="erasures")
    subject_hash = models.CharField(max_length=64)
    author = models.CharField(max_length=200)
    counts = models.JSONField(default=dict, help_text="inbox, spans, traces, revisions, dataset_rows, ...")
    touched = models.JSONField(default=list, help_text="Dataset versions, runs and models that had its rows.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"erasure {self.uid}"
