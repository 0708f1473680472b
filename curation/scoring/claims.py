"""Items of a batch, taken once and settled once. What is taken is committed before anybody is asked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from curation.messages.clean import Notes, clean
from curation.models import Batch, BatchItem, GraderVersion, Score, Trace
from curation.scoring import items
from curation.scoring.calling import LOST, Result, TakenAway
from curation.scoring.graders import definitions
from workspace import formats

MOST_TEXT = 20_000
_ITEM, _BATCH, _TRACE, _SCORE = (model._meta.db_table for model in (BatchItem, Batch, Trace, Score))
Status = BatchItem.Status


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item that this process took. `attempts` is the token of the claim."""

    id: int
    attempts: int
    trace_id: int
    revision_id: int
    ordinal: int
    settings: dict[str, Any]
    prompt: Any
    answer: Any
    grades: dict[str, Any]
    cost_usd: Decimal | None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: int | None = None


def claim(batch_id: int, owner: str, most: int) -> list[Claimed]:
    """Take the next items: waiting -> asking, by whoever holds the batch, while it runs and has not cost more than was
    agreed to. A trace is graded as it is now; a candidate that was answered belongs to the revision that was sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH next AS MATERIALIZED (
                SELECT i.id, CASE WHEN i.answer IS NULL OR b.kind = 'grade' THEN coalesce(t.revision_id, i.revision_id)
                                  ELSE i.revision_id END AS revision_id
                FROM {_ITEM} i JOIN {_TRACE} t ON t.id = i.trace_id JOIN {_BATCH} b ON b.id = i.batch_id
                WHERE i.batch_id = %s AND i.status = 'waiting' AND b.status = 'running' AND b.lease_owner = %s
                    AND (b.estimate_usd IS NULL OR b.cost_usd <= b.estimate_usd)
                ORDER BY i.id LIMIT %s FOR UPDATE OF i SKIP LOCKED
            )
            UPDATE {_ITEM} i SET status = 'asking', attempts = i.attempts + 1, asked_at = now(), error = '',
                revision_id = next.revision_id
            FROM next WHERE i.id = next.id AND i.status = 'waiting'
            RETURNING i.id, i.attempts, i.trace_id, i.revision_id, i.ordinal, i.settings, i.prompt, i.answer, i.grades,
                i.cost_usd, i.input_tokens, i.output_tokens, i.latency_ms
            """,  # noqa: S608
            [batch_id, owner, most],
        )
        rows = cursor.fetchall()
    taken = [
        Claimed(
            id=row[0], attempts=row[1], trace_id=row[2], revision_id=row[3], ordinal=row[4], settings=_json(row[5]),
            prompt=_json(row[6]), answer=_json(row[7]), grades=_json(row[8]), cost_usd=row[9],
            input_tokens=row[10], output_tokens=row[11], latency_ms=row[12],
        )
        for row in rows
    ]  # fmt: skip
    return sorted(taken, key=lambda one: one.id)


def overspent(batch: Batch) -> str:
    """Why nothing more is taken though something waits: it cost more than was agreed to; "" where it did not."""
    over = Batch.objects.filter(pk=batch.pk, cost_usd__gt=F("estimate_usd"))
    sums = over.values_list("cost_usd", "estimate_usd").first()
    if sums is None or not BatchItem.objects.filter(batch=batch, status=Status.WAITING).exists():
        return ""
    cost, agreed = (formats.money(one) for one in sums)
    return (
        f"It cost {cost} so far, more than the {agreed} that were agreed to. What waits needs a new price: resume it."
    )


def take_back(batch: Batch, *, pays: bool) -> int:
    """What a process that ended had taken: unknown where it may have been paid for, else it waits again. A candidate
    whose answer was kept waits to be graded. Returns how many are unknown."""
    left = BatchItem.objects.filter(batch=batch, status=Status.ASKING)
    if not pays:
        left.update(status=Status.WAITING)
        return 0
    left.filter(answer__isnull=False, batch__kind=Batch.Kind.GENERATE).update(status=Status.WAITING)
    return left.update(status=Status.UNKNOWN, error=LOST)


def keep(claimed: Claimed, *, batch: Batch, spent: Decimal | None = None, **fields: Any) -> None:
    """Write something down of an item that is at work, before the next thing is paid for; `spent` of it counts for the
    batch from now on. Raises TakenAway where the item is not ours any more."""
    fields = {
        name: clean(value, Notes()) if isinstance(value, dict | list) else value for name, value in fields.items()
    }
    with transaction.atomic():
        held = BatchItem.objects.filter(pk=claimed.id, attempts=claimed.attempts)
        kept = held.filter(status__in=[Status.ASKING, Status.UNKNOWN]).update(**fields)
        if kept and spent:
            Batch.objects.filter(pk=batch.pk).update(cost_usd=F("cost_usd") + spent)
    if not kept:
        raise TakenAway


def settle(batch: Batch, version: GraderVersion | None, results: Sequence[Result[Claimed]]) -> int:
    """Results, scores and the batch's counts in one transaction. An item that was taken back meanwhile (its process was
    thought dead) is done after all: its answer came, and was paid for. Returns how many were settled."""
    rows = [_row(one) for one in results]
    with transaction.atomic():
        settled = _settle_items(rows)
        mine = [one for one in results if one.claimed.id in settled]
        if version is not None:
            _score(version, [one for one in mine if one.grade is not None and one.grade.value is not None])
        _count(batch, mine)
    return len(mine)


def _row(one: Result[Claimed]) -> dict[str, Any]:
    kept = {
        "id": one.claimed.id, "attempts": one.claimed.attempts, "status": str(one.status), "error": one.error[:MOST_TEXT],
        "prompt": one.prompt, "answer": one.answer, "grades": one.grades, "input_tokens": one.input_tokens,
        "output_tokens": one.output_tokens, "latency_ms": one.latency_ms,
        "cost_usd": None if one.cost_usd is None else str(one.cost_usd),
    }  # fmt: skip
    cleaned: dict[str, Any] = clean(kept, Notes())
    return cleaned


def _settle_items(rows: Sequence[dict[str, Any]]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {_ITEM} i SET status = r.status, error = r.error, prompt = coalesce(r.prompt, i.prompt),
                answer = coalesce(r.answer, i.answer), grades = coalesce(r.grades, i.grades),
                input_tokens = coalesce(r.input_tokens, i.input_tokens),
                output_tokens = coalesce(r.output_tokens, i.output_tokens),
                cost_usd = coalesce(r.cost_usd, i.cost_usd), latency_ms = coalesce(r.latency_ms, i.latency_ms),
                ended_at = CASE WHEN r.status IN ('done', 'failed', 'unknown') THEN now() END
            FROM jsonb_to_recordset(%s::jsonb) AS r (
                id bigint, attempts int, status text, error text, prompt jsonb, answer jsonb, grades jsonb,
                input_tokens bigint, output_tokens bigint, cost_usd numeric, latency_ms bigint
            )
            WHERE i.id = r.id AND i.attempts = r.attempts AND i.status IN ('asking', 'unknown')
            RETURNING i.id
            """,  # noqa: S608
            [json.dumps(list(rows))],
        )
        return {one for (one,) in cursor.fetchall()}


def _score(version: GraderVersion, results: Sequence[Result[Claimed]]) -> None:
    """One score per revision and version, whatever is done twice. A grade made again takes the place of the first, and is
    the newest."""
    if not results:
        return
    low, high = definitions.range_of(version.definition) or (None, None)
    source = Score.Source.JUDGE if definitions.needs_model(version.definition) else Score.Source.CODE
    rows = [
        {
            "trace": one.claimed.trace_id, "revision": one.claimed.revision_id, "number": one.grade.value,
            "passed": one.grade.passed, "reason": clean(one.grade.reason[:MOST_TEXT], Notes()),
            "external": items.external_id(version, one.claimed.revision_id),
        }
        for one in results
        if one.grade is not None
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {_SCORE} (project_id, trace_id, revision_id, name, number, low, high, category, passed, reason,
                                  source, author, grader_version, external_id, created_at)
            SELECT t.project_id, t.id, v.id, %s, r.number, %s::double precision, %s::double precision, '', r.passed,
                r.reason, %s, %s, %s, r.external, now()
            FROM jsonb_to_recordset(%s::jsonb) AS r (
                trace bigint, revision bigint, number double precision, passed boolean, reason text, external text
            )
            JOIN {_TRACE} t ON t.id = r.trace AND t.erased_at IS NULL
            JOIN curation_tracerevision v ON v.id = r.revision AND v.trace_id = t.id
            ON CONFLICT (trace_id, name, source, external_id) WHERE NOT (external_id = '') DO UPDATE SET
                id = EXCLUDED.id, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high, passed = EXCLUDED.passed,
                reason = EXCLUDED.reason, revision_id = EXCLUDED.revision_id, created_at = EXCLUDED.created_at
            """,  # noqa: S608
            [version.grader.slug, low, high, source, str(version), str(version), json.dumps(rows)],
        )


def _count(batch: Batch, results: Sequence[Result[Claimed]]) -> None:
    done = sum(one.status == Status.DONE for one in results)
    failed = sum(one.status == Status.FAILED for one in results)
    cost = sum((one.spent for one in results if one.spent is not None), Decimal(0))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_BATCH} SET done = done + %s, failed = failed + %s, cost_usd = cost_usd + %s WHERE id = %s",  # noqa: S608
            [done, failed, cost, batch.pk],
        )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
