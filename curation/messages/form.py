"""The one internal form of what was said. Readers turn every outside format into it, writers turn it into others.

A document is plain JSON (it is stored in TraceRevision.document):

    {"conversations": [conversation, ...]}            the main one first, sub-agents after it

Arguments of tool calls and JSON schemas of tools stay JSON *strings*, exactly as they came (but for halves of characters
in their escapes, see clean.mend_inside): parsing them would lose key order and number forms, and table formats would
merge keys across rows. Absent keys mean "not known".
"""

from typing import Any, Literal, NotRequired, TypedDict

RoleName = Literal["system", "developer", "user", "assistant", "tool"]


class Part(TypedDict):
    """One piece of content. type text: `text`. image, audio, file: `url` (or data URL) and `media_type`. refusal:
    `text`. json: `value` (structured content that is not text). Others keep what they had under `value`."""

    type: str
    text: NotRequired[str]
    url: NotRequired[str]
    media_type: NotRequired[str]
    value: NotRequired[Any]


class Reasoning(TypedDict):
    """What the model thought before it spoke. `redacted` where only a token of it came."""

    text: str
    id: NotRequired[str]
    signature: NotRequired[str]
    redacted: NotRequired[bool]


class ToolCall(TypedDict):
    """A call that an assistant asks for. `arguments` is a JSON string, or what was sent where it was not JSON."""

    id: str
    name: str
    arguments: str
    type: NotRequired[str]


class Usage(TypedDict, total=False):
    """Tokens of one model call. `input` includes cached ones, `output` includes reasoning."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int


class Message(TypedDict):
    """One turn. An assistant message may carry text, reasoning and several tool calls at once; a tool message is the
    result of exactly one call."""

    role: RoleName
    parts: list[Part]
    reasoning: NotRequired[list[Reasoning]]
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]
    name: NotRequired[str]
    is_error: NotRequired[bool]
    finish_reason: NotRequired[str]
    usage: NotRequired[Usage]
    cost_usd: NotRequired[str]
    latency_ms: NotRequired[int]
    started_at: NotRequired[str]
    span_id: NotRequired[str]
    model: NotRequired[str]
    weight: NotRequired[float]


class Tool(TypedDict):
    """A tool that was offered. `parameters` is its JSON schema as a JSON string; empty where none came."""

    name: str
    description: str
    parameters: str


class Conversation(TypedDict):
    """A chain of messages. `candidates` are further answers to the last request (n > 1), without the chosen one."""

    id: str
    name: str
    kind: Literal["main", "sub_agent"]
    messages: list[Message]
    tools: list[Tool]
    candidates: NotRequired[list[Message]]


class Document(TypedDict):
    """All that was said in one trace."""

    conversations: list[Conversation]


def text_part(text: str) -> Part:
    """A text part."""
    return {"type": "text", "text": text}


def message(role: RoleName, text: str = "", **extra: Any) -> Message:
    """A message with one text part (none where `text` is empty) and any further keys of `Message`."""
    built: Message = {"role": role, "parts": [text_part(text)] if text else []}
    built.update(extra)  # type: ignore[typeddict-item]
    return built


def text_of(message: Message) -> str:
    """All text of a message, parts joined by a line break; refusals count, images and reasoning do not."""
    return "\n".join(part.get("text", "") for part in message["parts"] if part["type"] in ("text", "refusal"))


def main_conversation(document: Document) -> Conversation:
    """The conversation a dataset row is made of by default: the first of kind main, else the first; an empty one where
    the document has none."""
    for conversation in document["conversations"]:
        if conversation["kind"] == "main":
            return conversation
    if document["conversations"]:
        return document["conversations"][0]
    return {"id": "main", "name": "", "kind": "main", "messages": [], "tools": []}


def final_answer(messages: list[Message]) -> int | None:
    """Index of the last assistant message with text, the answer that reviewers correct; None where there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index]["role"] == "assistant" and text_of(messages[index]):
            return index
    return None
