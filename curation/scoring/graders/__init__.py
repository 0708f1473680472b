"""Graders: pure functions from an answer and its reference to a grade. No database, no network, no Django, so that a
trainer process can use them too."""

from curation.scoring.graders.definitions import (
    BadDefinition,
    Definition,
    check,
    check_all,
    digest,
    is_binary,
    needs_model,
    range_of,
    runs_code,
)
from curation.scoring.graders.grades import Grade
from curation.scoring.graders.grading import grade, item_of, normalise, sample_of

__all__ = [
    "BadDefinition",
    "Definition",
    "Grade",
    "check",
    "check_all",
    "digest",
    "grade",
    "is_binary",
    "item_of",
    "needs_model",
    "normalise",
    "range_of",
    "runs_code",
    "sample_of",
]
