"""The OpenAI Agents SDK's trace export, as a file: bodies {"data": [...]}, or its traces and spans one by one.

Source: openai-agents 0.24.0 (BackendSpanExporter, /v1/traces/ingest). Spans are read as those of the live wire are.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from curation.ingest.formats.openai_agents_spans import as_plain_span
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.span_files import Gathered, read_spans
from curation.ingest.text import Source

NAME = "openai_agents"
LABEL = "OpenAI Agents SDK traces"
GROUP = "Exports of tracing tools"
_OBJECTS = ("trace", "trace.span")


def detect(sample: list[Any]) -> bool:
    """Whether records are traces and spans of this SDK, or bodies of such."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a trace, a span or a body."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("data"), list):
        return any(isinstance(item, dict) and item.get("object") in _OBJECTS for item in value["data"])
    return value.get("object") in _OBJECTS


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trace id."""
    return read_spans(source, NAME, _take)


def _take(record: Any, gathered: Gathered) -> Iterable[str]:
    items = record.get("data") if isinstance(record, dict) and "data" in record else [record]
    if not isinstance(items, list):
        raise Unreadable("data is not a list")
    for item in items:
        gathered.add(as_plain_span(item))
    return []
