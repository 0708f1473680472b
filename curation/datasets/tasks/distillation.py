"""Passed runs of a stronger model, as examples for a smaller one (requirement 004-35)."""

from curation.datasets import reasons
from curation.datasets.example import Example
from curation.datasets.tasks.chat import example_of, why_not
from curation.datasets.tasks.form import Context, Left, Made
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.messages.form import Message
from curation.scoring.counting import has_passed, raw


def make(context: Context) -> list[Made] | Left:
    """The run, as far as it is wanted."""
    options, known = context.options, context.known
    if options["teachers"] and known.model not in options["teachers"]:
        return Left(reasons.OTHER_MODEL, known.model or "no model was recorded")
    if options["measure"] and (left := _measured(context)):
        return left
    example = example_of(context)
    if left := why_not(example):
        return left
    messages = example.messages
    if not options["include_system"]:
        messages = [one for one in messages if one["role"] not in ("system", "developer")]
    if not options["include_tool_calls"]:
        messages = _words_only(messages)
    whole = len(messages) == len(example.messages) and options["include_tool_calls"]
    tools = example.tools if options["include_tool_calls"] else []
    row = Example(messages=messages, tools=tools)
    if left := why_not(row):
        return Left(left.reason, "nothing is left without tool calls" if not options["include_tool_calls"] else "")
    return [Made(row, reasons.TAKEN, f"made by {known.model}" if known.model else "", content_is_pinned=whole)]


def _measured(context: Context) -> Left | None:
    options = context.options
    name, least = options["measure"], options["least"]
    score = context.known.scores.get(name)
    value = raw(score)
    facts = {"score": name, "operator": "gte", "threshold": least, "value": value}
    if least is not None:
        if value is None:
            return Left(reasons.UNSCORED, name, facts)
        return None if value >= least else Left(reasons.NOT_PASSED, f"{name} {value:g}, below {least:g}", facts)
    passed = has_passed(score)
    if passed is None:
        what = "is neither passed nor failed" if score is not None else "is missing"
        return Left(reasons.UNSCORED, f"{name} {what}", facts)
    return None if passed else Left(reasons.NOT_PASSED, name, facts)


def _words_only(messages: list[Message]) -> list[Message]:
    """Without calls and their results; an assistant message that only called goes too."""
    kept: list[Message] = []
    for one in messages:
        if one["role"] == "tool" or (one["role"] == "assistant" and not one["parts"]):
            continue
        if one.get("tool_calls"):
            one = {**one}
            del one["tool_calls"]
        kept.append(one)
    return kept


TASK = Task(
    NAME="distillation",
    LABEL="Passed runs of a stronger model",
    HELP="Runs of the teachers that passed a measure, to train a smaller model on.",
    OPTIONS=(
        Option(name="teachers", label="Teachers", kind="names", default=[],
               help="Models as they stand on the traces. Empty: every model that the filter finds, and a measure is needed."),
        Option(name="measure", label="Measure that they passed", default="", optional=True, score=True,
               help="Empty: the judgments of people decide, and a teacher is needed."),
        Option(name="least", label="Least value of the measure", kind="number", default=None, optional=True,
               help="Empty: its own word on passed or failed counts."),
        Option(name="include_system", label="Keep the system prompt", kind="flag", default=True),
        Option(name="include_tool_calls", label="Keep tool calls and results", kind="flag", default=True),
    ),
    NEEDS=frozenset({"scores"}),
    MAKE=make,
)  # fmt: skip
