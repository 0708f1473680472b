"""Traces come in: POST traces."""

from curation.api.routing import router

__all__ = ["router"]
