"""Spans on the wire: OTLP bodies (protobuf or JSON) into plain spans, and answers in the sender's own encoding.

Source: opentelemetry-proto, `trace/v1/trace.proto` and docs/specification.md (OTLP/HTTP). JSON is decoded by hand:
google.protobuf.json_format would read the hex ids as base64 and corrupt them without an error.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

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
from curation.ingest.wire import MOST_FIELDS, check_json, check_signal, check_span, entries, most_spans

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


@dataclass(slots=True)
class SpanBody:
    """The spans of one body, not read yet. `places` has (trace id, place) of each span with right ids, `read` makes the
    span at a place; `rejected` as in Batch."""

    places: list[tuple[str, Any]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    read: Callable[[Any], PlainSpan] = lambda place: place


def open_spans(body: bytes, encoding: Encoding) -> SpanBody:
    """Find and check the spans of one OTLP body. Those of a large protobuf body are decoded only when they are read, so
    they are never all in memory. Raises Unreadable where the body is no ExportTraceServiceRequest."""
    found = SpanBody()
    if not body:
        return found
    try:
        if encoding == "protobuf":
            _open_protobuf(body, found)
        else:
            for span in _json_spans(body):
                _take(found, span["trace"], span["span"], span["name"], span)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except (DecodeError, UnicodeDecodeError):
        raise Unreadable("the body is no ExportTraceServiceRequest (logs go to /v1/logs)") from None
    return found


def decode_spans(body: bytes, encoding: Encoding) -> Batch:
    """All spans of one OTLP body at once; see `open_spans`."""
    found = open_spans(body, encoding)
    return {"spans": [found.read(place) for _, place in found.places], "rejected": found.rejected}


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


def _open_protobuf(body: bytes, found: SpanBody) -> None:
    def read(place: Any) -> PlainSpan:
        span, start, end, scope, resource = place
        return _protobuf_span(span or Span.FromString(body[start:end]), scope, resource)

    found.read = read
    if len(body) <= 2 * MOST_FIELDS and _open_small(body, found):
        return
    most = most_spans(body)
    for count, (resource, scope, start, end) in enumerate(_protobuf_spans(body), 1):
        if count > most:
            raise Unreadable(f"more than {most:,} spans in one request; send smaller batches")
        if count == 1:  # a body holds one signal
            check_signal(body, start, end)
        check_span(body, start, end)
        span = Span.FromString(body[start:end])
        _take(found, span.trace_id.hex(), span.span_id.hex(), span.name, (None, start, end, scope, resource))


def _open_small(body: bytes, found: SpanBody) -> bool:
    """Decode a body at once that cannot hold too many fields (each takes two bytes). False where it must be looked at
    closely: too many spans, none that is right, or no such protobuf at all."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        return False
    for group in request.resource_spans:
        resource = attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = {"name": scoped.scope.name, "version": scoped.scope.version, "schema_url": scoped.schema_url}
            for span in scoped.spans:
                trace, key, place = span.trace_id, span.span_id, (span, 0, 0, scope, resource)
                if len(trace) == 16 and len(key) == 8 and any(trace) and any(key):
                    found.places.append((trace.hex(), place))
                else:
                    _take(found, trace.hex(), key.hex(), span.name, place)
    if not found.places or len(found.places) + len(found.rejected) > most_spans(body):
        found.places, found.rejected = [], []
        return False
    return True


def _protobuf_spans(body: bytes) -> Iterator[tuple[dict[str, Any], dict[str, str], int, int]]:
    """(resource, scope, start, end) of each span. A field that comes several times counts as if its bytes stood behind
    each other, as protobuf has it."""
    most, seen = max(MOST_FIELDS, len(body) // 16), 0

    def messages(start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        nonlocal seen
        for entry in entries(body, start, end):
            seen += 1
            if seen > most:
                raise Unreadable(f"more than {most:,} fields in one request; send smaller batches")
            if entry[1] == 2:
                yield entry

    for number, _, group_start, group_end in messages(0, len(body)):
        if number != 1:
            continue
        group = list(messages(group_start, group_end))
        resource = attributes(Resource.FromString(_joined(body, group, 1)).attributes)
        for number, _, scoped_start, scoped_end in group:
            if number != 2:
                continue
            scoped = list(messages(scoped_start, scoped_end))
            named = InstrumentationScope.FromString(_joined(body, scoped, 1))
            urls = [body[start:end].decode() for number, _, start, end in scoped if number == 3]
            scope = {"name": named.name, "version": named.version, "schema_url": urls[-1] if urls else ""}
            yield from ((resource, scope, start, end) for number, _, start, end in scoped if number == 2)


def _joined(body: bytes, found: Iterable[tuple[int, int, int, int]], wanted: int) -> bytes:
    return b"".join(body[start:end] for number, _, start, end in found if number == wanted)


def _protobuf_span(span: Any, scope: dict[str, str], resource: dict[str, Any]) -> PlainSpan:
    events = [
        {"name": event.name, "time": time(event.time_unix_nano), "attributes": attributes(event.attributes)}
        for event in span.events
    ]
    return {
        "trace": span.trace_id.hex(),
        "span": span.span_id.hex(),
        "parent": _parent(span.parent_span_id.hex()),
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


def _json_spans(body: bytes) -> Iterator[PlainSpan]:
    request = json_request(body, "resourceSpans")
    most, count = most_spans(body), 0
    for group in objects(request, "resourceSpans"):
        resource = json_resource(group)
        for scoped in objects(group, "scopeSpans"):
            scope = json_scope(scoped)
            for span in objects(scoped, "spans"):
                count += 1
                if count > most:
                    raise Unreadable(f"more than {most:,} spans in one request; send smaller batches")
                yield _json_span(span, scope, resource)


def _json_span(span: dict[str, Any], scope: dict[str, str], resource: dict[str, Any]) -> PlainSpan:
    status = span["status"] if isinstance(span.get("status"), dict) else {}
    code = status.get("code")
    kind = span.get("kind")
    return {
        "trace": text(get(span, "traceId")).lower(),
        "span": text(get(span, "spanId")).lower(),
        "parent": _parent(text(get(span, "parentSpanId")).lower()),
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


def _take(found: SpanBody, trace: str, span: str, name: str, place: Any) -> None:
    for kind, value, length in (("trace", trace, 32), ("span", span, 16)):
        if not is_id(value, length):
            found.rejected.append(f"span {name[:60]!r}: {kind} id {value[:40]!r} is not {length} hex digits")
            return
    found.places.append((trace, place))


def _parent(value: str) -> str:
    return value if is_id(value, 16) else ""


def _small(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 100 else 0
