"""Which graders suit a suite, from what its references contain. The first one is the primary one."""

from collections.abc import Sequence
from typing import Any, Protocol

from curation.messages.form import Message, text_of
from curation.scoring import graders as grading

# a label or a number, not prose: only the exact text is right
LABEL_WORDS = 5

TOOL_CALL = {"type": "tool_call", "name": "tool calls"}
ARGUMENTS = {"type": "json_schema", "name": "arguments valid", "target": "tool_arguments"}
EXACT = {"type": "exact_match", "name": "exact match", "normalise": ["case", "space", "punctuation"]}
SIMILARITY = {"type": "similarity", "name": "similarity", "metric": "chrf"}


class Asked(Protocol):
    """What is looked at of a scenario."""

    @property
    def reference(self) -> Message: ...

    @property
    def tools(self) -> list[Any]: ...


def default_graders(questions: Sequence[Asked]) -> list[grading.Definition]:
    """Tool calls are compared where references call tools (and checked against the schemas of the tools offered); texts
    are compared whole where they are labels, else by similarity. What more references have comes first."""
    calling = [question for question in questions if question.reference.get("tool_calls")]
    texts = [text_of(question.reference) for question in questions if text_of(question.reference).strip()]
    for_calls: list[grading.Definition] = []
    if calling:
        for_calls.append(TOOL_CALL)
        if any(tool.get("parameters") for question in calling for tool in question.tools):
            for_calls.append(ARGUMENTS)
    for_texts: list[grading.Definition] = []
    if texts:
        labels = all(len(text.split()) <= LABEL_WORDS for text in texts)
        for_texts = [EXACT, SIMILARITY] if labels else [SIMILARITY]
    if not for_calls and not for_texts:  # answers without text and calls (images): nothing here can tell them apart
        return [EXACT]
    return for_calls + for_texts if len(calling) >= len(texts) else for_texts + for_calls
