"""Freezings: versions of datasets that are too large to be made while somebody waits. The row is the queue."""

from django.db import models

from workspace.models import ApiToken, Project, User
from workspace.uuid7 import uuid7


class Freezing(models.Model):
    """One version that was asked for: how far it is, or why it was not made. The version gets the `uid` of its freezing, so
    that a doubled message, or a process that ends after it was made, can never make a second one."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        WORKING = "working", "Being frozen"
        DONE = "done", "Frozen"
        FAILED = "failed", "Not frozen"
        CANCELLED = "cancelled"

    class Stage(models.TextChoices):
        READING = "reading", "Reading texts"
        CHOOSING = "choosing", "Choosing rows"
        WRITING = "writing", "Writing rows and reasons"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="freezings")
    name = models.SlugField(max_length=80, help_text="Of the dataset.")
    description = models.TextField(blank=True)
    query = models.TextField(blank=True, help_text="The filter as it was typed.")
    recipe = models.JSONField(default=dict)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.READING)
    done = models.PositiveIntegerField(default=0, help_text="Of the stage.")
    total = models.PositiveIntegerField(default=0, help_text="Of the stage; 0: not known.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often rows were begun to be chosen.")
    error = models.TextField(blank=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(status__in=["waiting", "working"]), name="freezing_one"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "working", "done", "failed", "cancelled"]),
                name="freezing_status",
            ),
            models.CheckConstraint(
                condition=models.Q(stage__in=["reading", "choosing", "writing"]), name="freezing_stage"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="freezing_newest"),
            models.Index(fields=["id"], name="freezing_open", condition=models.Q(status__in=["waiting", "working"])),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"
