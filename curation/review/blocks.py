"""The blocks a conversation is drawn from."""

import json
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from curation.messages.form import Document, Message, Part, Reasoning, text_of
from curation.messages.measure import results_of
from curation.review.folds import EMPTY, View
from curation.review.renderers import Drawn
from curation.review.shown import one_line, shown
from workspace import formats

PICTURES = ("data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp")


@dataclass(slots=True)
class Thought:
    """Reasoning of the model; `text` is empty where it came redacted."""

    gist: SafeString
    text: SafeString
    redacted: bool = False


@dataclass(slots=True)
class Attachment:
    """What a message holds besides text. `picture` is a data URL that is safe to draw, else ""."""

    word: str
    detail: SafeString
    picture: str = ""


@dataclass(slots=True)
class Block:
    """One block of the conversation. kind: said, call, answer, parallel, agent. `count` is how many steps it stands for."""

    kind: str
    id: str
    key: str = ""
    verdict: str = ""
    ms: int | None = None
    heat: str = ""
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


def plain_text(document: Document, conversation: int, message: int, call: int | None) -> str | None:
    """The plain text behind a block: a message's text, or a call's arguments and result. None where there is none."""
    try:
        one = document["conversations"][conversation]
        said = one["messages"][message]
    except IndexError:
        return None
    if call is None:
        return result_text(said) if said["role"] == "tool" else text_of(said)
    calls = said.get("tool_calls", [])
    if call >= len(calls):
        return None
    result = results_of(one)[0].get((message, call))
    answer = result_text(one["messages"][result]) if result is not None else "(no result came)"
    return f"{calls[call]['name']} {calls[call]['arguments']}\n\n{answer}"


def thought(one: Reasoning) -> Thought:
    text = one.get("text", "")
    redacted = bool(one.get("redacted")) or not text
    return Thought(gist=one_line(text, 120), text=shown(text), redacted=redacted)


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
