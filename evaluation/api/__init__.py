"""Evaluation's operations of the API, below /api/projects/{slug}/. Importing a module adds its operations."""

from evaluation.api import comparisons, judging
from evaluation.api.routing import router

__all__ = ["comparisons", "judging", "router"]
