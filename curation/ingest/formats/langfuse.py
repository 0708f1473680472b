"""Langfuse exports: traces with their observations (API, "Download JSON"), or rows of observations (table export, blob
storage, in camel or snake case).

Source: Langfuse API reference (fern/apis/server/definition/commons.yml: Trace, TraceWithFullDetails, Observation, Score)
and docs, "Blob Storage Export Field Reference". Observations are read as Langfuse's spans are.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import as_finite, read_time
from curation.ingest.formats.openai_agents_spans import nanoseconds
from curation.ingest.openai_messages import dumps
from curation.ingest.parsed import ParsedScore, ParsedTrace, Rejected, Unreadable
from curation.ingest.reading import maybe_json
from curation.ingest.span_files import Gathered, Rows, plain_span, read_spans, typed_score
from curation.ingest.spans import PlainSpan
from curation.ingest.text import Source

NAME = "langfuse"
LABEL = "Langfuse traces and observations"
GROUP = "Exports of tracing tools"
_KINDS = {"GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL", "EMBEDDING"}
_TRACE_KEYS = {"sessionId", "session_id", "userId", "user_id", "totalCost", "htmlPath", "release", "environment"}


def detect(sample: list[Any]) -> bool:
    """Whether records are traces or observations of Langfuse."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a trace, an observation, or a page of such."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("data"), list) and "meta" in value:
        return any(is_record(item) for item in value["data"])
    if isinstance(value.get("trace"), dict) and isinstance(value.get("observations"), list):
        return True
    return _is_observation(value) or _is_trace(value)


def _is_observation(value: dict[str, Any]) -> bool:
    kind = _get(value, "type")
    return bool(_get(value, "traceId")) and "id" in value and isinstance(kind, str) and kind.upper() in _KINDS


def _is_trace(value: dict[str, Any]) -> bool:
    if "id" not in value or "timestamp" not in value or "messages" in value:
        return False
    return isinstance(value.get("observations"), list) or (
        "input" in value and "output" in value and not value.keys().isdisjoint(_TRACE_KEYS)
    )


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trace id."""
    return read_spans(source, NAME, _take)


def _take(record: Any, gathered: Gathered) -> Iterable[str]:
    if not isinstance(record, dict):
        raise Unreadable("is no trace and no observation")
    if isinstance(record.get("data"), list):
        return [key for item in record["data"] for key in _take(item, gathered)]
    if isinstance(record.get("trace"), dict):
        record = {**record["trace"], **{name: value for name, value in record.items() if name != "trace"}}
    if _is_observation(record):
        _take_observation(record, gathered, as_text(_get(record, "traceId")))
        return []
    if not _is_trace(record) and "observations" not in record:
        raise Unreadable("is no trace and no observation")
    key = as_text(record.get("id") or "")
    rows = gathered.trace(key)
    observations = record["observations"] if isinstance(record.get("observations"), list) else []
    full = [one for one in observations if isinstance(one, dict)]
    if len(full) < len(observations):
        rows.notes.add("observations of which only the ids came", len(observations) - len(full))
    gathered.add(_root(record, key))
    for one in full:
        _take_observation({"traceId": key, **one}, gathered, key)
    _take_facts(record, rows)
    return [key] if full else []


def _root(record: dict[str, Any], key: str) -> PlainSpan:
    """The trace itself as the span around its observations; it tells what went in and out."""
    start = nanoseconds(record.get("timestamp"))
    latency = as_finite(record.get("latency"))
    return plain_span(
        trace=key,
        key=f"trace:{key}",
        parent="",
        name=as_text(record.get("name") or ""),
        start=start,
        end=start + int(latency * 1e9) if latency and 0 < latency < 1e8 and start else 0,
        attributes={
            "langfuse.observation.type": "chain",
            **_texts({"input": record.get("input"), "output": record.get("output")}),
        },
    )


def _take_observation(given: dict[str, Any], gathered: Gathered, key: str) -> None:
    parent = _get(given, "parentObservationId")
    root = f"trace:{key}" in gathered.trace(key).spans
    details: dict[str, Any] = {
        "type": as_text(_get(given, "type") or "span").lower(),
        "input": given.get("input"),
        "output": given.get("output"),
        "model.name": _get(given, "model") or _get(given, "providedModelName"),
        "usage_details": _get(given, "usageDetails") or _get(given, "usage"),
        "cost_details": _cost(given),
        "level": given.get("level"),
        "status_message": _get(given, "statusMessage"),
    }
    rows = gathered.add(
        plain_span(
            trace=key,
            key=as_text(given.get("id") or ""),
            parent=as_text(parent) if parent else f"trace:{key}" if root else "",
            name=as_text(given.get("name") or ""),
            start=nanoseconds(_get(given, "startTime")),
            end=nanoseconds(_get(given, "endTime")),
            attributes=_texts(details),
        )
    )
    for name, column in (("sessionId", "session_id"), ("userId", "user_id"), ("traceName", "name")):
        if _get(given, name):  # rows of the enriched export carry what the trace says
            rows.facts.setdefault(column, as_text(_get(given, name)))
    if isinstance(given.get("tags"), list):
        rows.facts.setdefault("tags", [as_text(tag) for tag in given["tags"]])
    if given.get("environment") and given["environment"] != "default":
        rows.facts.setdefault("environment", as_text(given["environment"]))


def _cost(given: dict[str, Any]) -> Any:
    details = _get(given, "costDetails")
    total = next((given[key] for key in ("calculatedTotalCost", "totalCost", "total_cost") if given.get(key)), None)
    return details or ({"total": total} if total is not None else None)


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """Attributes as the SDK writes them: text stays, anything else is JSON text."""
    return {
        name if name.startswith("langfuse.") else f"langfuse.observation.{name}": one if isinstance(one, str) else dumps(one)
        for name, one in values.items()
        if one not in (None, "", {}, [])
    }  # fmt: skip


def _take_facts(record: dict[str, Any], rows: Rows) -> None:
    facts: dict[str, Any] = {
        "name": record.get("name"),
        "session_id": _get(record, "sessionId"),
        "user_id": _get(record, "userId"),
        "environment": record.get("environment") if record.get("environment") != "default" else "",
    }
    rows.facts.update({name: as_text(value) for name, value in facts.items() if value})
    rows.facts["started_at"] = read_time(record.get("timestamp"))
    if isinstance(record.get("tags"), list):
        rows.facts["tags"] = [as_text(tag) for tag in record["tags"]]
    metadata = maybe_json(record.get("metadata"))
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    metadata |= {name: record[name] for name in ("release", "version") if record.get(name)}
    rows.facts["metadata"] = metadata
    latency = as_finite(record.get("latency"))
    if latency is not None and 0 <= latency < 1e8:
        rows.facts["latency_ms"] = timedelta(seconds=latency) // timedelta(milliseconds=1)
    scores = record.get("scores")
    for one in scores if isinstance(scores, list) else []:
        score = _score(one) if isinstance(one, dict) else None
        if score is None:
            rows.notes.add("a score without a name or a value was left out")
        else:
            rows.scores.append(score)


def _score(given: dict[str, Any]) -> ParsedScore | None:
    kind, value = _get(given, "dataType"), given.get("value")
    if kind == "BOOLEAN" and value in (0, 1):
        value = bool(value)
    elif kind == "CATEGORICAL":
        value = _get(given, "stringValue") or value
    return typed_score(
        given.get("name"),
        value,
        reason=as_text(given.get("comment") or ""),
        author=as_text(_get(given, "authorUserId") or given.get("source") or "langfuse"),
        external_id=as_text(given.get("id") or ""),
    )


def _get(holder: dict[str, Any], key: str) -> Any:
    """A field in camel case or in snake case."""
    if key in holder:
        return holder[key]
    return holder.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key))
