"""Items of OpenAI's Responses API and Agents SDK: a list of items, one item per line, or {session_id, items} records.

Source: OpenAI API reference, "Responses", input and output items; openai-agents, `Session.get_items()`. All items of
one response become one assistant message: reasoning, text and calls that nothing else stands between.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from curation.ingest.content import as_text, read_parts
from curation.ingest.fields import content_id, fill, given_id
from curation.ingest.openai_messages import ROLES, arguments_text, read_messages, read_tools, tie_results
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.messages.clean import Notes
from curation.messages.form import Conversation, Message, Reasoning, ToolCall

NAME = "openai_items"
LABEL = "OpenAI Responses / Agents SDK items"
GROUP = "Chat and logs"
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_OUTPUTS = {"function_call_output", "custom_tool_call_output"}
_SESSION = {"session_id", "items", "tools", "instructions"}


def detect(sample: list[Any]) -> bool:
    """Whether records are items, lists of items, or objects with a list `items`."""
    return any(_is_session(value) for value in sample) or any(_is_item_list(value) for value in [*sample, sample])


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per session; items that stand alone (in an array or on lines) are one trace together."""
    loose: list[Any] = []
    first = last = ""
    for item in source.records():
        if isinstance(item, Rejected):
            yield item
            continue
        where, record = item
        if _is_session(record) or isinstance(record, list):
            try:
                yield where, read_session(record)
            except Unreadable as error:
                yield Rejected(where, str(error))
        else:
            first, last = first or where, where
            loose.append(record)
    if loose:
        where = first if first == last else f"{first} to {last.rsplit(' ', 1)[-1]}"
        try:
            yield where, read_session(loose)
        except Unreadable as error:
            yield Rejected(where, str(error))


def read_session(record: Any) -> ParsedTrace:
    """One session: a list of items, or an object with `items` and perhaps session_id, tools, instructions and the plain
    fields of `curation.ingest.fields`. Raises Unreadable."""
    notes = Notes()
    session = record if isinstance(record, dict) else {}
    items = record if isinstance(record, list) else session.get("items")
    if not isinstance(items, list):
        raise Unreadable("items is not a list")
    messages = read_items(items, notes, instructions=session.get("instructions"))
    if not messages:
        raise Unreadable("no item in it could be read" if items else "items is empty")
    conversation: Conversation = {
        "id": "main",
        "name": "",
        "kind": "main",
        "messages": messages,
        "tools": read_tools(session.get("tools"), notes),
    }
    name = as_text(session["session_id"]) if session.get("session_id") else ""
    trace = ParsedTrace(
        external_id=given_id(session) or name or content_id("items", record),
        document={"conversations": [conversation]},
        source={"format": NAME},
    )
    fill(trace, session, notes, taken=_SESSION)
    trace.import_notes = notes.lines()
    return trace


def read_items(items: list[Any], notes: Notes, *, instructions: Any = None) -> list[Message]:
    """Messages out of items. Unknown items are counted and end the message before them (a call behind one never joins
    it); None among the items is counted too. Raises Unreadable naming the item (0-based)."""
    reader = _Reader(notes)
    if instructions:
        reader.messages.append({"role": "system", "parts": read_parts(instructions, notes)})
    for number, item in enumerate(items):
        try:
            reader.take(item)
        except Unreadable as error:
            raise Unreadable(f"items[{number}]: {error}") from None
    for kind, count in reader.unknown.items():
        notes.add(f"items of kind {kind[:40]!r} are not known and were left out", count)
    tie_results(reader.messages, notes)
    return reader.messages


class _Reader:
    """Builds messages; `_open` is the assistant message that further items of the same response join."""

    def __init__(self, notes: Notes) -> None:
        self.messages: list[Message] = []
        self.unknown: Counter[str] = Counter()
        self._notes = notes
        self._open: Message | None = None
        self._response = ""

    def take(self, item: Any) -> None:
        if not isinstance(item, dict):
            self.unknown["null" if item is None else type(item).__name__] += 1
            self._open = None
            return
        kind = item.get("type") or ("message" if "role" in item else "")
        kind = kind if isinstance(kind, str) else "(no type)"
        if kind in _CALLS:
            self._assistant(item).setdefault("tool_calls", []).append(self._call(item, kind))
        elif kind in _OUTPUTS:
            self._take_output(item)
        elif kind == "reasoning":
            self._take_reasoning(item)
        elif kind == "message" and (item.get("tool_calls") or item.get("role") == "tool"):
            self._close()
            self.messages += read_messages([item], self._notes, field="item")
        elif kind == "message":
            self._take_message(item)
        elif kind.endswith("_call"):
            # a tool the provider ran itself: kept whole, never offered as a call of ours
            self._assistant(item)["parts"].append({"type": "server_tool_call", "value": item})
        else:
            self.unknown[kind or "(no type)"] += 1
            self._close()

    def _take_message(self, item: dict[str, Any]) -> None:
        role = item.get("role")
        if role not in ROLES:
            raise Unreadable(f"role {str(role)[:40]!r} is none of {', '.join(ROLES)}")
        parts = read_parts(item.get("content"), self._notes)
        if role == "assistant":
            if self._open is not None and self._open["parts"]:
                self._close()
            self._assistant(item)["parts"] += parts
            return
        self._close()
        self.messages.append({"role": role, "parts": parts})

    def _take_reasoning(self, item: dict[str, Any]) -> None:
        if self._open is not None and self._open["parts"]:
            self._close()
        thoughts = self._assistant(item).setdefault("reasoning", [])
        summary = item.get("summary") or item.get("content") or []
        parts = summary if isinstance(summary, list) else [{"text": summary}]
        texts = [as_text(part.get("text") or "") for part in parts if isinstance(part, dict)]
        thought: Reasoning = {"text": "\n\n".join(text for text in texts if text)}
        if item.get("id"):
            thought["id"] = as_text(item["id"])
        if item.get("encrypted_content"):
            thought["signature"] = as_text(item["encrypted_content"])
            thought["redacted"] = not thought["text"]
        thoughts.append(thought)

    def _take_output(self, item: dict[str, Any]) -> None:
        self._close()
        output = item.get("output")
        if isinstance(output, list) and output and all(isinstance(part, dict) and "type" in part for part in output):
            parts = read_parts(output, self._notes)
        else:
            parts = read_parts(output if isinstance(output, str) or output is None else as_text(output), self._notes)
        message: Message = {"role": "tool", "parts": parts, "tool_call_id": as_text(item.get("call_id") or "")}
        if item.get("status") == "incomplete" or item.get("is_error") is True:
            message["is_error"] = True
        self.messages.append(message)

    def _call(self, item: dict[str, Any], kind: str) -> ToolCall:
        call: ToolCall = {
            "id": as_text(item.get("call_id") or ""),
            "name": as_text(item.get("name") or ""),
            "arguments": arguments_text(item.get(_CALLS[kind]), self._notes),
        }
        if not call["name"]:
            self._notes.add("a tool call has no name")
        if kind == "custom_tool_call":
            call["type"] = "custom"
        return call

    def _assistant(self, item: dict[str, Any]) -> Message:
        """The open message of this response, or a new one. Only the provider's response id tells two apart for sure:
        item ids may repeat."""
        given = item.get("provider_data")
        response = as_text(given.get("response_id") or "") if isinstance(given, dict) else ""
        if self._open is not None and response and self._response and response != self._response:
            self._close()
        if self._open is None:
            self._open = {"role": "assistant", "parts": []}
            if isinstance(given, dict) and isinstance(given.get("model"), str):
                self._open["model"] = given["model"]
            self.messages.append(self._open)
        self._response = response or self._response
        return self._open

    def _close(self) -> None:
        self._open = None
        self._response = ""


def _is_session(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("items"), list)


def _is_item_list(value: Any) -> bool:
    """A list in which some entry is typed as only items are, or all are bare messages without chat's tool keys."""
    if not isinstance(value, list):
        return False
    items = [item for item in value if isinstance(item, dict)]
    if any(item.get("type") in (*_CALLS, *_OUTPUTS, "reasoning", "message") for item in items):
        return True
    bare = [item for item in items if "role" in item and "content" in item]
    return bool(bare) and bare == items and not any("tool_calls" in item or item["role"] == "tool" for item in items)
