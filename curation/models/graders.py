"""Graders: what "good" means, said once, in versions that never change and are used only after a person confirmed them."""

from django.db import models

from workspace.models import Connection, Project, User
from workspace.uuid7 import uuid7


class Grader(models.Model):
    """A name that versions of a definition stand under. Its slug is the name of the scores that it gives."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="graders")
    slug = models.SlugField(max_length=60, help_text="The name of its scores: score.SLUG in filters.")
    name = models.CharField(max_length=120)
    scores_new = models.BooleanField(default=False, help_text="Traces are scored as they arrive.")
    query = models.TextField(blank=True, help_text="The filter of arriving traces that are scored; empty: all.")
    rate = models.FloatField(default=1.0, help_text="The share of them that is scored, 0 to 1.")
    seen_revision = models.BigIntegerField(default=0, help_text="Revisions up to this id were looked at on arrival.")
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="grader_slug"),
            models.CheckConstraint(condition=models.Q(rate__gte=0, rate__lte=1), name="grader_rate"),
        ]

    def __str__(self) -> str:
        return self.name


class GraderVersion(models.Model):
    """One definition. It is used for scores, gates and rewards only once somebody confirmed it."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    grader = models.ForeignKey(Grader, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    definition = models.JSONField(help_text="In the shapes of curation.scoring.graders.")
    digest = models.CharField(max_length=64, help_text="Of the definition and the engine that runs it.")
    goal = models.JSONField(
        default=dict, help_text="What its author said a good answer is: accuracy, tone, completeness, rules."
    )
    connection = models.ForeignKey(
        Connection, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Whom an LLM judge asks."
    )
    tried = models.JSONField(default=dict, help_text="The sample run that was seen before it was confirmed.")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_by = models.CharField(max_length=200, blank=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grader", "number"], name="grader_version_number"),
            models.CheckConstraint(
                condition=models.Q(confirmed_at=None, confirmed_by="")
                | (models.Q(confirmed_at__isnull=False) & ~models.Q(confirmed_by="")),
                name="grader_version_confirmed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grader.slug}@{self.number}"
