"""Phoenix (and Arize) exports: span rows, nested as its API gives them or flat as a data frame writes them.

Source: Arize-ai/phoenix, client `spans.get_spans` and `get_spans_dataframe` (columns context.trace_id, context.span_id,
parent_id, span_kind, status_code, attributes.*, events). Attributes are OpenInference's, put back into their flat form.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.formats.openai_agents_spans import nanoseconds
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.reading import maybe_json
from curation.ingest.span_files import Gathered, Rows, plain_span, read_spans, typed_score
from curation.ingest.text import Source

NAME = "phoenix"
LABEL = "Phoenix span rows"
GROUP = "Exports of tracing tools"
_CODES = {"OK": 1, "ERROR": 2}
# values below these stay whole: their readers expect an object or its JSON text
_WHOLE = ("metadata", "json_schema", "invocation_parameters", "parameters", "arguments", "input.value", "output.value",
          "template.variables", "variables")  # fmt: skip
MOST_LEVELS = 20


def detect(sample: list[Any]) -> bool:
    """Whether records are span rows."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a span row, or a page of such."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("data"), list):
        return any(isinstance(row, dict) and _context(row)[1] for row in value["data"])
    return bool(_context(value)[1]) and ("span_kind" in value or "attributes" in value or "context" in value)


def _context(row: dict[str, Any]) -> tuple[str, str]:
    """(trace id, span id); MLflow's rows have a context too, but no kind."""
    context = row.get("context")
    if isinstance(context, dict):
        return as_text(context.get("trace_id") or ""), as_text(context.get("span_id") or "")
    return as_text(row.get("context.trace_id") or ""), as_text(row.get("context.span_id") or "")


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trace id."""
    return read_spans(source, NAME, _take)


def _take(record: Any, gathered: Gathered) -> Iterable[str]:
    if isinstance(record, dict) and isinstance(record.get("data"), list):
        for row in record["data"]:
            _take(row, gathered)
        return []
    if not isinstance(record, dict) or not _context(record)[1]:
        raise Unreadable("is no span row with context.trace_id and context.span_id")
    trace, key = _context(record)
    status = as_text(record.get("status_code") or "UNSET").upper()
    rows = gathered.add(
        plain_span(
            trace=trace,
            key=key,
            parent=as_text(record.get("parent_id") or ""),
            name=as_text(record.get("name") or ""),
            start=nanoseconds(record.get("start_time")),
            end=nanoseconds(record.get("end_time")),
            status={"code": _CODES.get(status, 0), "message": as_text(record.get("status_message") or "")},
            attributes=_attributes(record),
            events=_events(record.get("events")),
        )
    )
    _take_annotations(record, rows)
    return []


def _attributes(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    nested = row.get("attributes")
    nested = maybe_json(nested) if isinstance(nested, str) else nested
    if isinstance(nested, dict):
        _flatten("", nested, flat, 0)
    for name, value in row.items():
        if name.startswith("attributes."):
            _put(name.removeprefix("attributes."), value, flat, 0)
    if row.get("span_kind"):
        flat.setdefault("openinference.span.kind", as_text(row["span_kind"]))
    return flat


def _flatten(prefix: str, values: dict[str, Any], flat: dict[str, Any], level: int) -> None:
    for key, value in values.items():
        _put(f"{prefix}.{key}" if prefix else str(key), value, flat, level)


def _put(name: str, value: Any, flat: dict[str, Any], level: int) -> None:
    if value is None:
        return
    if name.endswith(_WHOLE) or level >= MOST_LEVELS:
        flat[name] = value
    elif isinstance(value, dict):
        _flatten(name, value, flat, level + 1)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            _put(f"{name}.{number}", item, flat, level + 1)
    else:
        flat[name] = value


def _events(given: Any) -> list[dict[str, Any]]:
    events = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return [
        {"name": as_text(one.get("name") or ""), "time": nanoseconds(one.get("timestamp")),
         "attributes": one["attributes"] if isinstance(one.get("attributes"), dict) else {}}
        for one in events
    ]  # fmt: skip


def _take_annotations(record: dict[str, Any], rows: Rows) -> None:
    given = record.get("annotations") or record.get("span_annotations")
    for one in given if isinstance(given, list) else []:
        if not isinstance(one, dict):
            continue
        result = one["result"] if isinstance(one.get("result"), dict) else one
        value = result.get("score") if result.get("score") is not None else result.get("label")
        score = typed_score(
            one.get("name"), value, reason=as_text(result.get("explanation") or ""),
            author=as_text(one.get("user") or one.get("annotator_kind") or "phoenix"),
            external_id=as_text(one.get("id") or ""),
        )  # fmt: skip
        if score is None:
            rows.notes.add("an annotation without a name or a value was left out")
        else:
            rows.scores.append(score)
