"""What the OpenAI Agents SDK's own exporter sends to /v1/traces/ingest: {"data": [trace and trace.span objects]}.

Source: openai-agents 0.24.0, agents/tracing/{processors,span_data}.py and captured bodies. A span comes once, when it has
ended; its trace comes when it begins. With models of the Responses API a span tells only an id and token counts; with
chat completions it holds the messages.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import read_time
from curation.ingest.formats.openai_items import read_items
from curation.ingest.openai_messages import arguments_text, dumps, read_messages, read_usage
from curation.ingest.parsed import Unreadable
from curation.ingest.reading import Reading, ToolRun, as_call, error_of, latency_ms
from curation.ingest.spans import Batch, PlainSpan
from curation.ingest.text import decode, parse
from curation.ingest.wire import check_json
from curation.messages.clean import Notes
from curation.messages.form import Message

NAME = "openai_agents"
LABEL = "OpenAI Agents SDK traces"
MOST_ID = 64
_DATA, _TRACE = "openai_agents.span", "openai_agents.trace"
_SILENT = (
    "the Agents SDK exports no messages of the Responses API, only ids and token counts; to have the words, use "
    "chat completions models, import the session (to_input_list or SQLiteSession), or trace with OpenInference"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode_body(body: bytes) -> Batch:
    """Spans of one body, the traces themselves as spans around them. Raises Unreadable where it is no such body."""
    check_json(body)
    found = parse(decode(body.removeprefix(b"\xef\xbb\xbf")))
    items = found.get("data") if isinstance(found, dict) else None
    if not isinstance(items, list):
        raise Unreadable('the body is no object with a list "data" of traces and spans')
    batch: Batch = {"spans": [], "rejected": []}
    for number, item in enumerate(items):
        try:
            batch["spans"].append(as_plain_span(item))
        except Unreadable as error:
            batch["rejected"].append(f"data[{number}]: {error}")
    return batch


def is_key(value: str) -> bool:
    """Whether a text can be the id of a trace or span: 1 to 64 visible ASCII characters."""
    return 0 < len(value) <= MOST_ID and all("!" <= letter <= "~" for letter in value)


def nanoseconds(value: Any) -> int:
    """Nanoseconds since 1970 of an ISO time (or seconds); 0 where it is none."""
    at = read_time(value)
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000 if at else 0


def detect(span: PlainSpan) -> bool:
    """Whether a span came from this exporter."""
    return _DATA in span["attributes"] or _TRACE in span["attributes"]


def read_span(span: PlainSpan, notes: Notes) -> Reading:
    """What a span says."""
    reading = Reading(kind="other", format=NAME)
    whole = span["attributes"].get(_TRACE)
    if isinstance(whole, dict):
        reading.session_id = as_text(whole.get("group_id") or "")
        reading.metadata = whole["metadata"] if isinstance(whole.get("metadata"), dict) else {}
        return reading
    data = span["attributes"].get(_DATA)
    data = data if isinstance(data, dict) else {}
    kind = data.get("type")
    if kind in ("generation", "response"):
        reading.kind, reading.call = "llm", _call(span, data, notes)
    elif kind in ("function", "handoff"):
        reading.kind, reading.tool = "tool", _tool(span, data, notes)
    elif kind == "agent":
        reading.kind, reading.agent = "agent", as_text(data.get("name") or "")
    elif kind == "guardrail":
        reading.metadata = {f"guardrail.{as_text(data.get('name') or '')}": bool(data.get("triggered"))}
    return reading


def as_plain_span(item: Any) -> PlainSpan:
    """A span, or a trace as the span around its own. Raises Unreadable with the reason."""
    if not isinstance(item, dict) or item.get("object") not in ("trace", "trace.span"):
        raise Unreadable("is no object with object: trace or trace.span")
    is_trace = item["object"] == "trace"
    trace, key = (item.get("id"), item.get("id")) if is_trace else (item.get("trace_id"), item.get("id"))
    for name, value in (("trace id", trace), ("id", key)):
        if not isinstance(value, str) or not is_key(value):
            raise Unreadable(f"its {name} is no text of 1 to {MOST_ID} visible ASCII characters")
    data, error = _object(item, "span_data"), _object(item, "error")
    detail = _object(error, "data")
    said = [as_text(part) for part in (error.get("message"), detail.get("error")) if part]
    label = item.get("workflow_name") if is_trace else data.get("name") or data.get("type")
    return {
        "trace": str(trace),
        "span": str(key),
        "parent": "" if is_trace else as_text(item.get("parent_id") or trace),
        "name": as_text(label or ""),
        "kind": 0,
        "start": nanoseconds(item.get("started_at")),
        "end": nanoseconds(item.get("ended_at")),
        "status": {"code": 2 if error else 0, "message": ": ".join(said)},
        "attributes": {_TRACE: {key: value for key, value in item.items() if key != "object"}}
        if is_trace
        else {_DATA: data},
        "events": [],
        "scope": {"name": "openai-agents", "version": "", "schema_url": ""},
        "resource": {},
    }


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _call(span: PlainSpan, data: dict[str, Any], notes: Notes) -> Any:
    if data.get("type") == "response" and not data.get("input") and not data.get("output"):
        notes.add(_SILENT)
    return as_call(
        span,
        inputs=_said(data.get("input"), notes),
        outputs=[message for message in _said(data.get("output"), notes) if message["role"] == "assistant"],
        model=as_text(data.get("model") or ""),
        response_id=as_text(data.get("response_id") or ""),
        usage=read_usage(data.get("usage")),
    )


def _said(given: Any, notes: Notes) -> list[Message]:
    """Chat messages, items of the Responses API, or a response that holds such items (streams end with one)."""
    if isinstance(given, str):
        return [{"role": "user", "parts": [{"type": "text", "text": given}]}] if given else []
    if not isinstance(given, list) or not given:
        return []
    try:
        if isinstance(given[0], dict) and isinstance(given[0].get("output"), list):
            return read_items(
                [item for one in given if isinstance(one, dict) for item in one.get("output") or []], notes
            )
        if any(isinstance(item, dict) and "type" in item and "role" not in item for item in given):
            return read_items(given, notes)
        return read_messages(given, notes)
    except Unreadable as error:
        notes.add(f"the messages of a model call could not be read: {error}")
        return []


def _tool(span: PlainSpan, data: dict[str, Any], notes: Notes) -> ToolRun:
    error = error_of(span)
    name, arguments, output = as_text(data.get("name") or ""), data.get("input"), data.get("output")
    if data.get("type") == "handoff":
        to = as_text(data.get("to_agent") or "")
        # as the SDK names the tool behind it, and what that tool answers
        name, arguments, output = f"transfer_to_{'_'.join(to.lower().split())}", "{}", dumps({"assistant": to})
    text = as_text(output) if output is not None else error
    return ToolRun(
        key=span["span"],
        name=name,
        call_id="",
        arguments=arguments_text(arguments, notes) if arguments is not None else None,
        parts=[{"type": "text", "text": text}] if text else None,
        is_error=bool(error),
        latency_ms=latency_ms(span),
        start=span["start"],
    )
