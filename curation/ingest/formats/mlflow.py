"""MLflow traces as `Trace.to_json()` writes them: {"info", "data": {"spans"}}.

Source: mlflow 3 (entities/trace.py, trace_info.py, span.py, assessment.py): ids of spans are base64, status codes are
names, each attribute is JSON text of its own; mlflow 2 writes {"context": {"trace_id", "span_id"}} and hex. Spans are read
as MLflow's live ones are.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import read_time
from curation.ingest.openai_messages import dumps, whole_number
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.reading import maybe_json
from curation.ingest.span_files import Gathered, Rows, plain_span, read_spans, typed_score
from curation.ingest.spans import PlainSpan
from curation.ingest.text import Source

NAME = "mlflow"
LABEL = "MLflow traces"
GROUP = "Exports of tracing tools"
_CODES = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2, "OK": 1, "ERROR": 2}
_HEX = re.compile(r"[0-9a-f]{16,32}")
_OWN_TAGS = ("mlflow.",)


def detect(sample: list[Any]) -> bool:
    """Whether records are traces of MLflow."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a trace, or a list of such under `traces`."""
    if not isinstance(value, dict):
        return False
    data = value.get("data")
    return isinstance(value.get("info"), dict) and isinstance(data, dict) and isinstance(data.get("spans"), list)


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per record."""
    return read_spans(source, NAME, _take)


def _take(record: Any, gathered: Gathered) -> Iterable[str]:
    if not isinstance(record, dict) or not is_record(record):
        raise Unreadable("is no trace with info and data.spans")
    info = record["info"]
    given = as_text(info.get("trace_id") or info.get("request_id") or "")
    key = given.removeprefix("tr-") if _HEX.fullmatch(given.removeprefix("tr-")) else given
    rows = gathered.trace(key)
    for number, span in enumerate(record["data"]["spans"]):
        if not isinstance(span, dict):
            raise Unreadable(f"data.spans[{number}] is no object")
        gathered.add(_span(span, key))
    _take_facts(info, rows, given)
    return [key]


def _span(span: dict[str, Any], trace: str) -> PlainSpan:
    context = span["context"] if isinstance(span.get("context"), dict) else span
    status = span.get("status")
    code = status.get("code") if isinstance(status, dict) else span.get("status_code")
    message = status.get("message") if isinstance(status, dict) else span.get("status_message")
    attributes = span["attributes"] if isinstance(span.get("attributes"), dict) else {}
    for name, attribute in (
        ("inputs", "mlflow.spanInputs"),
        ("outputs", "mlflow.spanOutputs"),
        ("span_type", "mlflow.spanType"),
    ):
        if span.get(name) is not None and attribute not in attributes:
            attributes = {**attributes, attribute: dumps(span[name])}
    events = span.get("events")
    return plain_span(
        trace=trace,
        key=_id(context.get("span_id")),
        parent=_id(span.get("parent_span_id") or span.get("parent_id")),
        name=as_text(span.get("name") or ""),
        start=_nanoseconds(span.get("start_time_unix_nano", span.get("start_time"))),
        end=_nanoseconds(span.get("end_time_unix_nano", span.get("end_time"))),
        status={"code": _CODES.get(as_text(code), 0), "message": as_text(message or "")},
        attributes=attributes,
        events=[
            {"name": as_text(one.get("name") or ""), "time": 0,
             "attributes": one["attributes"] if isinstance(one.get("attributes"), dict) else {}}
            for one in (events if isinstance(events, list) else []) if isinstance(one, dict)
        ],
    )  # fmt: skip


def _id(value: Any) -> str:
    """Hex, out of hex or base64; other texts as they are."""
    text = as_text(value) if value else ""
    if _HEX.fullmatch(text.removeprefix("0x")):
        return text.removeprefix("0x")
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text
    return found.hex() if len(found) in (8, 16) else text


def _nanoseconds(value: Any) -> int:
    count = int(value) if isinstance(value, str) and value.isdigit() and len(value) < 20 else value
    return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**63 else 0


def _take_facts(info: dict[str, Any], rows: Rows, given: str) -> None:
    metadata = info.get("trace_metadata") or info.get("request_metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    tags = info["tags"] if isinstance(info.get("tags"), dict) else {}
    state = as_text(info.get("state") or info.get("status") or "")
    rows.facts = {
        "name": as_text(tags.get("mlflow.traceName") or ""),
        "session_id": as_text(metadata.get("mlflow.trace.session") or ""),
        "user_id": as_text(metadata.get("mlflow.trace.user") or ""),
        "started_at": read_time(info.get("request_time") or info.get("timestamp_ms")),
        "latency_ms": _milliseconds(info),
        "status": {"OK": "ok", "ERROR": "error"}.get(state, ""),
        "metadata": {
            **{key: maybe_json(value) or value for key, value in tags.items() if not key.startswith(_OWN_TAGS)},
            "mlflow.trace_id": given,
        },
    }
    assessments = info.get("assessments")
    for one in assessments if isinstance(assessments, list) else []:
        if isinstance(one, dict):
            _take_assessment(one, rows)


def _milliseconds(info: dict[str, Any]) -> int | None:
    """`execution_duration` is protobuf's "1.5s"; the other spellings are numbers."""
    text = info.get("execution_duration")
    if isinstance(text, str) and re.fullmatch(r"\d{1,9}(\.\d{1,9})?s", text):
        return round(float(text[:-1]) * 1000)
    for name in ("execution_duration_ms", "execution_time_ms", "execution_duration"):
        if (count := whole_number(info.get(name))) is not None:
            return count
    return None


def _take_assessment(one: dict[str, Any], rows: Rows) -> None:
    """Feedback becomes a score; what was expected is kept as metadata."""
    name = one.get("assessment_name") or one.get("name")
    source = one["source"] if isinstance(one.get("source"), dict) else {}
    if one.get("valid") is False:
        rows.notes.add("an assessment that was replaced by a later one was left out")
        return
    expected = one.get("expectation")
    if isinstance(expected, dict):
        value = expected.get("value")
        rows.facts["metadata"] = {**rows.facts["metadata"], f"expected.{as_text(name)}": value}
        return
    feedback = one["feedback"] if isinstance(one.get("feedback"), dict) else one
    score = typed_score(
        name, feedback.get("value"), reason=as_text(one.get("rationale") or ""),
        author=as_text(source.get("source_id") or source.get("source_type") or "mlflow"),
        external_id=as_text(one.get("assessment_id") or ""),
    )  # fmt: skip
    if score is None:
        rows.notes.add("an assessment without a name or a plain value was left out")
    else:
        rows.scores.append(score)
