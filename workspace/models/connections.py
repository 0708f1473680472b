"""Endpoints that speak the OpenAI protocol."""

from django.db import models

from workspace.models.people import Project
from workspace.uuid7 import uuid7


class Connection(models.Model):
    """An OpenAI-compatible endpoint: its key is encrypted, can be replaced and is never shown."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="connections")
    name = models.CharField(max_length=80)
    base_url = models.URLField(max_length=500)
    key_encrypted = models.BinaryField(default=bytes)
    default_model = models.CharField(max_length=200, blank=True)
    allow_private_host = models.BooleanField(
        default=False, help_text="An admin allows this host although its address is not public (vLLM, Ollama)."
    )
    prices = models.JSONField(default=dict, help_text='{"model": {"input": USD per million tokens, "output": ...}}')
    max_concurrency = models.PositiveSmallIntegerField(default=4)
    budget_usd = models.DecimalField(max_digits=12, decimal_places=4, null=True, help_text="No cap where empty.")
    spent_usd = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    lacks = models.JSONField(
        default=list, db_default=[], help_text='What it answered 400 to: "MODEL response_format", "MODEL temperature".'
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="connection_name"),
            models.CheckConstraint(condition=models.Q(max_concurrency__gte=1), name="connection_concurrency"),
        ]

    def __str__(self) -> str:
        return self.name
