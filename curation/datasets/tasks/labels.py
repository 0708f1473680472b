"""One answer, wanted or not: rows for KTO from single judgments.

Source of the balance that is asked for: Ethayarajh et al. 2024 (KTO), section 4.2: the weighted ratio of desirable to
undesirable examples should lie between 1:1 and 4:3; trainers take weights for the rest.
"""

from collections import Counter

from curation.datasets import reasons
from curation.datasets.example import Example
from curation.datasets.tasks.chat import why_not
from curation.datasets.tasks.form import Context, Left, Made, Summary
from curation.datasets.tasks.options import Option
from curation.datasets.tasks.task import Task
from curation.datasets.tasks.turns import is_masked, last_answer, last_request
from curation.messages.form import Message, Tool, text_of

ONE_SIDED = 4.0  # times as many of one class as of the other


class Balance(Summary):
    """How many answers are wanted and how many are not."""

    def __init__(self) -> None:
        self.seen: Counter[bool] = Counter()

    def add(self, example: Example) -> None:
        """Count a row."""
        self.seen[bool(example.label)] += 1

    def counts(self) -> dict[str, int]:
        """{"desirable": ..., "undesirable": ...}"""
        return {"desirable": self.seen[True], "undesirable": self.seen[False]}

    def warnings(self) -> list[tuple[str, str]]:
        """What to know before training."""
        wanted, other = self.seen[True], self.seen[False]
        if not wanted + other:
            return []
        if not wanted or not other:
            missing = "wanted" if not wanted else "unwanted"
            return [("one_class", f"No answer is {missing}: KTO learns nothing from one class alone.")]
        if max(wanted, other) >= ONE_SIDED * min(wanted, other):
            more, less = ("wanted", "unwanted") if wanted > other else ("unwanted", "wanted")
            times = max(wanted, other) / min(wanted, other)
            text = (
                f"{times:.1f} times as many {more} answers as {less} ones: weight the {less} ones by about {times:.1f}."
            )
            return [("imbalance", text)]
        return []


def make(context: Context) -> list[Made] | Left:
    """The last answer with its label; an edited answer is a second row, wanted."""
    known = context.known
    if known.stale:
        return Left(reasons.STALE)
    if known.verdict == "unsure":
        return Left(reasons.UNSURE)
    said = context.document["conversations"][context.conversation]
    tools: list[Tool] = said.get("tools") or []
    given: list[tuple[list[Message], bool, str]] = []
    whole = context.said()
    correction = context.correction if context.options["corrections"] == "wanted" else None
    if known.verdict:
        given.append((whole, known.verdict == "acceptable", context.judgment.author if context.judgment else ""))
    if correction is not None:
        after = context.corrected()
        if _answer(after) != _answer(whole):
            # an answer that somebody mended is no model of a good one, whatever the verdict
            given = [(messages, False, author) for messages, _, author in given]
            given.append((after, True, correction.author))
    if not given:
        return Left(reasons.NO_LABEL, "nobody judged it")
    rows: list[Made] = []
    masked = False
    for messages, label, author in given:
        if left := why_not(Example(messages=messages, tools=tools)):
            return left
        at = last_answer(messages)
        if at is None or last_request(messages, at) is None:
            return Left(reasons.NO_USER)
        if label and is_masked(messages[at]):
            masked = True
            continue
        answer: Message = {**messages[at]}
        answer.pop("weight", None)
        row = Example(messages=messages[:at], tools=tools, kind="label", chosen=[answer], label=label)
        detail = f"{'wanted' if label else 'unwanted'}, by {author}" if author else ""
        rows.append(Made(row, reasons.TAKEN, detail, part=len(rows), author=author))
    if masked and not rows:
        return Left(reasons.MASKED, "the wanted answer")
    return rows


def _answer(messages: list[Message]) -> object:
    at = last_answer(messages)
    if at is None:
        return None
    return text_of(messages[at]), [(call["name"], call["arguments"]) for call in messages[at].get("tool_calls", [])]


TASK = Task(
    NAME="labels",
    LABEL="One answer, wanted or not",
    HELP="For KTO: every judged answer is a row, acceptable ones wanted and unacceptable ones not. Both kinds are needed.",
    KIND="label",
    OPTIONS=(
        Option(name="corrections", label="Edited answers", kind="choice", default="wanted",
               choices={"wanted": "A row of their own, wanted; the original is unwanted", "ignore": "Take no notice"}),
    ),
    DECIDES=True,
    MAKE=make,
    SUMMARY=Balance,
)  # fmt: skip
