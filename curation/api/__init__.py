"""Operations under /api/projects/{slug}/ on traces, judgments and datasets. Importing a module adds its operations."""

from curation.api import (
    acts,
    batches,
    comments,
    datasets,
    exports,
    graders,
    intake,
    judgments,
    preferences,
    queues,
    selection,
    topic_clusters,
    topics,
    traces,
    trials,
    words,
)
from curation.api.routing import router

__all__ = [
    "acts",
    "batches",
    "comments",
    "datasets",
    "exports",
    "graders",
    "intake",
    "judgments",
    "preferences",
    "queues",
    "router",
    "selection",
    "topic_clusters",
    "topics",
    "traces",
    "trials",
    "words",
]
