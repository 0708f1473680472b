"""From what a reader made to what the tables hold: cleaned, measured, and fitted into the columns."""

import copy
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import orjson
from django.utils import timezone

from curation import known_scores
from curation.ingest.parsed import ParsedScore, ParsedTrace
from curation.messages.clean import Notes, clean, clean_and_dump, clean_text, mend_inside
from curation.messages.form import Conversation, Document, Message, Tool
from curation.messages.measure import MeasuredStep, measure
from curation.models import Trace

_TEXTS = ("name", "session_id", "user_id", "task_id", "environment", "agent", "model")
_LARGEST = 2**63 - 1
_STATUSES = frozenset(Trace.Status.values)
_MOST_DOLLARS = Decimal(100_000_000)
MOST_TAGS = 50
# perhaps half a character, written as an escape in JSON that stands inside text
_HALF_INSIDE = re.compile(rb"\\\\u[dD][89abAB]..(?!\\\\u[dD][c-fC-F])|(?<!\\\\u[dD][89abAB]..)\\\\u[dD][c-fC-F]")
# what says how it went, not what was said: a change here makes no judgment stale
_HOW = frozenset({"usage", "cost_usd", "latency_ms", "started_at", "span_id", "model", "finish_reason"})


@dataclass(slots=True)
class Prepared:
    """One trace ready to be stored. `columns` are those of Trace, `document` is JSON text, `digest` its SHA-256 and
    `said_digest` that of its words alone; `raw_id` is the record it came with."""

    external_id: str
    columns: dict[str, Any]
    document: bytes
    digest: str
    said_digest: str
    steps: list[MeasuredStep]
    scores: list[ParsedScore]
    tags: list[str]
    source: dict[str, str]
    notes: list[str] = field(default_factory=list)
    raw_id: int | None = None
    received_at: datetime = field(default_factory=timezone.now)


def prepare(parsed: ParsedTrace) -> Prepared:
    """Clean, measure and fit one trace. Every value that had to change is noted."""
    notes = Notes()
    cleaned, text = clean_and_dump(parsed.document, notes)
    if _HALF_INSIDE.search(text):
        cleaned, text = clean_and_dump(_whole_inside(cleaned, notes), notes)
    document = cast(Document, cleaned)
    measured = measure(document)
    columns: dict[str, Any] = {name: _fit(name, getattr(parsed, name), notes) for name in _TEXTS}
    columns["model"] = columns["model"] or _fit("model", measured.model, notes)
    status = parsed.status if parsed.status in _STATUSES else Trace.Status.UNSET
    columns |= {
        "status": status,
        "started_at": parsed.started_at,
        "latency_ms": _count("latency_ms", _either(parsed.latency_ms, measured.latency_ms), notes),
        "input_tokens": _count("input_tokens", _either(parsed.input_tokens, measured.input_tokens), notes),
        "output_tokens": _count("output_tokens", _either(parsed.output_tokens, measured.output_tokens), notes),
        "cost_usd": _dollars(_either(parsed.cost_usd, measured.cost_usd), notes),
        "turns": measured.turns,
        "steps": measured.steps,
        "tool_calls": measured.tool_calls,
        "errors": measured.errors,
        "is_empty": not measured.turns and not measured.steps,
        "tools": sorted({tool[:200] for tool in measured.tools}),
        "metadata": clean(parsed.metadata, notes),
        "preview": measured.preview,
        "input_fingerprint": measured.input_fingerprint,
        "source_format": str(parsed.source.get("format", ""))[:40],
    }
    external_id = stored_id(parsed.external_id, notes)
    return Prepared(
        external_id=external_id,
        columns=columns,
        document=text,
        digest=hashlib.sha256(text).hexdigest(),
        said_digest=said_digest(document),
        steps=measured.rows,
        scores=_scores(parsed.scores, notes),
        tags=_tags(parsed.tags, notes),
        source=clean(parsed.source, notes),
        notes=[*(clean_text(note, Notes()) for note in parsed.import_notes), *notes.lines()],
    )


def said_digest(document: Document) -> str:
    """SHA-256 of what was said alone, without times, costs and ids of spans."""
    told = {
        **document,
        "conversations": [
            {
                **conversation,
                "messages": [_words(message) for message in conversation["messages"]],
                "candidates": [_words(message) for message in conversation.get("candidates", [])],
            }
            for conversation in document["conversations"]
        ],
    }
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _words(message: Message) -> Mapping[str, Any]:
    if _HOW.isdisjoint(message):
        return message
    return {key: value for key, value in message.items() if key not in _HOW}


def _whole_inside(document: Document, notes: Notes) -> Document:
    """The document with whole characters in the arguments of calls and the schemas of tools, which every format parses."""

    def messages(given: list[Message]) -> list[Message]:
        return [one if "tool_calls" not in one else {**one, "tool_calls": [
            {**call, "arguments": mend_inside(call["arguments"], notes)} for call in one["tool_calls"]
        ]} for one in given]  # fmt: skip

    def conversation(given: Conversation) -> Conversation:
        tools: list[Tool] = [
            {**tool, "parameters": mend_inside(tool["parameters"], notes)} for tool in given.get("tools", [])
        ]
        changed: Conversation = {**given, "messages": messages(given["messages"]), "tools": tools}
        return {**changed, "candidates": messages(given["candidates"])} if "candidates" in given else changed

    return {**document, "conversations": [conversation(one) for one in document["conversations"]]}


def _either(first: Any, second: Any) -> Any:
    return second if first is None else first


def _fit(name: str, value: str, notes: Notes) -> str:
    text = clean_text(value, notes)
    most: int = getattr(Trace._meta.get_field(name), "max_length", None) or 200
    if len(text) <= most:
        return text
    if name in ("name", "environment", "model", "agent"):
        notes.add(f"the {name} was longer than {most} characters and was cut")
        return text[: most - 1] + "…"
    notes.add(f"the {name} was longer than {most} characters; its end became a checksum")
    return _shortened(text, most)


def stored_id(external_id: str, notes: Notes) -> str:
    """The external id as the table holds it: clean, and at most 200 characters long."""
    return _id(clean_text(external_id, notes), notes)


def _id(text: str, notes: Notes) -> str:
    if len(text) > 200:
        notes.add("the id was longer than 200 characters; its end became a checksum")
        return _shortened(text, 200)
    return text


def _shortened(text: str, most: int) -> str:
    """A text of at most `most` characters that still differs where the long one differed."""
    return f"{text[: most - 33]}~{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _count(name: str, value: int | None, notes: Notes) -> int | None:
    if value is None or 0 <= value <= _LARGEST:
        return value
    notes.add(f"{name} was out of range and was left out")
    return None


def _dollars(value: Decimal | None, notes: Notes) -> Decimal | None:
    if value is None:
        return None
    if not value.is_finite() or not 0 <= value < _MOST_DOLLARS:
        notes.add("cost_usd was out of range and was left out")
        return None
    return value.quantize(Decimal("0.000001"))


def _tags(given: list[str], notes: Notes) -> list[str]:
    tags = list(dict.fromkeys(clean_text(tag, notes).strip()[:100] for tag in given if tag.strip()))
    if any(len(tag) > 100 for tag in given):
        notes.add("a tag was longer than 100 characters and was cut")
    if len(tags) > MOST_TAGS:
        notes.add(f"more than {MOST_TAGS} tags came; the rest was left out", len(tags) - MOST_TAGS)
    return tags[:MOST_TAGS]


def _scores(given: list[ParsedScore], notes: Notes) -> list[ParsedScore]:
    """The scores as they are stored, each under a name and an id of its own. What has the same id of its sender is one
    score that was said again; two spellings of a known name, or two without ids, are two (noted)."""
    kept: dict[tuple[str, str], tuple[ParsedScore, ParsedScore]] = {}  # as it came, as it is stored
    for one in given:
        score = _score(one, notes)
        if score is None:
            continue
        first, number = score.external_id, 1
        while before := kept.get((score.name, score.external_id)):
            if before[1] == score or (one.external_id and before[0].name == one.name):
                break
            number += 1
            score.external_id = _shortened(f"{first}/{number}", 200) if len(first) > 190 else f"{first}/{number}"
        else:
            if number > 1:
                notes.add(f"score {score.name} came more than once; each was kept")
        kept[score.name, score.external_id] = (one, score)
    return [score for _, score in kept.values()]


def _score(given: ParsedScore, notes: Notes) -> ParsedScore | None:
    """A score with exactly one value and texts that fit; None (noted) where it has none."""
    score = copy.copy(given)
    score.name = clean_text(score.name, notes)[:100]
    score.author = clean_text(score.author, notes)[:200]
    score.reason = clean_text(score.reason, notes)
    score.category = clean_text(score.category, notes)[:100]
    score.external_id = _id(clean_text(score.external_id, notes), notes) or "import"
    if score.number is not None:
        score.boolean, score.category = None, ""
    elif score.boolean is not None:
        score.category = ""
    if not score.name or (score.number is None and score.boolean is None and not score.category):
        notes.add("a score without a name or a value was left out")
        return None
    _mean(score, notes)
    return score


def _mean(score: ParsedScore, notes: Notes) -> None:
    """Give a score whose meaning is known its own spelling, kind and range; one that cannot be it keeps its value (noted)."""
    name = known_scores.canonical(score.name)
    meant = known_scores.KNOWN.get(name)
    if meant is None:
        return
    score.name = name
    if meant.kind == "boolean" and score.number in (0, 1):
        score.boolean, score.number = bool(score.number), None
    if reason := known_scores.refuse(name, number=score.number, boolean=score.boolean):
        notes.add(f"score {name}: the value {reason[1]}; it was kept as it came")
    else:
        score.low, score.high = meant.low, meant.high
