"""A trace: one run of an agent. The row holds what lists show; its revisions hold what was said."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce

from curation.models.inbox import RawRecord
from workspace.models import Project
from workspace.uuid7 import uuid7


class TraceQuerySet(models.QuerySet["Trace"]):
    """Traces, scoped and sorted by what lists need."""

    def visible_to(self, user: Any) -> "TraceQuerySet":
        """Traces of the projects this person belongs to."""
        return self.filter(project__in=Project.objects.visible_to(user))

    def unjudged(self) -> "TraceQuerySet":
        """Traces nobody has judged, or whose judgment is about an older revision."""
        return self.filter(models.Q(verdict="") | models.Q(verdict_stale=True))

    def listed(self) -> "TraceQuerySet":
        """Traces that lists show by default: not archived, not empty, and not made here by a replay."""
        return self.filter(archived_at=None, is_empty=False, is_replay=False)


class Trace(models.Model):
    """The narrow row behind lists and filters. Unknown is null or empty, never 0."""

    class Status(models.TextChoices):
        OK = "ok"
        ERROR = "error"
        UNSET = "unset", "Not said"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    # a foreign key whose column begins another index needs none of its own: each costs intake time
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="traces", db_index=False)
    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=300, blank=True)
    session_id = models.CharField(max_length=200, blank=True)
    user_id = models.CharField(max_length=200, blank=True, help_text="The sender's user, as text.")
    task_id = models.CharField(max_length=200, blank=True)
    environment = models.CharField(max_length=100, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=5, choices=Status.choices, default=Status.UNSET)
    received_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    latency_ms = models.BigIntegerField(null=True)
    input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    turns = models.IntegerField(default=0, help_text="User messages of the main conversation.")
    steps = models.IntegerField(default=0, help_text="Assistant messages and tool calls.")
    tool_calls = models.IntegerField(default=0)
    errors = models.IntegerField(default=0, help_text="Failed tool results and failed model calls.")
    tools = ArrayField(models.CharField(max_length=200), default=list, help_text="Names of the tools called, sorted.")
    tags = ArrayField(models.CharField(max_length=100), default=list)
    metadata = models.JSONField(default=dict)
    preview = models.CharField(max_length=300, blank=True, help_text="The start of the first user message.")
    input_fingerprint = models.CharField(max_length=32, blank=True, help_text="Equal where the same thing was asked.")
    source_format = models.CharField(max_length=40, blank=True)
    revision = models.ForeignKey("TraceRevision", null=True, on_delete=models.SET_NULL, related_name="+")
    archived_at = models.DateTimeField(null=True)
    is_empty = models.BooleanField(
        default=False, db_default=False, help_text="Nothing was said in it and nothing called."
    )
    erased_at = models.DateTimeField(null=True, help_text="A person was forgotten: only the tombstone is left.")
    is_replay = models.BooleanField(
        default=False, db_default=False, help_text="Made here by sending a part of another trace again."
    )
    # kept by curation.review.judgments in the transaction that records a judgment
    verdict = models.CharField(max_length=12, blank=True, help_text="The effective judgment; empty while unjudged.")
    verdict_stale = models.BooleanField(default=False, help_text="The trace changed after it was judged.")
    judged_at = models.DateTimeField(null=True)

    objects = TraceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "external_id"], name="trace_once"),
            models.CheckConstraint(condition=models.Q(status__in=["ok", "error", "unset"]), name="trace_status"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["", "acceptable", "unacceptable", "unsure"]), name="trace_verdict"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-received_at", "-id"], name="trace_newest"),
            models.Index(fields=["project", "agent", "-received_at"], name="trace_agent"),
            models.Index(fields=["project", "model", "-received_at"], name="trace_model"),
            models.Index(fields=["project", "session_id"], name="trace_session"),
            models.Index(fields=["project", "task_id"], name="trace_task"),
            models.Index(
                fields=["project", "input_fingerprint"],
                name="trace_same_input",
                condition=~models.Q(input_fingerprint=""),
            ),
            models.Index(fields=["project", "verdict", "-received_at"], name="trace_judged"),
            models.Index(
                fields=["project", "-id"],
                name="trace_hidden",
                condition=models.Q(archived_at__isnull=False) | models.Q(is_empty=True) | models.Q(is_replay=True),
            ),
            # the hour that sums by hour count it in
            models.Index(F("project"), Coalesce("started_at", "received_at"), name="trace_when"),
            # one user of a million traces, and one value of a key that thousands hold: without these both read all rows
            models.Index(
                fields=["project", "user_id", "-received_at"], name="trace_user", condition=~models.Q(user_id="")
            ),
            GinIndex(fields=["metadata"], name="trace_metadata", opclasses=["jsonb_path_ops"]),
            GinIndex(fields=["tools"], name="trace_tools"),
            GinIndex(fields=["tags"], name="trace_tags"),
        ]

    def __str__(self) -> str:
        return self.preview or self.name or self.external_id


class TraceRevision(models.Model):
    """What a trace said at one time; never changed. The same content is the same revision (digest).

    `document` is the internal form of curation.messages: {"conversations": [{"id", "name", "kind": "main"|"sub_agent",
    "messages": [...], "tools": [...], "candidates": [...]}]}.
    """

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    said_digest = models.CharField(
        max_length=64, blank=True, help_text="Equal where the words are, whatever the times and costs; empty: unknown."
    )
    document = models.JSONField()
    import_notes = models.JSONField(default=list, help_text="Every step that lost something, in words.")
    source = models.JSONField(default=dict, help_text="format, sdk, version, scope")
    raw = models.ForeignKey(RawRecord, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trace", "number"], name="revision_number"),
            models.UniqueConstraint(fields=["trace", "digest"], name="revision_content"),
        ]

    def __str__(self) -> str:
        return f"{self.trace_id} r{self.number}"


class Step(models.Model):
    """One step of a revision, narrow: for filters by shape, verdicts on steps and opening long traces in parts."""

    class Kind(models.TextChoices):
        SYSTEM = "system"
        USER = "user"
        ASSISTANT = "assistant"
        TOOL = "tool"

    # ten rows come with every trace: checking each costs more than its index; they go with their revision all the same
    revision = models.ForeignKey(
        TraceRevision, on_delete=models.CASCADE, related_name="step_rows", db_index=False, db_constraint=False
    )
    position = models.PositiveIntegerField()
    conversation = models.PositiveSmallIntegerField(default=0)
    message = models.PositiveIntegerField(help_text="Index of the message in its conversation.")
    key = models.CharField(
        max_length=200, help_text="Tool call id or span id where there is one; stable over revisions."
    )
    kind = models.CharField(max_length=9, choices=Kind.choices)
    tool = models.CharField(max_length=200, blank=True)
    is_error = models.BooleanField(default=False)
    latency_ms = models.BigIntegerField(null=True)
    tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["revision", "position"], name="step_position")]
        indexes = [models.Index(fields=["tool", "is_error", "revision"], name="step_tool")]

    def __str__(self) -> str:
        return f"{self.position} {self.kind} {self.tool}".strip()
