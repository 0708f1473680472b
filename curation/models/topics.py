"""Topics: what traces are about, and clusterings that propose some. Of a clustering the row is the queue."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from curation.models.traces import Trace
from workspace.models import ApiToken, Project, User
from workspace.uuid7 import uuid7


class Topic(models.Model):
    """A subject that traces are about, in a tree. With a filter it is a rule; without one, by hand or by cluster."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="topics")
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    query = models.TextField(blank=True, help_text="Traces that match are of this topic, unless somebody said another.")
    words = ArrayField(models.CharField(max_length=60), default=list, help_text="What names a cluster.")
    position = models.PositiveIntegerField(default=0, help_text="Of several rules that match the first counts.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="topic_slug")]

    def __str__(self) -> str:
        return self.name


class TraceTopic(models.Model):
    """The topic that a trace was given: by hand, or by a clustering."""

    class Source(models.TextChoices):
        HAND = "hand", "By hand"
        CLUSTER = "cluster", "By cluster"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    trace = models.OneToOneField(Trace, on_delete=models.CASCADE, related_name="given_topic")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="given")
    source = models.CharField(max_length=7, choices=Source.choices)
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(source__in=["hand", "cluster"]), name="trace_topic_source")
        ]

    def __str__(self) -> str:
        return f"{self.trace_id}: {self.topic_id}"


class Clustering(models.Model):
    """Topics that were asked to be proposed by clustering: how far it is, what was found, or why nothing was. A project
    keeps what one of them found; the next one takes its place."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        WORKING = "working", "Being worked out"
        DONE = "done", "Proposed"
        REPLACED = "replaced", "Replaced by a newer proposal"
        FAILED = "failed", "Not proposed"
        CANCELLED = "cancelled"

    class Stage(models.TextChoices):
        READING = "reading", "Reading traces"
        GROUPING = "grouping", "Grouping them"
        NAMING = "naming", "Finding words for groups"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="clusterings")
    query = models.TextField(blank=True, help_text="The filter as it was typed.")
    number = models.PositiveSmallIntegerField(help_text="Of clusters.")
    seed = models.BigIntegerField(default=0)
    until = models.BigIntegerField(help_text="The newest trace when it was asked for; later ones are not looked at.")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.READING)
    done = models.PositiveIntegerField(default=0, help_text="Of the stage.")
    total = models.PositiveIntegerField(default=0, help_text="Of the stage; 0: not known.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often it was begun.")
    error = models.TextField(blank=True)
    found = models.JSONField(null=True, help_text="Clusters and counts; empty: nothing is kept.")
    members = models.BinaryField(default=bytes, help_text="int64 ids of traces, rising, then uint8 numbers of clusters")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    lease_owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True, help_text="When topics were last made of it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=models.Q(status__in=["waiting", "working"]), name="clustering_one_open"
            ),
            models.UniqueConstraint(fields=["project"], condition=models.Q(status="done"), name="clustering_one_kept"),
            models.CheckConstraint(
                condition=models.Q(status__in=["waiting", "working", "done", "replaced", "failed", "cancelled"]),
                name="clustering_status",
            ),
            models.CheckConstraint(
                condition=models.Q(stage__in=["reading", "grouping", "naming"]), name="clustering_stage"
            ),
            models.CheckConstraint(
                condition=models.Q(status="done", found__isnull=False)
                | (~models.Q(status="done") & models.Q(found__isnull=True)),
                name="clustering_found",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="clustering_newest"),
            models.Index(fields=["id"], name="clustering_open", condition=models.Q(status__in=["waiting", "working"])),
        ]

    def __str__(self) -> str:
        return f"clustering {self.uid} {self.status}"
