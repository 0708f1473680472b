"""Count what a body holds without decoding it: 4 kB of gzip can hold two million empty spans.

Source: protobuf encoding (varints, wire types 0, 1, 2, 5); field numbers from opentelemetry-proto
(trace/v1/trace.proto, logs/v1/logs.proto, common/v1/common.proto and the collector's requests). On the way it tells the
signals apart: their field numbers coincide, and only the wire types of a few fields differ.
"""

import re
from collections.abc import Iterator

from curation.ingest.parsed import Unreadable

MOST_SPANS = 10_000
MOST_RECORDS = 50_000
MOST_FIELDS = 500_000
MOST_JSON = 1_000_000
MOST_JSON_VALUES = 4_000_000
# message -> {field number: message in it}; other fields are leaves
_VALUES: dict[str, dict[int, str]] = {
    "resource": {1: "key_value"},
    "key_value": {2: "any_value"},
    "any_value": {5: "array", 6: "pairs"},
    "array": {1: "any_value"},
    "pairs": {1: "key_value"},
}
_TRACES: dict[str, dict[int, str]] = {
    **_VALUES,
    "request": {1: "resource_spans"},
    "resource_spans": {1: "resource", 2: "scope_spans"},
    "scope_spans": {2: "span"},
    "span": {9: "key_value", 11: "event", 13: "link"},
    "event": {3: "key_value"},
    "link": {4: "key_value"},
}
_LOGS: dict[str, dict[int, str]] = {
    **_VALUES,
    "request": {1: "resource_logs"},
    "resource_logs": {1: "resource", 2: "scope_logs"},
    "scope_logs": {2: "record"},
    "record": {5: "any_value", 6: "key_value"},
}
# (field, wire type) that only the other signal has in this place: a record's times, a metric's sum; a span's ids, times
_NO_SPAN = {(1, 1): "logs; send them to /v1/logs", (11, 1): "logs; send them to /v1/logs", (7, 2): "metrics, not spans"}
_NO_RECORD = {(1, 2): "spans or metrics; send spans to /v1/traces", (8, 1): "spans; send them to /v1/traces"}
# possessive: no way back is kept for each letter. The last string may be cut off
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def check_signal(body: bytes, start: int, end: int) -> None:
    """Raise Unreadable where what stands in body[start:end] is a log record or a metric and no span."""
    for number, kind, _, _ in entries(body, start, end):
        if (number, kind) in _NO_SPAN:
            raise Unreadable(f"these are {_NO_SPAN[number, kind]}")


def check_span(body: bytes, start: int, end: int) -> None:
    """Raise Unreadable where the span in body[start:end] holds more than 500,000 fields. A field takes two bytes, so only
    a large one has to be counted."""
    if end - start > 2 * MOST_FIELDS:
        _walk(body[start:end], _TRACES, "span", MOST_SPANS, "spans", _NO_SPAN, first="span")


def most_spans(body: bytes) -> int:
    """How many spans a body may hold: 10,000, and one for every kB of a large one."""
    return max(MOST_SPANS, len(body) // 1000)


def check_logs(body: bytes) -> None:
    """Raise Unreadable where the body holds more than 50,000 log records or 500,000 fields, or is no protobuf with
    logs."""
    _walk(body, _LOGS, "record", MOST_RECORDS, "log records", _NO_RECORD)


def check_json(body: bytes) -> None:
    """Raise Unreadable where a JSON text (or the beginning of one) would become more than 1,000,000 lists, objects and
    keys (15 MB of "{}," are 345 MB once they are read) or more than 4,000,000 values. What stands inside strings does not
    count."""
    if _few(body):
        return
    if not _few(_STRINGS.sub(b"", body)):
        raise Unreadable(
            f"more than {MOST_JSON:,} lists, objects and keys, or {MOST_JSON_VALUES:,} values, in one request; "
            "send smaller batches"
        )


def _few(text: bytes) -> bool:
    is_few = text.count(b"{") + text.count(b"[") + text.count(b":") <= MOST_JSON
    return is_few and text.count(b",") <= MOST_JSON_VALUES


def _walk(
    body: bytes,
    inside: dict[str, dict[int, str]],
    unit: str,
    most: int,
    units: str,
    foreign: dict[tuple[int, int], str],
    first: str = "request",
) -> None:
    fields = found_units = 0
    waiting = [(0, len(body), first)]
    while waiting:
        start, end, message = waiting.pop()
        known = inside[message]
        strange = foreign if message == unit else None
        for number, kind, inner_start, inner_end in entries(body, start, end):
            if strange is not None and (number, kind) in strange:
                raise Unreadable(f"these are {strange[number, kind]}")
            if kind != 2:
                continue
            fields += 1
            if fields > MOST_FIELDS:
                raise Unreadable(f"more than {MOST_FIELDS:,} fields in one request; send smaller batches")
            found = known.get(number)
            if found is None:
                continue
            if found == unit:
                found_units += 1
                if found_units > most:
                    raise Unreadable(f"more than {most:,} {units} in one request; send smaller batches")
            waiting.append((inner_start, inner_end, found))


def entries(body: bytes, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, start, end) of all fields of one message but varints, which are skipped."""
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
            yield tag >> 3, kind, position, position + length
            position += length
        elif kind in (1, 5):
            yield tag >> 3, kind, position, position
            position += 8 if kind == 1 else 4
        else:
            raise Unreadable("the body is no protobuf that OTLP knows")


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
