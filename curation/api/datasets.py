"""Datasets and their versions: freeze, list, export."""

from curation.api.routing import router

__all__ = ["router"]
