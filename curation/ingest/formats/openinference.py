"""OpenInference spans: flattened attributes such as llm.input_messages.0.message.content.

Source: Arize-ai/openinference, spec/semantic_conventions.md; bodies of openinference-instrumentation-openai 0.1.66 and
-openai-agents 2.6.0. Of the flattened lists, each message of a response may be one output item: such pieces are joined.
"""

from typing import Any, cast

from curation.ingest.calls import ModelCall, merge_adjacent
from curation.ingest.content import as_text
from curation.ingest.fields import as_finite
from curation.ingest.openai_messages import read_tools, whole_number
from curation.ingest.parsed import ParsedScore
from curation.ingest.reading import (
    Listed,
    Lists,
    Reading,
    ToolRun,
    as_call,
    error_of,
    finish_reason,
    latency_ms,
    leave_out,
    lists_of,
    maybe_json,
)
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_chat, result_parts
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
_PART = "message_content."
_WORDS = tuple(
    f"{whose}{what}." for what in ("annotations", "evaluations") for whose in ("", "span.", "trace.", "session.")
)


def detect(span: PlainSpan) -> bool:
    """Whether a span carries attributes of this convention."""
    attributes = span["attributes"]
    return _KIND in attributes or "llm.model_name" in attributes or "llm.input_messages.0.message.role" in attributes


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
    lists = lists_of(attributes)
    reading.scores = _scores(span, lists)
    if kind == "LLM":
        reading.kind, reading.call = "llm", _call(span, lists, notes)
    elif kind == "TOOL":
        reading.kind, reading.tool = "tool", _tool(span)
    elif kind in ("AGENT", "CHAIN"):
        reading.kind = "agent"
        if attributes.get("input.value") and attributes.get("output.value"):
            reading.call = _outside(span)
    else:
        leave_out(kind, notes)
    return reading


def _call(span: PlainSpan, lists: Lists, notes: Notes) -> ModelCall:
    attributes = span["attributes"]
    inputs = merge_adjacent(_messages(lists.get("llm.input_messages.", ()), notes))
    outputs = [m for m in _messages(lists.get("llm.output_messages.", ()), notes) if m["role"] == "assistant"]
    response = maybe_json(attributes.get("output.value")) if attributes.get("output.value") else None
    response = response if isinstance(response, dict) else {}
    if response.get("object") == "response" or any(not m["parts"] and not m.get("tool_calls") for m in outputs):
        outputs = merge_adjacent(outputs)
    if not inputs and attributes.get("input.value") not in (None, "", HIDDEN):
        inputs = read_chat(attributes["input.value"], notes, role="user")
    if not outputs and attributes.get("output.value") not in (None, "", HIDDEN):
        found = read_chat(attributes["output.value"], notes, role="assistant")
        outputs = [message for message in found if message["role"] == "assistant"]
    asked = maybe_json(attributes.get("llm.invocation_parameters"))
    wanted = asked.get("model") if isinstance(asked, dict) else ""
    counts = {key: count for key, name in _COUNTS.items() if (count := whole_number(attributes.get(name))) is not None}
    return as_call(
        span,
        inputs=inputs,
        outputs=outputs,
        tools=_tools(lists.get("llm.tools.", ()), notes),
        model=as_text(attributes.get("llm.response.model_name") or attributes.get("llm.model_name") or wanted or ""),
        response_id=as_text(response.get("id") or ""),
        previous_id=as_text(response.get("previous_response_id") or ""),
        usage=cast(Usage, counts),
        cost_usd=_cost(attributes.get("llm.cost.total")),
        finish_reason=finish_reason(attributes.get("llm.finish_reason")),
    )


def _scores(span: PlainSpan, lists: Lists) -> list[ParsedScore]:
    """Annotations and evaluations that stand on a span, of itself, its trace or its session."""
    scores: list[ParsedScore] = []
    for prefix in _WORDS:
        for number, fields in lists.get(prefix, ()):
            word = {key.rpartition(".")[2]: value for key, value in fields.items()}
            label, number_given = word.get("label"), as_finite(word.get("score"))
            if not isinstance(word.get("name"), str) or (number_given is None and not label):
                continue
            label = as_text(label or "")
            why = as_text(word.get("explanation") or "")
            scores.append(
                ParsedScore(
                    name=word["name"],
                    number=number_given,
                    category="" if number_given is not None else label,
                    reason=": ".join(filter(None, [label if number_given is not None else "", why])),
                    author=as_text(word.get("annotator_kind") or ""),
                    external_id=f"{span['span']}/{prefix}{number}/{as_text(word.get('identifier') or '')}",
                )
            )
    return scores


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


def _messages(given: Listed, notes: Notes) -> list[Message]:
    return [message for _, fields in given if (message := _message(fields, notes)) is not None]


def _message(fields: dict[str, Any], notes: Notes) -> Message | None:
    role = fields.get("message.role")
    role = _ROLES.get(role, role) if isinstance(role, str) else None
    if role not in ("system", "developer", "user", "assistant", "tool"):
        notes.add("a message without a known role was left out")
        return None
    message: Message = {"role": cast(RoleName, role), "parts": []}
    lists = lists_of(fields)
    thoughts: list[Reasoning] = []
    for _, part in lists.get("message.contents.", ()):
        _take_part(part, message["parts"], thoughts, notes)
    plain = fields.get("message.content")
    if plain not in (None, "") and not message["parts"]:
        message["parts"].append({"type": "text", "text": as_text(plain)})
    if thoughts:
        message["reasoning"] = thoughts
    if role == "assistant" and "message.tool_calls." in lists:
        message["tool_calls"] = [_tool_call(call) for _, call in lists["message.tool_calls."]]
    if role == "tool":
        message["tool_call_id"] = as_text(fields.get("message.tool_call_id") or "")
        if isinstance(plain, str) and plain[:2] == "[{":  # Anthropic's blocks come as JSON text
            message["parts"] = (
                result_parts(blocks) if isinstance(blocks := maybe_json(plain), list) else message["parts"]
            )
    if fields.get("message.name"):
        message["name"] = as_text(fields["message.name"])
    return message


def _take_part(fields: dict[str, Any], parts: list[Part], thoughts: list[Reasoning], notes: Notes) -> None:
    fields = {key.removeprefix(_PART): value for key, value in fields.items() if key.startswith(_PART)}
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
        "id": as_text(fields.get("tool_call.id") or ""),
        "name": as_text(fields.get("tool_call.function.name") or ""),
        "arguments": as_text(fields.get("tool_call.function.arguments") or "{}"),
    }


def _tools(given: Listed, notes: Notes) -> list[Tool]:
    return read_tools([maybe_json(fields.get("tool.json_schema")) for _, fields in given], notes)


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
