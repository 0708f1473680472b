"""Batches: priced, confirmed, started once, worked off, stopped and gone on with. Rows are the queue."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from curation import filters
from curation.models import Batch, BatchItem, GraderVersion, Trace
from curation.scoring import items, keep, pricing, working
from curation.scoring.pricing import Price
from curation.scoring.refused import Refused
from workspace import audit, leases
from workspace.access import Actor
from workspace.models import Project

__all__ = ["Price", "cancel", "open_batches", "price", "price_of_rest", "resume", "start", "work"]

Status = Batch.Status
ENDED = (Status.DONE, Status.FAILED, Status.CANCELLED)
MOST_KEY = 64


def price(
    *, project: Project, version: GraderVersion, query: str, regrade: bool = False, sample: int | None = None,
    seed: int = 0, until: datetime | None = None,
) -> Price:  # fmt: skip
    """What grading all traces that match is estimated to cost. Scores by this version that are there for the newest revision
    are taken as they are, unless `regrade`. `sample`: only so many, drawn with `seed`.

    Raises FilterError, NotConfirmed, Refused: not confirmed, or nothing matches.
    """
    keep.usable(version)
    _check_sample(sample)
    until = items.as_of(until)
    found = items.matching(project=project, query=query, until=until, sample=sample, seed=seed)
    counted = items.split(found, version, regrade=regrade).aggregate(
        all=Count("pk"), there=Count("pk", filter=Q(reused=True))
    )
    if not counted["all"]:
        raise Refused("query", f"No trace matches {query.strip() or 'the empty filter'}.")
    left = counted["all"] - counted["there"]
    looked_at: Any = []
    if left and keep.asks_model(version):
        looked_at = pricing.looked_at(items.split(found, version, regrade=regrade).filter(reused=False))
    return pricing.of_grading(
        version=version, traces=looked_at, calls_for=left, until=until, matched=counted["all"],
        reused=counted["there"],
    )  # fmt: skip


def start(
    *, project: Project, version: GraderVersion, query: str, regrade: bool = False, sample: int | None = None,
    actor: Actor, confirmed: str = "", key: str, seed: int = 0, until: datetime | None = None,
) -> Batch:  # fmt: skip
    """Write a batch and its items down; workers take it from there. `confirmed` is the price (`Price.text`) that a person
    saw and agreed to, with the `until` of that price. The same `key` again gives the same batch, so a doubled form costs
    nothing. Raises FilterError, NotConfirmed, Refused (also where a budget does not hold the price)."""
    before = known(project, key)
    if before is not None:
        return before
    told = price(project=project, version=version, query=query, regrade=regrade, sample=sample, seed=seed, until=until)
    limit = pricing.agreed(told, confirmed)
    pricing.affordable(told)
    resolved = str(filters.resolve(filters.parse(query), now=told.until))
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                project=project, kind=Batch.Kind.GRADE, grader_version=version, connection=version.connection,
                settings={"regrade": regrade, "sample": sample, "seed": seed, "until": told.until.isoformat()},
                query=resolved, estimate_usd=limit, user=actor.user, author=actor.label[:200],
                idempotency_key=key[:MOST_KEY],
            )  # fmt: skip
            found = items.matching(project=project, query=query, until=told.until, sample=sample, seed=seed)
            written(batch, *items.write(batch, items.split(found, version, regrade=regrade)))
            audit.record(
                project=project, actor=actor, action="batch.started", target=f"batch:{batch.uid}", kind="grade",
                grader=str(version), items=batch.total, reused=batch.reused,
                agreed_usd=None if limit is None else str(limit),
            )  # fmt: skip
    except IntegrityError:
        before = known(project, key)
        if before is None:
            raise
        return before
    return batch


def work(batch_id: int, seconds: float) -> bool:
    """Go on with a batch for about so long. True where nothing is left for the caller: it has ended, or another works on
    it; False: call again. A second call for the same batch, in whatever process, finds it taken."""
    return working.work(batch_id, seconds)


def cancel(batch: Batch, actor: Actor) -> bool:
    """Ask no more: calls under way are finished and kept, the rest waits for `resume`. False where it had ended."""
    with transaction.atomic():
        done = Batch.objects.filter(pk=batch.pk, status__in=working.OPEN).update(
            status=Status.CANCELLED, ended_at=timezone.now()
        )
        if done:
            _record(batch, actor, "batch.cancelled")
    batch.refresh_from_db()
    return bool(done)


def price_of_rest(batch: Batch, *, again_unknown: bool = False, again_failed: bool = False) -> Price:
    """What `resume` with the same words is estimated to cost from now on. Half of an item may be there already: it is
    priced as a whole. Raises Refused where nothing waits, and where the grader may not be used any more."""
    versions = working.versions_of(batch)
    for version in versions:
        keep.usable(version)
    statuses = [BatchItem.Status.WAITING, *_again(again_unknown, again_failed)]
    rest = BatchItem.objects.filter(batch=batch, status__in=statuses)
    count = rest.count()
    if not count:
        raise Refused("batch", _nothing(batch))
    now = timezone.now()
    told = Price(count, 0, count, now)
    generates = batch.kind == Batch.Kind.GENERATE
    if not generates and not any(map(keep.asks_model, versions)):
        return told
    there = Trace.objects.filter(pk__in=rest.values("trace"), erased_at=None)
    looked_at = pricing.conversations_of(pricing.looked_at(there))
    of = there.count() if generates else count
    parts: list[pricing.Part] = []
    answers = rest.filter(answer__isnull=True).count() if generates else 0
    if answers:
        if batch.connection is None:
            raise Refused("connection", "The connection was removed.")
        settings = batch.settings
        limits = {"model": settings["model"], "max_tokens": settings["max_tokens"]}
        parts = pricing.candidate_parts(batch.connection, looked_at, answers, of=of, **limits)
        if not parts:  # others may be
            said = "None of the traces looked at can be sent."
            parts = [pricing.Part(batch.connection, settings["model"], answers, 0, 0, None, said)]
    for version in filter(keep.asks_model, versions):
        parts += pricing.judge_parts(version, looked_at, count, extra=batch.settings.get("max_tokens", 0), of=of)
    return replace(told, parts=tuple(parts), looked_at=len(looked_at))


def resume(
    batch: Batch, actor: Actor, again_unknown: bool = False, again_failed: bool = False, *, confirmed: str = ""
) -> int:
    """Go on with one that was cancelled, or stopped by its connection or its price. Items whose outcome is unknown may have
    been paid for, so they are asked again only where somebody says so; those that failed too. `confirmed`: the
    `price_of_rest` that was seen, as for `start`. Returns how many items wait. Raises Refused where there is nothing to do,
    the price is another, a budget does not hold it, or the grader may not be used any more."""
    again = _again(again_unknown, again_failed)
    told = None
    if batch.status in ENDED:
        told = price_of_rest(batch, again_unknown=again_unknown, again_failed=again_failed)
        limit = pricing.agreed(told, confirmed)
        pricing.affordable(told)
    with transaction.atomic():
        held = Batch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        if held.status not in ENDED or told is None:
            raise Refused("batch", "It is at work already.")
        counts = dict.fromkeys(again, 0)
        for status in again:
            # `attempts` goes on: whoever asked before must not take it for its own
            counts[status] = BatchItem.objects.filter(batch=held, status=status).update(
                status=BatchItem.Status.WAITING, error="", ended_at=None
            )
        waiting = BatchItem.objects.filter(batch=held, status=BatchItem.Status.WAITING).count()
        if not waiting:
            raise Refused("batch", _nothing(held))
        # what arrives is added to such a batch, so no sum was agreed to for it
        unlimited = limit is None or bool(held.settings.get("arrivals"))
        Batch.objects.filter(pk=held.pk).update(
            status=Status.QUEUED, error="", ended_at=None, estimate_usd=None if unlimited else F("cost_usd") + limit,
            failed=F("failed") - counts.get(BatchItem.Status.FAILED, 0),
        )  # fmt: skip
        _record(
            held, actor, "batch.resumed", waiting=waiting, agreed_usd=None if limit is None else str(limit),
            again={str(status): count for status, count in counts.items()},
        )  # fmt: skip
    batch.refresh_from_db()
    return waiting


def _again(unknown: bool, failed: bool) -> list[BatchItem.Status]:
    return [BatchItem.Status.UNKNOWN] * unknown + [BatchItem.Status.FAILED] * failed


def _nothing(batch: Batch) -> str:
    unknown = BatchItem.objects.filter(batch=batch, status=BatchItem.Status.UNKNOWN).count()
    hint = f" The outcome of {unknown} is unknown: say that they may be asked again." if unknown else ""
    return f"Nothing waits in this batch.{hint}"


def open_batches() -> list[int]:
    """Keys of batches that wait for a worker, oldest first."""
    return leases.free(Batch.objects.filter(status__in=working.OPEN))


def written(batch: Batch, made: int, reused: int) -> None:
    """Say how many items a new batch has; one without any is done."""
    batch.total, batch.reused = made, reused
    fields = ["total", "reused"]
    if not made:
        batch.status, batch.ended_at = Status.DONE, timezone.now()
        fields += ["status", "ended_at"]
    batch.save(update_fields=fields)


def known(project: Project, key: str) -> Batch | None:
    """The batch that was started with this key. Raises Refused for an empty key."""
    if not key.strip():
        raise Refused("key", "A key is needed, so that the same thing sent twice is started once.")
    return Batch.objects.filter(project=project, idempotency_key=key[:MOST_KEY]).first()


def _check_sample(sample: int | None) -> None:
    if sample is not None and not 1 <= sample <= 1_000_000:
        raise Refused("sample", f"{sample} is not a number of traces from 1 to 1,000,000.")


def _record(batch: Batch, actor: Actor, action: str, **detail: Any) -> None:
    audit.record(
        project=batch.project, actor=actor, action=action, target=f"batch:{batch.uid}", done=batch.done,
        failed=batch.failed, cost_usd=str(batch.cost_usd or Decimal(0)), **detail,
    )  # fmt: skip
