"""OpenInference spans: flattened attributes such as llm.input_messages.0.message.content.

Source: Arize-ai/openinference, spec/semantic_conventions.md; bodies of openinference-instrumentation-openai 0.1.66 and
-openai-agents 2.6.0. Of the flattened lists, each message of a response may be one output item: such pieces are joined.
"""

from typing import Any, cast

from curation.ingest.calls import ModelCall, merge_adjacent
from curation.ingest.content import as_text
from curation.ingest.openai_messages import read_tools, whole_number
from curation.ingest.reading import Reading, ToolRun, as_call, error_of, finish_reason, latency_ms, maybe_json
from curation.ingest.spans import PlainSpan
from curation.messages.clean import Notes
from curation.messages.form import Message, Part, Reasoning, RoleName, Tool, ToolCall, Usage

NAME = "openinference"
LABEL = "OpenInference spans"
_KIND = "openinference.span.kind"
_ROLES = {"model": "assistant", "ai": "assistant", "human": "user", "function": "tool"}
_COUNTS = {
    "input": "llm.token_count.prompt",
    "output": "llm.token_count.completion",
    "cache_read": "llm.token_count.prompt_details.cache_read",
    "cache_write": "llm.token_count.prompt_details.cache_write",
    "reasoning": "llm.token_count.completion_details.reasoning",
}
HIDDEN = "__REDACTED__"


def detect(span: PlainSpan) -> bool:
    """Whether a span carries attributes of this convention."""
    return _KIND in span["attributes"] or any(key.startswith("llm.") for key in span["attributes"])


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    attributes = span["attributes"]
    kind = as_text(attributes.get(_KIND) or "LLM").upper()
    metadata = maybe_json(attributes.get("metadata"))
    tags = attributes.get("tag.tags")
    reading = Reading(
        kind="other",
        format=NAME,
        agent=as_text(attributes.get("agent.name") or "") if kind == "AGENT" else "",
        tags=[as_text(tag) for tag in tags] if isinstance(tags, list) else [],
        metadata=metadata if isinstance(metadata, dict) else {},
    )
    if HIDDEN in (attributes.get("input.value"), attributes.get("output.value")):
        notes.add("the sender hides content (OPENINFERENCE_HIDE_INPUTS, OPENINFERENCE_HIDE_OUTPUTS and their kin)")
    if kind == "LLM":
        reading.kind, reading.call = "llm", _call(span, notes)
    elif kind == "TOOL":
        reading.kind, reading.tool = "tool", _tool(span)
    elif kind in ("AGENT", "CHAIN"):
        reading.kind = "agent"
        if attributes.get("input.value") and attributes.get("output.value"):
            reading.call = _outside(span)
    return reading


def _call(span: PlainSpan, notes: Notes) -> ModelCall:
    attributes = span["attributes"]
    inputs = merge_adjacent(_messages(attributes, "llm.input_messages.", notes))
    outputs = [m for m in _messages(attributes, "llm.output_messages.", notes) if m["role"] == "assistant"]
    response = maybe_json(attributes.get("output.value")) if attributes.get("output.value") else None
    response = response if isinstance(response, dict) else {}
    if response.get("object") == "response" or any(not m["parts"] and not m.get("tool_calls") for m in outputs):
        outputs = merge_adjacent(outputs)
    asked = maybe_json(attributes.get("llm.invocation_parameters"))
    wanted = asked.get("model") if isinstance(asked, dict) else ""
    counts = {key: count for key, name in _COUNTS.items() if (count := whole_number(attributes.get(name))) is not None}
    return as_call(
        span,
        inputs=inputs,
        outputs=outputs,
        tools=_tools(attributes, notes),
        model=as_text(attributes.get("llm.response.model_name") or attributes.get("llm.model_name") or wanted or ""),
        response_id=as_text(response.get("id") or ""),
        previous_id=as_text(response.get("previous_response_id") or ""),
        usage=cast(Usage, counts),
        cost_usd=_cost(attributes.get("llm.cost.total")),
        finish_reason=finish_reason(attributes.get("llm.finish_reason")),
    )


def _cost(value: Any) -> str:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else ""


def _outside(span: PlainSpan) -> ModelCall:
    """An agent seen from outside: its input as the user's words, its output as the answer."""
    asked, answered = as_text(span["attributes"]["input.value"]), as_text(span["attributes"]["output.value"])
    return as_call(
        span,
        inputs=[{"role": "user", "parts": [{"type": "text", "text": asked}]}],
        outputs=[{"role": "assistant", "parts": [{"type": "text", "text": answered}]}],
    )


def _messages(attributes: dict[str, Any], prefix: str, notes: Notes) -> list[Message]:
    return [
        message
        for number, fields in _listed(attributes, prefix)
        if (message := _message(_under(fields, "message."), notes)) is not None
    ]


def _message(fields: dict[str, Any], notes: Notes) -> Message | None:
    role = fields.get("role")
    role = _ROLES.get(role, role) if isinstance(role, str) else None
    if role not in ("system", "developer", "user", "assistant", "tool"):
        notes.add("a message without a known role was left out")
        return None
    message: Message = {"role": cast(RoleName, role), "parts": []}
    thoughts: list[Reasoning] = []
    for _, part in _listed(fields, "contents."):
        _take_part(_under(part, "message_content."), message["parts"], thoughts, notes)
    plain = fields.get("content")
    if plain not in (None, "") and not message["parts"]:
        message["parts"].append({"type": "text", "text": as_text(plain)})
    if thoughts:
        message["reasoning"] = thoughts
    calls = [_tool_call(_under(call, "tool_call.")) for _, call in _listed(fields, "tool_calls.")]
    if calls and role == "assistant":
        message["tool_calls"] = calls
    if role == "tool":
        message["tool_call_id"] = as_text(fields.get("tool_call_id") or "")
    if fields.get("name"):
        message["name"] = as_text(fields["name"])
    return message


def _take_part(fields: dict[str, Any], parts: list[Part], thoughts: list[Reasoning], notes: Notes) -> None:
    kind = fields.get("type")
    if kind == "text" or (kind is None and "text" in fields):
        if fields.get("text"):
            parts.append({"type": "text", "text": as_text(fields["text"])})
    elif kind in ("reasoning", "thinking"):
        thought: Reasoning = {"text": as_text(fields.get("text") or "")}
        for key, name in (("id", "id"), ("signature", "signature"), ("signature", "encrypted_content")):
            if fields.get(name):
                thought[key] = as_text(fields[name])  # type: ignore[literal-required]
        thoughts.append(thought)
    elif kind == "image" or "image.image.url" in fields:
        parts.append({"type": "image", "url": as_text(fields.get("image.image.url") or "")})
    elif kind == "tool_use":
        return  # said again in tool_calls
    else:
        notes.add(f"a part of kind {str(kind)[:40]!r} was kept as JSON")
        parts.append({"type": "json", "value": fields})


def _tool_call(fields: dict[str, Any]) -> ToolCall:
    """A call; empty arguments are not sent at all, and mean {}."""
    return {
        "id": as_text(fields.get("id") or ""),
        "name": as_text(fields.get("function.name") or ""),
        "arguments": as_text(fields.get("function.arguments") or "{}"),
    }


def _tools(attributes: dict[str, Any], notes: Notes) -> list[Tool]:
    schemas = [maybe_json(fields.get("tool.json_schema")) for _, fields in _listed(attributes, "llm.tools.")]
    return read_tools(schemas, notes)


def _tool(span: PlainSpan) -> ToolRun:
    attributes = span["attributes"]
    given, result = attributes.get("input.value"), attributes.get("output.value")
    error = error_of(span)
    parts: list[Part] | None = None
    if result is not None or error:
        parts = [{"type": "text", "text": as_text(result) if result is not None else error}]
    return ToolRun(
        key=span["span"],
        name=as_text(attributes.get("tool.name") or span["name"]),
        call_id=as_text(attributes.get("tool_call.id") or attributes.get("tool.id") or ""),
        arguments=as_text(given) if given is not None else None,
        parts=parts,
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )


def _listed(fields: dict[str, Any], prefix: str) -> list[tuple[int, dict[str, Any]]]:
    """[(number, {rest of key: value})] of keys like prefix + "3.rest", by number."""
    found: dict[int, dict[str, Any]] = {}
    for key, value in fields.items():
        if key.startswith(prefix):
            number, _, rest = key[len(prefix) :].partition(".")
            if number.isascii() and number.isdigit() and len(number) < 7 and rest:
                found.setdefault(int(number), {})[rest] = value
    return sorted(found.items())


def _under(fields: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key[len(prefix) :]: value for key, value in fields.items() if key.startswith(prefix)}
