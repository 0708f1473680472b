"""POST /v1/traces, /v1/logs and /v1/metrics, and the same under Langfuse's path: OpenTelemetry's doors.

Source: OTLP specification, "OTLP/HTTP" (opentelemetry-proto, docs/specification.md): answers in the sender's own
encoding, errors as google.rpc.Status. Metrics are answered and not kept: they tell of no conversation.
"""

from curation.ingest import inbox, spans, spans_logs
from curation.ingest.spans import Encoding
from curation.intake_door import Answer, Delivery, Door
from curation.tasks import work_off
from workspace.access import Actor
from workspace.nudge import nudge_soon

_TYPES: dict[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}
_ENCODINGS: dict[str, Encoding] = {kind: encoding for encoding, kind in _TYPES.items()}
# google.rpc.Code of an HTTP status
_CODES = {400: 3, 401: 16, 405: 12, 408: 4, 413: 8, 415: 3, 429: 8, 503: 14}


def _word(kind: str, status: int, message: str) -> Answer:
    encoding = _ENCODINGS.get(kind, "json")
    return Answer(spans.status_body(encoding, _CODES[status], message), _TYPES[encoding], status)


def _take_traces(delivery: Delivery) -> Answer:
    """Check and keep the body. A batch without spans is answered and not kept."""
    encoding = _ENCODINGS[delivery.kind]
    found = spans.open_spans(delivery.body, encoding)
    if found.places:
        _keep(delivery, encoding, inbox.OTLP)
    return Answer(spans.response(encoding, found.rejected), _TYPES[encoding])


def _take_logs(delivery: Delivery) -> Answer:
    """Check and keep the body. A batch without GenAI events is answered and not kept; other records are counted."""
    encoding = _ENCODINGS[delivery.kind]
    batch = spans_logs.decode_logs(delivery.body, encoding)
    if batch["logs"]:
        _keep(delivery, encoding, inbox.OTLP_LOGS)
    others = f"{batch['others']:,} log records that are no GenAI events were not kept" if batch["others"] else ""
    answer = spans.response(encoding, batch["rejected"], signal="logs", warning=others)
    return Answer(answer, _TYPES[encoding])


def _take_metrics(delivery: Delivery) -> Answer:
    """Hear metrics and keep nothing, so that exporters that send all three signals run without errors."""
    encoding = _ENCODINGS[delivery.kind]
    return Answer(b"{}" if encoding == "json" else b"", _TYPES[encoding])


def _keep(delivery: Delivery, encoding: Encoding, wanted: str) -> None:
    record = inbox.keep(
        project=delivery.token.project,
        actor=Actor(token=delivery.token),
        body=delivery.body,
        packed=delivery.packed,
        source=delivery.path,
        content_type=_TYPES[encoding],
        wanted=wanted,
    )
    nudge_soon(work_off, record.pk)


_TRACES = Door(take=_take_traces, kinds=tuple(_ENCODINGS), word=_word)
_LOGS = Door(take=_take_logs, kinds=tuple(_ENCODINGS), word=_word)
_METRICS = Door(take=_take_metrics, kinds=tuple(_ENCODINGS), word=_word, stores=False)
DOORS: dict[str, Door] = {
    "/v1/traces": _TRACES,
    "/v1/logs": _LOGS,
    "/v1/metrics": _METRICS,
    "/api/public/otel/v1/traces": _TRACES,
    "/api/public/otel/v1/logs": _LOGS,
    "/api/public/otel/v1/metrics": _METRICS,
}
