"""Keep spans and put the traces they belong to together again."""

import hashlib
import zlib
from collections.abc import Iterable, Sequence

import orjson
from django.db import connection

from curation.ingest.assemble import assemble
from curation.ingest.outcome import Outcome
from curation.ingest.parsed import ParsedTrace
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_logs import PlainLog, key_of
from curation.ingest.store import store_traces
from curation.messages.clean import Notes, clean
from curation.models import RawRecord, Span
from workspace.models import Project

Row = PlainSpan | PlainLog
_BUCKETS = 128
_LOCKS = 0x57_48_53  # first half of the advisory locks' key: spans
_ROWS = 500
_TRACES = 100


def store_spans(
    *,
    project: Project,
    spans: Sequence[PlainSpan],
    logs: Sequence[PlainLog] = (),
    raw: RawRecord | None,
    is_merged: bool = False,
) -> Outcome:
    """Store spans and events and reassemble each trace that got a new or changed one. Call it inside a transaction.

    Traces without any model, tool or agent span are kept as spans only; they become traces when such a span comes.
    Two workers with spans of one trace wait for each other, so the later one sees all spans. `is_merged`: the spans hold
    what was kept of them before (the caller has the locks), so they replace it whichever body they came in.
    """
    outcome = Outcome(format="otlp")
    by_trace: dict[str, dict[str, Row]] = {}
    for span in spans:
        by_trace.setdefault(span["trace"], {})[span["span"]] = span
    for log in logs:
        by_trace.setdefault(log["trace"], {})[key_of(log)] = log
    lock_traces(project, by_trace)
    changed = _upsert(project, by_trace, raw, is_merged)
    for _ in by_trace.keys() - changed:
        outcome.count("unchanged")
    waiting: list[ParsedTrace] = []
    for key in sorted(changed):
        payloads = Span.objects.filter(project=project, trace_key=key).values_list("payload", flat=True)
        trace = assemble(payloads)
        if trace is None:
            outcome.count("unchanged")
            continue
        waiting.append(trace)
        if len(waiting) >= _TRACES:
            _flush(project, waiting, raw, outcome)
    _flush(project, waiting, raw, outcome)
    return outcome


def _flush(project: Project, waiting: list[ParsedTrace], raw: RawRecord | None, outcome: Outcome) -> None:
    if waiting:
        received = raw.received_at if raw else None
        for found in store_traces(project=project, parsed=waiting, raw=raw, received_at=received):
            outcome.count(found)
        waiting.clear()


def lock_traces(project: Project, traces: Iterable[str]) -> None:
    """One of 128 locks per trace id, in order, until the transaction ends: row locks cannot guard rows to come."""
    buckets = sorted({zlib.crc32(f"{project.pk}/{key}".encode()) % _BUCKETS for key in traces})
    with connection.cursor() as cursor:
        for bucket in buckets:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, bucket])


def _upsert(project: Project, by_trace: dict[str, dict[str, Row]], raw: RawRecord | None, is_merged: bool) -> set[str]:
    """Insert or replace spans; returns the trace ids where something is new. Of two different reports of one span the
    one that was received later stays, whichever is worked off first."""
    rows = []
    for key, spans in by_trace.items():
        for span_key, span in spans.items():
            payload = orjson.dumps(clean(span, Notes()), option=orjson.OPT_SORT_KEYS)
            digest = hashlib.sha256(payload).hexdigest()
            rows.append((project.pk, key, span_key, raw.pk if raw else None, payload.decode(), digest))
    changed: set[str] = set()
    table = Span._meta.db_table
    newest = "" if is_merged else "AND (old.raw_id IS NULL OR excluded.raw_id >= old.raw_id) "
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            sql = (
                f"INSERT INTO {table} AS old (project_id, trace_key, span_key, raw_id, payload, digest) "  # noqa: S608
                f"VALUES {', '.join(['(%s, %s, %s, %s::bigint, %s::jsonb, %s)'] * len(part))} "
                "ON CONFLICT (project_id, trace_key, span_key) DO UPDATE "
                "SET payload = excluded.payload, digest = excluded.digest, raw_id = greatest(old.raw_id, excluded.raw_id) "
                f"WHERE old.digest <> excluded.digest {newest}"
                "RETURNING trace_key"
            )
            cursor.execute(sql, [value for row in part for value in row])
            changed.update(key for (key,) in cursor.fetchall())
    return changed
