"""A topic as the API tells it, and what is wrong with one."""

from typing import Any

from ninja import Field, Schema

from curation import filters
from curation.datasets.topics import BadTopic
from curation.models import Topic
from workspace.problems import Problem

TAGS = ["topics"]


class TopicOut(Schema):
    """A topic as it is kept."""

    slug: str
    name: str
    parent: str
    q: str
    words: list[str] = Field(description="What tells a cluster from the rest.")


def topic_out(topic: Topic) -> dict[str, Any]:
    """As TopicOut."""
    above = topic.parent.slug if topic.parent_id and topic.parent else ""
    return {"slug": topic.slug, "name": topic.name, "parent": above, "q": topic.query, "words": topic.words}


def problem(error: BadTopic | filters.FilterError) -> Problem:
    """422 with the field."""
    if isinstance(error, filters.FilterError):
        where = f"q:{error.position}"
        return Problem(422, "invalid_filter", str(error), details=[{"where": where, "reason": error.message}])
    field = {"query": "q", "number": "clusters"}.get(error.field, error.field)
    return Problem(422, "invalid_topic", str(error), details=[{"where": field, "reason": str(error)}])
