"""Batches: priced, confirmed, started once, worked off, stopped and gone on with. Rows are the queue."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from curation import filters
from curation.models import Batch, BatchItem, GraderVersion
from curation.scoring import items, keep, lease, pricing, working
from curation.scoring.pricing import Price
from curation.scoring.refused import Refused
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

__all__ = ["Price", "cancel", "open_batches", "price", "resume", "start", "work"]

Status = Batch.Status
ENDED = (Status.DONE, Status.FAILED, Status.CANCELLED)
MOST_KEY = 64


def price(
    *, project: Project, version: GraderVersion, query: str, regrade: bool = False, sample: int | None = None,
    seed: int = 0, until: datetime | None = None,
) -> Price:  # fmt: skip
    """What grading all traces that match would cost at most. Scores by this version that are there for the newest revision
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
        wanted = items.drawn(items.split(found, version, regrade=regrade).filter(reused=False), 0)
        looked_at = list(wanted[: pricing.LOOKED_AT])
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
    pricing.agreed(told, confirmed)
    pricing.affordable(told)
    resolved = str(filters.resolve(filters.parse(query), now=told.until))
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                project=project, kind=Batch.Kind.GRADE, grader_version=version, connection=version.connection,
                settings={"regrade": regrade, "sample": sample, "seed": seed, "until": told.until.isoformat()},
                query=resolved, estimate_usd=told.usd, user=actor.user, author=actor.label[:200],
                idempotency_key=key[:MOST_KEY],
            )  # fmt: skip
            found = items.matching(project=project, query=query, until=told.until, sample=sample, seed=seed)
            written(batch, *items.write(batch, items.split(found, version, regrade=regrade)))
            audit.record(
                project=project, actor=actor, action="batch.started", target=f"batch:{batch.uid}", kind="grade",
                grader=str(version), items=batch.total, reused=batch.reused,
                at_most_usd=None if told.usd is None else str(told.usd),
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
        done = Batch.objects.filter(pk=batch.pk, status__in=lease.OPEN).update(
            status=Status.CANCELLED, ended_at=timezone.now()
        )
        if done:
            _record(batch, actor, "batch.cancelled")
    batch.refresh_from_db()
    return bool(done)


def resume(batch: Batch, actor: Actor, again_unknown: bool = False, again_failed: bool = False) -> int:
    """Go on with one that was cancelled, or stopped by its connection. Items whose outcome is unknown may have been paid
    for, so they are asked again only where somebody says so; those that failed too. Returns how many items wait. Raises
    Refused where there is nothing to do, and where the grader may not be used any more."""
    for version in working.versions_of(batch):
        keep.usable(version)
    again = [BatchItem.Status.UNKNOWN] * again_unknown + [BatchItem.Status.FAILED] * again_failed
    with transaction.atomic():
        held = Batch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        if held.status not in ENDED:
            raise Refused("batch", "It is at work already.")
        counts = dict.fromkeys(again, 0)
        for status in again:
            counts[status] = BatchItem.objects.filter(batch=held, status=status).update(
                status=BatchItem.Status.WAITING, error="", attempts=0, ended_at=None
            )
        waiting = BatchItem.objects.filter(batch=held, status=BatchItem.Status.WAITING).count()
        if not waiting:
            unknown = BatchItem.objects.filter(batch=held, status=BatchItem.Status.UNKNOWN).count()
            hint = f" The outcome of {unknown} is unknown: say that they may be asked again." if unknown else ""
            raise Refused("batch", f"Nothing waits in this batch.{hint}")
        Batch.objects.filter(pk=held.pk).update(
            status=Status.QUEUED, error="", ended_at=None,
            failed=F("failed") - counts.get(BatchItem.Status.FAILED, 0),
        )  # fmt: skip
        _record(
            held, actor, "batch.resumed", waiting=waiting,
            again={str(status): count for status, count in counts.items()},
        )  # fmt: skip
    batch.refresh_from_db()
    return waiting


def open_batches() -> list[int]:
    """Keys of batches that wait for a worker, oldest first."""
    return lease.free(list(Batch.objects.filter(status__in=lease.OPEN).order_by("id")[:200]))


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
