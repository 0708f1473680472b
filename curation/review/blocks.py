"""The blocks a conversation is drawn from."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.safestring import SafeString

from curation.messages.form import Document, Message, Part, Reasoning, text_of
from curation.messages.measure import results_of
from curation.review.folds import EMPTY, View, folded
from curation.review.renderers import Drawn
from curation.review.shown import one_line, shown
from workspace import formats

THOUGHT_LINES = 200  # behind the fold that every thought begins in
PICTURES = ("data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp")


@dataclass(slots=True)
class Thought:
    """Reasoning of the model; `text` is empty where it came redacted. `place` leads to its plain text."""

    gist: SafeString
    text: View
    redacted: bool = False
    place: str = ""


@dataclass(slots=True)
class Attachment:
    """What a message holds besides text. `picture` is a data URL that is safe to draw, else ""."""

    word: str
    detail: SafeString
    picture: str = ""


@dataclass(slots=True)
class Block:
    """One block of the conversation. kind: said, call, answer, parallel, agent. `count` is how many steps it stands for.

    A block is made without what costs time to draw; `finish` draws it, when it comes on a page. `texts` are the texts it
    shows, as they came.
    """

    kind: str
    id: str
    key: str = ""
    verdict: str = ""
    ms: int | None = None
    heat: str = ""
    cost: Decimal | None = None
    cost_heat: str = ""
    anchor: str = ""  # what a comment on it names: the key of its step
    failed: bool = False
    count: int = 1
    # said, answer
    role: str = ""
    label: str = ""
    number: int = 0
    text: View | None = None
    gist: SafeString = EMPTY
    thoughts: list[Thought] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    note: str = ""
    raw: str = ""
    rendered: SafeString = EMPTY
    others: list[SafeString] = field(default_factory=list)
    # call
    tool: SafeString = EMPTY
    name: str = ""  # the same as plain text, for labels
    drawn: Drawn | None = None
    call_id: str = ""
    place: str = ""
    state: str = ""  # "", "waiting" (no result came), "orphan" (a result nobody asked for)
    same: int = 1
    # parallel, agent
    inside: list["Block"] = field(default_factory=list)
    # not drawn yet
    texts: tuple[str, ...] = ()
    thinks: bool = False
    draw: Callable[["Block"], None] | None = field(default=None, repr=False, compare=False)

    def finish(self) -> "Block":
        """Draw what was left open, once."""
        if self.draw is not None:
            draw, self.draw = self.draw, None
            draw(self)
        for one in self.inside:
            one.finish()
        return self

    @property
    def words(self) -> str:
        """ "good", "bad", "neutral" as the sign that stands for it; "" for none."""
        return {"good": "+", "bad": "−", "neutral": "="}.get(self.verdict, "")


def result_text(message: Message) -> str:
    """A tool's result as text; structured content as JSON."""
    texts = []
    for part in message["parts"]:
        if part["type"] in ("text", "refusal"):
            texts.append(part.get("text", ""))
        elif part["type"] == "json":
            texts.append(json.dumps(part.get("value"), ensure_ascii=False))
    return "\n".join(texts)


def plain_text(
    document: Document, conversation: int, message: int, call: int | None, thought: int | None = None
) -> str | None:
    """The plain text behind a block: a message's text, a call's arguments and result, or what was thought. None where
    there is none."""
    try:
        one = document["conversations"][conversation]
        said = one["messages"][message]
    except IndexError:
        return None
    if thought is not None:
        thoughts = said.get("reasoning", [])
        return thoughts[thought].get("text", "") if thought < len(thoughts) else None
    if call is None:
        return result_text(said) if said["role"] == "tool" else text_of(said)
    calls = said.get("tool_calls", [])
    if call >= len(calls):
        return None
    result = results_of(one)[0].get((message, call))
    answer = result_text(one["messages"][result]) if result is not None else "(no result came)"
    return f"{calls[call]['name']} {calls[call]['arguments']}\n\n{answer}"


def told(document: Document, conversation: int) -> str | None:
    """All that a sub-agent was told and said, as plain text, a heading for each message; None where there is no such
    conversation."""
    if conversation >= len(document["conversations"]):
        return None
    pieces = []
    for message in document["conversations"][conversation]["messages"]:
        head = " ".join(
            filter(None, ["---", message["role"], message.get("name", ""), message.get("tool_call_id", "")])
        )
        thoughts = [f"(thought) {one.get('text', '')}" for one in message.get("reasoning", [])]
        calls = [f"{call['name']} {call['arguments']}" for call in message.get("tool_calls", [])]
        others = [f"({part['type']})" for part in message["parts"] if part["type"] not in ("text", "refusal", "json")]
        pieces.append("\n".join([head, *thoughts, *filter(None, [result_text(message)]), *others, *calls]))
    return "\n\n".join(pieces)


def thought(one: Reasoning, place: str = "") -> Thought:
    text = one.get("text", "")
    redacted = bool(one.get("redacted")) or not text
    view = folded("plain", text, shown, lines=THOUGHT_LINES)
    return Thought(gist=one_line(text, 120), text=view, redacted=redacted, place=place)


def attachment(part: Part) -> Attachment:
    kind = part["type"]
    media, url = part.get("media_type", ""), part.get("url", "")
    if kind in ("image", "audio", "file"):
        if url.startswith("data:"):
            size = formats.size(len(url) * 3 // 4)
            return Attachment(
                kind.capitalize(),
                shown(f"{media or url[5:40].split(';')[0]}, {size}"),
                url if url.startswith(PICTURES) else "",
            )
        return Attachment(kind.capitalize(), shown(", ".join(filter(None, [media, url])) or "content was not sent"))
    if kind == "refusal":
        return Attachment("Refusal", shown("the model declined"))
    return Attachment(kind.capitalize(), one_line(str(part.get("value", "")), 200))


def errors(block: Block) -> int:
    return (sum(errors(one) for one in block.inside) if block.inside else 0) or (
        block.same if block.failed and not block.inside else 0
    )
