"""Topics: what traces are about."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from curation.models.traces import Trace
from workspace.models import Project


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
