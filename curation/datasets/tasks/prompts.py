"""Requests alone, with what graders need: rows for RFT and GRPO, where the model's own answers are graded."""

from typing import Any

from curation.datasets import reasons
from curation.datasets.example import Example
from curation.datasets.tasks.chat import example_of, why_not
from curation.datasets.tasks.form import Context, Left, Made
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.datasets.tasks.turns import calls_in, final_words, is_masked, last_answer, last_request
from curation.messages.form import Message, text_of


def make(context: Context) -> list[Made] | Left:
    """The prompt ends with a user message, or with the results in front of the final answer."""
    example = example_of(context)
    if left := why_not(example):
        return left
    options = context.options
    at = last_answer(example.messages)
    assert at is not None  # why_not found an answer
    end = at if options["until"] == "answer" else (last_request(example.messages, at) or 0) + 1
    prompt = example.messages[:end]
    if last_request(prompt) is None:
        return Left(reasons.NO_USER)
    after = example.messages[end:]
    if options["reference"] == "answer" and any(is_masked(one) for one in _referred(after)):
        return Left(reasons.MASKED, "the reference would be made of it")
    item = _item(context, after)
    if item is None:
        return Left(reasons.NO_REFERENCE, _WHY[options["reference"]])
    row = Example(messages=prompt, tools=example.tools, kind="prompt", item=item)
    return [Made(row, reasons.TAKEN, f"reference: {options['reference']}" if options["reference"] != "none" else "")]


def _referred(after: list[Message]) -> list[Message]:
    """The messages that a reference is made of: the answer and all calls."""
    at = final_words(after)
    return [one for place, one in enumerate(after) if place == at or one.get("tool_calls")]


def _item(context: Context, after: list[Message]) -> dict[str, Any] | None:
    """What stands under item.* for graders; None where the reference that was asked for is missing."""
    reference = context.options["reference"]
    item: dict[str, Any] = {"trace": context.known.external_id}
    if context.known.task_id:
        item["task_id"] = context.known.task_id
    if reference == "answer":
        if context.correction is None and context.known.verdict != "acceptable":
            return None
        at = final_words(after)
        item["reference_text"] = text_of(after[at]) if at is not None else ""
        item["reference_tools"] = calls_in(after)
        return item if item["reference_text"] or item["reference_tools"] else None
    if reference == "feedback":
        said = [one for one in context.known.feedback if one.suggested_response.strip() or one.suggested_tools]
        if not said:
            return None
        item["reference_text"] = said[-1].suggested_response
        item["reference_tools"] = [str(name) for name in said[-1].suggested_tools]
    return item


_WHY = {
    "answer": "the answer was neither judged acceptable nor edited",
    "feedback": "no feedback suggests an answer or tools",
}

TASK = Task(
    NAME="prompts",
    LABEL="Requests alone, with what graders need",
    HELP="For reinforcement fine-tuning: the model answers by itself and a grader says how good that is. What the grader "
    "compares with stands in item.reference_text and item.reference_tools.",
    KIND="prompt",
    OPTIONS=(
        Option(name="until", label="The prompt ends with", kind="choice", default="request",
               choices={"request": "The last request of the user", "answer": "All that came before the last answer"}),
        Option(name="reference", label="Reference for graders", kind="choice", default="answer",
               choices={"answer": "The answer that was judged acceptable or edited",
                        "feedback": "What feedback suggested", "none": "None: the grader needs no reference"}),
    ),
    NEEDS=frozenset({"feedback"}),
    MAKE=make,
)  # fmt: skip
