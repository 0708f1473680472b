"""POST /v1/traces, and the same under Langfuse's path: OpenTelemetry's doors.

Source: OTLP specification, "OTLP/HTTP" (opentelemetry-proto, docs/specification.md): answers in the sender's own
encoding, errors as google.rpc.Status.
"""

from curation.ingest import inbox, spans
from curation.ingest.spans import Encoding
from curation.intake_door import Answer, Delivery, Door
from curation.tasks import work_off
from workspace.access import Actor
from workspace.nudge import nudge

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
    batch = spans.decode_spans(delivery.body, encoding)
    if batch["spans"]:
        record = inbox.keep(
            project=delivery.token.project,
            actor=Actor(token=delivery.token),
            body=delivery.body,
            source=delivery.path,
            content_type=_TYPES[encoding],
            wanted=inbox.OTLP,
        )
        nudge(work_off, record.pk)
    return Answer(spans.response(encoding, batch), _TYPES[encoding])


_TRACES = Door(take=_take_traces, kinds=tuple(_ENCODINGS), word=_word)
DOORS: dict[str, Door] = {"/v1/traces": _TRACES, "/api/public/otel/v1/traces": _TRACES}
