"""What to do when a tool fails: from what reviewers said of the error, the way to recover and the right answer.

Fields of requirement 002-09: query, errorType, correctResponse, incorrectResponse, recoveryStrategy.
"""

import json
from typing import Any

from curation.datasets import reasons
from curation.datasets.example import Example
from curation.datasets.tasks.chat import why_not
from curation.datasets.tasks.form import Context, Left, Made
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.datasets.tasks.turns import final_words, is_masked, last_request, results_in_words, talk
from curation.messages.form import Message, message, text_of
from curation.review.questions import ERROR_TYPE, STRATEGIES, STRATEGY

HANDLER = (
    "A tool of an agent failed, or the agent cannot go on. Say what kind of error it is, how to recover "
    "(clarify, retry, fallback or graceful_fail), and what to tell the user. Answer with JSON only: "
    '{"error_type": "...", "recovery_strategy": "...", "response": "..."}'
)


def make(context: Context) -> list[Made] | Left:
    """The row; None of its parts is made up: without a strategy or a right answer there is none."""
    scores = context.known.scores
    strategy = scores[STRATEGY].category if STRATEGY in scores else ""
    kind = scores[ERROR_TYPE].category if ERROR_TYPE in scores else ""
    if context.known.verdict == "unsure":
        return Left(reasons.UNSURE)
    if context.known.stale:
        return Left(reasons.STALE)
    if strategy not in STRATEGIES:
        detail = f"{STRATEGY} is {strategy[:40]!r}" if strategy else f"{STRATEGY} is missing"
        return Left(reasons.NOT_ANSWERED, detail, {"score": STRATEGY, "value": None})
    messages = context.said()
    if not any(one["role"] == "user" for one in messages):
        return why_not(Example(messages=messages, tools=[])) or Left(reasons.NO_USER)
    at = final_words(messages)
    given = text_of(messages[at]) if at is not None else ""
    answer = _right_answer(context, messages[at] if at is not None else None)
    if answer is not None and is_masked(answer):
        return Left(reasons.MASKED, "the right answer")
    right = text_of(answer) if answer is not None else ""
    if not right:
        return Left(reasons.NOT_ANSWERED, "no edited or suggested answer, and the given one was not judged acceptable")
    asked = last_request(messages, at)
    if asked is None:
        return Left(reasons.NO_USER)
    item: dict[str, Any] = {
        "query": text_of(messages[asked]).strip(), "errorType": kind, "correctResponse": right,
        "incorrectResponse": given if given.strip() != right.strip() else "", "recoveryStrategy": strategy,
    }  # fmt: skip
    row = Example(messages=_row(context, messages, asked, at, item), tools=[], item=item)
    return [Made(row, reasons.TAKEN, f"{strategy}{f' after {kind}' if kind else ''}")]


def _right_answer(context: Context, given: Message | None) -> Message | None:
    """The edited answer, else the newest one that feedback suggests, else the given one where it was accepted."""
    if context.correction is not None:
        after = context.corrected()
        at = final_words(after)
        if at is not None:
            return after[at]
    suggested = [one.suggested_response for one in context.known.feedback if one.suggested_response.strip()]
    if suggested:
        return message("assistant", suggested[-1])
    return given if context.known.verdict == "acceptable" else None


def _row(context: Context, messages: list[Message], asked: int, at: int | None, item: dict[str, Any]) -> list[Message]:
    options = context.options
    earlier = talk(messages[:asked])
    results = results_in_words(messages[asked:at])
    parts = [f"Conversation so far:\n{earlier}"] if earlier else []
    parts.append(f"Query: {item['query']}")
    if results:
        parts.append("What the tools returned:\n" + "\n".join(results))
    answer = item["correctResponse"]
    if options["target"] == "json":
        told = {"error_type": item["errorType"], "recovery_strategy": item["recoveryStrategy"], "response": answer}
        answer = json.dumps(told, ensure_ascii=False)
    else:
        parts.append(f"How to recover: {item['recoveryStrategy']}")
    prompt = [message("system", options["system_prompt"]), message("user", "\n\n".join(parts))]
    return [*prompt, message("assistant", answer)]


TASK = Task(
    NAME="error_recovery",
    LABEL="What to do when a tool fails",
    HELP="From the answers of reviewers in a queue with the questions of error recovery: the kind of error, how to recover "
    "and what to say. The right answer is the edited one, else a suggested one, else the given one where it was accepted.",
    OPTIONS=(
        Option(name="target", label="What is learned", kind="choice", default="json",
               choices={"json": "Error type, strategy and answer, as JSON", "answer": "The answer; the strategy is given"}),
        Option(name="system_prompt", label="System prompt", default=HANDLER, long=True),
    ),
    NEEDS=frozenset({"scores", "feedback"}),
    DECIDES=True,
    MAKE=make,
)  # fmt: skip
