"""Pydantic AI's spans: gen_ai.* as the convention has them, and under older names of its own.

Source: pydantic-ai 2.68.0, instrumentation formats 2 to 6, and spans it made; format 1 wrote the messages into an attribute
`events` (conventions up to 1.30). Agents carry all messages of their run (pydantic_ai.all_messages) and the sum of all usage.
"""

from typing import Any

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.formats import otel_genai
from curation.ingest.openai_messages import read_tools
from curation.ingest.reading import Reading, maybe_json
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_said
from curation.messages.clean import Notes
from curation.messages.form import Message, Tool

NAME = "pydantic_ai"
LABEL = "Pydantic AI spans"
_ALL = ("pydantic_ai.all_messages", "all_messages", "all_messages_events")
_SCOPE = "pydantic-ai"
_ROLES = {"system-prompt": "system", "user-prompt": "user", "tool-return": "tool", "retry-prompt": "tool"}


def detect(span: PlainSpan) -> bool:
    """Whether a span was written by Pydantic AI."""
    if span["scope"].get("name") == _SCOPE:
        return True
    attributes = span["attributes"]
    return any(key in attributes for key in _ALL) or ("model_request_parameters" in attributes)


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    attributes = span["attributes"]
    operation = as_text(attributes.get("gen_ai.operation.name") or "")
    reading = Reading(
        kind="other",
        format=NAME,
        agent=as_text(attributes.get("gen_ai.agent.name") or attributes.get("agent_name") or ""),
        session_id=as_text(attributes.get("gen_ai.conversation.id") or ""),
    )
    if operation == "execute_tool" or "gen_ai.tool.call.id" in attributes:
        reading.kind = "tool"
        reading.tool = otel_genai.read_tool(span, notes, arguments="tool_arguments", result="tool_response")
    elif any(key in attributes for key in _ALL) or operation in otel_genai.AGENT or "agent_name" in attributes:
        reading.kind, reading.call = "agent", _run(span, notes)
    elif operation in otel_genai.LLM or "gen_ai.request.model" in attributes:
        reading.kind, reading.call = "llm", _call(span, notes)
    return reading


def _call(span: PlainSpan, notes: Notes) -> ModelCall:
    attributes = span["attributes"]
    tools = _tools(attributes, notes)
    if otel_genai.INPUT in attributes or "events" not in attributes:
        return otel_genai.read_call(span, notes, tools=tools)
    told, answers = _messages(maybe_json(attributes["events"]), notes)
    return otel_genai.read_call(span, notes, inputs=told, outputs=answers, tools=tools)


def _tools(attributes: dict[str, Any], notes: Notes) -> list[Tool]:
    found = maybe_json(attributes.get("gen_ai.tool.definitions"))
    if not found:
        asked = maybe_json(attributes.get("model_request_parameters"))
        given = [
            *(asked.get("function_tools") or []), *(asked.get("output_tools") or [])
        ] if isinstance(asked, dict) else []  # fmt: skip
        found = [
            {**tool, "parameters": tool.get("parameters_json_schema"), "strict": None}
            for tool in given
            if isinstance(tool, dict)
        ]
    return read_tools(found, notes)


def _run(span: PlainSpan, notes: Notes) -> ModelCall | None:
    """A whole run seen from its agent: all messages, the last of them the answer."""
    attributes = span["attributes"]
    given = next((attributes[key] for key in _ALL if attributes.get(key)), None)
    told, answers = _messages(maybe_json(given), notes)
    messages = [*told, *answers]
    if not messages:
        return None
    if messages[0]["role"] != "system":
        messages = [*otel_genai.instructions(attributes, notes), *messages]
    last = messages[-1:] if messages[-1]["role"] == "assistant" else []
    before = messages[: len(messages) - len(last)]
    return otel_genai.read_call(span, notes, inputs=before, outputs=last, tools=[])


def _messages(given: Any, notes: Notes) -> tuple[list[Message], list[Message]]:
    """Messages with parts, events of format 1 ({"event.name", "role", "content"}), or Pydantic AI's own dump
    ({"kind": "request", "parts": [{"part_kind"}]}); and apart from them the answers, where events tell them apart."""
    found: list[Message] = []
    answers: list[Message] = []
    for item in given if isinstance(given, list) else []:
        if isinstance(item, dict) and item.get("kind") in ("request", "response"):
            found += _dumped(item, notes)
        elif isinstance(item, dict) and item.get("event.name") == "gen_ai.choice":
            inner = item["message"] if isinstance(item.get("message"), dict) else {}
            answers += read_said({"role": "assistant", **_worded(inner)}, notes)
        elif isinstance(item, dict):
            found += read_said(_worded(item), notes)
        else:
            notes.add("a message that is no object was left out")
    return found, answers


def _worded(item: dict[str, Any]) -> dict[str, Any]:
    """Content of format 1: text, or a list of text and {"kind": "text", "text": ...}."""
    content = item.get("content")
    if isinstance(content, list):
        content = [
            {**part, "type": part["kind"]} if isinstance(part, dict) and "kind" in part and "type" not in part else part
            for part in content
        ]
    named = {"tool_call_id": item["id"]} if item.get("role") == "tool" and item.get("id") else {}
    return {**item, "content": content, **named}


def _dumped(item: dict[str, Any], notes: Notes) -> list[Message]:
    found: list[Message] = []
    parts = item.get("parts")
    if item["kind"] == "response":
        typed = [_part(part) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        return read_said({"role": "assistant", "parts": typed}, notes)
    if item.get("instructions"):
        found += read_said({"role": "system", "content": as_text(item["instructions"])}, notes)
    for part in parts if isinstance(parts, list) else []:
        role = _ROLES.get(as_text(part.get("part_kind")), "") if isinstance(part, dict) else ""
        if role == "tool" and not part.get("tool_call_id"):
            role = "user"  # a retry that asks the model itself
        if not role:
            notes.add("a part of a message was left out")
            continue
        told = {"role": role, "content": part.get("content"), "name": part.get("tool_name")}
        if role == "tool" and not isinstance(told["content"], str):
            told["content"] = as_text(told["content"])
        is_error = part.get("part_kind") == "retry-prompt"
        found += read_said({**told, "tool_call_id": part.get("tool_call_id"), "is_error": is_error}, notes)
    return found


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("part_kind")
    if kind == "tool-call":
        return {
            "type": "tool_call",
            "id": part.get("tool_call_id"),
            "name": part.get("tool_name"),
            "args": part.get("args"),
        }
    return {**part, "type": {"thinking": "reasoning"}.get(str(kind), kind)}
