"""Langfuse's SDKs over OpenTelemetry: langfuse.observation.*.

Source: langfuse 5.0.4 (LangfuseOtelSpanAttributes) and a body it sent. Input and output are JSON text, of generations mostly
chat messages as OpenAI writes them; other shapes are taken as far as they are messages.
"""

from decimal import Decimal
from typing import Any, cast

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.fields import read_dollars
from curation.ingest.openai_messages import arguments_text, read_tools, read_usage, whole_number
from curation.ingest.reading import Reading, ToolRun, as_call, error_of, latency_ms, leave_out, maybe_json
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_chat, result_parts
from curation.messages.clean import Notes
from curation.messages.form import Part, Usage

NAME = "langfuse_spans"
LABEL = "Langfuse spans"
_TYPE, _INPUT, _OUTPUT = (f"langfuse.observation.{key}" for key in ("type", "input", "output"))
_AGENTS = {"agent", "chain"}
# Langfuse's own names first: its input leaves out cached tokens where they are counted apart
_COUNTS = {
    "input": ("input", "prompt_tokens", "input_tokens"),
    "output": ("output", "completion_tokens", "output_tokens"),
    "cache_read": ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read"),
    "cache_write": ("cache_creation_input_tokens", "input_cache_creation"),
    "reasoning": ("output_reasoning_tokens", "reasoning_tokens", "output_reasoning"),
}


def detect(span: PlainSpan) -> bool:
    """Whether a span is an observation of Langfuse's."""
    attributes = span["attributes"]
    return _TYPE in attributes or _INPUT in attributes or _OUTPUT in attributes


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    attributes = span["attributes"]
    kind = as_text(attributes.get(_TYPE) or "span")
    reading = Reading(kind="other", format=NAME)
    if kind == "generation":
        reading.kind, reading.call = "llm", _generation(span, notes)
    elif kind == "tool":
        reading.kind, reading.tool = "tool", _tool(span, notes)
    elif kind in _AGENTS:
        reading.kind = "agent"
        reading.agent = span["name"] if kind == "agent" else ""
        if attributes.get(_INPUT) and attributes.get(_OUTPUT):
            reading.call = _outside(span, notes)
    else:
        leave_out(kind, notes)
    level, said = attributes.get("langfuse.observation.level"), attributes.get("langfuse.observation.status_message")
    if level == "WARNING":
        notes.add(f"the sender warned about {span['name'][:60]!r}: {as_text(said or 'no reason given')[:200]}")
    return reading


def _error(span: PlainSpan) -> str:
    attributes = span["attributes"]
    if attributes.get("langfuse.observation.level") == "ERROR":
        return as_text(attributes.get("langfuse.observation.status_message") or "") or error_of(span) or "failed"
    return error_of(span)


def _generation(span: PlainSpan, notes: Notes) -> ModelCall:
    attributes = span["attributes"]
    asked = _unwrapped(attributes.get(_INPUT))
    settings = maybe_json(asked)
    tools = settings.get("tools") or settings.get("functions") if isinstance(settings, dict) else None
    found = read_chat(attributes.get(_OUTPUT), notes, role="assistant")
    call = as_call(
        span,
        inputs=read_chat(asked, notes, role="user"),
        outputs=[message for message in found if message["role"] == "assistant"],
        tools=read_tools(tools, notes),
        model=as_text(attributes.get("langfuse.observation.model.name") or ""),
        usage=_usage(maybe_json(attributes.get("langfuse.observation.usage_details"))),
        cost_usd=_cost(maybe_json(attributes.get("langfuse.observation.cost_details"))),
    )
    call.error = _error(span)
    return call


def _usage(details: Any) -> Usage:
    """Langfuse's usage_details, or OpenAI's usage as it came."""
    if not isinstance(details, dict):
        return {}
    found: dict[str, int] = dict(cast(dict[str, int], read_usage(details)))
    for key, names in _COUNTS.items():
        if key not in found:
            counts = (whole_number(details.get(name)) for name in names)
            if (count := next((count for count in counts if count is not None), None)) is not None:
                found[key] = count
    return cast(Usage, found)


def _cost(details: Any) -> str:
    """US dollars: the total, else the sum of what is named."""
    if not isinstance(details, dict):
        return ""
    if (total := details.get("total")) is not None:
        return as_text(total) if read_dollars(total) is not None else ""
    amounts = [value for value in details.values() if isinstance(value, (int, float)) and not isinstance(value, bool)]
    known = [Decimal(str(value)) for value in amounts if read_dollars(value) is not None]
    return f"{sum(known, Decimal(0)):f}" if known else ""


def _tool(span: PlainSpan, notes: Notes) -> ToolRun:
    attributes = span["attributes"]
    given, answer = maybe_json(attributes.get(_INPUT)), maybe_json(attributes.get(_OUTPUT))
    if isinstance(given, dict) and set(given) == {"args", "kwargs"} and given["kwargs"]:
        given = given["kwargs"]
    if answer is None and attributes.get(_OUTPUT):
        answer = attributes[_OUTPUT]
    error = _error(span)
    parts: list[Part] | None = result_parts(answer) if answer is not None else None
    return ToolRun(
        key=span["span"],
        name=span["name"],
        call_id="",
        arguments=arguments_text(given, notes) if given is not None else None,
        parts=parts if parts is not None or not error else [{"type": "text", "text": error}],
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )


def _unwrapped(given: Any) -> Any:
    """What a function was called with, {"args": [...], "kwargs": {...}}: its messages, its only argument, or all; other
    input as it came."""
    found = maybe_json(given)
    if not isinstance(found, dict) or set(found) != {"args", "kwargs"}:
        return given
    args, named = found["args"], found["kwargs"]
    named = named if isinstance(named, dict) else {}
    if "messages" in named:
        return named
    words = [*(args if isinstance(args, list) else [args]), *named.values()]
    return words[0] if len(words) == 1 else given


def _outside(span: PlainSpan, notes: Notes) -> ModelCall:
    """An agent or chain seen from outside: the words it was given and those it gave back."""
    given = _unwrapped(span["attributes"][_INPUT])
    answers = read_chat(span["attributes"][_OUTPUT], notes, role="assistant")
    return as_call(
        span,
        inputs=read_chat(given, notes, role="user"),
        outputs=[message for message in answers if message["role"] == "assistant"],
    )
