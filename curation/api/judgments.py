"""What people and graders say of a trace: judgments, feedback, scores."""

from curation.api.routing import router

__all__ = ["router"]
