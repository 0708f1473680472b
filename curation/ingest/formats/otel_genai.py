"""OpenTelemetry GenAI semantic conventions on spans (gen_ai.*), as of 1.37 and later.

Source: open-telemetry/semantic-conventions v1.41.1, docs/gen-ai, and opentelemetry-util-genai 1.3b0. Messages are span
attributes holding JSON text (structured values are taken too). Content that stands in log records is not read here.
"""

from typing import Any, cast

from curation.ingest.content import as_text
from curation.ingest.openai_messages import arguments_text, dumps, read_tools, whole_number
from curation.ingest.reading import Reading, ToolRun, as_call, error_of, finish_reason, latency_ms, maybe_json
from curation.ingest.spans import PlainSpan
from curation.messages.clean import Notes
from curation.messages.form import Message, Part, RoleName, ToolCall, Usage

NAME = "otel_genai"
LABEL = "OpenTelemetry GenAI spans"
_LLM = {"chat", "generate_content", "text_completion"}
_AGENT = {"invoke_agent", "create_agent", "invoke_workflow", "agent_step"}
_ROLES = {"model": "assistant", "ai": "assistant", "human": "user", "function": "tool"}
_INPUT, _OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"


def detect(span: PlainSpan) -> bool:
    """Whether a span carries attributes of this convention."""
    return any(key.startswith("gen_ai.") for key in span["attributes"])


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    attributes = span["attributes"]
    operation = as_text(attributes.get("gen_ai.operation.name") or "")
    reading = Reading(
        kind="other",
        format=NAME,
        agent=as_text(attributes.get("gen_ai.agent.name") or ""),
        session_id=as_text(attributes.get("gen_ai.conversation.id") or ""),
    )
    if operation == "execute_tool":
        reading.kind, reading.tool = "tool", _tool(span, notes)
    elif operation in _AGENT:
        reading.kind = "agent"
        if _INPUT in attributes or _OUTPUT in attributes:
            reading.call = _call(span, notes)
    elif operation in _LLM or (not operation and "gen_ai.request.model" in attributes):
        reading.kind, reading.call = "llm", _call(span, notes)
        if any(key.startswith(("gen_ai.prompt.", "gen_ai.completion.")) for key in attributes):
            notes.add("messages in the old flat form (gen_ai.prompt.0.content) are not read yet")
    if "gen_ai.input.messages.ref" in attributes or "gen_ai.output.messages.ref" in attributes:
        notes.add("messages are stored elsewhere (gen_ai.*.messages.ref) and were not fetched")
    return reading


def _call(span: PlainSpan, notes: Notes) -> Any:
    attributes = span["attributes"]
    inputs = [*_instructions(attributes, notes), *_messages(attributes, _INPUT, notes)]
    reasons = attributes.get("gen_ai.response.finish_reasons")
    reasons = maybe_json(reasons) if isinstance(reasons, str) else reasons
    first = reasons[0] if isinstance(reasons, list) and reasons else None
    return as_call(
        span,
        inputs=inputs,
        outputs=[message for message in _messages(attributes, _OUTPUT, notes) if message["role"] == "assistant"],
        tools=read_tools(maybe_json(attributes.get("gen_ai.tool.definitions")), notes),
        model=as_text(attributes.get("gen_ai.response.model") or attributes.get("gen_ai.request.model") or ""),
        response_id=as_text(attributes.get("gen_ai.response.id") or ""),
        previous_id=as_text(attributes.get("gen_ai.request.previous_response_id") or ""),
        usage=_usage(attributes),
        agent=as_text(attributes.get("gen_ai.agent.name") or ""),
        finish_reason=finish_reason(first),
    )


def _usage(attributes: dict[str, Any]) -> Usage:
    names = {
        "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "cache_read": ("gen_ai.usage.cache_read.input_tokens",),
        "cache_write": ("gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        "reasoning": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
    }
    found = {
        key: count
        for key, keys in names.items()
        if (count := next((n for k in keys if (n := whole_number(attributes.get(k))) is not None), None)) is not None
    }
    return cast(Usage, found)


def _instructions(attributes: dict[str, Any], notes: Notes) -> list[Message]:
    value = attributes.get("gen_ai.system_instructions")
    if not value:
        return []
    parts = maybe_json(value)
    if not isinstance(parts, list):
        return [{"role": "system", "parts": [{"type": "text", "text": as_text(value)}]}]
    return _read({"role": "system", "parts": parts}, notes)


def _messages(attributes: dict[str, Any], key: str, notes: Notes) -> list[Message]:
    value = attributes.get(key)
    if value in (None, ""):
        return []
    found = maybe_json(value)
    if not isinstance(found, list):
        notes.add(f"{key} is not a JSON list (was it cut off by an attribute length limit?) and was left out")
        return []
    messages: list[Message] = []
    for item in found:
        messages += _read(item, notes)
    return messages


def _read(item: Any, notes: Notes) -> list[Message]:
    """One message of the convention. Tool results inside it become tool messages before the rest of it."""
    role = item.get("role") if isinstance(item, dict) else None
    role = _ROLES.get(role, role) if isinstance(role, str) else None
    if role not in ("system", "developer", "user", "assistant", "tool"):
        notes.add("a message without a known role was left out")
        return []
    message: Message = {"role": cast(RoleName, role), "parts": []}
    results: list[Message] = []
    given = item.get("parts")
    if isinstance(item.get("content"), str) and not given:
        given = [{"type": "text", "content": item["content"]}]
    for part in given if isinstance(given, list) else []:
        if isinstance(part, dict):
            _take_part(part, message, results, notes)
        elif isinstance(part, str):
            message["parts"].append({"type": "text", "text": part})
        else:
            notes.add("a part of a message that is no object was left out")
    if item.get("name"):
        message["name"] = as_text(item["name"])
    if item.get("finish_reason"):
        message["finish_reason"] = finish_reason(item["finish_reason"])
    if results and not message["parts"] and role in ("tool", "user"):
        return results
    if role == "tool":
        message["tool_call_id"] = as_text(item.get("tool_call_id") or "")
    return [*results, message]


def _take_part(part: dict[str, Any], message: Message, results: list[Message], notes: Notes) -> None:
    kind = part.get("type")
    if kind == "text":
        if part.get("content"):
            message["parts"].append({"type": "text", "text": as_text(part["content"])})
    elif kind in ("reasoning", "thinking"):
        message.setdefault("reasoning", []).append({"text": as_text(part.get("content") or "")})
    elif kind == "tool_call" and message["role"] == "assistant":
        call: ToolCall = {
            "id": as_text(part.get("id") or ""),
            "name": as_text(part.get("name") or ""),
            "arguments": arguments_text(part.get("arguments"), notes),
        }
        message.setdefault("tool_calls", []).append(call)
    elif kind == "tool_call_response":
        answer = part["response"] if "response" in part else part.get("result")
        result: Message = {
            "role": "tool",
            "parts": _result_parts(answer),
            "tool_call_id": as_text(part.get("id") or ""),
        }
        results.append(result)
    elif kind in ("blob", "uri", "file"):
        message["parts"].append(_file(part))
    else:
        notes.add(f"a part of kind {str(kind)[:40]!r} was kept as JSON")
        message["parts"].append({"type": "json", "value": part})


def _file(part: dict[str, Any]) -> Part:
    media = as_text(part.get("mime_type") or "application/octet-stream")
    modality = str(part["modality"]) if part.get("modality") in ("image", "audio") else "file"
    if part["type"] == "uri":
        return {"type": modality, "url": as_text(part.get("uri") or ""), "media_type": media}
    if part["type"] == "blob":
        return {
            "type": modality,
            "url": f"data:{media};base64,{as_text(part.get('content') or '')}",
            "media_type": media,
        }
    return {"type": "file", "value": {key: part[key] for key in part if key != "type"}}


def _result_parts(answer: Any) -> list[Part]:
    if answer in (None, ""):
        return []
    return [{"type": "text", "text": answer if isinstance(answer, str) else dumps(answer)}]


def _tool(span: PlainSpan, notes: Notes) -> ToolRun:
    attributes = span["attributes"]
    given, result = attributes.get("gen_ai.tool.call.arguments"), attributes.get("gen_ai.tool.call.result")
    error = error_of(span)
    parts = _result_parts(result) if result is not None else None
    if parts is None and error:
        parts = [{"type": "text", "text": error}]
    return ToolRun(
        key=span["span"],
        name=as_text(attributes.get("gen_ai.tool.name") or span["name"].removeprefix("execute_tool ")),
        call_id=as_text(attributes.get("gen_ai.tool.call.id") or ""),
        arguments=arguments_text(given, notes) if given is not None else None,
        parts=parts,
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )
