"""Count what a protobuf body holds without decoding it: 4 kB of gzip can hold two million empty spans.

Source: protobuf encoding (varints, wire types 0, 1, 2, 5); field numbers from opentelemetry-proto
(trace/v1/trace.proto, common/v1/common.proto, collector/trace/v1/trace_service.proto).
"""

from collections.abc import Iterator

from curation.ingest.parsed import Unreadable

MOST_SPANS = 10_000
MOST_FIELDS = 2_000_000
# message -> {field number: message in it}; other fields are leaves
_INSIDE: dict[str, dict[int, str]] = {
    "request": {1: "resource_spans"},
    "resource_spans": {1: "resource", 2: "scope_spans"},
    "resource": {1: "key_value"},
    "scope_spans": {2: "span"},
    "span": {9: "key_value", 11: "event", 13: "link"},
    "event": {3: "key_value"},
    "link": {4: "key_value"},
    "key_value": {2: "any_value"},
    "any_value": {5: "array", 6: "pairs"},
    "array": {1: "any_value"},
    "pairs": {1: "key_value"},
}


def check_size(body: bytes) -> None:
    """Raise Unreadable where the body holds more than 10,000 spans or 2,000,000 fields, or is no protobuf."""
    fields = spans = 0
    waiting = [(0, len(body), "request")]
    while waiting:
        start, end, message = waiting.pop()
        inside = _INSIDE[message]
        for number, inner_start, inner_end in _entries(body, start, end):
            fields += 1
            if fields > MOST_FIELDS:
                raise Unreadable(f"more than {MOST_FIELDS:,} fields in one request; send smaller batches")
            found = inside.get(number)
            if found is None:
                continue
            if found == "span":
                spans += 1
                if spans > MOST_SPANS:
                    raise Unreadable(f"more than {MOST_SPANS:,} spans in one request; send smaller batches")
            waiting.append((inner_start, inner_end, found))


def _entries(body: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, start, end) of all length-delimited fields of one message; others are skipped."""
    while position < end:
        tag, position = _varint(body, position, end)
        kind = tag & 7
        if kind == 0:
            _, position = _varint(body, position, end)
            continue
        if kind == 2:
            length, position = _varint(body, position, end)
            if position + length > end:
                raise Unreadable("the body is no protobuf: a field is longer than its message")
            yield tag >> 3, position, position + length
            position += length
        elif kind in (1, 5):
            position += 8 if kind == 1 else 4
        else:
            raise Unreadable("the body is no protobuf with traces (logs and metrics are not taken here)")


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 70:
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise Unreadable("the body is no protobuf: it is cut off")
