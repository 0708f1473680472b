"""OpenTelemetry spans in files: ExportTraceServiceRequest as JSON, one document or one per line (as the Collector's file
exporter writes them).

Source: opentelemetry-proto, docs/specification.md (JSON encoding). Spans are read as those sent to /v1/traces are.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from curation.ingest.openai_messages import dumps
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.span_files import Gathered, read_spans
from curation.ingest.spans import decode_spans
from curation.ingest.text import Source

NAME = "otlp_json"
LABEL = "OpenTelemetry spans as JSON (OTLP)"
GROUP = "Exports of tracing tools"


def detect(sample: list[Any]) -> bool:
    """Whether records are bodies of spans (or of logs and metrics, which this refuses by name)."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is such a body."""
    return isinstance(value, dict) and any(
        isinstance(value.get(key), list)
        for key in ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs", "resourceMetrics")
    )


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trace id."""
    return read_spans(source, NAME, _take)


def _take(record: Any, gathered: Gathered) -> Iterable[str]:
    if not isinstance(record, dict) or not is_record(record):
        raise Unreadable("is no object with resourceSpans")
    if record.get("resourceLogs") or record.get("resource_logs"):
        raise Unreadable("these are log records; they are taken at /v1/logs, where they are joined with their spans")
    batch = decode_spans(dumps(record).encode(errors="replace"), "json")
    for span in batch["spans"]:
        gathered.add(span)
    if batch["rejected"]:
        raise Unreadable("; ".join(batch["rejected"][:5]))
    return []
