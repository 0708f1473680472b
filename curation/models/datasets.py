"""Frozen datasets: a version never changes, and says for every trace it looked at why it is in or out."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from curation.models.judgments import Correction, Judgment
from curation.models.preferences import Preference
from curation.models.traces import Trace, TraceRevision
from workspace.models import Project, User
from workspace.uuid7 import uuid7


class Dataset(models.Model):
    """A name that versions are frozen under."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datasets")
    name = models.SlugField(max_length=80)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="dataset_name")]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(models.Model):
    """One frozen selection. The content hash is over the rows in order, so the same rows give the same hash."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    query = models.TextField(blank=True, help_text="The filter as it was typed.")
    resolved_query = models.TextField(blank=True, help_text="The same with absolute times.")
    recipe = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    content_hash = models.CharField(max_length=64)
    counts = models.JSONField(default=dict, help_text="looked_at, rows, train, validation, test, tokens, by_reason{}")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="dataset_version_number")]

    def __str__(self) -> str:
        return f"{self.dataset.name}@{self.number}"


class DatasetRow(models.Model):
    """One conversation of one revision, with the judgment and correction that let it in."""

    class Split(models.TextChoices):
        TRAIN = "train"
        VALIDATION = "validation"
        TEST = "test"

    class Kind(models.TextChoices):
        CHAT = "chat"
        PAIR = "pair"
        LABEL = "label"
        PROMPT = "prompt"

    class Origin(models.TextChoices):
        TRACE = "trace"
        UPLOADED = "uploaded"
        GENERATED = "generated"
        REPLAYED = "replayed", "From a replay buffer"

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    trace = models.ForeignKey(Trace, on_delete=models.RESTRICT, related_name="dataset_rows")
    revision = models.ForeignKey(TraceRevision, on_delete=models.RESTRICT, related_name="+")
    conversation = models.PositiveSmallIntegerField(default=0)
    judgment = models.ForeignKey(Judgment, null=True, on_delete=models.RESTRICT, related_name="dataset_rows")
    correction = models.ForeignKey(Correction, null=True, on_delete=models.RESTRICT, related_name="+")
    split = models.CharField(max_length=10, choices=Split.choices)
    split_group = models.CharField(max_length=200, help_text="Rows of one group are always in one split.")
    digest = models.CharField(max_length=64, help_text="Of the exported messages and tools.")
    part = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Which of several rows of a conversation."
    )
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.CHAT, db_default="chat")
    content = models.JSONField(
        null=True,
        help_text="What the row says where that is not the conversation as pinned: messages, tools, chosen, rejected, label, item.",
    )
    edits = models.JSONField(
        default=dict, db_default={}, help_text="{index of a message: mask or cut}, pinned from StepUse."
    )
    other_trace = models.ForeignKey(
        Trace, null=True, on_delete=models.RESTRICT, related_name="+", help_text="Whose answer is the rejected one."
    )
    other_revision = models.ForeignKey(TraceRevision, null=True, on_delete=models.RESTRICT, related_name="+")
    preference = models.ForeignKey(Preference, null=True, on_delete=models.SET_NULL, related_name="dataset_rows")
    batch_items = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], help_text="Generated candidates that it was made of."
    )
    origin = models.CharField(max_length=9, choices=Origin.choices, default=Origin.TRACE, db_default="trace")
    topic = models.CharField(max_length=60, blank=True, db_default="", help_text="Slug, as it was when frozen.")
    fold = models.PositiveSmallIntegerField(null=True, help_text="Of k-fold cross-validation, from 0.")
    composite = models.FloatField(null=True, help_text="The weighted score that it was chosen by.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "position"], name="dataset_row_position"),
            models.UniqueConstraint(fields=["version", "revision", "conversation", "part"], name="dataset_row_once"),
            models.CheckConstraint(condition=models.Q(split__in=["train", "validation", "test"]), name="dataset_split"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["chat", "pair", "label", "prompt"]), name="dataset_row_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(origin__in=["trace", "uploaded", "generated", "replayed"]), name="dataset_row_origin"
            ),
        ]
        indexes = [models.Index(fields=["version", "split", "position"], name="dataset_row_split")]

    def __str__(self) -> str:
        return f"{self.version_id} row {self.position}"


class DatasetDecision(models.Model):
    """Why a trace that matched the filter is in or out of a version."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="decisions")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    included = models.BooleanField()
    reason = models.CharField(max_length=40, help_text="A short code, such as unjudged or duplicate.")
    detail = models.CharField(max_length=300, blank=True)
    facts = models.JSONField(
        default=dict, db_default={}, help_text="What stopped it: gate, operator, threshold, value (null: not measured)."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "trace"], name="dataset_decision_once")]
        indexes = [models.Index(fields=["version", "reason", "id"], name="dataset_decision_reason")]

    def __str__(self) -> str:
        return f"{self.trace_id} {'in' if self.included else 'out'}: {self.reason}"
