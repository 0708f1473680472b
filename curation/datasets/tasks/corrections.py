"""Answers that people edited: what they wrote is the target."""

from curation.datasets import reasons
from curation.datasets.example import Example, edited
from curation.datasets.tasks.chat import why_not
from curation.datasets.tasks.form import Context, Left, Made
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.messages.form import Message, text_of


def make(context: Context) -> list[Made] | Left:
    """The corrected conversation; by default only what was edited is learned."""
    correction = context.correction
    if correction is None:
        return Left(reasons.NOT_CORRECTED)
    if context.known.verdict == "unsure":
        return Left(reasons.UNSURE)
    said = context.document["conversations"][context.conversation]
    before, after = said["messages"], list(correction.messages)
    if [_words(one) for one in before] == [_words(one) for one in after]:
        return Left(reasons.NOT_CORRECTED, "the edited answer says the same")
    if context.options["learn"] == "edited":
        old = {_place(before, at): _words(one) for at, one in enumerate(before)}
        after = [
            {**one, "weight": 0} if one["role"] == "assistant" and old.get(_place(after, at)) == _words(one) else one
            for at, one in enumerate(after)
        ]
    example = Example(messages=edited(after, context.edits_after), tools=said.get("tools") or [])
    if left := why_not(example):
        return left
    pinned = context.options["learn"] == "all"
    return [
        Made(example, reasons.CORRECTED, f"by {correction.author}", content_is_pinned=pinned, author=correction.author)
    ]


def _words(message: Message) -> tuple[object, ...]:
    calls = [(call["name"], call["arguments"]) for call in message.get("tool_calls", [])]
    return message["role"], text_of(message), tuple(calls)


def _place(messages: list[Message], index: int) -> int:
    """Where a message stands among all: a correction keeps the number of messages; one that does not is compared from the
    end, since answers are edited there."""
    return index - len(messages)


TASK = Task(
    NAME="corrections",
    LABEL="Answers that people edited",
    HELP="The conversation with the edited answer as the target, whatever the verdict on the original was. Nothing is taken "
    "from traces that were judged unsure.",
    OPTIONS=(
        Option(name="learn", label="What is learned", kind="choice", default="edited",
               choices={"edited": "Only the answers that were edited", "all": "Every answer of the conversation"}),
    ),
    DECIDES=True,
    MAKE=make,
)  # fmt: skip
