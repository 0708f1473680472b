"""Answers as they were given, or as people corrected them: one row of one conversation."""

from curation.datasets import reasons
from curation.datasets.example import Example, has_content
from curation.datasets.tasks.form import Context, Left, Made
from curation.datasets.tasks.task import Task


def example_of(context: Context) -> Example:
    """The conversation as it would be trained: corrected where the recipe lets a correction in, edits of steps carried
    out."""
    said = context.document["conversations"][context.conversation]
    messages = context.said() if context.correction is None else context.corrected()
    return Example(messages=messages, tools=said.get("tools") or [])


def why_not(example: Example) -> Left | None:
    """What keeps a conversation from being a row of any task; None where nothing does."""
    if not example.messages:
        return Left(reasons.EMPTY)
    if not any(has_content(message) for message in example.messages):
        return Left(reasons.CONTENT_OFF)
    if not any(message["role"] == "user" and has_content(message) for message in example.messages):
        return Left(reasons.NO_USER)
    learned = (message for message, trained in zip(example.messages, example.trained, strict=True) if trained)
    return None if any(has_content(message) for message in learned) else Left(reasons.NO_ANSWER)


def make(context: Context) -> list[Made] | Left:
    """The row."""
    example = example_of(context)
    left = why_not(example)
    if left is not None:
        return left
    if context.correction is not None:
        return [
            Made(example, reasons.CORRECTED, f"by {context.correction.author}", content_is_pinned=True,
                 author=context.correction.author)
        ]  # fmt: skip
    verdict, author = context.known.verdict, context.judgment.author if context.judgment else ""
    reason = {"acceptable": reasons.ACCEPTED, "unacceptable": reasons.TAKEN_REJECTED}.get(
        verdict, reasons.TAKEN_UNJUDGED
    )
    return [Made(example, reason, f"by {author}" if author else "", content_is_pinned=True, author=author)]


TASK = Task(
    NAME="chat",
    LABEL="Answers as they were given",
    HELP="The whole conversation. Every assistant message is learned, except where a step is masked.",
    MAKE=make,
)
