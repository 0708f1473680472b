"""Models: bases that runs start from, and versions that came out of them."""

from django.db import models

from workspace.models import Connection, Project
from workspace.uuid7 import uuid7


class ModelVersion(models.Model):
    """Something that can answer: a local folder, a hub id, the tiny model built on the spot, a connection's model."""

    class Source(models.TextChoices):
        TINY = "tiny", "Tiny random model (built here, knows nothing)"
        FOLDER = "folder", "Local folder"
        HUB = "hub", "Hub id"
        RUN = "run", "Trained here"
        CONNECTION = "connection", "OpenAI-compatible connection"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(max_length=120)
    number = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=10, choices=Source.choices)
    reference = models.CharField(
        max_length=500, blank=True, help_text="Folder, hub id, or the connection's model name."
    )
    connection = models.ForeignKey(Connection, null=True, on_delete=models.RESTRICT, related_name="+")
    base = models.ForeignKey("self", null=True, on_delete=models.RESTRICT, related_name="tuned")
    run = models.OneToOneField("training.TrainingRun", null=True, on_delete=models.RESTRICT, related_name="model")
    is_adapter = models.BooleanField(default=False, help_text="The folder holds a LoRA adapter for `base`.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 over the files, sorted by name.")
    bytes = models.BigIntegerField(null=True)
    facts = models.JSONField(default=dict, help_text="parameters, trainable, final_loss, tokens, ...")
    is_simulated = models.BooleanField(default=False, help_text="Made up for the demo; never a real result.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "number"], name="model_version"),
            models.CheckConstraint(
                condition=models.Q(source__in=["tiny", "folder", "hub", "run", "connection"]), name="model_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.number}"
