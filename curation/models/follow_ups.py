"""Work that intake leaves for later: each row is one thing to do for one revision, deleted when it is done."""

from django.db import models

from curation.models.traces import Trace, TraceRevision
from workspace.models import Project


class FollowUp(models.Model):
    """Written in the transaction that stores the revision. The age of the oldest row is the lag of its kind.

    Two rows come with every revision and go again soon, so only the revision is held by a constraint: where it goes,
    they must go, too.
    """

    class Kind(models.TextChoices):
        SEARCH = "search", "Put its words into the search index"
        PERSONAL_DATA = "personal", "Look for personal data"

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False)
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=["search", "personal"]), name="follow_up_kind")
        ]
        indexes = [models.Index(fields=["kind", "id"], name="follow_up_next")]

    def __str__(self) -> str:
        return f"{self.kind} {self.revision_id}"


class WaitingWord(models.Model):
    """A score or feedback whose trace has not come yet; it is given to the trace when that comes."""

    class Kind(models.TextChoices):
        SCORE = "score"
        FEEDBACK = "feedback"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    external_id = models.CharField(max_length=200, blank=True, help_text="The sender's id of the trace.")
    session_id = models.CharField(max_length=200, blank=True, help_text="Or of the session.")
    key = models.CharField(max_length=64, help_text="The same word sent again has the same key.")
    payload = models.JSONField(help_text="What was sent, checked already.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "key"], name="waiting_word_once"),
            models.CheckConstraint(condition=models.Q(kind__in=["score", "feedback"]), name="waiting_word_kind"),
        ]
        indexes = [
            models.Index(fields=["project", "external_id"], name="waiting_word_trace"),
            models.Index(fields=["project", "session_id"], name="waiting_word_session"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.external_id or self.session_id}"
