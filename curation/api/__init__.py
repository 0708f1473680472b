"""Operations under /api/projects/{slug}/ on traces, judgments and datasets. Importing a module adds its operations."""

from curation.api import datasets, intake, judgments, traces, words
from curation.api.routing import router

__all__ = ["datasets", "intake", "judgments", "router", "traces", "words"]
