"""Spans on the wire: OTLP bodies (protobuf or JSON) into plain spans, and answers in the sender's own encoding.

Source: opentelemetry-proto, `trace/v1/trace.proto` and docs/specification.md (OTLP/HTTP). JSON is decoded by hand:
google.protobuf.json_format would read the hex ids as base64 and corrupt them without an error.
"""

import base64
import json
import math
import string
from collections.abc import Iterable
from typing import Any, Literal, TypedDict

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from curation.ingest.parsed import Unreadable
from curation.ingest.text import decode, parse
from curation.ingest.wire import MOST_SPANS, check_size

Encoding = Literal["protobuf", "json"]
_MOST_TIME = 2**63 - 1
_HEX = set(string.hexdigits)
_KINDS = {
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}
_STATUS = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


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
    return _decode_protobuf(body) if encoding == "protobuf" else _decode_json(body)


def response(encoding: Encoding, batch: Batch) -> bytes:
    """ExportTraceServiceResponse; partial_success where spans were rejected."""
    count = len(batch["rejected"])
    message = "; ".join(batch["rejected"][:5]) + (f"; and {count - 5} more" if count > 5 else "")
    if encoding == "json":
        found = {"partialSuccess": {"rejectedSpans": str(count), "errorMessage": message}} if count else {}
        return json.dumps(found).encode()
    answer = ExportTraceServiceResponse()
    if count:
        answer.partial_success.rejected_spans = count
        answer.partial_success.error_message = message
    return bytes(answer.SerializeToString())


def status_body(encoding: Encoding, code: int, message: str) -> bytes:
    """google.rpc.Status, what OTLP/HTTP answers an error with. `code` is a google.rpc.Code."""
    if encoding == "json":
        return json.dumps({"code": code, "message": message}).encode()
    text = message.encode()[:4000]
    # by hand: field 1 is the code as a varint (below 128), field 2 the message with its length in front
    length = bytes([len(text)]) if len(text) < 128 else bytes([len(text) & 0x7F | 0x80, len(text) >> 7])
    return b"\x08" + bytes([code]) + b"\x12" + length + text


def _decode_protobuf(body: bytes) -> Batch:
    check_size(body)
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise Unreadable("the body is no ExportTraceServiceRequest (logs and metrics are not taken here)") from None
    batch: Batch = {"spans": [], "rejected": []}
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            scope = {"name": scoped.scope.name, "version": scoped.scope.version, "schema_url": scoped.schema_url}
            for span in scoped.spans:
                _take(batch, _protobuf_span(span, scope, resource))
    return batch


def _protobuf_span(span: Any, scope: dict[str, str], resource: dict[str, Any]) -> PlainSpan:
    events = [
        {"name": event.name, "time": _time(event.time_unix_nano), "attributes": _attributes(event.attributes)}
        for event in span.events
    ]
    return {
        "trace": span.trace_id.hex(),
        "span": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "start": _time(span.start_time_unix_nano),
        "end": _time(span.end_time_unix_nano),
        "status": {"code": span.status.code, "message": span.status.message},
        "attributes": _attributes(span.attributes),
        "events": events,
        "scope": scope,
        "resource": resource,
    }


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _decode_json(body: bytes) -> Batch:
    request = parse(decode(body.removeprefix(b"\xef\xbb\xbf")))
    if not isinstance(request, dict):
        raise Unreadable("the body is JSON but no object with resourceSpans")
    if _get(request, "resourceLogs") is not None or _get(request, "resourceMetrics") is not None:
        raise Unreadable("these are logs or metrics; this address takes traces")
    batch: Batch = {"spans": [], "rejected": []}
    for group in _objects(request, "resourceSpans"):
        found = group.get("resource")
        resource = _json_attributes(found.get("attributes")) if isinstance(found, dict) else {}
        for scoped in _objects(group, "scopeSpans"):
            named = scoped["scope"] if isinstance(scoped.get("scope"), dict) else {}
            scope = {
                "name": _text(named.get("name")),
                "version": _text(named.get("version")),
                "schema_url": _text(_get(scoped, "schemaUrl")),
            }
            for span in _objects(scoped, "spans"):
                if len(batch["spans"]) + len(batch["rejected"]) >= MOST_SPANS:
                    raise Unreadable(f"more than {MOST_SPANS:,} spans in one request; send smaller batches")
                _take(batch, _json_span(span, scope, resource))
    return batch


def _json_span(span: dict[str, Any], scope: dict[str, str], resource: dict[str, Any]) -> PlainSpan:
    status = span["status"] if isinstance(span.get("status"), dict) else {}
    code = status.get("code")
    kind = span.get("kind")
    return {
        "trace": _text(_get(span, "traceId")).lower(),
        "span": _text(_get(span, "spanId")).lower(),
        "parent": _text(_get(span, "parentSpanId")).lower(),
        "name": _text(span.get("name")),
        "kind": _KINDS.get(kind, 0) if isinstance(kind, str) else _small(kind),
        "start": _time(_get(span, "startTimeUnixNano")),
        "end": _time(_get(span, "endTimeUnixNano")),
        "status": {
            "code": _STATUS.get(code, 0) if isinstance(code, str) else _small(code),
            "message": _text(status.get("message")),
        },
        "attributes": _json_attributes(span.get("attributes")),
        "events": [
            {
                "name": _text(event.get("name")),
                "time": _time(_get(event, "timeUnixNano")),
                "attributes": _json_attributes(event.get("attributes")),
            }
            for event in _objects(span, "events")
        ],
        "scope": scope,
        "resource": resource,
    }


def _json_attributes(pairs: Any) -> dict[str, Any]:
    """A list of {key, value}; a plain object (which the standard does not allow, but some send) is taken as it is."""
    if isinstance(pairs, dict):
        return pairs
    if not isinstance(pairs, list):
        return {}
    return {_text(pair.get("key")): _json_value(pair.get("value")) for pair in pairs if isinstance(pair, dict)}


def _json_value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "stringValue" in value:
        return value["stringValue"]
    if "intValue" in value:
        return _whole(value["intValue"])
    if "doubleValue" in value:
        return _double(value["doubleValue"])
    if "boolValue" in value:
        return value["boolValue"]
    if "bytesValue" in value:
        return value["bytesValue"]
    array, pairs = value.get("arrayValue"), value.get("kvlistValue")
    if isinstance(array, dict):
        items = array.get("values")
        return [_json_value(item) for item in items] if isinstance(items, list) else []
    if isinstance(pairs, dict):
        return _json_attributes(pairs.get("values"))
    return None


def _take(batch: Batch, span: PlainSpan) -> None:
    for key, length in (("trace", 32), ("span", 16)):
        value = span[key]  # type: ignore[literal-required]
        if len(value) != length or not _HEX.issuperset(value) or not value.strip("0"):
            batch["rejected"].append(f"span {span['name'][:60]!r}: {key} id {value[:40]!r} is not {length} hex digits")
            return
    if len(span["parent"]) != 16 or not _HEX.issuperset(span["parent"]) or not span["parent"].strip("0"):
        span["parent"] = ""
    batch["spans"].append(span)


def _objects(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    values = _get(holder, key)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _get(holder: dict[str, Any], key: str) -> Any:
    """A field by its JSON name, or by its name in the .proto file, which some encoders write."""
    if key in holder:
        return holder[key]
    return holder.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _small(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 100 else 0


def _time(value: Any) -> int:
    found = _whole(value)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= _MOST_TIME else 0


def _whole(value: Any) -> Any:
    """Integers come as numbers or as text."""
    if isinstance(value, str) and len(value) <= 20 and value.lstrip("-").isdigit() and value.isascii():
        try:
            return int(value)
        except ValueError:
            return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    return value


def _double(value: Any) -> Any:
    """ "NaN", "Infinity" and "-Infinity" come as text; they stay text."""
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            return value
        return found if math.isfinite(found) else value
    return value
