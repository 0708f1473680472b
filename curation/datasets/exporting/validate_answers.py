"""What is asked of rows that are more than one conversation: pairs, labelled answers, prompts."""

from collections.abc import Iterator
from typing import Any

from curation.datasets.example import Example
from curation.datasets.exporting.findings import Finding, error, warning
from curation.messages.form import Message, text_of

# one answer more than this many times as long as the other teaches length first
LENGTH_RATIO = 3.0
SHORTEST_COMPARED = 200


def problems(row: Example) -> Iterator[Finding]:
    """The findings that only rows of kind pair, label and prompt can have."""
    if row.kind == "chat":
        return
    if row.kind == "prompt":
        if row.messages[-1]["role"] == "assistant":
            reason = "the prompt ends with an answer, so there is nothing left to say"
            yield error("prompt_ends_with_answer", f"messages[{len(row.messages) - 1}]", reason)
        return
    if row.messages[-1]["role"] not in ("user", "tool"):
        reason = (
            f"what is answered ends with a {row.messages[-1]['role']} message; it must end with a user or tool message"
        )
        yield error("input_ends_wrong", f"messages[{len(row.messages) - 1}]", reason)
    yield from _side("chosen", row.chosen)
    if row.kind == "label":
        if not isinstance(row.label, bool):
            yield error("label_not_boolean", "label", "the label is neither true nor false")
        return
    yield from _side("rejected", row.rejected)
    if row.chosen and row.rejected:
        yield from _compared(row)


def _side(name: str, said: list[Message]) -> Iterator[Finding]:
    if not said:
        yield error("no_answer", name, "there is no answer")
        return
    if said[0]["role"] != "assistant":
        yield error("not_an_answer", f"{name}[0].role", f"the answer begins with a {said[0]['role']} message")
    for index, message in enumerate(said[1:], start=1):
        if message["role"] not in ("assistant", "tool"):
            yield error(
                "not_an_answer", f"{name}[{index}].role", f"a {message['role']} message is no part of an answer"
            )
    if said[-1]["role"] == "tool":
        yield error("answer_ends_with_result", f"{name}[{len(said) - 1}]", "the answer ends with the result of a tool")


def _compared(row: Example) -> Iterator[Finding]:
    if [_words(one) for one in row.chosen] == [_words(one) for one in row.rejected]:
        yield error("same_answers", "rejected", "both answers say the same, so there is nothing to prefer")
        return
    lengths = [sum(len(text_of(one)) for one in side) for side in (row.chosen, row.rejected)]
    if max(lengths) >= SHORTEST_COMPARED and max(lengths) > LENGTH_RATIO * min(lengths):
        longer = "chosen" if lengths[0] > lengths[1] else "rejected"
        reason = (
            f"the {longer} answer is more than {LENGTH_RATIO:g} times as long as the other; length is learned first"
        )
        yield warning("length_differs", longer, reason)


def _words(message: Message) -> Any:
    calls = [(call["name"], call["arguments"]) for call in message.get("tool_calls", [])]
    return message["role"], message["parts"], calls
