"""Scores and feedback as SDKs write them.

Source: langfuse 5.0.4 (api/scores/types/create_score_request.py) and langsmith 0.14.17 (schemas.FeedbackCreate), with
captured bodies.
"""

from dataclasses import dataclass
from typing import Any

from curation.ingest.content import as_text
from curation.review.feedback import TEXT_LIMIT, Opinion
from curation.review.invalid import Invalid
from curation.review.said import About
from curation.review.scores import REASON_LIMIT, Value


@dataclass(frozen=True, slots=True)
class Word:
    """What one item says: a score, feedback, or both."""

    about: About
    value: Value | None = None
    opinion: Opinion | None = None


def langfuse_score(item: Any) -> Word:
    """A score of Langfuse: NUMERIC, BOOLEAN (0 or 1), CATEGORICAL or TEXT, and CORRECTION, which is the answer that should
    have been given. Without a type the value decides. Raises Invalid naming the field."""
    if not isinstance(item, dict):
        raise Invalid("score", "is no object")
    about = _about(item)
    kind, value = as_text(item.get("dataType") or "").upper(), item.get("value")
    if kind == "CORRECTION":
        return Word(
            about, opinion=Opinion(suggested_response=as_text(value or ""), comments=as_text(item.get("comment") or ""))
        )
    fields: dict[str, Any] = {"name": _text(item, "name"), "external_id": _text(item, "id"), "reason": _reason(item)}
    if isinstance(value, bool) or (kind == "BOOLEAN" and value in (0, 1)):
        fields["boolean"] = bool(value)
    elif isinstance(value, (int, float)):
        if kind == "BOOLEAN":
            raise Invalid("value", f"must be 0 or 1 for a BOOLEAN; got {value:g}")
        fields["number"] = _number(value)
    elif isinstance(value, str) and value:
        if kind in ("NUMERIC", "BOOLEAN"):
            raise Invalid("value", f"must be a number for {kind}; got text")
        fields["category"] = value
    else:
        raise Invalid("value", "must be a number, true, false or text")
    return Word(about, value=Value(**fields))


def langsmith_feedback(item: Any) -> Word:
    """Feedback of LangSmith: `score` is a number or true or false, `value` a category, `correction` what should have been
    answered. Raises Invalid naming the field."""
    if not isinstance(item, dict):
        raise Invalid("feedback", "is no object")
    trace, run = _text(item, "trace_id"), _text(item, "run_id")
    if not trace and not run:
        raise Invalid("trace_id", "or run_id must be given")
    note = f"run {run}" if run and trace and run != trace else ""
    reason = " - ".join(filter(None, [as_text(item.get("comment") or ""), note]))[:REASON_LIMIT]
    fields: dict[str, Any] = {"name": _text(item, "key"), "external_id": _text(item, "id"), "reason": reason}
    score, label, correction = item.get("score"), item.get("value"), item.get("correction")
    if isinstance(score, bool):
        fields["boolean"] = score
    elif isinstance(score, (int, float)):
        fields["number"] = _number(score)
    elif isinstance(label, bool):
        fields["boolean"] = label
    elif isinstance(label, (int, float)):
        fields["number"] = _number(label)
    elif label not in (None, "", {}, []):
        fields["category"] = as_text(label)
    value = Value(**fields) if len(fields) > 3 else None
    opinion = None
    if correction not in (None, {}, ""):
        opinion = Opinion(suggested_response=as_text(correction)[:TEXT_LIMIT], comments="" if value else reason)
    elif value is None and reason:
        opinion = Opinion(comments=f"{fields['name']}: {reason}")
    if value is None and opinion is None:
        raise Invalid("score", "or value, comment or correction must be given")
    return Word(About(trace=trace or run), value=value, opinion=opinion)


def _about(item: dict[str, Any]) -> About:
    if item.get("traceId"):
        return About(trace=_text(item, "traceId"))
    if item.get("sessionId"):
        return About(session=_text(item, "sessionId"))
    raise Invalid("traceId", "or sessionId must be given")


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid(name, "must be text")
    return value or ""


def _reason(item: dict[str, Any]) -> str:
    """The comment, and the observation inside the trace that it is about."""
    said = [as_text(item.get("comment") or "")]
    if item.get("observationId"):
        said.append(f"observation {as_text(item['observationId'])}")
    return " - ".join(filter(None, said))


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Invalid("value", "is too large a number") from None
