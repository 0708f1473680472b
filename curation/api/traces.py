"""Reading traces: the list and one trace."""

from curation.api.routing import router

__all__ = ["router"]
