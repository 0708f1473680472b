"""From what tools returned to the answer: the query and the analysis in the prompt, the answer as the target.

Traces of a quality of 4.0 or more; those below 3.0 are kept apart (requirement 002-08).
"""

from collections.abc import Mapping
from typing import Any

from curation.datasets import reasons
from curation.datasets.example import Example, Kind
from curation.datasets.tasks.chat import example_of, why_not
from curation.datasets.tasks.form import Context, Known, Left, Made
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.datasets.tasks.turns import final_words, is_masked, last_request, results_in_words, talk
from curation.messages.form import message, text_of
from curation.scoring.counting import raw

WRITER = (
    "You write the answer to a user's query from what the tools of an agent returned. Use only what the analysis holds, say "
    "what is missing, and answer the query directly."
)


def quality_of(known: Known, name: str) -> tuple[float | None, str]:
    """The quality of a trace, 0 to 5, and where it is from: the score, else the mean of the ratings; None: not measured."""
    measured = raw(known.scores.get(name))
    if measured is not None:
        return measured, name
    ratings = [one.rating for one in known.feedback if one.rating is not None]
    return (sum(ratings) / len(ratings), "mean rating of the feedback") if ratings else (None, name)


def make(context: Context) -> list[Made] | Left:
    """The row; with `low` as labels, answers of low quality are rows too, with the label false."""
    options = context.options
    quality, source = quality_of(context.known, options["score"])
    facts = {"score": source, "operator": "gte", "threshold": options["min_quality"], "value": quality}
    if quality is None:
        return Left(reasons.UNSCORED, f"neither {options['score']} nor a rating", facts)
    low = options["low"] == "labels" and quality < options["low_below"]
    if quality < options["min_quality"] and not low:
        return Left(reasons.LOW_QUALITY, f"{source} {quality:g}, below {options['min_quality']:g}", facts)
    example = example_of(context)
    if left := why_not(example):
        return left
    at = final_words(example.messages)
    asked = last_request(example.messages, at)
    if at is None or asked is None:
        return Left(reasons.NO_ANSWER if at is None else reasons.NO_USER)
    if is_masked(example.messages[at]) and not low:
        return Left(reasons.MASKED, f"message {at + 1}")
    results = results_in_words(example.messages[asked:at])
    if not results:
        return Left(reasons.NO_RESULTS, "the last request was answered without any")
    earlier = talk(example.messages[:asked])
    parts = [f"Conversation so far:\n{earlier}"] if earlier else []
    parts += [f"Query: {text_of(example.messages[asked]).strip()}", "Analysis:\n" + "\n".join(results)]
    prompt = [message("system", options["system_prompt"]), message("user", "\n\n".join(parts))]
    answer = message("assistant", text_of(example.messages[at]))
    detail = f"{source} {quality:g}"
    if options["low"] == "labels":
        row = Example(messages=prompt, tools=[], kind="label", chosen=[answer], label=not low)
        return [Made(row, reasons.TAKEN, detail + (", kept apart as low" if low else ""))]
    return [Made(Example(messages=[*prompt, answer], tools=[]), reasons.TAKEN, detail)]


def kind_of(options: Mapping[str, Any]) -> Kind:
    """label where low answers are kept apart as rows."""
    return "label" if options["low"] == "labels" else "chat"


def together(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """No answer may be good and of low quality."""
    least = options["min_quality"]
    if options["low"] != "labels" or options["low_below"] <= least:
        return []
    return [("low_below", f"must not be over the least quality, {least:g}: answers between them are wanted")]


TASK = Task(
    NAME="summariser",
    LABEL="From what tools returned to the answer",
    HELP="For a writer: the query and all tool results in, the answer out. Takes answers of high quality and keeps those of "
    "low quality apart.",
    OPTIONS=(
        Option(name="score", label="Score of the quality", default="response_quality", score=True,
               help="From 0 to 5. Where a trace has none, the mean of its ratings counts."),
        Option(name="min_quality", label="Least quality", kind="number", default=4.0, least=0, most=5),
        Option(name="low_below", label="Low is below", kind="number", default=3.0, least=0, most=5),
        Option(name="low", label="Answers of low quality", kind="choice", default="apart",
               choices={"apart": "Leave out, with the reason", "labels": "Take as unwanted (KTO), the good ones as wanted"}),
        Option(name="system_prompt", label="System prompt of the writer", default=WRITER, long=True),
    ),
    NEEDS=frozenset({"scores", "feedback"}),
    TOGETHER=together,
    KIND_OF=kind_of,
    MAKE=make,
)  # fmt: skip
