"""What models are asked, and by which graders their answers are judged."""

from django.db import models

from curation.models import DatasetRow, DatasetVersion
from workspace.models import Project
from workspace.uuid7 import uuid7


class Suite(models.Model):
    """A fixed set of scenarios. It is never changed: other scenarios or graders are another suite."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="suites")
    name = models.CharField(max_length=120)
    number = models.PositiveIntegerField(default=1)
    dataset_version = models.ForeignKey(DatasetVersion, null=True, on_delete=models.RESTRICT, related_name="suites")
    split = models.CharField(max_length=10, blank=True)
    graders = models.JSONField(default=list, help_text="Definitions of curation.scoring.graders, in order.")
    judges = models.JSONField(
        default=dict, help_text="{name: id of the grader version} of those that ask a model: whom, and through what."
    )
    turns = models.CharField(max_length=4, default="last", help_text="last: one scenario a row; each: one an answer.")
    counts = models.JSONField(default=dict, help_text="rows, scenarios, left_out{reason: rows}")
    content_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name", "number"], name="suite_version")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class Scenario(models.Model):
    """One question: the conversation up to the answer, the tools offered, and the reference answer."""

    suite = models.ForeignKey(Suite, on_delete=models.CASCADE, related_name="scenarios")
    position = models.PositiveIntegerField()
    row = models.ForeignKey(DatasetRow, null=True, on_delete=models.RESTRICT, related_name="+")
    messages = models.JSONField(help_text="Internal form, without the answer.")
    tools = models.JSONField(default=list)
    reference = models.JSONField(help_text="The expected assistant message, internal form.")
    title = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["suite", "position"], name="scenario_position")]

    def __str__(self) -> str:
        return self.title or f"scenario {self.position}"
