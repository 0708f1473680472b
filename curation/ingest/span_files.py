"""Exports of tracing tools: their rows as plain spans, gathered by trace and put together as live ones are.

Rows of one trace may lie anywhere in a file, so they are held until its end; a record that is a whole trace is given out
at once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from curation.ingest import assemble as spans  # as a module: it imports the package of formats, and that this
from curation.ingest.content import as_text
from curation.ingest.fields import as_finite
from curation.ingest.parsed import ParsedScore, ParsedTrace, Rejected, Unreadable
from curation.ingest.spans import PlainSpan
from curation.ingest.text import Source
from curation.messages.clean import Notes

MOST_ID = 200


@dataclass(slots=True)
class Rows:
    """What was gathered of one trace: its spans by their ids, and what stands beside them."""

    where: str
    spans: dict[str, PlainSpan] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    scores: list[ParsedScore] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)


class Gathered:
    """Traces of one file in the order they began. `where` is the place of the record that is being taken."""

    def __init__(self) -> None:
        self.traces: dict[str, Rows] = {}
        self.where = ""

    def trace(self, key: Any) -> Rows:
        """The rows of one trace. Raises Unreadable for an id that is none."""
        text = as_text(key) if isinstance(key, (str, int)) and not isinstance(key, bool) else ""
        if not text or len(text) > MOST_ID:
            raise Unreadable("has no id of a trace")
        return self.traces.setdefault(text, Rows(self.where))

    def add(self, span: PlainSpan) -> Rows:
        """Take one span; of two with one id the later stays. Raises Unreadable."""
        rows = self.trace(span["trace"])
        if not span["span"] or len(span["span"]) > MOST_ID:
            raise Unreadable("has no id of its own")
        rows.spans[span["span"]] = span
        return rows


# takes one record; the ids of traces that are whole now (none more of them will come)
Take = Callable[[Any, Gathered], Iterable[str]]


def read_spans(source: Source, name: str, take: Take) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """Traces out of the rows of a file; `name` is the format."""
    gathered = Gathered()
    for item in source.records():
        if isinstance(item, Rejected):
            yield item
            continue
        gathered.where, record = item
        try:
            whole = dict.fromkeys(take(record, gathered))
        except Unreadable as error:
            yield Rejected(gathered.where, str(error))
            continue
        for key in whole:
            yield _finish(key, gathered.traces.pop(key), name)
    for key, rows in gathered.traces.items():
        yield _finish(key, rows, name)


def _finish(key: str, rows: Rows, name: str) -> tuple[str, ParsedTrace] | Rejected:
    trace = spans.assemble(rows.spans.values()) if rows.spans else None
    if trace is None:
        return Rejected(rows.where, f"trace {key[:60]!r} tells of no model, tool or agent")
    trace.external_id = key
    trace.source = {**trace.source, "format": name}
    for field_name, value in rows.facts.items():
        if field_name == "metadata":
            trace.metadata = {**value, **trace.metadata}
        elif field_name == "tags":
            trace.tags += [tag for tag in value if tag not in trace.tags]
        elif value not in (None, ""):
            setattr(trace, field_name, value)
    trace.scores += rows.scores
    trace.import_notes += rows.notes.lines()
    return rows.where, trace


def plain_span(*, trace: str, key: str, parent: str, name: str, start: int, end: int, **more: Any) -> PlainSpan:
    """A span with the fields that rows have; `more` replaces the empty others."""
    span: PlainSpan = {
        "trace": trace, "span": key, "parent": parent, "name": name, "kind": 0, "start": start, "end": end,
        "status": {"code": 0, "message": ""}, "attributes": {}, "events": [],
        "scope": {"name": "", "version": "", "schema_url": ""}, "resource": {},
    }  # fmt: skip
    span.update(more)  # type: ignore[typeddict-item]
    return span


def typed_score(name: Any, value: Any, **more: Any) -> ParsedScore | None:
    """A score of whatever kind its value has; None where it has no name or no value."""
    if not isinstance(name, str) or not name:
        return None
    score = ParsedScore(name=name, **more)
    if isinstance(value, bool):
        score.boolean = value
    elif (number := as_finite(value)) is not None:
        score.number = number
    elif isinstance(value, str) and value:
        score.category = value
    else:
        return None
    return score
