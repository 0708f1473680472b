"""Spans on the wire: OTLP bodies (protobuf or JSON) into plain spans, and answers in the sender's own encoding.

Source: opentelemetry-proto, `trace/v1/trace.proto` and docs/specification.md (OTLP/HTTP). JSON is decoded by hand:
google.protobuf.json_format would read the hex ids as base64 and corrupt them without an error.
"""

import json
from typing import Any, Literal, TypedDict

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from curation.ingest.parsed import Unreadable
from curation.ingest.spans_values import (
    attributes,
    get,
    is_id,
    json_attributes,
    json_resource,
    json_scope,
    objects,
    text,
    time,
)
from curation.ingest.text import decode, parse
from curation.ingest.wire import MOST_SPANS, check_json, check_size

Encoding = Literal["protobuf", "json"]
Signal = Literal["traces", "logs"]
_KINDS = {
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}
_STATUS = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_REJECTED = {"traces": "rejectedSpans", "logs": "rejectedLogRecords"}
_NAMED = 5


class PlainSpan(TypedDict):
    """One span as JSON can hold it. Ids are lower-case hex, times are nanoseconds since 1970 (0: unknown), `status` has
    code (0 unset, 1 ok, 2 error) and message; bytes are base64 text."""

    trace: str
    span: str
    parent: str
    name: str
    kind: int
    start: int
    end: int
    status: dict[str, Any]
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    scope: dict[str, str]
    resource: dict[str, Any]


class Batch(TypedDict):
    """What one body held. `rejected` says why spans were left out, one sentence per span."""

    spans: list[PlainSpan]
    rejected: list[str]


def decode_spans(body: bytes, encoding: Encoding) -> Batch:
    """All spans of one OTLP body. Raises Unreadable where the body is no ExportTraceServiceRequest."""
    if not body:
        return {"spans": [], "rejected": []}
    try:
        return _decode_protobuf(body) if encoding == "protobuf" else _decode_json(body)
    except RecursionError:
        raise Unreadable("nested too deeply") from None


def response(encoding: Encoding, rejected: list[str], *, signal: Signal = "traces", warning: str = "") -> bytes:
    """Export...ServiceResponse; partial_success where spans or records were rejected, each with its reason, or where
    `warning` says something although all were taken. Both signals have one form in protobuf."""
    count = len(rejected)
    message = "; ".join(rejected[:_NAMED]) + (f"; and {count - _NAMED} more" if count > _NAMED else "")
    message = "; ".join(filter(None, [message, warning]))
    if encoding == "json":
        found = {"partialSuccess": {_REJECTED[signal]: str(count), "errorMessage": message}} if message else {}
        return json.dumps(found).encode()
    answer = ExportTraceServiceResponse()
    if message:
        answer.partial_success.rejected_spans = count
        answer.partial_success.error_message = message
    return bytes(answer.SerializeToString())


def status_body(encoding: Encoding, code: int, message: str) -> bytes:
    """google.rpc.Status, what OTLP/HTTP answers an error with. `code` is a google.rpc.Code."""
    if encoding == "json":
        return json.dumps({"code": code, "message": message}).encode()
    said = message.encode()[:4000]
    # by hand: field 1 is the code as a varint (below 128), field 2 the message with its length in front
    length = bytes([len(said)]) if len(said) < 128 else bytes([len(said) & 0x7F | 0x80, len(said) >> 7])
    return b"\x08" + bytes([code]) + b"\x12" + length + said


def json_request(body: bytes, wanted: str) -> dict[str, Any]:
    """The object of a JSON body with the list `wanted` (resourceSpans, resourceLogs). Raises Unreadable, with the right
    address where it holds another signal."""
    check_json(body)
    request = parse(decode(body.removeprefix(b"\xef\xbb\xbf")))
    if not isinstance(request, dict):
        raise Unreadable(f"the body is JSON but no object with {wanted}")
    for key, path in (
        ("resourceSpans", "/v1/traces"),
        ("resourceLogs", "/v1/logs"),
        ("resourceMetrics", "/v1/metrics"),
    ):
        if key != wanted and get(request, key) is not None:
            raise Unreadable(f"these are {path.rpartition('/')[2]}; send them to {path}")
    return request


def _decode_protobuf(body: bytes) -> Batch:
    check_size(body)
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise Unreadable("the body is no ExportTraceServiceRequest (logs go to /v1/logs)") from None
    batch: Batch = {"spans": [], "rejected": []}
    for group in request.resource_spans:
        resource = attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = {"name": scoped.scope.name, "version": scoped.scope.version, "schema_url": scoped.schema_url}
            for span in scoped.spans:
                _take(batch, _protobuf_span(span, scope, resource))
    return batch


def _protobuf_span(span: Any, scope: dict[str, str], resource: dict[str, Any]) -> PlainSpan:
    events = [
        {"name": event.name, "time": time(event.time_unix_nano), "attributes": attributes(event.attributes)}
        for event in span.events
    ]
    return {
        "trace": span.trace_id.hex(),
        "span": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "start": time(span.start_time_unix_nano),
        "end": time(span.end_time_unix_nano),
        "status": {"code": span.status.code, "message": span.status.message},
        "attributes": attributes(span.attributes),
        "events": events,
        "scope": scope,
        "resource": resource,
    }


def _decode_json(body: bytes) -> Batch:
    request = json_request(body, "resourceSpans")
    batch: Batch = {"spans": [], "rejected": []}
    for group in objects(request, "resourceSpans"):
        resource = json_resource(group)
        for scoped in objects(group, "scopeSpans"):
            scope = json_scope(scoped)
            for span in objects(scoped, "spans"):
                if len(batch["spans"]) + len(batch["rejected"]) >= MOST_SPANS:
                    raise Unreadable(f"more than {MOST_SPANS:,} spans in one request; send smaller batches")
                _take(batch, _json_span(span, scope, resource))
    return batch


def _json_span(span: dict[str, Any], scope: dict[str, str], resource: dict[str, Any]) -> PlainSpan:
    status = span["status"] if isinstance(span.get("status"), dict) else {}
    code = status.get("code")
    kind = span.get("kind")
    return {
        "trace": text(get(span, "traceId")).lower(),
        "span": text(get(span, "spanId")).lower(),
        "parent": text(get(span, "parentSpanId")).lower(),
        "name": text(span.get("name")),
        "kind": _KINDS.get(kind, 0) if isinstance(kind, str) else _small(kind),
        "start": time(get(span, "startTimeUnixNano")),
        "end": time(get(span, "endTimeUnixNano")),
        "status": {
            "code": _STATUS.get(code, 0) if isinstance(code, str) else _small(code),
            "message": text(status.get("message")),
        },
        "attributes": json_attributes(span.get("attributes")),
        "events": [
            {
                "name": text(event.get("name")),
                "time": time(get(event, "timeUnixNano")),
                "attributes": json_attributes(event.get("attributes")),
            }
            for event in objects(span, "events")
        ],
        "scope": scope,
        "resource": resource,
    }


def _take(batch: Batch, span: PlainSpan) -> None:
    for key, length in (("trace", 32), ("span", 16)):
        value = span[key]  # type: ignore[literal-required]
        if not is_id(value, length):
            batch["rejected"].append(f"span {span['name'][:60]!r}: {key} id {value[:40]!r} is not {length} hex digits")
            return
    if not is_id(span["parent"], 16):
        span["parent"] = ""
    batch["spans"].append(span)


def _small(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 100 else 0
