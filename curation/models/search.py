"""The words of traces, in a side table so that neither intake nor lists wait for its index."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from curation.models.traces import Trace, TraceRevision
from workspace.models import Project


class TraceText(models.Model):
    """What is searched of one trace: the words of its current revision (those of an older one while the index lags)."""

    trace = models.OneToOneField(Trace, on_delete=models.CASCADE, primary_key=True, related_name="words")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    revision = models.ForeignKey(TraceRevision, null=True, on_delete=models.SET_NULL, related_name="+")
    received_at = models.DateTimeField(help_text="The trace's, so that the newest hits need no join.")
    words = SearchVectorField()
    cut = models.BooleanField(default=False, help_text="Only the first part of its text is in the index.")

    class Meta:
        indexes = [
            GinIndex(fields=["words"], name="trace_words"),
            models.Index(fields=["project", "-received_at", "-trace"], name="trace_text_newest"),
            models.Index(fields=["project"], name="trace_text_cut", condition=models.Q(cut=True)),
        ]

    def __str__(self) -> str:
        return f"words of {self.trace_id}"
