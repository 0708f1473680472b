"""The index of words, kept up behind intake: rows that wait are the queue.

Every stored revision leaves a FollowUp row in its own transaction. A sweep takes some (SKIP LOCKED: several workers take
different ones), writes the words of each trace's current revision and deletes the rows, all in one transaction. A trace
whose document cannot be read is indexed by what its row says (name, preview, ids), marked `cut`, after MOST_ATTEMPTS.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import F, Min

from curation.messages.form import Document, Message
from curation.models import FollowUp, Trace, TraceRevision, TraceText
from curation.search.words import Words, gather

log = logging.getLogger(__name__)

BATCH = 100
SWEEP_SECONDS = 4.0
MOST_ATTEMPTS = 3
COUNT_TO = 10_000
BACKFILL = 50_000
_COLUMNS = ("name", "preview", "external_id", "session_id", "user_id", "task_id", "agent")


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the index is behind: traces that wait (counted to COUNT_TO) and since when the oldest does."""

    waiting: int
    since: datetime | None

    @property
    def more(self) -> bool:
        """Whether still more wait than were counted."""
        return self.waiting >= COUNT_TO


def lag(*, project_id: int) -> Lag:
    """How far the index of one project is behind. One query where nothing waits, else two."""
    waiting = FollowUp.objects.filter(project_id=project_id, kind=FollowUp.Kind.SEARCH)
    since = waiting.aggregate(since=Min("created_at"))["since"]
    return Lag(waiting.values("pk")[:COUNT_TO].count() if since else 0, since)


def sweep(*, seconds: float = SWEEP_SECONDS) -> int:
    """Index what waits, oldest first, for some seconds. Returns how many were indexed."""
    end, done = monotonic() + seconds, 0
    while monotonic() < end:
        taken = index_some()
        done += taken
        if taken < BATCH:
            break
    return done


def index_some(*, most: int = BATCH) -> int:
    """Index at most `most` traces that wait. Returns how many rows were taken."""
    with transaction.atomic():
        waiting = FollowUp.objects.select_for_update(skip_locked=True).filter(kind=FollowUp.Kind.SEARCH)
        rows = list(waiting.order_by("id")[:most].values_list("pk", "trace_id", "attempts"))
        if not rows:
            return 0
        try:
            with transaction.atomic():
                write(trace_ids={trace for _, trace, _ in rows})
            done = [pk for pk, _, _ in rows]
        except Exception:  # whatever a document may cause: then each alone, so that the others do not wait for it
            log.exception("A batch of %s traces could not be indexed; each is tried alone.", len(rows))
            done = [pk for pk, trace, attempts in rows if _write_alone(trace, last=attempts + 1 >= MOST_ATTEMPTS)]
            tried = [pk for pk, _, _ in rows if pk not in done]
            FollowUp.objects.filter(pk__in=tried).update(attempts=F("attempts") + 1)
        FollowUp.objects.filter(pk__in=done).delete()
    return len(rows)


def _write_alone(trace_id: int, *, last: bool) -> bool:
    try:
        with transaction.atomic():
            write(trace_ids={trace_id})
    except Exception:
        log.exception("Trace %s could not be indexed.", trace_id)
        if last:
            write(trace_ids={trace_id}, documents=False)
        return last
    return True


def write(*, trace_ids: set[int], documents: bool = True) -> int:
    """Write the words of these traces as they are now; those that are gone are left out. Without `documents` only what
    the rows say goes in, and the entry is marked cut. Returns how many were written."""
    traces = list(
        Trace.objects.filter(pk__in=trace_ids)
        .order_by("pk")
        .values("id", "project_id", "revision_id", "received_at", *_COLUMNS)
    )
    said: dict[int, Document] = {}
    if documents:
        revisions = [trace["revision_id"] for trace in traces if trace["revision_id"]]
        said = dict(TraceRevision.objects.filter(pk__in=revisions).values_list("pk", "document"))
    values: list[Any] = []
    for trace in traces:
        found = words_of(trace, said.get(trace["revision_id"]))
        values += [
            trace["id"], trace["project_id"], trace["revision_id"], trace["received_at"], found.vector,
            found.cut or not documents,
        ]  # fmt: skip
    if not traces:
        return 0
    sql = (
        f"INSERT INTO {TraceText._meta.db_table} (trace_id, project_id, revision_id, received_at, words, cut) "  # noqa: S608
        f"VALUES {', '.join(['(%s, %s, %s, %s, %s::tsvector, %s)'] * len(traces))} "
        "ON CONFLICT (trace_id) DO UPDATE SET (revision_id, received_at, words, cut) = "
        "(excluded.revision_id, excluded.received_at, excluded.words, excluded.cut)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
    return len(traces)


def words_of(columns: dict[str, Any], document: Document | None) -> Words:
    """The index entry of a trace: its ids and names first, then everything said in it, call by call."""
    return gather(_everything(columns, document))


def _everything(columns: dict[str, Any], document: Document | None) -> Iterator[str]:
    for name in _COLUMNS:
        if columns.get(name):
            yield str(columns[name])
    for conversation in (document or {"conversations": []})["conversations"]:
        for message in (*conversation["messages"], *conversation.get("candidates", ())):
            yield from texts_of(message)


def texts_of(message: Message) -> Iterator[str]:
    """Every text of a message that is searched: content, reasoning, names, arguments and ids of its calls. Pictures
    and sounds have none."""
    for part in message["parts"]:
        if part.get("text"):
            yield readable(part["text"])
        if "value" in part and part["value"] is not None:
            yield from _strings(part["value"])
    for thought in message.get("reasoning", ()):
        yield thought["text"]
    for call in message.get("tool_calls", ()):
        yield call["name"]
        yield call["id"]
        yield readable(call["arguments"])
    if message.get("tool_call_id"):
        yield message["tool_call_id"]
    if message.get("name"):
        yield message["name"]


def readable(text: str) -> str:
    """JSON with escapes in it as the text it stands for ("a\\nb" is two words, not a word "nb"); else as it is."""
    if "\\" in text and text.lstrip()[:1] in ("{", "["):
        try:
            return "\n".join(_strings(orjson.loads(text)))
        except orjson.JSONDecodeError:
            return text
    return text


def _strings(value: Any) -> Iterator[str]:
    """Keys and values of JSON, level by level without recursion: hostile nesting must not end the process."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            for key, inner in reversed(one.items()):
                stack += (inner, key)
        elif isinstance(one, list):
            stack += reversed(one)
        elif one is not None:
            yield str(one)


def backfill(*, project_id: int | None = None, every: bool = False, most: int | None = BACKFILL) -> int:
    """Put traces that are not in the index, and do not wait for it, on the queue, the newest first; with `every` all of
    them, to be indexed anew; at most `most`. Returns how many were put there."""
    missing = "" if every else "AND NOT EXISTS (SELECT FROM curation_tracetext w WHERE w.trace_id = t.id)"
    one = "" if project_id is None else "AND t.project_id = %(project)s"
    sql = f"""
        INSERT INTO curation_followup (project_id, trace_id, revision_id, kind, attempts, created_at)
        SELECT t.project_id, t.id, t.revision_id, 'search', 0, now() FROM curation_trace t
        WHERE t.revision_id IS NOT NULL {one} {missing}
            AND NOT EXISTS (SELECT FROM curation_followup f WHERE f.trace_id = t.id AND f.kind = 'search')
        ORDER BY t.id DESC LIMIT %(most)s
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"project": project_id, "most": most})
        return int(cursor.rowcount)
