"""Comments on traces, and the people they call."""

from django.db import models

from curation.models.traces import Trace, TraceRevision
from workspace.models import Project, User
from workspace.uuid7 import uuid7


class Comment(models.Model):
    """A word on a trace, on one step of it, or on a range of a step's text. It pins the revision it was written on."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="comments")
    revision = models.ForeignKey(TraceRevision, on_delete=models.CASCADE, related_name="+")
    step_key = models.CharField(max_length=200, blank=True, help_text="Empty: on the whole trace.")
    start = models.PositiveIntegerField(null=True, help_text="Range in the step's shown text, in characters.")
    end = models.PositiveIntegerField(null=True)
    quote = models.CharField(max_length=500, blank=True, help_text="The text of the range, as it was seen.")
    text = models.TextField()
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=200, blank=True)
    withdrawn_at = models.DateTimeField(null=True)
    # what the page calls the step it is about; put there by whoever shows it
    step_name = ""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(start=None, end=None) | models.Q(start__lt=models.F("end")), name="comment_range"
            ),
            models.UniqueConstraint(
                fields=["project", "idempotency_key"], condition=~models.Q(idempotency_key=""), name="comment_once"
            ),
        ]
        indexes = [models.Index(fields=["trace", "id"], name="comment_of_trace")]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"


class Mention(models.Model):
    """Somebody was called in a comment; seen once they opened it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mentions")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="mention_once")]
        indexes = [models.Index(fields=["user", "-id"], name="mention_unseen", condition=models.Q(seen_at=None))]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.comment_id}"
