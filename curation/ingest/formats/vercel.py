"""The Vercel AI SDK's own spans (ai.generateText, ai.streamText.doStream, ai.toolCall), of versions 3 to 6 and, where asked for,
7; what version 7 sends by itself follows the GenAI conventions.

Source: ai 4.3.19 and 7.0.173 with @ai-sdk/otel 1.0.173 (LegacyOpenTelemetry), and spans they made. ai.X.doGenerate and .doStream
are single calls; ai.X around them repeats the last answer and, since version 5, the sums of all.
"""

from typing import Any, cast

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.formats import otel_genai
from curation.ingest.openai_messages import arguments_text, read_tools, whole_number
from curation.ingest.reading import Reading, ToolRun, error_of, finish_reason, latency_ms, leave_out, maybe_json
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_chat import read_chat, result_parts, thought_text
from curation.messages.clean import Notes
from curation.messages.form import Message, Part, ToolCall, Usage

NAME = "vercel"
LABEL = "Vercel AI SDK spans"
_OPERATION = "ai.operationId"
_COUNTS = {
    "input": ("ai.usage.inputTokens", "ai.usage.promptTokens"),
    "output": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
    "cache_read": ("ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens"),
    "cache_write": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
    "reasoning": ("ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens"),
}


def detect(span: PlainSpan) -> bool:
    """Whether a span is one of the SDK's own."""
    return _OPERATION in span["attributes"] or "ai.toolCall.name" in span["attributes"]


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    attributes = span["attributes"]
    operation = as_text(attributes.get(_OPERATION) or "ai.toolCall")
    agent = as_text(attributes.get("ai.telemetry.functionId") or "")
    if operation == "ai.toolCall":
        return Reading(kind="tool", format=NAME, tool=_tool(span, notes), agent=agent)
    if operation.startswith(("ai.embed", "ai.rerank", "ai.generateImage", "ai.transcribe", "ai.generateSpeech")):
        leave_out("embedding" if "embed" in operation else operation, notes)
        return Reading(kind="other", format=NAME, agent=agent)
    is_call = operation.endswith((".doGenerate", ".doStream"))
    return Reading(kind="llm" if is_call else "agent", format=NAME, call=_call(span, notes), agent=agent)


def _call(span: PlainSpan, notes: Notes) -> ModelCall:
    attributes = span["attributes"]
    asked = attributes.get("ai.prompt.messages") or attributes.get("ai.prompt")
    tools = attributes.get("ai.prompt.tools")
    offered = [maybe_json(tool) for tool in tools] if isinstance(tools, list) else maybe_json(tools)
    usage = {
        key: count
        for key, names in _COUNTS.items()
        if (count := next((n for name in names if (n := whole_number(attributes.get(name))) is not None), None))
        is not None
    }
    answer = _answer(attributes, notes)
    fields: dict[str, Any] = {
        "inputs": read_chat(asked, notes, role="user"),
        "outputs": [answer] if answer["parts"] or answer.get("tool_calls") or answer.get("reasoning") else [],
        "tools": read_tools(offered, notes),
        "usage": cast(Usage, usage) or otel_genai.read_usage_of(attributes),
        "finish_reason": finish_reason(attributes.get("ai.response.finishReason")),
    }
    for name, key in (("model", "ai.response.model"), ("model", "ai.model.id"), ("response_id", "ai.response.id")):
        if attributes.get(key) and name not in fields:
            fields[name] = as_text(attributes[key])
    return otel_genai.read_call(span, notes, **fields)


def _answer(attributes: dict[str, Any], notes: Notes) -> Message:
    message: Message = {"role": "assistant", "parts": []}
    for key in ("ai.response.text", "ai.result.text", "ai.response.object", "ai.result.object"):
        if attributes.get(key):
            message["parts"].append({"type": "text", "text": as_text(attributes[key])})
            break
    thought = attributes.get("ai.response.reasoning")
    if thought:
        message["reasoning"] = [{"text": thought_text(thought)}]
    calls = maybe_json(attributes.get("ai.response.toolCalls") or attributes.get("ai.result.toolCalls"))
    found: list[ToolCall] = [
        {
            "id": as_text(call.get("toolCallId") or ""),
            "name": as_text(call.get("toolName") or ""),
            "arguments": arguments_text(call["input"] if "input" in call else call.get("args"), notes),
        }
        for call in (calls if isinstance(calls, list) else [])
        if isinstance(call, dict)
    ]
    if found:
        message["tool_calls"] = found
    files = maybe_json(attributes.get("ai.response.files"))
    for file in files if isinstance(files, list) else []:
        if isinstance(file, dict) and isinstance(file.get("data") or file.get("base64"), str):
            media = as_text(file.get("mediaType") or file.get("mimeType") or "application/octet-stream")
            kind = "image" if media.startswith("image/") else "file"
            address = f"data:{media};base64,{file.get('data') or file.get('base64')}"
            message["parts"].append({"type": kind, "url": address, "media_type": media})
    return message


def _tool(span: PlainSpan, notes: Notes) -> ToolRun:
    attributes = span["attributes"]
    given = attributes.get("ai.toolCall.args", attributes.get("ai.toolCall.input"))
    answer = attributes.get("ai.toolCall.result", attributes.get("ai.toolCall.output"))
    value = maybe_json(answer)
    error = error_of(span)
    parts: list[Part] | None = None
    if answer is not None:  # a text comes as JSON text
        parts = result_parts(value if isinstance(value, str) else answer)
    elif error:
        parts = [{"type": "text", "text": error}]
    return ToolRun(
        key=span["span"],
        name=as_text(attributes.get("ai.toolCall.name") or span["name"]),
        call_id=as_text(attributes.get("ai.toolCall.id") or ""),
        arguments=arguments_text(given, notes) if given is not None else None,
        parts=parts,
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )
