"""Chat messages, tools and usage as OpenAI's chat completions write them, into the internal form.

Source: OpenAI API reference, "Create chat completion" (request messages, tools, response message, usage).
"""

import json
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

from curation.ingest.content import as_text, read_parts
from curation.ingest.parsed import Unreadable
from curation.messages.clean import Notes
from curation.messages.form import Message, RoleName, Tool, ToolCall, Usage

ROLES = ("system", "developer", "user", "assistant", "tool")
_TAKEN = {
    "role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "reasoning_content",
    "reasoning", "weight", "is_error",
}  # fmt: skip
_WITHOUT_LOSS = {
    "annotations",
    "audio",
    "index",
    "logprobs",
    "id",
    "status",
    "type",
    "provider_specific_fields",
}


def read_messages(values: Any, notes: Notes, *, field: str = "messages") -> list[Message]:
    """A list of chat messages, calls and results tied together by ids.

    Raises Unreadable naming the message (0-based) and the reason where one cannot be read.
    """
    if not isinstance(values, list):
        raise Unreadable(f"{field} is {_kind(values)}, not a list")
    messages: list[Message] = []
    for number, value in enumerate(values):
        if value is None:
            notes.add(f"an empty entry (null) in {field} was skipped")
            continue
        try:
            messages.append(read_message(value, notes))
        except Unreadable as error:
            raise Unreadable(f"{field}[{number}]: {error}") from None
    tie_results(messages, notes)
    return messages


def read_message(value: Any, notes: Notes) -> Message:
    """One chat message. Raises Unreadable with the reason."""
    if not isinstance(value, dict):
        raise Unreadable(f"is {_kind(value)}, not an object")
    role = value.get("role")
    if role == "function":
        role = "tool"
    if role not in ROLES:
        raise Unreadable(f"role {_short(role)} is none of {', '.join(ROLES)}")
    message: Message = {
        "role": cast(RoleName, role),
        "parts": read_parts(value.get("content"), notes),
    }
    if value.get("refusal"):
        message["parts"].append({"type": "refusal", "text": as_text(value["refusal"])})
    thought = value.get("reasoning_content") or value.get("reasoning")
    if thought:
        message["reasoning"] = [{"text": as_text(thought)}]
    calls = read_tool_calls(value, notes)
    if calls and role == "assistant":
        message["tool_calls"] = calls
    elif calls:
        notes.add(f"tool calls in a message of role {role} were left out", len(calls))
    if value.get("name"):
        message["name"] = as_text(value["name"])
    if role == "tool":
        message["tool_call_id"] = as_text(value.get("tool_call_id") or "")
        if value.get("is_error") is True:
            message["is_error"] = True
    if isinstance(value.get("weight"), (int, float)) and not isinstance(value["weight"], bool):
        message["weight"] = float(value["weight"])
    _note_rest(value, notes)
    return message


def read_tool_calls(value: dict[str, Any], notes: Notes) -> list[ToolCall]:
    """The calls of an assistant message; ids that are missing stay empty until `tie_results`."""
    asked = value.get("tool_calls")
    if asked is None and isinstance(value.get("function_call"), dict):
        asked = [{"function": value["function_call"]}]
    if asked is None:
        return []
    if not isinstance(asked, list):
        raise Unreadable(f"tool_calls is {_kind(asked)}, not a list")
    calls: list[ToolCall] = []
    for number, call in enumerate(asked):
        if not isinstance(call, dict):
            raise Unreadable(f"tool_calls[{number}] is {_kind(call)}, not an object")
        inner = call.get("function") if isinstance(call.get("function"), dict) else call.get("custom", call)
        if not isinstance(inner, dict):
            raise Unreadable(f"tool_calls[{number}] has neither function nor custom")
        given = inner["arguments"] if "arguments" in inner else inner.get("input")
        read: ToolCall = {
            "id": as_text(call.get("id") or ""),
            "name": as_text(inner.get("name") or ""),
            "arguments": arguments_text(given, notes),
        }
        if not read["name"]:
            notes.add("a tool call has no name")
        if call.get("type") not in (None, "function"):
            read["type"] = as_text(call["type"])
        calls.append(read)
    return calls


def arguments_text(given: Any, notes: Notes) -> str:
    """Arguments as a JSON string: strings as they came, objects written as JSON, nothing as {}."""
    if isinstance(given, str):
        if given:
            return given
        notes.add("empty tool arguments were read as {}")
        return "{}"
    if given is None:
        return "{}"
    return dumps(given)


def tie_results(messages: Sequence[Message], notes: Notes) -> None:
    """Give calls without an id the name call_<n> and results without one the id of the call they answer: the first open
    call of the same name, else the first open call."""
    open_calls = _OpenCalls()
    taken = {call["id"] for message in messages for call in message.get("tool_calls", [])}
    number = 0
    for message in messages:
        for call in message.get("tool_calls", []):
            if not call["id"]:
                while f"call_{number}" in taken:
                    number += 1
                call["id"] = f"call_{number}"
                taken.add(call["id"])
                notes.add("a tool call without an id was given one")
            open_calls.add(call)
        if message["role"] == "tool" and not open_calls.answer(message.get("tool_call_id", "")):
            if message.get("tool_call_id"):
                continue  # an answer to no call that is still open; it is a step of its own
            match = open_calls.first(message.get("name", ""))
            message["tool_call_id"] = match["id"] if match else ""
            notes.add(
                "a tool result without an id was given that of its call" if match else "a tool result has no call"
            )


class _OpenCalls:
    """Calls that wait for their result, in the order they were asked; each look-up costs the same however many."""

    def __init__(self) -> None:
        self._by_id: dict[str, deque[ToolCall]] = {}
        self._by_name: dict[str, deque[ToolCall]] = {"": deque()}
        self._answered: set[int] = set()

    def add(self, call: ToolCall) -> None:
        self._by_id.setdefault(call["id"], deque()).append(call)
        self._by_name[""].append(call)
        self._by_name.setdefault(call["name"], deque()).append(call)

    def answer(self, wanted: str) -> bool:
        """Close the first open call with this id; False where there is none."""
        waiting = self._by_id.get(wanted)
        while waiting:
            call = waiting.popleft()
            if id(call) not in self._answered:
                self._answered.add(id(call))
                return True
        return False

    def first(self, name: str) -> ToolCall | None:
        """Close and return the first open call of this name, else the first of any."""
        for waiting in (self._by_name.get(name) if name else None, self._by_name[""]):
            while waiting:
                call = waiting.popleft()
                if id(call) not in self._answered:
                    self._answered.add(id(call))
                    return call
        return None


def read_tools(value: Any, notes: Notes) -> list[Tool]:
    """Tools as chat completions, Responses or plain {name, description, parameters} write them; a JSON string of such a
    list too. What is no tool is counted and left out."""
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            notes.add("tools were not JSON and were left out")
            return []
    if value is None or value == "" or not isinstance(value, list):
        if value:
            notes.add("tools were not a list and were left out")
        return []
    tools: list[Tool] = []
    for item in value:
        inner = item.get("function", item) if isinstance(item, dict) else {"name": item}
        name = (inner.get("name") or inner.get("type")) if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or not isinstance(name, str):
            notes.add("an entry of tools without a name was left out")
            continue
        schema = next(
            (inner[key] for key in ("parameters", "inputSchema", "input_schema") if inner.get(key)),
            "",
        )
        if inner.get("strict"):
            notes.add("the setting strict of a tool was not taken over")
        tools.append(
            {
                "name": name,
                "description": as_text(inner.get("description") or ""),
                "parameters": schema if isinstance(schema, str) else dumps(schema),
            }
        )
    return tools


def read_usage(value: Any) -> Usage:
    """Tokens as chat completions (prompt_tokens, ...) or Responses (input_tokens, ...) write them; wrong values
    (negative, not whole) are left out."""
    if not isinstance(value, dict):
        return {}
    usage: Usage = {}
    details_in = value.get("prompt_tokens_details") or value.get("input_tokens_details")
    details_out = value.get("completion_tokens_details") or value.get("output_tokens_details")
    found = {
        "input": value.get("prompt_tokens", value.get("input_tokens")),
        "output": value.get("completion_tokens", value.get("output_tokens")),
        "cache_read": details_in.get("cached_tokens") if isinstance(details_in, dict) else None,
        "cache_write": details_in.get("cache_write_tokens") if isinstance(details_in, dict) else None,
        "reasoning": details_out.get("reasoning_tokens") if isinstance(details_out, dict) else None,
    }
    for key, count in found.items():
        if (whole := whole_number(count)) is not None:
            usage[key] = whole  # type: ignore[literal-required]
    return usage


def whole_number(value: Any) -> int | None:
    """A count from 0 to 2**53: whole numbers, 57.0 and "57"; None for everything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= 2**53 and value == int(value) else None


def dumps(value: Any) -> str:
    """Compact JSON that keeps letters as they are."""
    return json.dumps(value, ensure_ascii=False)


def _note_rest(value: dict[str, Any], notes: Notes) -> None:
    for key, item in value.items():
        if key not in _TAKEN and key not in _WITHOUT_LOSS and item not in (None, [], {}, ""):
            notes.add(f"the key {_short(key)} of a message was not taken over")


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true/false",
        type(None): "missing",
    }
    return names.get(type(value), "a number")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
