"""Messages, tools and usage as Anthropic's Messages API writes them, into the internal form.

Source: Anthropic API reference, "Messages" (request, response, content blocks, usage). Results of tools stand inside a
user message there; here each is a tool message of its own, before what the user said beside them.
"""

from typing import Any

from curation.ingest.content import as_text, read_parts
from curation.ingest.openai_messages import arguments_text, tie_results, whole_number
from curation.ingest.parsed import Unreadable
from curation.messages.clean import Notes
from curation.messages.form import Message, Part, Reasoning, ToolCall, Usage

_OWN = {
    "tool_use", "tool_result", "thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result",
    "mcp_tool_use", "mcp_tool_result", "document",
}  # fmt: skip


def has_own_blocks(messages: Any) -> bool:
    """Whether some message has content that only this API writes so."""
    if not isinstance(messages, list):
        return False
    contents = [item.get("content") for item in messages if isinstance(item, dict)]
    return any(_is_own(block) for content in contents if isinstance(content, list) for block in content)


def _is_own(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    kind = block.get("type")
    return (isinstance(kind, str) and kind in _OWN) or (kind == "image" and isinstance(block.get("source"), dict))


def read_anthropic(values: Any, notes: Notes, *, system: Any = None, field: str = "messages") -> list[Message]:
    """The messages of a request. Raises Unreadable naming the message (0-based) and the reason."""
    if not isinstance(values, list):
        raise Unreadable(f"{field} is not a list")
    messages: list[Message] = []
    if system:
        messages.append({"role": "system", "parts": read_parts(system, notes)})
    for number, value in enumerate(values):
        try:
            messages += read_turn(value, notes)
        except Unreadable as error:
            raise Unreadable(f"{field}[{number}]: {error}") from None
    tie_results(messages, notes)
    return messages


def read_turn(value: Any, notes: Notes) -> list[Message]:
    """One message: the results in it, then the rest. Raises Unreadable with the reason."""
    if not isinstance(value, dict):
        raise Unreadable("is no object")
    role = value.get("role")
    if role not in ("user", "assistant", "system"):
        raise Unreadable(f"role {str(role)[:40]!r} is none of user, assistant, system")
    content = value.get("content")
    if not isinstance(content, list):
        return [{"role": role, "parts": read_parts(content, notes)}]
    results: list[Message] = []
    rest: list[Any] = []
    for block in content:
        if isinstance(block, dict) and block.get("type") == "tool_result" and role == "user":
            results.append(_result(block, notes))
        else:
            rest.append(block)
    said = _said(role, rest, notes)
    return (
        [*results, said] if said["parts"] or said.get("tool_calls") or said.get("reasoning") or not results else results
    )


def read_anthropic_usage(value: Any) -> Usage:
    """Tokens; what was read from and written to the cache counts as input here, which Anthropic counts beside it."""
    if not isinstance(value, dict):
        return {}
    usage: Usage = {}
    plain = whole_number(value.get("input_tokens"))
    read = whole_number(value.get("cache_read_input_tokens"))
    written = whole_number(value.get("cache_creation_input_tokens"))
    if plain is not None:
        usage["input"] = plain + (read or 0) + (written or 0)
    if read is not None:
        usage["cache_read"] = read
    if written is not None:
        usage["cache_write"] = written
    if (output := whole_number(value.get("output_tokens"))) is not None:
        usage["output"] = output
    return usage


def _said(role: Any, blocks: list[Any], notes: Notes) -> Message:
    message: Message = {"role": role, "parts": []}
    thoughts: list[Reasoning] = []
    calls: list[ToolCall] = []
    for block in blocks:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind in ("thinking", "redacted_thinking"):
            thoughts.append(_thought(block))
        elif kind == "tool_use" and role == "assistant":
            name = as_text(block.get("name") or "")
            if not name:
                notes.add("a tool call has no name")
            arguments = arguments_text(block.get("input"), notes)
            calls.append({"id": as_text(block.get("id") or ""), "name": name, "arguments": arguments})
        elif isinstance(kind, str) and (
            "server_tool_use" in kind or kind.endswith("_tool_result") or kind == "mcp_tool_use"
        ):
            # a tool the provider ran itself: kept whole, never offered as a call of ours
            message["parts"].append({"type": "server_tool_call", "value": block})
        else:
            message["parts"] += _parts(block, notes)
    if thoughts:
        message["reasoning"] = thoughts
    if calls:
        message["tool_calls"] = calls
    return message


def _thought(block: dict[str, Any]) -> Reasoning:
    if block.get("type") == "redacted_thinking":
        return {"text": "", "signature": as_text(block.get("data") or ""), "redacted": True}
    thought: Reasoning = {"text": as_text(block.get("thinking") or "")}
    if block.get("signature"):
        thought["signature"] = as_text(block["signature"])
    return thought


def _result(block: dict[str, Any], notes: Notes) -> Message:
    content = block.get("content")
    parts: list[Part] = []
    for item in content if isinstance(content, list) else [content]:
        parts += _parts(item, notes)
    message: Message = {"role": "tool", "parts": parts, "tool_call_id": as_text(block.get("tool_use_id") or "")}
    if block.get("is_error") is True:
        message["is_error"] = True
    return message


def _parts(block: Any, notes: Notes) -> list[Part]:
    source = block.get("source") if isinstance(block, dict) else None
    if isinstance(block, dict) and block.get("type") in ("image", "document") and isinstance(source, dict):
        return [_file(block["type"], source)]
    if isinstance(block, dict) and block.get("type") == "text" and block.get("citations"):
        notes.add("citations of a text were not taken over")
    return read_parts(block if block is None or isinstance(block, str) else [block], notes)


def _file(kind: str, source: dict[str, Any]) -> Part:
    media = as_text(source.get("media_type") or "")
    if kind == "image" and source.get("type") == "base64" and isinstance(source.get("data"), str):
        return {"type": "image", "url": f"data:{media or 'image/png'};base64,{source['data']}"}
    if kind == "image" and isinstance(source.get("url"), str):
        return {"type": "image", "url": source["url"]}
    return {"type": "file" if kind == "document" else kind, "value": source}
