"""The inbox: bodies are kept as they came before the sender hears 200, and worked off from there.

A record is claimed by a row lock, so a worker that dies frees it. Its attempts are counted before the work begins: a
body that kills its worker again and again is quarantined as well as one that cannot be read; neither holds up the rest.
Where the database failed (an outage, a full disk) the attempt is given back: no body is to blame for that.
"""

import contextlib
import hashlib
import io
import itertools
import logging
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from time import monotonic
from typing import Any

import orjson
import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from curation.ingest.bodies import opened
from curation.ingest.keeping import insert
from curation.ingest.outcome import Outcome
from curation.ingest.parsed import Unreadable
from curation.ingest.records import Report, import_records
from curation.ingest.sdk_wires import WIRES
from curation.ingest.span_store import Body, store_bodies
from curation.ingest.spans import Encoding, SpanBody, open_spans
from curation.ingest.spans_logs import decode_logs
from curation.models import RawRecord
from curation.privacy import rules
from curation.privacy.redact import CannotRedact
from workspace.access import Actor
from workspace.models import Project

log = logging.getLogger(__name__)
OTLP = "otlp"
OTLP_LOGS = "otlp-logs"
PROTOBUF = "application/x-protobuf"
MOST_ATTEMPTS = 5
SWEEP_SECONDS = 10.0
# what is worked off in one transaction: more is no faster, and would lock more traces than rows of locks there are
GROUP_RECORDS = 200
GROUP_BYTES = 1024 * 1024


def keep(
    *,
    project: Project,
    actor: Actor,
    body: bytes,
    source: str,
    content_type: str = "",
    wanted: str = "auto",
    verdicts: Mapping[str, str] | None = None,
    packed: bytes | None = None,
) -> RawRecord:
    """Store a body (decompressed) and return its record; with `packed`, the same as gzip, that is what is stored. `wanted`
    is a reader's name, "auto" or "otlp". The same bytes to the same place are the same record, packed or not; one that was
    quarantined waits for another try then, and so does one that comes with another meaning of its labels (`verdicts`).

    Where the project wants personal data replaced, that is done first, and only the result is stored. Raises Unreadable
    for a body in which that cannot be done.
    """
    sent, body = body, _redacted(project, body, content_type)
    if body is not sent:
        packed = None
    options = {"verdicts": dict(verdicts)} if verdicts else {}
    digest = hashlib.sha256(body).hexdigest()
    place = {"project_id": project.pk, "sha256": digest, "source": source[:200], "format": wanted[:40]}
    new = insert(
        body=body,
        packed=packed,
        options=options,
        token_id=actor.token.pk if actor.token else None,
        user_id=actor.user.pk if actor.user else None,
        content_type=content_type[:100],
        **place,
    )
    if new is not None:
        return new
    record = RawRecord.objects.defer("body").get(**place)
    if record.options != options:
        RawRecord.objects.filter(pk=record.pk).update(
            options=options, status=RawRecord.Status.PENDING, attempts=0, error="", outcome={}
        )
        record.refresh_from_db(fields=["options", "status", "attempts", "error", "outcome"])
    else:
        retry(record=record)
    return record


def _redacted(project: Project, body: bytes, content_type: str) -> bytes:
    redactor = rules.redactor(project.pk)
    if redactor is None:
        return body
    try:
        return redactor.body(body, content_type=content_type)
    except CannotRedact as error:
        raise Unreadable(str(error)) from None


def retry(*, record: RawRecord) -> bool:
    """Put a quarantined record back in the inbox; False where it is not quarantined."""
    changed = RawRecord.objects.filter(pk=record.pk, status=RawRecord.Status.QUARANTINED).update(
        status=RawRecord.Status.PENDING, attempts=0, error=""
    )
    return bool(changed)


def pending(*, limit: int = 1000) -> list[int]:
    """Ids of records that wait, those with the fewest attempts first."""
    waiting = RawRecord.objects.filter(status=RawRecord.Status.PENDING).order_by("attempts", "id")
    return list(waiting.values_list("pk", flat=True)[:limit])


def sweep(*, seconds: float = SWEEP_SECONDS) -> dict[str, int]:
    """Work off what waits; after `seconds` no further record is begun, so that the worker comes free for other tasks and
    the next sweep goes on. Returns the `counts` of those that were begun."""
    end = monotonic() + seconds
    statuses: list[RawRecord.Status | None] = []
    while monotonic() < end and (group := _claim_group()):
        statuses += _work_off_group(group)
    begun = itertools.takewhile(lambda _: monotonic() < end, pending())
    return counts([*statuses, *(work_off(record_id=record_id) for record_id in begun)])


def work_off_with_others(*, record_id: int) -> None:
    """Work off one record, and in the same transaction others that nobody has tried yet."""
    group = _claim_group()
    _work_off_group(group)
    if record_id not in group:
        work_off(record_id=record_id)


def work_off(*, record_id: int) -> RawRecord.Status | None:
    """Do what one record asks for, if it waits and nobody else is at it.

    Returns its new status; None where there was nothing to do, or where the database failed and it still waits.
    """
    return _work_off_claimed(record_id) if _claim(record_id) else None


def _work_off_claimed(record_id: int) -> RawRecord.Status | None:
    try:
        with transaction.atomic():
            record = _lock(record_id)
            if record is None:
                return None
            outcome = _work(record)
            _close(record_id, RawRecord.Status.DONE, outcome=outcome.as_json())
        return RawRecord.Status.DONE
    except Unreadable as error:
        return _quarantine(record_id, str(error))
    except (OperationalError, InterfaceError) as error:
        if _asks_too_much(error):
            return _after_failure(record_id, f"{type(error).__name__}: {error}")
        # the database's trouble (a restart, a deadlock, a full disk), not the body's: it waits for the next sweep
        _give_back(record_id)
        log.warning("Record %s waits: the database did not answer.", record_id, exc_info=True)
        return None
    except Exception as error:  # whatever a body may cause: keep it, say why, go on with the rest
        log.exception("Record %s could not be worked off.", record_id)
        return _after_failure(record_id, f"{type(error).__name__}: {error}")


def work_now(*, record_id: int, report: Report = lambda outcome: None) -> Outcome:
    """Do what one record asks for while its sender waits, even where it was done before (then all is unchanged).

    Waits for a worker that is at it. Raises Unreadable, after the record was quarantined with the reason.
    """
    _claim(record_id)
    try:
        with transaction.atomic():
            waiting = RawRecord.objects.select_for_update(of=("self",)).select_related("project").defer("body")
            record = waiting.get(pk=record_id)
            outcome = _work(record, report)
            _close(record_id, RawRecord.Status.DONE, outcome=outcome.as_json())
        return outcome
    except Unreadable as error:
        _quarantine(record_id, str(error))
        raise
    except (OperationalError, InterfaceError) as error:
        if not _asks_too_much(error):
            _give_back(record_id)
        raise


def _claim_group() -> list[int]:
    """Count the first attempt of some OTLP bodies of one project and commit it; their ids. Bodies that were tried before
    are worked off alone, so that one that kills its worker takes no others along twice."""
    fresh = f"FROM {RawRecord._meta.db_table} WHERE status = 'pending' AND attempts = 0 AND format = ANY(%(formats)s)"
    sql = (
        "WITH waiting AS (SELECT id, size "  # noqa: S608
        f"{fresh} AND project_id = (SELECT project_id {fresh} ORDER BY id LIMIT 1) "
        "ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED), "
        "sized AS (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM waiting) "
        f"UPDATE {RawRecord._meta.db_table} AS record SET attempts = 1 FROM sized "
        "WHERE record.id = sized.id AND before < %(bytes)s RETURNING record.id"
    )
    values: dict[str, list[str] | int] = {"formats": [OTLP, OTLP_LOGS], "most": GROUP_RECORDS, "bytes": GROUP_BYTES}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [found for (found,) in cursor.fetchall()]


def _work_off_group(ids: list[int]) -> list[RawRecord.Status | None]:
    """Work off OTLP bodies of one project in one transaction; where that fails, one by one."""
    if len(ids) < 2:
        return [_work_off_claimed(record_id) for record_id in ids]
    try:
        return _work_together(ids)
    except Exception as error:  # one of them, or the database: who it was shows where each is alone
        log.info("A group of %s records could not be worked off together: %s", len(ids), error)
    for record_id in ids:
        _give_back(record_id)
    return [work_off(record_id=record_id) for record_id in ids]


def _work_together(ids: list[int]) -> list[RawRecord.Status | None]:
    unreadable: dict[int, str] = {}
    bodies: list[Body] = []
    with transaction.atomic():
        waiting = RawRecord.objects.filter(pk__in=ids, status=RawRecord.Status.PENDING).defer("body").order_by("pk")
        locked = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("project")
        records = {record.pk: record for record in locked}
        for record_id, content in _contents(list(records)):
            try:
                bodies.append(_open(records[record_id], content))
            except Unreadable as error:
                unreadable[record_id] = str(error)
        if bodies:
            store_bodies(project=next(iter(records.values())).project, bodies=bodies)
            _close_together(bodies)
    done = [RawRecord.Status.DONE for _ in bodies]
    return [*done, *(_quarantine(record_id, reason) for record_id, reason in unreadable.items())]


def _close_together(bodies: list[Body]) -> None:
    sql = (
        f"UPDATE {RawRecord._meta.db_table} AS record SET status = 'done', done_at = now(), error = '', "  # noqa: S608
        "outcome = found.outcome::jsonb FROM unnest(%s::bigint[], %s::text[]) AS found(id, outcome) "
        "WHERE record.id = found.id AND record.status = 'pending'"
    )
    outcomes = [orjson.dumps(body.outcome.as_json()).decode() for body in bodies]
    with connection.cursor() as cursor:
        cursor.execute(sql, [[body.raw_id for body in bodies], outcomes])


def _contents(ids: list[int]) -> list[tuple[int, bytes]]:
    """Ids and bodies, in the order of the ids. They come in binary: as text a body would be three times as large."""
    sql = f"SELECT id, body, packing FROM {RawRecord._meta.db_table} WHERE id = ANY(%s) ORDER BY id"  # noqa: S608
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return [(found, opened(body, packing)) for found, body, packing in cursor.execute(sql, [ids], binary=True)]


def _claim(record_id: int) -> bool:
    """Count the attempt and commit it, before the work that may kill this process."""
    sql = (
        f"UPDATE {RawRecord._meta.db_table} SET attempts = attempts + 1 WHERE id = "  # noqa: S608
        f"(SELECT id FROM {RawRecord._meta.db_table} WHERE id = %s AND status = 'pending' FOR UPDATE SKIP LOCKED) "
        "RETURNING attempts"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [record_id])
        row = cursor.fetchone()
    if row is None:
        return False
    if row[0] > MOST_ATTEMPTS:
        _quarantine(record_id, f"Its worker ended {MOST_ATTEMPTS} times in the middle of it (out of memory?).")
        return False
    return True


def _asks_too_much(error: Exception) -> bool:
    """Whether PostgreSQL refused because of what was in the body: a limit of its own (SQLSTATE class 54)."""
    return str(getattr(error.__cause__, "sqlstate", None) or "").startswith("54")


def _give_back(record_id: int) -> None:
    """Take the attempt off again. Where the database is still away it stays counted; then no claim succeeds either, so
    an outage costs a record one attempt at most."""
    with contextlib.suppress(DatabaseError, InterfaceError):
        RawRecord.objects.filter(pk=record_id, status=RawRecord.Status.PENDING, attempts__gt=0).update(
            attempts=F("attempts") - 1
        )


def _lock(record_id: int) -> RawRecord | None:
    return (
        RawRecord.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("project")
        .defer("body")
        .filter(pk=record_id, status=RawRecord.Status.PENDING)
        .first()
    )


def _open(record: RawRecord, content: bytes) -> Body:
    """Find the spans or events of an OTLP body. Raises Unreadable."""
    encoding = encoding_of(record.content_type)
    if record.format == OTLP:
        body = Body(record, open_spans(content, encoding))
        kind, rejected = "a span", body.spans.rejected
    else:
        found = decode_logs(content, encoding)
        body = Body(record, SpanBody(), found["logs"])
        kind, rejected = "an event", found["rejected"]
    for reason in rejected:
        body.outcome.reject(kind, reason)
    return body


def _work(record: RawRecord, report: Report = lambda outcome: None) -> Outcome:
    if record.format in (OTLP, OTLP_LOGS):
        ((_, content),) = _contents([record.pk])
        body = _open(record, content)
        store_bodies(project=record.project, bodies=[body])
        return body.outcome
    if record.format in WIRES:
        return WIRES[record.format](record)
    return import_records(
        project=record.project,
        file=io.BytesIO(_contents([record.pk])[0][1]),
        name=stem(record.source),
        wanted=record.format,
        raw=record,
        received_at=record.received_at,
        verdicts=record.options.get("verdicts"),
        report=report,
    )


def signal_of(body: bytes) -> str:
    """OTLP or OTLP_LOGS where a file is an exporter's request in protobuf with at least one span or log record; else ""."""
    if body[:1] == b"\n":  # the tag of its first field
        with contextlib.suppress(Unreadable):
            if open_spans(body, "protobuf").places:
                return OTLP
        with contextlib.suppress(Unreadable):
            if decode_logs(body, "protobuf")["logs"]:
                return OTLP_LOGS
    return ""


def encoding_of(content_type: str) -> Encoding:
    """How an OTLP body is written, by its content type; protobuf unless it says JSON."""
    return "json" if content_type.partition(";")[0].strip().lower() == "application/json" else "protobuf"


def stem(source: str) -> str:
    """The name of a file without folders and its last ending; "" for what was posted to an address."""
    return "" if source.startswith("/api/") else PurePosixPath(source.replace("\\", "/")).stem


def _close(record_id: int, status: RawRecord.Status, **fields: Any) -> None:
    RawRecord.objects.filter(pk=record_id, status=RawRecord.Status.PENDING).update(
        status=status, done_at=timezone.now(), **{"error": "", **fields}
    )


def _quarantine(record_id: int, error: str) -> RawRecord.Status:
    reason = error.replace("\0", "\ufffd").encode(errors="replace").decode()
    _close(record_id, RawRecord.Status.QUARANTINED, error=reason[:4000])
    return RawRecord.Status.QUARANTINED


def _after_failure(record_id: int, error: str) -> RawRecord.Status | None:
    """An error nobody foresaw is tried again twice before the record is quarantined."""
    try:
        attempts = RawRecord.objects.values_list("attempts", flat=True).get(pk=record_id)
        return _quarantine(record_id, error) if attempts >= 3 else None
    except DatabaseError:
        return None


def counts(statuses: Iterable[RawRecord.Status | None]) -> dict[str, int]:
    """How many were done, quarantined, or left."""
    found = list(statuses)
    return {
        "done": found.count(RawRecord.Status.DONE),
        "quarantined": found.count(RawRecord.Status.QUARANTINED),
        "left": found.count(None),
    }
