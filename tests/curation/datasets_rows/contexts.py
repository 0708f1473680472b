"""Contexts of tasks without a database."""

from typing import Any

from curation.datasets import tasks
from curation.messages.form import Document
from curation.models import Correction, Feedback, Score
from curation.review import step_uses
from tests import make


def score(name: str, number: float | None = None, **fields: Any) -> Score:
    """A score that is not stored."""
    return Score(name=name, number=number, **fields)


def context(
    task: str,
    said: Document | None = None,
    *,
    scores: tuple[Score, ...] = (),
    feedback: tuple[Feedback, ...] = (),
    corrected: str = "",
    options: dict[str, Any] | None = None,
    edits: dict[str, str] | None = None,
    **known: Any,
) -> tasks.Context:
    """What a task is given; `corrected` is the edited final answer."""
    document = said or make.short_document()
    values = {
        "id": 1, "external_id": "t-1", "revision_id": 1, "verdict": "acceptable", "stale": False, "task_id": "",
        "session_id": "", "user_id": "", "agent": "support", "model": "big-1", "status": "ok", "steps": 4, "tool_calls": 1,
        "errors": 0, "tools": ["get_order"], "fingerprint": "f", **known,
    }  # fmt: skip
    correction, after = None, {}
    if corrected:
        messages = [*document["conversations"][0]["messages"]]
        messages[-1] = {"role": "assistant", "parts": [{"type": "text", "text": corrected}]}
        correction = Correction(messages=messages, author="rita", conversation=0)
        after = step_uses.moved(edits or {}, document["conversations"][0]["messages"], messages)
    found = tasks.Known(**values, scores={one.name: one for one in scores}, feedback=list(feedback))
    return tasks.Context(found, document, 0, tasks.check(tasks.find(task), options or {}),
                         correction=correction, edits=edits or {}, edits_after=after)  # fmt: skip


def made(task: str, *args: Any, **kwargs: Any) -> list[tasks.Made]:
    """The rows; a trace that is left fails the test with its reason."""
    found = tasks.find(task).make(context(task, *args, **kwargs))
    assert isinstance(found, list), found
    return found


def left(task: str, *args: Any, **kwargs: Any) -> tasks.Left:
    """Why there is no row."""
    found = tasks.find(task).make(context(task, *args, **kwargs))
    assert isinstance(found, tasks.Left), found
    return found
