"""Log records on the wire: the events of GenAI instrumentations, which carry what was said beside its span.

Source: opentelemetry-proto, `logs/v1/logs.proto`; OpenTelemetry GenAI events (gen_ai.client.inference.operation.details,
gen_ai.evaluation.result) and those of conventions up to 1.30 (gen_ai.user.message and its kin, gen_ai.choice). Other log
records are not kept: they tell of no conversation.
"""

import hashlib
from typing import Any, TypedDict

import orjson
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from curation.ingest.parsed import Unreadable
from curation.ingest.spans import Encoding, json_request
from curation.ingest.spans_values import (
    any_value,
    attributes,
    get,
    is_id,
    json_attributes,
    json_resource,
    json_scope,
    json_value,
    objects,
    text,
    time,
)
from curation.ingest.wire import MOST_RECORDS, check_logs
from curation.messages.clean import Notes, clean

PREFIX = "gen_ai."


class PlainLog(TypedDict):
    """One event as JSON can hold it. `log` is its event name, `trace` and `span` are where it happened (`span` "" where it
    does not say), `time` nanoseconds since 1970 (0: unknown), `order` its number in the body it came in."""

    log: str
    trace: str
    span: str
    time: int
    order: int
    body: Any
    attributes: dict[str, Any]
    scope: dict[str, str]
    resource: dict[str, Any]


class LogBatch(TypedDict):
    """What one body held. `rejected` says why events were left out, one sentence each; `others` counts log records that
    are no GenAI events."""

    logs: list[PlainLog]
    rejected: list[str]
    others: int


def decode_logs(body: bytes, encoding: Encoding) -> LogBatch:
    """The GenAI events of one OTLP body. Raises Unreadable where the body is no ExportLogsServiceRequest."""
    batch: LogBatch = {"logs": [], "rejected": [], "others": 0}
    if not body:
        return batch
    try:
        if encoding == "protobuf":
            _decode_protobuf(body, batch)
        else:
            _decode_json(body, batch)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    return batch


def key_of(log: PlainLog) -> str:
    """What names an event among the rows of its trace: the same event sent again is the same row, in whatever batch."""
    said: Any = {name: value for name, value in log.items() if name not in ("order", "resource", "scope")}
    try:
        text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # huge integers, broken Unicode
        text = orjson.dumps(clean(said, Notes()), option=orjson.OPT_SORT_KEYS)
    return f"log:{hashlib.sha256(text).hexdigest()[:40]}"


def _decode_protobuf(body: bytes, batch: LogBatch) -> None:
    check_logs(body)
    try:
        request = ExportLogsServiceRequest.FromString(body)
    except DecodeError:
        raise Unreadable("the body is no ExportLogsServiceRequest (spans go to /v1/traces)") from None
    number = 0
    for group in request.resource_logs:
        resource = attributes(group.resource.attributes)
        for scoped in group.scope_logs:
            scope = {"name": scoped.scope.name, "version": scoped.scope.version, "schema_url": scoped.schema_url}
            for record in scoped.log_records:
                number += 1
                given = attributes(record.attributes)
                _take(
                    batch,
                    {
                        "log": record.event_name or text(given.get("event.name")),
                        "trace": record.trace_id.hex(),
                        "span": record.span_id.hex(),
                        "time": time(record.time_unix_nano) or time(record.observed_time_unix_nano),
                        "order": number,
                        "body": any_value(record.body),
                        "attributes": given,
                        "scope": scope,
                        "resource": resource,
                    },
                )


def _decode_json(body: bytes, batch: LogBatch) -> None:
    number = 0
    for group in objects(json_request(body, "resourceLogs"), "resourceLogs"):
        resource = json_resource(group)
        for scoped in objects(group, "scopeLogs"):
            scope = json_scope(scoped)
            for record in objects(scoped, "logRecords"):
                number += 1
                if number > MOST_RECORDS:
                    raise Unreadable(f"more than {MOST_RECORDS:,} log records in one request; send smaller batches")
                given = json_attributes(record.get("attributes"))
                _take(
                    batch,
                    {
                        "log": text(get(record, "eventName")) or text(given.get("event.name")),
                        "trace": text(get(record, "traceId")).lower(),
                        "span": text(get(record, "spanId")).lower(),
                        "time": time(get(record, "timeUnixNano")) or time(get(record, "observedTimeUnixNano")),
                        "order": number,
                        "body": json_value(record.get("body")),
                        "attributes": given,
                        "scope": scope,
                        "resource": resource,
                    },
                )


def _take(batch: LogBatch, log: PlainLog) -> None:
    if not log["log"].startswith(PREFIX):
        batch["others"] += 1
    elif not is_id(log["trace"], 32):
        batch["rejected"].append(f"event {log['log'][:60]!r}: trace id {log['trace'][:40]!r} is not 32 hex digits")
    else:
        log["span"] = log["span"] if is_id(log["span"], 16) else ""
        batch["logs"].append(log)
