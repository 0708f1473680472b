"""OpenTelemetry GenAI semantic conventions on spans (gen_ai.*): current ones, and those up to 1.30.

Source: open-telemetry/semantic-conventions v1.41.1, docs/gen-ai, and opentelemetry-util-genai 1.3b0. Messages are span
attributes holding JSON text or structured values. Content that came in events stands on the span already
(`curation.ingest.spans_events`).
"""

from typing import Any, cast

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.openai_messages import arguments_text, read_tools, whole_number
from curation.ingest.reading import (
    Reading,
    ToolRun,
    as_call,
    error_of,
    finish_reason,
    latency_ms,
    leave_out,
    maybe_json,
)
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_chat, read_said, result_parts
from curation.messages.clean import Notes
from curation.messages.form import Message, RoleName, Usage

NAME = "otel_genai"
LABEL = "OpenTelemetry GenAI spans"
LLM = {"chat", "generate_content", "text_completion"}
AGENT = {"invoke_agent", "create_agent", "invoke_workflow", "agent_step"}
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
_REFS = (
    "gen_ai.input.messages.ref",
    "gen_ai.output.messages.ref",
    "gen_ai.input.messages_ref",
    "gen_ai.output.messages_ref",
)
# LangSmith's exporter and Logfire's own instrumentations
_PROMPTS, _ANSWERS = ("gen_ai.prompt", "request_data"), ("gen_ai.completion", "response_data")
_USAGE = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cached_tokens",
    ),
    "cache_write": (
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.details.cache_write_tokens",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
    ),
}  # fmt: skip


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
        reading.kind, reading.tool = "tool", read_tool(span, notes)
    elif operation in AGENT:
        reading.kind = "agent"
        if INPUT in attributes or OUTPUT in attributes:
            reading.call = read_call(span, notes)
    elif operation in LLM or (not operation and "gen_ai.request.model" in attributes):
        reading.kind, reading.call = "llm", read_call(span, notes)
    else:
        leave_out(operation, notes)
    if any(key in attributes for key in _REFS):
        notes.add("messages are stored elsewhere (gen_ai.*.messages.ref) and were not fetched")
    return reading


def read_call(span: PlainSpan, notes: Notes, **fields: Any) -> ModelCall:
    """A model call out of gen_ai.* attributes; `fields` say what other attributes know better."""
    attributes = span["attributes"]
    reasons = attributes.get("gen_ai.response.finish_reasons")
    reasons = maybe_json(reasons) if isinstance(reasons, str) else reasons
    first = reasons[0] if isinstance(reasons, list) and reasons else None
    if "inputs" not in fields:
        fields["inputs"] = [*instructions(attributes, notes), *said(attributes, INPUT, notes)]
        fields["inputs"] = fields["inputs"] or _elsewhere(attributes, _PROMPTS, notes, "user")
    if "outputs" not in fields:
        answers = said(attributes, OUTPUT, notes) or _elsewhere(attributes, _ANSWERS, notes, "assistant")
        fields["outputs"] = [message for message in answers if message["role"] == "assistant"]
    if "tools" not in fields:
        fields["tools"] = read_tools(maybe_json(attributes.get("gen_ai.tool.definitions")), notes)
    known = {
        "model": as_text(attributes.get("gen_ai.response.model") or attributes.get("gen_ai.request.model") or ""),
        "response_id": as_text(attributes.get("gen_ai.response.id") or ""),
        "previous_id": as_text(attributes.get("gen_ai.request.previous_response_id") or ""),
        "usage": read_usage_of(attributes),
        "agent": as_text(attributes.get("gen_ai.agent.name") or ""),
        "finish_reason": finish_reason(first),
    }
    return as_call(span, **{**known, **fields})


def _elsewhere(attributes: dict[str, Any], names: tuple[str, ...], notes: Notes, role: RoleName) -> list[Message]:
    """Messages under the names of those who began before there were any for them."""
    given = next((attributes[name] for name in names if attributes.get(name)), None)
    return read_chat(given, notes, role=role) if given is not None else []


def read_usage_of(attributes: dict[str, Any]) -> Usage:
    """Tokens of a call, under their names of all times."""
    found: dict[str, int] = {}
    for key, names in _USAGE.items():
        for name in names:
            if name in attributes and (count := whole_number(attributes[name])) is not None:
                found[key] = count
                break
    return cast(Usage, found)


def instructions(attributes: dict[str, Any], notes: Notes) -> list[Message]:
    """The system prompt that stands beside the messages: a list of parts, or plain text."""
    value = attributes.get("gen_ai.system_instructions")
    if not value:
        return []
    parts = maybe_json(value)
    if not isinstance(parts, list):
        return [{"role": "system", "parts": [{"type": "text", "text": as_text(value)}]}]
    return read_said({"role": "system", "parts": parts}, notes)


def said(attributes: dict[str, Any], key: str, notes: Notes) -> list[Message]:
    """The messages of one attribute."""
    value = attributes.get(key)
    if value in (None, ""):
        return []
    found = maybe_json(value)
    if not isinstance(found, list):
        notes.add(f"{key} is not a JSON list (was it cut off by an attribute length limit?) and was left out")
        return []
    return [message for item in found for message in read_said(item, notes)]


def read_tool(span: PlainSpan, notes: Notes, *, arguments: str = "", result: str = "") -> ToolRun:
    """The run of a tool; `arguments` and `result` name further attributes where they may stand."""
    attributes = span["attributes"]
    given = attributes.get("gen_ai.tool.call.arguments", attributes.get(arguments))
    answer = attributes.get("gen_ai.tool.call.result", attributes.get(result))
    error = error_of(span)
    parts = result_parts(answer) if answer is not None else None
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
