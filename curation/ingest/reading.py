"""What a format makes of one span: a model call, the run of a tool, an agent at work, or nothing it knows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal

from curation.ingest.calls import ModelCall
from curation.ingest.content import as_text
from curation.ingest.parsed import ParsedScore, Unreadable
from curation.ingest.spans import PlainSpan
from curation.ingest.text import parse
from curation.messages.clean import Notes
from curation.messages.form import Part

FINISH_REASONS = {
    "tool_call": "tool_calls",
    "tool-calls": "tool_calls",
    "tool_use": "tool_calls",
    "end_turn": "stop",
    "max_tokens": "length",
    "content-filter": "content_filter",
}
Listed = Sequence[tuple[int, dict[str, Any]]]  # one list that was flattened: (number, its fields)
Lists = Mapping[str, Listed]
_NUMBER = re.compile(r"(?<=\.)([0-9]{1,6})\.", re.ASCII)
_ASIDE = {
    "retriever",
    "retrieval",
    "reranker",
    "rerank",
    "embedding",
    "embeddings",
    "guardrail",
    "evaluator",
    "prompt",
    "parser",
}


@dataclass(slots=True)
class ToolRun:
    """One run of a tool. `call_id` is "" where the span does not say which call it answers; `arguments` and `parts` are
    None where they were not captured. `start` in nanoseconds."""

    key: str
    name: str
    call_id: str
    arguments: str | None
    parts: list[Part] | None
    is_error: bool
    latency_ms: int | None
    start: int


@dataclass(slots=True)
class Reading:
    """What one span says. `call` is set for llm, and for agent where it tells what was asked and answered."""

    kind: Literal["llm", "tool", "agent", "other"]
    format: str
    call: ModelCall | None = None
    tool: ToolRun | None = None
    agent: str = ""
    session_id: str = ""
    user_id: str = ""
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    scores: list[ParsedScore] = field(default_factory=list)


def maybe_json(value: Any) -> Any:
    """The value behind a JSON string; None where it is text that is no JSON; other values as they are."""
    if not isinstance(value, str):
        return value
    try:
        return parse(value)
    except Unreadable:
        return None


def lists_of(fields: dict[str, Any]) -> Lists:
    """Lists that were flattened, by number, all of them in one pass: {"a": 1, "b.1.x": 2, "b.0.x.3.y": 4} holds
    {"b.": [(0, {"x.3.y": 4}), (1, {"x": 2})]}. A list inside an item stays flat; ask again for it."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for key, value in fields.items():
        place = _place(key) if len(key) <= 200 else _place.__wrapped__(key)
        if place is not None:
            name, number, rest = place  # 03 is 3
            numbered = found.get(name)
            if numbered is None:
                numbered = found[name] = {}
            item = numbered.get(number)
            if item is None:
                numbered[number] = {rest: value}
            else:
                item[rest] = value
    return {name: sorted(numbered.items(), key=itemgetter(0)) for name, numbered in found.items()} if found else {}


@lru_cache(maxsize=8192)  # the same keys come with every span
def _place(key: str) -> tuple[str, int, str] | None:
    """Where a flattened key belongs: "b.3.x" is ("b.", 3, "x"). None where it holds no number before its last piece."""
    found = _NUMBER.search(key)
    if found is None or found.end() == len(key):
        return None
    return key[: found.start(1)], int(found[1]), key[found.end() :]


def leave_out(kind: str, notes: Notes) -> None:
    """Note a span that tells something, but nothing that was said: documents found, vectors, checks."""
    if kind.lower() in _ASIDE:
        notes.add(f"a span of kind {kind.lower()} is not part of the conversation")


def finish_reason(value: Any) -> str:
    """One word for each way to end, whoever wrote it."""
    text = as_text(value) if value else ""
    return FINISH_REASONS.get(text, text)


def latency_ms(span: PlainSpan) -> int | None:
    """Milliseconds from start to end; None where either is unknown or the clock ran backwards."""
    if not span["start"] or not span["end"] or span["end"] < span["start"]:
        return None
    return (span["end"] - span["start"] + 500_000) // 1_000_000


def started_at(span: PlainSpan) -> datetime | None:
    """When it began; None where that is unknown or beyond the years 1971 to 2200."""
    return moment(span["start"])


def moment(nanoseconds: int) -> datetime | None:
    """A time since 1970; None where it is unknown (0) or beyond the years 1971 to 2200."""
    seconds = nanoseconds / 1e9
    return datetime.fromtimestamp(seconds, tz=UTC) if 31_536_000 < seconds < 7_258_118_400 else None


def error_of(span: PlainSpan) -> str:
    """Why the span failed, or "": its status, the exception it recorded, or error.type."""
    failed = span["status"].get("code") == 2
    kind = as_text(span["attributes"].get("error.type") or "")
    message = as_text(span["status"].get("message") or "")
    for event in span["events"]:
        if event.get("name") == "exception":
            attributes = event.get("attributes") or {}
            failed = failed or bool(attributes.get("exception.escaped") in (True, "True", "true"))
            kind = kind or as_text(attributes.get("exception.type") or "")
            message = message or as_text(attributes.get("exception.message") or "")
    if not failed and not kind:
        return ""
    if kind and message and kind.rsplit(".", 1)[-1] not in message:
        return f"{kind}: {message}"
    return message or kind or "failed, no reason given"


def as_call(span: PlainSpan, **fields: Any) -> ModelCall:
    """A model call with what every span knows of it: key, times, error."""
    at = started_at(span)
    return ModelCall(
        key=span["span"],
        parent=span["parent"],
        start=span["start"],
        started_at=at.isoformat() if at else "",
        latency_ms=latency_ms(span),
        error=error_of(span),
        **fields,
    )
