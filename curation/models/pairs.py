"""Pairs of answers that wait for somebody to say which is better. The row is the lock, as for items of a review queue."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from curation.models.traces import Trace
from workspace.models import Project, User
from workspace.uuid7 import uuid7


class PairQueue(models.Model):
    """A named list of pairs, made of the traces that a filter finds."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pair_queues")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    query = models.TextField(blank=True, help_text="The filter of the traces that are paired; empty: all.")
    most = models.PositiveSmallIntegerField(default=3, help_text="Pairs of one request or task at most.")
    criteria = ArrayField(models.CharField(max_length=80), default=list, help_text="Asked before the choice.")
    instructions = models.TextField(blank=True, help_text="Shown beside every pair, one rule a line.")
    created_at = models.DateTimeField(auto_now_add=True)
    filled_at = models.DateTimeField(null=True, help_text="When new pairs were looked for last.")
    closed_at = models.DateTimeField(null=True, help_text="Since then nothing is filled in or handed out.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="pair_queue_slug")]

    def __str__(self) -> str:
        return self.name


class Pair(models.Model):
    """Two endings to one request. A side is a trace and which of its endings: 0 the one it has, n its n-th candidate.
    Sides are drawn by chance once: `is_flipped` says that the left one is shown as B."""

    class Status(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        FLAGGED = "flagged"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    queue = models.ForeignKey(PairQueue, on_delete=models.CASCADE, related_name="pairs")
    left_trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    left_candidate = models.PositiveSmallIntegerField(default=0)
    right_trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="+")
    right_candidate = models.PositiveSmallIntegerField(default=0)
    is_flipped = models.BooleanField()
    reason = models.CharField(max_length=200, help_text="Why these two are a pair.")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.OPEN)
    leased_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    leased_until = models.DateTimeField(null=True)
    skips = models.IntegerField(default=0, help_text="How often it was put back to the end.")
    flag_note = models.TextField(blank=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    done_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "left_trace", "left_candidate", "right_trace", "right_candidate"], name="pair_once"
            ),
            models.CheckConstraint(condition=models.Q(status__in=["open", "done", "flagged"]), name="pair_status"),
        ]
        indexes = [
            models.Index(fields=["queue", "skips", "id"], name="pair_next", condition=models.Q(status="open")),
            models.Index(fields=["queue", "-done_at"], name="pair_history", condition=models.Q(status="done")),
        ]

    def __str__(self) -> str:
        return f"{self.queue}: {self.left_trace_id} and {self.right_trace_id} {self.status}"
