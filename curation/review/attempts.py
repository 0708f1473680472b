"""Two attempts at one task, side by side: their tool calls aligned, the first place where they part, and their answers."""

import json
import uuid
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from django.db.models import Q
from django.utils.safestring import SafeString

from curation.messages.clean import read_inside
from curation.messages.form import Document, Message, final_answer, main_conversation, text_of
from curation.messages.measure import results_of
from curation.models import Score, Trace
from curation.review import blind, diff, documents
from curation.review.blocks import result_text
from curation.review.scores import effective
from curation.review.shown import one_line
from workspace import formats
from workspace.models import Project, User

SAME, ALIKE = 3, 1  # what a pair is worth: the same call, the same tool with other arguments
MOST_CELLS = 16_000_000  # calls of one times calls of the other that are aligned: 64 MB and under a second
FEW = 2  # same steps in a row that are not worth folding
WORDS = 20_000  # characters of arguments or results that are compared word by word


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of an attempt. `asked` is its arguments in one form (keys sorted), `result` None where none came."""

    number: int
    tool: str
    arguments: str
    asked: str
    result: str | None
    failed: bool
    ms: int | None

    @property
    def gist(self) -> SafeString:
        """The arguments in a line."""
        return one_line(self.arguments, 160)

    @property
    def outcome(self) -> SafeString:
        """The result in a line."""
        return one_line(self.result or "", 200)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the alignment. kind: same, result (the same call, another result), arguments (the same tool), left,
    right (only in one of them). `first` marks where the attempts part."""

    kind: str
    left: Call | None
    right: Call | None
    first: bool = False

    @property
    def arguments(self) -> SafeString:
        """What differs in the arguments, word by word."""
        assert self.left is not None
        assert self.right is not None
        return diff.words(self.left.arguments[:WORDS], self.right.arguments[:WORDS]).html()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring rows: folded ones are all the same."""

    lines: list[Line]
    folded: bool


@dataclass(slots=True)
class Attempt:
    """One side."""

    trace: Trace
    calls: list[Call]
    answer: str
    asked: str = ""  # all that the user said
    blind: bool = False  # what others said of it is hidden from the reader


@dataclass(slots=True)
class Figure:
    """One measure of both; `change` in the same unit, None where one is unknown."""

    name: str
    kind: str
    left: Any
    right: Any
    change: Any = None

    @property
    def shown(self) -> str:
        """The change without its sign where it is positive."""
        size = {"duration": formats.duration, "money": formats.money, "whole": formats.whole}[self.kind](
            abs(self.change)
        )
        return f"−{size}" if self.change < 0 else str(size)


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """The score of one name of both, in words ("" where there is none or it is hidden); `change` of numbers."""

    name: str
    left: str
    right: str
    change: str


@dataclass(slots=True)
class Comparison:
    """Two attempts. `ordered`: too long to be aligned, so the calls are only put side by side in their order."""

    left: Attempt
    right: Attempt
    stretches: list[Stretch]
    counts: dict[str, int]
    first: Line | None
    answers: diff.Diff
    requests: diff.Diff
    ordered: bool = False
    figures: list[Figure] = field(default_factory=list)
    scores: list["ScoreLine"] = field(default_factory=list)

    @property
    def same_task(self) -> str:
        """Why they are two attempts at one task, in words; "" where nothing says so."""
        one, other = self.left.trace, self.right.trace
        if one.task_id and one.task_id == other.task_id:
            return f"task {one.task_id}"
        if one.input_fingerprint and one.input_fingerprint == other.input_fingerprint:
            return "the same was asked"
        return ""


def compare(*, project: Project, left: uuid.UUID, right: uuid.UUID, reader: User | None = None) -> Comparison:
    """Align two traces of a project in their newest revisions. `reader`: whom blind queues hide something from. Raises
    Trace.DoesNotExist."""
    sides = [_attempt(project, uid) for uid in (left, right)]
    hidden = blind.hidden_of(traces=[side.trace for side in sides], user=reader)
    for side in sides:
        side.blind = side.trace.pk in hidden
    lines, ordered = align(sides[0].calls, sides[1].calls)
    counts = {
        kind: sum(line.kind == kind for line in lines) for kind in ("same", "result", "arguments", "left", "right")
    }
    return Comparison(
        left=sides[0],
        right=sides[1],
        stretches=stretches(lines),
        counts=counts,
        first=next((line for line in lines if line.first), None),
        answers=diff.words(sides[0].answer, sides[1].answer),
        requests=diff.words(sides[0].asked, sides[1].asked),
        ordered=ordered,
        figures=_figures(sides[0], sides[1]),
        scores=_scores(sides[0], sides[1]),
    )


def others(*, trace: Trace, most: int = 8) -> tuple[list[Trace], bool]:
    """Other attempts at a trace's task: the same task id, else the same request; newest first, and whether there are
    more than `most`."""
    same = Trace.objects.filter(project=trace.project_id, archived_at=None, is_empty=False).exclude(pk=trace.pk)
    if trace.task_id and trace.input_fingerprint:
        same = same.filter(Q(task_id=trace.task_id) | Q(input_fingerprint=trace.input_fingerprint))
    elif trace.task_id:
        same = same.filter(task_id=trace.task_id)
    elif trace.input_fingerprint:
        same = same.filter(input_fingerprint=trace.input_fingerprint)
    else:
        return [], False
    found = list(same.defer("metadata").order_by("-received_at", "-id")[: most + 1])
    return found[:most], len(found) > most


def calls_of(document: Document) -> list[Call]:
    """All tool calls in reading order, those of sub-agents behind the main conversation."""
    main = main_conversation(document)
    ordered = [main, *(one for one in document["conversations"] if one is not main)]
    found: list[Call] = []
    for conversation in ordered:
        answers, _ = results_of(conversation)
        messages = conversation["messages"]
        for index, message in enumerate(messages):
            for at, call in enumerate(message.get("tool_calls", [])):
                place = answers.get((index, at))
                answer: Message | None = messages[place] if place is not None else None
                found.append(
                    Call(
                        number=len(found) + 1,
                        tool=call["name"] or "unnamed tool",
                        arguments=call["arguments"],
                        asked=_one_form(call["arguments"]),
                        result=result_text(answer) if answer is not None else None,
                        failed=bool(answer and answer.get("is_error")),
                        ms=answer.get("latency_ms") if answer else None,
                    )
                )
    return found


def align(left: list[Call], right: list[Call]) -> tuple[list[Line], bool]:
    """Put the calls of two attempts side by side, none lost and each in its order, so that as many as possible stand
    beside the same call, and else beside one of the same tool (a weighted longest common subsequence).

    The second value is True where there were too many to align and they stand in order only.
    """
    head = 0
    while head < min(len(left), len(right)) and _worth(left[head], right[head]) == SAME:
        head += 1
    tail = 0
    while tail < min(len(left), len(right)) - head and _worth(left[-1 - tail], right[-1 - tail]) == SAME:
        tail += 1
    a, b = left[head : len(left) - tail], right[head : len(right) - tail]
    ordered = len(a) * len(b) > MOST_CELLS
    pairs: list[tuple[Call | None, Call | None]] = list(zip(left[:head], right[:head], strict=True))
    pairs += _in_order(a, b) if ordered else _aligned(a, b)
    pairs += zip(left[len(left) - tail :], right[len(right) - tail :], strict=True)
    lines = [Line(_kind(one, other), one, other) for one, other in pairs]
    for at, line in enumerate(lines):
        if line.kind != "same":
            lines[at] = Line(line.kind, line.left, line.right, first=True)
            break
    return lines, ordered


def stretches(lines: list[Line]) -> list[Stretch]:
    """Rows in stretches; more than two same ones in a row are folded."""
    found: list[Stretch] = []
    for same, group in groupby(lines, key=lambda line: line.kind == "same"):
        some = list(group)
        found.append(Stretch(some, folded=same and len(some) > FEW))
    return found


def _scores(left: Attempt, right: Attempt) -> list[ScoreLine]:
    """The scores that count, by name."""
    found = effective([side.trace for side in (left, right) if not side.blind])
    one, other = (found.get(side.trace.pk, {}) for side in (left, right))
    lines = []
    for name in sorted(one.keys() | other.keys()):
        pair = one.get(name), other.get(name)
        numbers = [score.number for score in pair if score is not None and score.number is not None]
        change = numbers[1] - numbers[0] if len(numbers) == 2 else None
        said = (
            ""
            if change is None
            else "same"
            if change == 0
            else f"{'+' if change > 0 else '−'}{formats.decimal(abs(change))}"
        )
        lines.append(ScoreLine(name, _said(pair[0]), _said(pair[1]), said))
    return lines


def _said(score: Score | None) -> str:
    if score is None:
        return ""
    if score.number is not None:
        return str(formats.decimal(score.number))
    return score.category if score.boolean is None else "yes" if score.boolean else "no"


def _worth(one: Call, other: Call) -> int:
    if one.tool != other.tool:
        return 0
    return SAME if one.asked == other.asked else ALIKE


def _kind(left: Call | None, right: Call | None) -> str:
    if left is None:
        return "right"
    if right is None:
        return "left"
    if left.asked != right.asked:
        return "arguments"
    return "same" if (left.result, left.failed) == (right.result, right.failed) else "result"


def _aligned(a: list[Call], b: list[Call]) -> list[tuple[Call | None, Call | None]]:
    """best[i, j]: what the calls from the start to i and j are worth together. Row by row: of the value above, the value
    at the left (a running maximum) and the diagonal with the pair's worth."""
    tools = {name: at for at, name in enumerate({call.tool for call in (*a, *b)})}
    asked = {key: at for at, key in enumerate({(call.tool, call.asked) for call in (*a, *b)})}
    b_tools = np.array([tools[call.tool] for call in b], dtype=np.int32)
    b_asked = np.array([asked[call.tool, call.asked] for call in b], dtype=np.int32)
    best = np.zeros((len(a) + 1, len(b) + 1), dtype=np.int32)
    for i, call in enumerate(a, start=1):
        worth = np.where(b_asked == asked[call.tool, call.asked], SAME, np.where(b_tools == tools[call.tool], ALIKE, 0))
        best[i, 1:] = np.maximum.accumulate(np.maximum(best[i - 1, 1:], best[i - 1, :-1] + worth))
    pairs: list[tuple[Call | None, Call | None]] = []
    i, j = len(a), len(b)
    while i or j:
        worth_here = _worth(a[i - 1], b[j - 1]) if i and j else 0
        if worth_here and best[i, j] == best[i - 1, j - 1] + worth_here:
            pairs.append((a[i - 1], b[j - 1]))
            i, j = i - 1, j - 1
        elif j and (not i or best[i, j] == best[i, j - 1]):
            pairs.append((None, b[j - 1]))
            j -= 1
        else:
            pairs.append((a[i - 1], None))
            i -= 1
    return pairs[::-1]


def _in_order(a: list[Call], b: list[Call]) -> list[tuple[Call | None, Call | None]]:
    pairs: list[tuple[Call | None, Call | None]] = []
    for at in range(max(len(a), len(b))):
        one, other = a[at] if at < len(a) else None, b[at] if at < len(b) else None
        if one is not None and other is not None and one.tool == other.tool:
            pairs.append((one, other))
        else:
            pairs += [pair for pair in ((one, None), (None, other)) if pair != (None, None)]
    return pairs


def _attempt(project: Project, uid: uuid.UUID) -> Attempt:
    found = Trace.objects.select_related("revision").defer("revision__document").filter(project=project, uid=uid)
    trace: Any = documents.with_text(found, prefix="revision__").get()
    document: Document = {"conversations": []}
    if trace.revision is not None:
        document = documents.read(trace.revision.pk, trace.revision.digest, trace.document_text)
    messages = main_conversation(document)["messages"]
    at = final_answer(messages)
    asked = "\n\n".join(text_of(one) for one in messages if one["role"] == "user")
    return Attempt(trace, calls_of(document), text_of(messages[at]) if at is not None else "", asked)


def _figures(left: Attempt, right: Attempt) -> list[Figure]:
    wanted = (
        ("Time", "duration", "latency_ms"), ("Cost", "money", "cost_usd"), ("Tokens in", "whole", "input_tokens"),
        ("Tokens out", "whole", "output_tokens"), ("Steps", "whole", "steps"), ("Tool calls", "whole", "tool_calls"),
        ("Failed steps", "whole", "errors"),
    )  # fmt: skip
    figures = []
    for name, kind, column in wanted:
        one, other = getattr(left.trace, column), getattr(right.trace, column)
        figures.append(Figure(name, kind, one, other, None if one is None or other is None else other - one))
    return figures


def _one_form(arguments: str) -> str:
    """Arguments so that equal ones are equal texts: JSON with sorted keys, else as they came without blanks around."""
    try:
        return json.dumps(read_inside(arguments), sort_keys=True, ensure_ascii=False)
    except ValueError:
        return arguments.strip()
