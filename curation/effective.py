"""The effective judgment of a trace: what everybody's words together come to.

Adjudicated wins; else the majority of each person's newest word; on a tie the word that was said last. Unsure is a word
like the others. Words about what the trace says now count, whichever revision they were said of (one that only brought
times or costs says the same); only where there are none do older ones, and then the judgment is stale.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from curation.dirty import HOUR
from workspace import audit

# %(...)s: trace (id), and the row of a new judgment, which the statement's own snapshot cannot see yet
_WORDS = """
    said AS (
        SELECT id, coalesce(user_id::text, author) AS person, verdict, adjudicated, revision_id, created_at
        FROM curation_judgment WHERE trace_id = %(trace)s AND withdrawn_at IS NULL
        {new}
    ),
    counted AS (
        SELECT said.*, coalesce(
            said.revision_id = trace.revision_id OR nullif(seen.said_digest, '') = current.said_digest, false
        ) AS fresh
        FROM said
        JOIN curation_trace trace ON trace.id = %(trace)s
        LEFT JOIN curation_tracerevision current ON current.id = trace.revision_id
        LEFT JOIN curation_tracerevision seen ON seen.id = said.revision_id
    ),
    told AS (SELECT * FROM counted WHERE fresh = (SELECT bool_or(fresh) FROM counted)),
    newest AS (SELECT DISTINCT ON (person) * FROM told ORDER BY person, id DESC),
    votes AS (SELECT verdict, count(*) AS votes, max(id) AS latest FROM newest GROUP BY verdict),
    outcome AS (
        SELECT
            coalesce(
                (SELECT verdict FROM told WHERE adjudicated ORDER BY id DESC LIMIT 1),
                (SELECT verdict FROM votes ORDER BY votes DESC, latest DESC LIMIT 1),
                ''
            ) AS verdict,
            coalesce((SELECT NOT bool_or(fresh) FROM told), false) AS stale,
            (SELECT max(created_at) FROM told) AS judged_at
    ),
    settled AS (
        UPDATE curation_trace
        SET verdict = outcome.verdict, verdict_stale = outcome.stale, judged_at = outcome.judged_at
        FROM outcome WHERE curation_trace.id = %(trace)s {only}
        RETURNING curation_trace.*
    ),
    marked AS (
        INSERT INTO curation_dirtyhour (project_id, hour, marked_at) SELECT project_id, {hour}, now() FROM settled
    ){more}
    SELECT verdict FROM settled
"""
_ADDED = """
    added AS (
        INSERT INTO curation_judgment (uid, project_id, trace_id, revision_id, user_id, token_id, author, verdict, rating,
                                       note, adjudicated, idempotency_key, created_at, seconds)
        {row}
        -- the same key again adds nothing, and then nothing below happens either
        ON CONFLICT (project_id, idempotency_key) WHERE NOT (idempotency_key = '') DO NOTHING
        RETURNING id, user_id, verdict, author, adjudicated, revision_id, created_at
    ),
    closed AS (
        UPDATE curation_queueitem
        SET status = 'done', done_by_id = %(user)s, done_at = %(at)s, leased_by_id = NULL, leased_until = NULL
        WHERE trace_id = %(trace)s AND status IN ('open', 'flagged') AND EXISTS (SELECT FROM added)
    ),
"""
_NEW = "UNION ALL SELECT id, coalesce(user_id::text, author), verdict, adjudicated, revision_id, created_at FROM added"
_ROW = """%(uid)s, %(project)s, {trace}, {revision}, %(user)s, %(token)s, %(author)s, %(verdict)s, %(rating)s,
                %(note)s, %(adjudicated)s, %(key)s, %(at)s, %(seconds)s"""
_TOLD = {"new": _NEW, "only": "AND EXISTS (SELECT FROM added)", "hour": HOUR}
RECORD = (
    "WITH"
    + _ADDED.format(row=f"VALUES ({_ROW.format(trace='%(trace)s', revision='%(revision)s')})")
    + _WORDS.format(**_TOLD, more="")
)
SETTLE = "WITH" + _WORDS.format(new="", only="", hour=HOUR, more="")

# a reviewer waits for this one: locking the trace, the judgment and the row of the audit in one round trip. Two statements
# sent together are one transaction, and the second sees what others wrote before the lock was ours
_TARGET = """
    SELECT trace.id, trace.uid, {seen} AS seen FROM curation_trace trace WHERE trace.project_id = %(project)s AND trace.{which}
"""
_NOTED = audit.sql(
    action="trace.judged", target="'trace:' || target.uid", source="settled, target",
    detail="jsonb_build_object('judgment', %(uid)s::text, 'verdict', %(verdict)s::text, 'effective', settled.verdict)",
)  # fmt: skip
_ROW_OF_TARGET = f"SELECT {_ROW.format(trace='target.id', revision='target.seen')} FROM target WHERE seen IS NOT NULL"  # noqa: S608
_SAID = _ADDED.format(row=_ROW_OF_TARGET) + _WORDS.format(**_TOLD, more=f", noted AS ({_NOTED})")
_JUDGE = (f"{_TARGET} FOR UPDATE; WITH target AS ({_TARGET}), " + _SAID.replace("{", "{{").replace("}", "}}")).replace(
    "%(trace)s", "(SELECT id FROM target)"
)
_WHICH = {
    "trace": "uid = %(named)s",
    "item": "id = (SELECT trace_id FROM curation_queueitem WHERE uid = %(named)s)",
}
_SEEN = {
    False: "trace.revision_id",
    True: "(SELECT id FROM curation_tracerevision r WHERE r.trace_id = trace.id AND r.number = %(number)s)",
}
JUDGE = {(w, n): _JUDGE.format(which=_WHICH[w], seen=_SEEN[n]) for w in _WHICH for n in _SEEN}


@dataclass(frozen=True, slots=True)
class Words:
    """A judgment that is about to be written; ids are those of the rows inside."""

    uid: uuid.UUID
    project: int
    trace: int
    revision: int
    user: int | None
    token: int | None
    author: str
    verdict: str
    rating: int | None
    note: str
    adjudicated: bool
    key: str
    at: datetime
    seconds: float | None


def record(words: Words) -> str | None:
    """Write the judgment, close the trace's open queue items and store the effective judgment, in one statement.
    Call it while holding the trace's row lock, or two people judging at once could miss each other's word.

    Returns the effective judgment, or None where the idempotency key was used before: then nothing was written.
    """
    return _run(RECORD, {name: getattr(words, name) for name in Words.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of `judge`: ids of the trace and of the revision that was judged (None: there is no such revision), and
    the effective judgment, None where nothing was written."""

    trace: int
    uid: uuid.UUID
    revision: int | None
    effective: str | None


def judge(words: Words, *, item: uuid.UUID | None, trace: uuid.UUID | None, number: int | None) -> Judged | None:
    """Lock the trace with the outside id `trace`, or that of a queue's item, write the judgment as `record` does, of
    its current revision or of number `number`, and its row of the audit. `trace` and `revision` of `words` are not used.

    Returns None where the project has no such trace; `effective` is None where the idempotency key was used before.
    """
    values = {name: getattr(words, name) for name in Words.__dataclass_fields__}
    values |= {"named": item or trace, "number": number}
    with connection.cursor() as cursor:
        cursor.execute(JUDGE["item" if item else "trace", number is not None], values)
        row = cursor.fetchone()
        if row is None:
            return None
        cursor.nextset()
        settled = cursor.fetchone()
    return Judged(row[0], row[1], row[2], None if settled is None else str(settled[0]))


def settle(trace: int) -> str:
    """Compute the effective judgment of the trace with this id again and store it; returns it ("" for unjudged)."""
    return _run(SETTLE, {"trace": trace}) or ""


def _run(statement: str, values: dict[str, Any]) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return None if row is None else str(row[0])
