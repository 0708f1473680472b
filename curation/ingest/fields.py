"""The plain fields a record may carry beside its messages, and ids for records that bring none."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.openai_messages import read_usage, whole_number
from curation.ingest.parsed import ParsedScore, ParsedTrace
from curation.messages.clean import Notes

IDS = ("external_id", "trace_id", "id")
_TEXTS = {
    "name": ("name",),
    "session_id": ("session_id", "conversation_id"),
    "user_id": ("user_id", "user"),
    "task_id": ("task_id",),
    "environment": ("environment",),
    "agent": ("agent", "agent_name"),
    "model": ("model",),
}
_OTHERS = {
    "tags",
    "metadata",
    "started_at",
    "timestamp",
    "created_at",
    "latency_ms",
    "cost_usd",
    "usage",
    "status",
    "scores",
}
KNOWN = {*IDS, *_OTHERS, *(key for keys in _TEXTS.values() for key in keys)}


def content_id(prefix: str, value: Any) -> str:
    """An id made from the content: the same record is the same trace wherever it comes from."""
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=True)
    return f"{prefix}/{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def given_id(record: Mapping[str, Any]) -> str:
    """The id a record brings, or ""."""
    for key in IDS:
        value = record.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""


def fill(trace: ParsedTrace, record: Mapping[str, Any], notes: Notes, *, taken: set[str]) -> None:
    """Take the plain fields of `record` over into `trace`; keys that are neither these nor in `taken` are counted."""
    for field, keys in _TEXTS.items():
        value = next((record[key] for key in keys if record.get(key) not in (None, "", [], {})), None)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            setattr(trace, field, str(value))
        elif value is not None:
            notes.add(f"the field {field} was neither text nor a number and was left out")
    trace.status = record["status"] if record.get("status") in ("ok", "error") else trace.status
    trace.started_at = next(
        (found for key in ("started_at", "timestamp", "created_at") if (found := read_time(record.get(key)))), None
    )
    trace.latency_ms = whole_number(record.get("latency_ms"))
    trace.cost_usd = read_dollars(record.get("cost_usd"))
    usage = read_usage(record.get("usage"))
    trace.input_tokens, trace.output_tokens = usage.get("input"), usage.get("output")
    if isinstance(record.get("tags"), list):
        trace.tags = [as_text(tag) for tag in record["tags"] if tag not in (None, "")]
    if isinstance(record.get("metadata"), dict):
        trace.metadata = record["metadata"]
    elif record.get("metadata") is not None:
        trace.metadata = {"metadata": record["metadata"]}
    trace.scores = read_scores(record.get("scores"), notes)
    for key, value in record.items():
        if key not in KNOWN and key not in taken and value not in (None, "", [], {}):
            notes.add(f"the field {key[:40]!r} was not taken over")


def read_time(value: Any) -> datetime | None:
    """ISO 8601 text, or seconds since 1970 (milliseconds, micro- and nanoseconds by their size); None where it is none
    or beyond the years 1971 to 2200."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            seconds = float(value)
            while seconds > 1e11:
                seconds /= 1000
            found = datetime.fromtimestamp(seconds, tz=UTC)
        else:
            return None
        return found.astimezone(UTC) if 1971 <= found.year <= 2200 else None
    except (ValueError, OverflowError, OSError):
        return None


def read_dollars(value: Any) -> Decimal | None:
    """US dollars from 0 to 99,999,999, to six places; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    if not found.is_finite() or not 0 <= found < 100_000_000:
        return None
    return found.quantize(Decimal("0.000001"))


def read_scores(value: Any, notes: Notes) -> list[ParsedScore]:
    """Scores as [{name, value | score | label, comment?}] or {name: value}. A value that is none is left out."""
    if isinstance(value, dict):
        value = [{"name": name, "value": found} for name, found in value.items()]
    if not isinstance(value, list):
        return []
    scores = []
    for item in value:
        score = _read_score(item) if isinstance(item, dict) else None
        if score is None:
            notes.add("a score without a name or a value was left out")
        else:
            scores.append(score)
    return scores


def _read_score(item: Mapping[str, Any]) -> ParsedScore | None:
    name = item.get("name")
    value = next((item[key] for key in ("value", "score", "label") if item.get(key) is not None), None)
    if not isinstance(name, str) or not name:
        return None
    score = ParsedScore(name=name, reason=as_text(item.get("reason") or item.get("comment") or ""))
    score.author = as_text(item.get("author") or "")
    score.external_id = as_text(item.get("id") or "")
    score.passed = item["passed"] if isinstance(item.get("passed"), bool) else None
    if isinstance(value, bool):
        score.boolean = value
    elif isinstance(value, (int, float)):
        score.number = as_finite(value)
        score.low, score.high = as_finite(item.get("low")), as_finite(item.get("high"))
    elif isinstance(value, str):
        score.category = value
    return score if score.number is not None or score.boolean is not None or score.category else None


def as_finite(value: Any) -> float | None:
    """A finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
