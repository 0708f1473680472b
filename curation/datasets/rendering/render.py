"""A row as the text and tokens of a template: what is learned, what each message takes, what a length cuts off."""

import json
import re
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, pairwise
from math import ceil
from pathlib import Path
from typing import Any

from django.core.cache import cache

from curation.datasets.example import CHARACTERS_PER_TOKEN, Example
from curation.datasets.exporting.formats import content, trl_sft
from curation.datasets.rendering.bases import Base
from curation.messages.clean import Notes, clean, read_inside
from curation.messages.form import Message

SECONDS = 15.0
KEPT_S = 3_600
LONGEST_LIMIT = 10_000_000
CONTEXT, UNKNOWN = "context", "unknown"
_OUR_MARKS = re.compile(r"<\|im_start\|>|<\|im_end\|>")


class CannotRender(ValueError):
    """No text can be made of the row with this template; the text says why."""


@dataclass(slots=True)
class Piece:
    """A stretch of the text that is all of one kind. `message`: its index, None for what the template puts before all."""

    text: str
    learned: bool
    special: bool
    cut: bool
    message: int | None


@dataclass(slots=True)
class Share:
    """What one message takes. `learned` and `cut` are tokens of it; `role` "template" (or "system, tools") for what stands before all."""

    index: int | None
    role: str
    tokens: float
    learned: float
    cut: float


@dataclass(slots=True)
class Text:
    """One text made of a row. Counts are of the base's tokenizer where `exact`, else characters / 4.

    `how`: marks (the template says what is learned), prefix (found by rendering beginnings), context (nothing in
    it is learned), unknown (`why` says so; then nothing is shown as learned). `shares` is empty where the template does not let
    messages be told apart. `limit` tokens are kept; `cut` are behind it, `cut_learned` of them learned.
    """

    title: str
    pieces: list[Piece]
    tokens: int
    learned: int
    exact: bool
    how: str
    why: str = ""
    shares: list[Share] = field(default_factory=list)
    limit: int | None = None
    cut: int = 0
    cut_learned: int = 0

    @property
    def first_cut(self) -> Share | None:
        """The message that the cut falls into."""
        return next((one for one in self.shares if one.cut), None)

    @property
    def all_cut(self) -> list[Share]:
        """The messages that are wholly behind the cut."""
        return [one for one in self.shares if one.tokens and one.cut == one.tokens]


def render(example: Example, base: Base, *, limit: int | None = None) -> list[Text]:
    """The texts of a row: one, or for a pair the chosen and the rejected one. Raises CannotRender, and UnusableBase for a
    folder whose files cannot be read."""
    conversations = _conversations(example)
    task = {
        "template": base.template(tools=bool(example.tools)),
        "special": base.special,
        "tokenizer": str(base.tokenizer) if base.tokenizer else None,
        "conversations": [one for _, one, _ in conversations],
    }
    answer = _answer(task)
    return [
        _text(title, made, silent, one["messages"], limit)
        for (title, one, silent), made in zip(conversations, answer["made"], strict=True)
    ]


def _conversations(example: Example) -> list[tuple[str, dict[str, Any], set[int]]]:
    """(title, what the child renders, indexes of messages that are not learned)."""
    for path, message in content.said(example):
        if others := content.other_parts(message):
            raise CannotRender(f"{path} holds {others[0][1]}, and chat templates are rendered with text only")
    prompt = example.messages
    context = set(range(len(prompt)))
    try:
        tools = [content.tool_schema(tool) for tool in example.tools]
    except (ValueError, RecursionError) as error:
        raise CannotRender(f"the schema of a tool is not JSON: {error}") from None
    if example.kind == "chat":
        silent = {index for index, learned in enumerate(example.trained) if not learned}
        return [("", _chat(prompt, tools), silent)]
    if example.kind == "pair":
        sides = (("Chosen", example.chosen), ("Rejected", example.rejected))
        return [(title, _chat([*prompt, *said], tools), context) for title, said in sides]
    if example.kind == "label":
        title = "Wanted answer" if example.label else "Unwanted answer"
        return [(title, _chat([*prompt, *example.chosen], tools), context)]
    return [("Prompt", _chat(prompt, tools, prompt=True), context)]


def _chat(messages: list[Message], tools: list[dict[str, Any]], *, prompt: bool = False) -> dict[str, Any]:
    """As runs here give it to a template: text only, developer as system, arguments as objects."""
    try:
        said = trl_sft.chat(messages, {})
    except (ValueError, RecursionError) as error:
        raise CannotRender(f"arguments of a call are not JSON: {error}") from None
    for place, message in enumerate(said):
        message.pop("weight", None)
        for call in message.get("tool_calls", []):
            if not isinstance(call["function"]["arguments"], dict):
                raise CannotRender(f"messages[{place}]: the arguments of {call['function']['name']} are no JSON object")
    return {"messages": said, "tools": tools, "prompt": prompt}


def _answer(task: dict[str, Any]) -> dict[str, Any]:
    written = json.dumps(clean(task, Notes())).encode()
    stamp = Path(task["tokenizer"]).stat().st_mtime_ns if task["tokenizer"] else 0
    key = f"dataset.rendered.{sha256(written).hexdigest()}.{stamp}"
    answer: dict[str, Any] | None = cache.get(key)
    if answer is None:
        answer = _run(written)
        if len(written) < 200_000:
            cache.set(key, answer, KEPT_S)
    if "error" in answer:
        raise CannotRender(f"the template refuses this row: {answer['error']}")
    return answer


def _run(written: bytes) -> dict[str, Any]:
    child = Path(__file__).parent / "child.py"
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(child)],
            input=written, capture_output=True, timeout=SECONDS, check=False, cwd="/", env={"LANG": "C.UTF-8"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"it took longer than {SECONDS:g} s"}
    if done.returncode < 0:
        return {"error": "it took more time or memory than a template gets"}
    try:
        answer: dict[str, Any] = read_inside(done.stdout.decode())  # a template may write what no page can show
    except ValueError:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return {"error": last[:300] or f"the process that renders it ended with {done.returncode}"}
    return answer


def _text(
    title: str, made: dict[str, Any], silent: set[int], messages: list[dict[str, Any]], limit: int | None
) -> Text:
    roles = [message["role"] for message in messages]
    how, why = _how(made, roles, silent)
    text = Text(title, [], 0, 0, "ids" in made, how, why, limit=limit)
    shares: dict[int | None, Share] = {}
    counted = learned = cut = cut_learned = 0.0
    for unit in _units(made):
        index = unit.message
        on = unit.learned and how in ("marks", "prefix") and index not in silent
        behind = limit is not None and counted >= limit
        share = shares.setdefault(index, Share(index, "template" if index is None else roles[index], 0, 0, 0))
        counted += unit.tokens
        learned += unit.tokens * on
        cut += unit.tokens * behind
        cut_learned += unit.tokens * (on and behind)
        share.tokens += unit.tokens
        share.learned += unit.tokens * on
        share.cut += unit.tokens * behind
        _add(text.pieces, Piece(unit.text, on, unit.special, behind, index))
    text.tokens, text.learned, text.cut, text.cut_learned = map(ceil, (counted, learned, cut, cut_learned))
    if made["places"]:
        for index, role in enumerate(roles):
            shares.setdefault(index, Share(index, role, 0, 0, 0))
        if None in shares and roles[0] == "system" and not shares[0].tokens:
            shares[None].role = "system, tools"  # printed before the messages are gone through
        text.shares = sorted(shares.values(), key=lambda one: -1 if one.index is None else one.index)
        for share in text.shares:
            share.tokens, share.learned, share.cut = ceil(share.tokens), ceil(share.learned), ceil(share.cut)
    return text


def _how(made: dict[str, Any], roles: list[str], silent: set[int]) -> tuple[str, str]:
    answers = {index for index, role in enumerate(roles) if role == "assistant"}
    if not answers - silent:
        return CONTEXT, ""
    if made["how"] != UNKNOWN and silent & answers and not made["places"]:
        return UNKNOWN, "the template does not let messages be told apart, and some of them are not learned"
    return made["how"], made["why"]


@dataclass(slots=True)
class _Unit:
    """A token, or where they are estimated four characters at most."""

    text: str
    tokens: float
    learned: bool
    special: bool
    message: int | None


def _units(made: dict[str, Any]) -> Iterator[_Unit]:
    text = made["text"]
    owner = _owner(made["places"])
    if "ids" in made:
        ends = [*made["starts"][1:], len(text)]
        for start, end, learned, special in zip(made["starts"], ends, made["learned"], made["special"], strict=True):
            yield _Unit(text[start:end], 1, bool(learned), bool(special), owner(start))
        return
    marks = [match.span() for match in _OUR_MARKS.finditer(text)]
    edges = {0, len(text), *chain.from_iterable((*marks, *made["spans"])), *(place for place, _ in made["places"])}
    is_learned, is_special = _within(made["spans"]), _within(marks)
    for begin, finish in pairwise(sorted(edges)):
        learned, special = is_learned(begin), is_special(begin)
        for start in range(begin, finish, CHARACTERS_PER_TOKEN):
            end = min(start + CHARACTERS_PER_TOKEN, finish)
            yield _Unit(text[start:end], (end - start) / CHARACTERS_PER_TOKEN, learned, special, owner(start))


def _within(spans: Iterable[Sequence[int]]) -> Callable[[int], bool]:
    """Whether a character is in one of the stretches; those that touch or overlap are joined, so that one look is enough."""
    joined: list[list[int]] = []
    for begin, end in sorted((span[0], span[1]) for span in spans):
        if joined and begin <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([begin, end])
    begins = [begin for begin, _ in joined]

    def inside(character: int) -> bool:
        at = bisect_right(begins, character) - 1
        return at >= 0 and character < joined[at][1]

    return inside


def _owner(places: list[list[int]]) -> Callable[[int], int | None]:
    """Whose a character is: the message that began last before it. Of several that begin in one place the last counts, so
    that a loop which prints nothing owns nothing."""
    begins = [place for place, _ in places]

    def whose(character: int) -> int | None:
        at = bisect_right(begins, character) - 1
        return places[at][1] if at >= 0 else None

    return whose


def _add(pieces: list[Piece], piece: Piece) -> None:
    last = pieces[-1] if pieces else None
    same = last is not None and (last.learned, last.special, last.cut, last.message) == (
        piece.learned, piece.special, piece.cut, piece.message,
    )  # fmt: skip
    if last is not None and same:
        last.text += piece.text
    elif piece.text:
        pieces.append(piece)
