"""Keep spans and put the traces they belong to together again."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from django.db import connection

from curation.ingest.assemble import assemble
from curation.ingest.copying import copy_in
from curation.ingest.outcome import Outcome
from curation.ingest.parsed import ParsedTrace
from curation.ingest.spans import PlainSpan, SpanBody
from curation.ingest.spans_logs import PlainLog, key_of
from curation.ingest.store import Origin, forget_late, store_traces
from curation.messages.clean import Notes, clean_and_dump
from curation.models import RawRecord, Span
from workspace.models import Project

Row = PlainSpan | PlainLog
_LOCKS = 0x57_48_53  # first half of the advisory locks' key: spans
_MOST_LOCKS = 300
_TRACES = 300
_COLUMNS = ("project_id", "trace_key", "span_key", "raw_id", "payload", "digest")


@dataclass(slots=True)
class Body:
    """Spans and events of one received body, and what became of it."""

    raw: RawRecord | None
    spans: SpanBody
    logs: Sequence[PlainLog] = ()
    outcome: Outcome = field(default_factory=lambda: Outcome(format="otlp"))

    @property
    def raw_id(self) -> int | None:
        """The record's id; None where the spans came without one."""
        return self.raw.pk if self.raw else None


@dataclass(slots=True)
class _Kept:
    """One span: as it was cleaned, as JSON text, and the body it came with (None: it was here before)."""

    row: Row
    payload: str
    digest: str
    body: Body | None


def store_spans(
    *,
    project: Project,
    spans: Sequence[PlainSpan],
    logs: Sequence[PlainLog] = (),
    raw: RawRecord | None,
    is_merged: bool = False,
) -> Outcome:
    """Store spans and events of one body; see `store_bodies`."""
    body = Body(raw, SpanBody([(span["trace"], span) for span in spans]), logs)
    store_bodies(project=project, bodies=[body], is_merged=is_merged)
    return body.outcome


def store_bodies(*, project: Project, bodies: Sequence[Body], is_merged: bool = False) -> None:
    """Store spans and events and reassemble each trace that got a new or changed one; the bodies' outcomes count the
    traces. Bodies come in the order of their ids. Call it inside a transaction.

    Traces without any model, tool or agent span are kept as spans only; they become traces when such a span comes.
    Two workers with spans of one trace wait for each other, so the later one sees all spans. `is_merged`: the spans hold
    what was kept of them before (the caller has the locks), so they replace it whichever body they came in.
    """
    places: dict[str, list[tuple[Any, Body]]] = {}
    for body in bodies:
        for trace, place in body.spans.places:
            places.setdefault(trace, []).append((place, body))
    logs: dict[str, list[tuple[PlainLog, Body]]] = {}
    for body in bodies:
        for log in body.logs:
            logs.setdefault(log["trace"], []).append((log, body))
    keys = places.keys() | logs.keys()
    lock_traces(project, keys)
    waiting = iter(sorted(keys))
    while some := list(islice(waiting, _TRACES)):  # never all in memory
        given: dict[str, dict[str, tuple[Row, Body]]] = {}
        for trace in some:
            rows = given[trace] = {}
            for place, body in places.pop(trace, ()):
                span = body.spans.read(place)
                rows[span["span"]] = span, body
            rows.update({key_of(log): (log, body) for log, body in logs.pop(trace, ())})
        _store(given, project, is_merged)


def lock_traces(project: Project, traces: Iterable[str]) -> None:
    """Keep others from these traces' spans until the transaction ends: row locks cannot guard rows to come.

    One lock for each trace, in order; a body with more than 300 traces takes the whole project instead, because the
    server's table of locks is small.
    """
    names = {f"{project.pk}/{key}".encode() for key in traces}
    keys = sorted(int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big", signed=True) for name in names)
    with connection.cursor() as cursor:
        gate = "pg_advisory_xact_lock_shared" if len(keys) <= _MOST_LOCKS else "pg_advisory_xact_lock"
        cursor.execute(f"SELECT {gate}(%s, %s)", [_LOCKS, project.pk % 2**31])
        if len(keys) <= _MOST_LOCKS:
            cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def _store(given: dict[str, dict[str, tuple[Row, Body]]], project: Project, is_merged: bool) -> None:
    kept = _known(given, project)
    new: list[tuple[str, str, _Kept]] = []
    changed: list[tuple[str, str, _Kept]] = []
    for trace, rows in given.items():
        for key, (row, body) in rows.items():
            found, span = kept.get(trace, {}).get(key), _as_kept(row, body)
            if found is None:
                new.append((trace, key, span))
            elif found[0].digest != span.digest and (is_merged or found[1] is None or (body.raw_id or 0) >= found[1]):
                changed.append((trace, key, span))
    _insert(new, project)
    for trace, key, span in changed:
        _replace(trace, key, span, project)
    together: dict[str, dict[str, _Kept]] = {}
    for trace, key, span in [*new, *changed]:
        rows_before = {key: found for key, (found, _) in kept.get(trace, {}).items()}
        together.setdefault(trace, rows_before)[key] = span
    for trace, rows in given.items():
        told = {id(span.body) for span in together.get(trace, {}).values()}
        for body in _bodies(body for _, body in rows.values()):
            if id(body) not in told:
                body.outcome.count("unchanged")
    _assemble(together, project)


def _as_kept(row: Row, body: Body) -> _Kept:
    cleaned, payload = clean_and_dump(row, Notes(), is_sorted=False)
    return _Kept(cleaned, payload.decode(), hashlib.sha256(payload).hexdigest(), body)


def _known(traces: Iterable[str], project: Project) -> dict[str, dict[str, tuple[_Kept, int | None]]]:
    """What is kept of these traces: {trace: {span: (it, id of its body)}}."""
    sql = (
        f"SELECT trace_key, span_key, digest, payload, raw_id FROM {Span._meta.db_table} "  # noqa: S608
        "WHERE project_id = %s AND trace_key = ANY(%s)"
    )
    known: dict[str, dict[str, tuple[_Kept, int | None]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, [project.pk, list(traces)])
        for trace, key, digest, payload, raw_id in cursor.fetchall():
            known.setdefault(trace, {})[key] = _Kept(orjson.loads(payload), payload, digest, None), raw_id
    return known


def _insert(spans: Sequence[tuple[str, str, _Kept]], project: Project) -> None:
    """Nobody else can have inserted them meanwhile: their traces are locked."""
    if spans:
        rows = (
            (project.pk, trace, key, span.body.raw_id if span.body else None, span.payload, span.digest)
            for trace, key, span in spans
        )
        copy_in(model=Span, columns=_COLUMNS, rows=rows)


def _replace(trace: str, key: str, span: _Kept, project: Project) -> None:
    """Of two different reports of one span the one that was received later stays, whichever is worked off first."""
    sql = (
        f"UPDATE {Span._meta.db_table} SET payload = %s, digest = %s, raw_id = greatest(raw_id, %s::bigint) "  # noqa: S608
        "WHERE project_id = %s AND trace_key = %s AND span_key = %s"
    )
    with connection.cursor() as cursor:
        raw_id = span.body.raw_id if span.body else None
        cursor.execute(sql, [span.payload, span.digest, raw_id, project.pk, trace, key])


def _assemble(together: dict[str, dict[str, _Kept]], project: Project) -> None:
    waiting: list[tuple[ParsedTrace, list[Body]]] = []
    alone: list[str] = []
    for name, rows in together.items():
        bodies = list(_bodies(span.body for span in rows.values()))
        trace = assemble(span.row for span in rows.values())
        if trace is None:
            for body in bodies:
                body.outcome.count("unchanged")
            alone.append(name)
        else:
            waiting.append((trace, bodies))
    if alone:
        forget_late(project=project, names=alone)
    found = store_traces(
        project=project,
        parsed=[trace for trace, _ in waiting],
        origins=[Origin(bodies[-1].raw, bodies[0].raw) for _, bodies in waiting],
    )
    for outcome, (trace, bodies) in zip(found, waiting, strict=True):
        if trace.import_notes and bodies and outcome != "unchanged":
            bodies[-1].outcome.note(trace.import_notes)
        for number, body in enumerate(bodies):  # the first of them made it, the others added to it
            body.outcome.count("updated" if number and outcome == "created" else outcome)


def _bodies(given: Iterable[Body | None]) -> Iterator[Body]:
    """Each body once, in the order of the records."""
    found = {id(body): body for body in given if body is not None}
    return iter(sorted(found.values(), key=lambda body: body.raw_id or 0))
