"""The two sides of a pair as a person sees them: what is the same for both, the two answers, and where the runs part."""

import re
from dataclasses import dataclass, field

from django.utils.safestring import SafeString, mark_safe

from curation.ingest.calls import same_arguments
from curation.messages.form import Document, Message, final_answer, main_conversation, text_of
from curation.models import Pair, Trace
from curation.review import diff, documents
from curation.review.attempts import Call, Stretch, align, calls_of, stretches
from curation.review.shown import markdown, shown
from curation.review.transcript import FORMATTED

WORD = re.compile(r"\w+", re.UNICODE)
LONGEST = 100_000  # characters of an answer that are shown and compared
ALIKE = 0.25  # share of the longer answer
MOST_TURN = 20_000
MOST_TURNS = 400  # messages of one side that are listed
MOST_SHARED = 200  # messages of the shared part that are listed


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a run: who, what, and the calls in it as (tool, arguments). Texts are cut at MOST_TURN characters, and
    `left` says how many there are more."""

    role: str
    text: SafeString
    calls: list[tuple[str, SafeString]]
    left: int


@dataclass(slots=True)
class Side:
    """One side. `letter` is A or B as it is shown; `marked` the answer with what the other has not marked; `tools` the calls
    behind the shared part, neighbours of one tool joined as (name, how often, whether the other side has it too)."""

    letter: str
    is_left: bool
    answer: str
    plain: SafeString
    marked: SafeString
    words: int
    steps: int
    calls: list[Call]
    asked: str  # what the user said first
    turns: list[Turn]  # all that only this side has, the answer included
    tools: list[tuple[str, int, bool]] = field(default_factory=list)
    share: int = 100  # its words, as a share of the longer side's, in percent

    @property
    def is_talk(self) -> bool:
        """Whether more was said in it than one answer."""
        return sum(turn.role in ("user", "assistant") and bool(turn.text) for turn in self.turns) > 1

    @property
    def cut(self) -> bool:
        """Whether the answer is longer than what is shown of it."""
        return len(self.answer) > LONGEST


@dataclass(slots=True)
class Sides:
    """A pair to look at. `asked` is what the user said first, "" where that differs; `shared` are messages that both have
    in front, (role, text) each; `longer` says in words how the lengths compare."""

    a: Side
    b: Side
    asked: str
    shared: list[tuple[str, str]]
    shared_count: int
    stretches: list[Stretch]
    parts_at: int | None
    identical: bool
    longer: str
    is_alike: bool  # enough of the words are the same for their changes to tell something

    @property
    def same_answer(self) -> bool:
        """Whether only the way to the answer differs."""
        return self.a.answer == self.b.answer

    @property
    def both(self) -> tuple[Side, Side]:
        """A, then B."""
        return self.a, self.b


def read(pair: Pair) -> Sides:
    """Read both sides in their newest revisions."""
    left = ending(_document(pair.left_trace), pair.left_candidate)
    right = ending(_document(pair.right_trace), pair.right_candidate)
    same = shared_prefix(left, right)
    a, b = (right, left) if pair.is_flipped else (left, right)
    one, other = _answer(a), _answer(b)
    found = diff.words(one[:LONGEST], other[:LONGEST])
    sides = []
    for letter, messages, answer, kind in (("A", a, one, "del"), ("B", b, other, "ins")):
        calls = _calls(messages[same:])
        sides.append(
            Side(
                letter=letter,
                is_left=(messages is left),
                answer=answer,
                plain=markdown(answer) if FORMATTED.search(answer) and len(answer) < LONGEST else _as_typed(answer),
                marked=_marked(found, kind),
                words=len(WORD.findall(answer)),
                steps=sum(message["role"] == "assistant" for message in messages[same:]) + len(calls),
                calls=calls,
                turns=[_turn(message) for message in messages[same : same + MOST_TURNS]],
                asked=next((text_of(message) for message in messages if message["role"] == "user"), ""),
            )
        )
    first, second = sides
    for side, beside in ((first, second), (second, first)):
        side.tools = _tools(side.calls, {call.tool for call in beside.calls})
        side.share = round(100 * side.words / max(first.words, second.words, 1))
    lines, _ = align(first.calls, second.calls)
    prefix: list[tuple[str, str]] = [(message["role"], text_of(message)) for message in left[:same]]
    return Sides(
        a=first,
        b=second,
        asked=first.asked if first.asked == second.asked else "",
        shared=prefix[:MOST_SHARED],
        shared_count=same,
        stretches=stretches(lines),
        parts_at=next((number for number, line in enumerate(lines, 1) if line.first), None),
        identical=[_key(m) for m in left[same:]] == [_key(m) for m in right[same:]],
        longer=_longer(first, second),
        is_alike=sum(len(p.text) for p in found.pieces if p.kind == "same") >= ALIKE * max(len(one), len(other)),
    )


def answers(pair: Pair) -> dict[str, str]:
    """The two answers as they came, as {"a": ..., "b": ...}."""
    left = _answer(ending(_document(pair.left_trace), pair.left_candidate))
    right = _answer(ending(_document(pair.right_trace), pair.right_candidate))
    return {"a": right, "b": left} if pair.is_flipped else {"a": left, "b": right}


def ending(document: Document, candidate: int) -> list[Message]:
    """The messages of the main conversation with its n-th candidate in the place of its last answer; 0: as it is."""
    main = main_conversation(document)
    messages, others = main["messages"], main.get("candidates", [])
    if candidate == 0 or candidate > len(others):
        return messages
    at = len(messages) - 1 if messages and messages[-1]["role"] == "assistant" else len(messages)
    return [*messages[:at], others[candidate - 1]]


def shared_prefix(left: list[Message], right: list[Message]) -> int:
    """How many messages both have in front, word for word; never the last answer of either."""
    most = min(len(left), len(right))
    count = next((at for at in range(most) if _key(left[at]) != _key(right[at])), most)
    while count and (count >= len(left) or count >= len(right) or left[count - 1]["role"] == "assistant"):
        count -= 1  # what follows must begin behind a word of the user's or a result
    return count


def _key(message: Message) -> tuple[object, ...]:
    calls = [(call["name"], same_arguments(call["arguments"])) for call in message.get("tool_calls", [])]
    files = [
        part.get("url") or str(part.get("value"))
        for part in message["parts"]
        if part["type"] not in ("text", "refusal")
    ]
    return message["role"], text_of(message), tuple(calls), tuple(files)


def _document(trace: Trace) -> Document:
    if trace.revision is None:
        return {"conversations": []}
    _, document = documents.of_revision(project=trace.project, trace_uid=trace.uid, number=trace.revision.number)
    return document


def _turn(message: Message) -> Turn:
    text = text_of(message)
    calls = [(call["name"], shown(call["arguments"][:MOST_TURN])) for call in message.get("tool_calls", [])]
    return Turn(message["role"], shown(text[:MOST_TURN]), calls, max(0, len(text) - MOST_TURN))


def _as_typed(text: str) -> SafeString:
    return mark_safe(f'<p class="pre">{shown(text[:LONGEST])}</p>')  # noqa: S308 (shown escapes)


def _answer(messages: list[Message]) -> str:
    at = final_answer(messages)
    return text_of(messages[at]) if at is not None else ""


def _calls(messages: list[Message]) -> list[Call]:
    return calls_of({"conversations": [{"id": "main", "name": "", "kind": "main", "messages": messages, "tools": []}]})


def _marked(found: diff.Diff, own: str) -> SafeString:
    """One side of a comparison: what only it has stands in <ins>, blind to which side that is."""
    out = [
        shown(piece.text) if piece.kind == "same" else f"<ins>{shown(piece.text)}</ins>"
        for piece in found.pieces
        if piece.kind in ("same", own)
    ]
    return mark_safe("".join(out))  # noqa: S308 (each piece is escaped)


def _tools(calls: list[Call], beside: set[str]) -> list[tuple[str, int, bool]]:
    joined: list[tuple[str, int, bool]] = []
    for call in calls:
        if joined and joined[-1][0] == call.tool:
            joined[-1] = (call.tool, joined[-1][1] + 1, joined[-1][2])
        else:
            joined.append((call.tool, 1, call.tool in beside))
    return joined


def _longer(a: Side, b: Side) -> str:
    if not a.words or not b.words:
        return ""
    more, less = (a, b) if a.words >= b.words else (b, a)
    times = more.words / less.words
    return "equally long" if times < 1.1 else f"{more.letter} is {times:.1f} times as long"
