"""Anthropic Messages: log lines {"request", "response"}, and requests or records {"messages", "system"?, "tools"?} with
content blocks.

Source: Anthropic API reference, "Messages"; proxy logs of anthropic 2.11.0. Log lines of one file are put together as
those of OpenAI are: a request that repeats an earlier one and its answer goes on with it.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.anthropic_messages import has_own_blocks, read_anthropic, read_anthropic_usage, read_turn
from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.fields import content_id, fill, given_id
from curation.ingest.logs import CallLog, bodies, read_log
from curation.ingest.openai_messages import read_tools
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.reading import finish_reason
from curation.ingest.sse import joined_anthropic
from curation.ingest.text import Source
from curation.messages.clean import Notes

NAME = "anthropic"
LABEL = "Anthropic messages, and request/response logs"
GROUP = "Chat and logs"
_TAKEN = {
    "messages", "system", "tools", "max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences",
    "tool_choice", "thinking",
}  # fmt: skip


def detect(sample: list[Any]) -> bool:
    """Whether records are calls or messages of this API."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a call, or has messages with content blocks that only this API writes."""
    if not isinstance(value, dict):
        return False
    pair = bodies(value)
    if pair is not None:
        request, response = pair
        return _is_response(response) or _has_messages(request)
    return "label" not in value and _has_messages(value)


def _has_messages(value: dict[str, Any]) -> bool:
    tools = value.get("tools")
    own_tools = isinstance(tools, list) and any(isinstance(one, dict) and "input_schema" in one for one in tools)
    return isinstance(value.get("messages"), list) and (own_tools or has_own_blocks(value["messages"]))


def _is_response(response: Any) -> bool:
    if isinstance(response, list):  # a stream of events
        return any(isinstance(event, dict) and event.get("type") == "message_start" for event in response)
    if not isinstance(response, dict):
        return False
    if response.get("type") == "error" and isinstance(response.get("error"), dict):
        return True
    return response.get("type") == "message" and isinstance(response.get("content"), list)


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per record; log lines that belong together are one trace, given out at the end."""
    return read_log(source, CallLog(NAME, read_call), read_record)


def read_record(record: Any) -> ParsedTrace:
    """One record with messages. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or "messages" not in record:
        raise Unreadable("is not an object with messages")
    notes = Notes()
    messages = read_anthropic(record["messages"], notes, system=record.get("system"))
    if not messages:
        raise Unreadable("messages is empty")
    trace = ParsedTrace(
        external_id=given_id(record) or content_id("anthropic", record),
        document={
            "conversations": [
                {"id": "main", "name": "", "kind": "main", "messages": messages,
                 "tools": read_tools(record.get("tools"), notes)}
            ],
        },
        source={"format": NAME},
    )  # fmt: skip
    fill(trace, record, notes, taken=_TAKEN)
    usage = read_anthropic_usage(record.get("usage"))
    trace.input_tokens, trace.output_tokens = usage.get("input"), usage.get("output")
    trace.import_notes = notes.lines()
    return trace


def read_call(request: dict[str, Any], response: Any, key: str, start: int, notes: Notes) -> ModelCall:
    """One call. Raises Unreadable with the reason."""
    if isinstance(response, list):
        response = joined_anthropic(response, notes)
    if not isinstance(response, dict):
        raise Unreadable("response is no object")
    call = ModelCall(
        key=key,
        inputs=read_anthropic(request.get("messages"), notes, system=request.get("system"), field="request.messages"),
        outputs=[],
        start=start,
        tools=read_tools(request.get("tools"), notes),
        model=as_text(response.get("model") or request.get("model") or ""),
        response_id=as_text(response.get("id") or ""),
        usage=read_anthropic_usage(response.get("usage")),
        finish_reason=finish_reason(response.get("stop_reason")),
    )
    error = response.get("error")
    if error:
        call.error = as_text(error.get("message") or error if isinstance(error, dict) else error)
        return call
    if not isinstance(response.get("content"), list):
        raise Unreadable("response has neither content nor error")
    call.outputs = read_turn({"role": "assistant", "content": response["content"]}, notes)
    return call
