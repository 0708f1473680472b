"""What senders sent, exactly as it came, before anything is made of it."""

from django.db import models

from workspace.models import ApiToken, Project, User
from workspace.uuid7 import uuid7


class RawRecord(models.Model):
    """One received body. It is committed before the sender hears 200; the rest is done from this row."""

    class Status(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        QUARANTINED = "quarantined", "Quarantined: could not be read, kept for another try"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)  # raw_once has it
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    source = models.CharField(max_length=200, help_text="The path it was posted to, or the file's name.")
    content_type = models.CharField(max_length=100, blank=True)
    format = models.CharField(max_length=40, default="auto", help_text="A reader's name, or auto.")
    options = models.JSONField(default=dict, help_text="verdicts: what labels of annotations mean.")
    body = models.BinaryField(help_text="As it came; curation.ingest.bodies.opened unpacks it.")
    packing = models.CharField(
        max_length=8,
        blank=True,
        default="",
        db_default="",
        help_text="gzip where the body is kept as packed as it came.",
    )
    size = models.BigIntegerField(default=0, db_default=0, help_text="Bytes of the body once it is unpacked.")
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    outcome = models.JSONField(default=dict, help_text="read, created, updated, unchanged, rejected[{where, reason}]")
    error = models.TextField(blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # the same bytes to the same place are the same delivery
            models.UniqueConstraint(fields=["project", "sha256", "source", "format"], name="raw_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["pending", "done", "quarantined"]), name="raw_status"
            ),
        ]
        indexes = [models.Index(fields=["id"], name="raw_pending", condition=models.Q(status="pending"))]

    def __str__(self) -> str:
        return f"{self.source} {self.sha256[:8]}"


class Span(models.Model):
    """One span of a sender's trace. Traces are put together from all spans that have come so far."""

    # its index is the start of span_once
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    trace_key = models.CharField(max_length=64, help_text="The sender's trace id, lower-case hex.")
    span_key = models.CharField(max_length=64)
    raw = models.ForeignKey(RawRecord, null=True, on_delete=models.SET_NULL, related_name="+")
    payload = models.TextField(help_text="JSON as it was cleaned: text, because nothing is asked of its inside.")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "trace_key", "span_key"], name="span_once")]

    def __str__(self) -> str:
        return f"{self.trace_key}/{self.span_key}"
