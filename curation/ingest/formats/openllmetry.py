"""OpenLLMetry (Traceloop): gen_ai.* in a flat form of its own, and spans of workflows, agents and tools.

Source: bodies of opentelemetry-instrumentation-openai 0.44.3 (gen_ai.prompt.0.content, gen_ai.completion.0.content,
llm.request.functions.0.name) and -openai, -anthropic 0.62.4 (gen_ai.input.messages as the convention has them);
traceloop-sdk's decorators (traceloop.span.kind, traceloop.entity.input). What they lose: images in 0.44 and all input
beside an image in 0.62; Responses are called by their item's id (fc_...), so results are matched by order.
"""

from typing import Any

from curation.ingest.calls import ModelCall, merge_adjacent
from curation.ingest.content import as_text
from curation.ingest.formats import otel_genai
from curation.ingest.openai_messages import arguments_text, read_tools
from curation.ingest.reading import Lists, Reading, ToolRun, error_of, latency_ms, lists_of, maybe_json
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_said, result_parts
from curation.messages.clean import Notes
from curation.messages.form import Message, Part, Tool

NAME = "openllmetry"
LABEL = "OpenLLMetry spans"
ITEM_ID = "fc_"
_KIND = "traceloop.span.kind"
_FLAT = ("llm.request.type", "gen_ai.prompt.0.role", "gen_ai.prompt.0.content", "gen_ai.completion.0.role",
         "gen_ai.completion.0.content", "llm.request.functions.0.name", "llm.usage.total_tokens")  # fmt: skip
_LLM = {"chat", "completion"}


def detect(span: PlainSpan) -> bool:
    """Whether a span was written by an instrumentation of Traceloop's."""
    attributes = span["attributes"]
    if _KIND in attributes or "gen_ai.is_streaming" in attributes:
        return True
    return any(key in attributes for key in _FLAT)


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    attributes = span["attributes"]
    kind = as_text(attributes.get(_KIND) or "")
    if kind and "gen_ai.request.model" not in attributes:
        return _entity(span, kind, notes)
    operation = as_text(attributes.get("gen_ai.operation.name") or attributes.get("llm.request.type") or "chat")
    if operation not in _LLM and operation not in otel_genai.LLM:
        reading = otel_genai.read_span(span, notes)
    else:
        reading = Reading(kind="llm", format=NAME, call=_call(span, notes))
    reading.format = NAME
    reading.user_id = as_text(attributes.get("gen_ai.user") or attributes.get("llm.user") or "")
    return reading


def _entity(span: PlainSpan, kind: str, notes: Notes) -> Reading:
    """A function that a decorator made a span of: {"args": [...], "kwargs": {...}} and what it gave back."""
    attributes = span["attributes"]
    name = as_text(attributes.get("traceloop.entity.name") or span["name"])
    if kind != "tool":
        is_agent = kind in ("agent", "workflow")
        return Reading(kind="agent" if is_agent else "other", format=NAME, agent=name if kind == "agent" else "")
    given, answer = (maybe_json(attributes.get(f"traceloop.entity.{side}")) for side in ("input", "output"))
    error = error_of(span)
    parts: list[Part] | None = result_parts(answer) if answer is not None else None
    run = ToolRun(
        key=span["span"],
        name=name,
        call_id="",
        arguments=arguments_text(_arguments(given), notes) if given is not None else None,
        parts=parts if parts is not None or not error else [{"type": "text", "text": error}],
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )
    return Reading(kind="tool", format=NAME, tool=run)


def _arguments(given: Any) -> Any:
    if isinstance(given, dict) and isinstance(given.get("kwargs"), dict) and given["kwargs"]:
        return given["kwargs"]
    if isinstance(given, dict) and isinstance(given.get("inputs"), dict):
        return given["inputs"]
    return given


def _call(span: PlainSpan, notes: Notes) -> ModelCall:
    attributes = span["attributes"]
    fields: dict[str, Any] = {}
    lists = lists_of(attributes)
    inputs = _messages(lists, "gen_ai.prompt.", notes)
    outputs = _messages(lists, "gen_ai.completion.", notes)
    if inputs or outputs:
        fields["inputs"], fields["outputs"] = inputs, [m for m in outputs if m["role"] == "assistant"]
        fields["tools"] = _tools(attributes, lists, notes)
        reasons = [message["finish_reason"] for message in outputs if message.get("finish_reason")]
        if reasons:
            fields["finish_reason"] = reasons[0]
    call = otel_genai.read_call(span, notes, **fields)
    if call.outputs and not call.inputs:
        notes.add("OpenLLMetry sent an answer without what was asked (it drops input that holds an image)")
    elif any(not message["parts"] for message in call.inputs if message["role"] == "user"):
        notes.add("OpenLLMetry sent a message of the user without its content (it drops images)")
    tie_items(call.inputs, notes)
    return call


def _messages(lists: Lists, prefix: str, notes: Notes) -> list[Message]:
    found: list[Message] = []
    default = "assistant" if prefix == "gen_ai.completion." else "user"
    for _, fields in lists.get(prefix, ()):
        calls = [_flat_call(call, notes) for _, call in lists_of(fields).get("tool_calls.", ())]
        role = as_text(fields.get("role") or default)
        content = fields.get("content")
        blocks = maybe_json(content) if isinstance(content, str) and content[:2] == "[{" else None
        typed = isinstance(blocks, list) and all(isinstance(block, dict) and "type" in block for block in blocks)
        item = {"role": role, "content": blocks if typed else content, "finish_reason": fields.get("finish_reason")}
        if fields.get("reasoning"):
            item["reasoning"] = fields["reasoning"]
        for message in read_said({**item, "tool_call_id": fields.get("tool_call_id")}, notes):
            if calls and message["role"] == "assistant":
                message["tool_calls"] = calls
            found.append(message)
    return merge_adjacent(found) if prefix == "gen_ai.prompt." else found


def _flat_call(fields: dict[str, Any], notes: Notes) -> Any:
    return {
        "id": as_text(fields.get("id") or ""),
        "name": as_text(fields.get("name") or ""),
        "arguments": arguments_text(fields.get("arguments"), notes),
    }


def _tools(attributes: dict[str, Any], lists: Lists, notes: Notes) -> list[Tool]:
    functions = [
        {**fields, "parameters": maybe_json(fields.get("parameters"))}
        for _, fields in lists.get("llm.request.functions.", ())
    ]
    return read_tools(functions or maybe_json(attributes.get("gen_ai.tool.definitions")), notes)


def tie_items(messages: list[Message], notes: Notes) -> None:
    """Give results whose id no call has to calls that are known by their item's id only, in order."""
    calls = [call for message in messages for call in message.get("tool_calls", [])]
    known = {call["id"] for call in calls}
    answered = {message.get("tool_call_id") for message in messages if message["role"] == "tool"}
    open_calls = [call for call in calls if call["id"].startswith(ITEM_ID) and call["id"] not in answered]
    for message in messages:
        if message["role"] == "tool" and message.get("tool_call_id") not in known and open_calls:
            message["tool_call_id"] = open_calls.pop(0)["id"]
            notes.add("a result was matched to its call by their order (the sender gave them different ids)")
