"""What happened (audit) and what came from what (lineage). Both are only ever added to; migration 0002 makes sure."""

from django.db import models

from workspace.models.people import ApiToken, Project, User


class AuditEntry(models.Model):
    """One act by one person, token or the system, written in the same transaction as what it did."""

    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="audit")
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=60, help_text="thing.verb, such as dataset.frozen")
    target = models.CharField(max_length=200, blank=True, help_text="kind:outside id")
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="audit_newest")]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"


class LineageEdge(models.Model):
    """One step of descent between things of different floors: (kind, id) led to (kind, id)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="lineage")
    source_kind = models.CharField(max_length=30)
    source_id = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=30)
    target_id = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "source_kind", "source_id", "target_kind", "target_id"], name="lineage_once"
            )
        ]
        indexes = [models.Index(fields=["project", "target_kind", "target_id"], name="lineage_backwards")]

    def __str__(self) -> str:
        return f"{self.source_kind}:{self.source_id} -> {self.target_kind}:{self.target_id}"
