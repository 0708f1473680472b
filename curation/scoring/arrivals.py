"""Confirmed graders on traces as they arrive. Intake does nothing for it: a sweep looks at revisions that are new.

A revision's number is given before its transaction commits, so a lower number may appear after a higher one. The sweep
therefore stops before everything that a transaction which is still open may have written (`_horizon`).
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Max, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from curation import filters
from curation.models import Batch, BatchItem, Grader, GraderVersion, Trace, TraceRevision
from curation.scoring import items, keep, pricing
from curation.scoring.pricing import Price
from curation.scoring.refused import NotConfirmed, Refused
from workspace import audit, formats
from workspace.access import SYSTEM, Actor
from workspace.connections import client

log = logging.getLogger(__name__)
LAG = timedelta(seconds=10)  # clocks of web processes and of the database may differ by so much
AT_ONCE = 2_000  # revisions of one grader in one sweep
DAYS = 7  # by which it is told how many arrive
AGAIN = timedelta(minutes=10)  # a connection that failed is tried again after this
Status = Batch.Status


@dataclass(frozen=True, slots=True)
class Expected:
    """What arriving traces would cost: `each` is the price of one, by the newest ones that match; `a_day`: so many came a
    day in the last DAYS days and would have been in the share (a trace that goes on comes again). `in_one_day`: the day that
    brought more than half of them, and how many of how many, as an import does; None where none did."""

    each: Price
    a_day: float
    in_one_day: tuple[date, int, int] | None = None

    @property
    def usd_a_day(self) -> Decimal | None:
        """US dollars a day; None where the price of one is not known."""
        return None if self.each.usd is None else self.each.usd * Decimal(str(self.a_day))

    @property
    def by(self) -> str:
        """From which traces that is estimated: others than the price of the past, which is drawn from all that match."""
        looked_at = self.each.looked_at
        if looked_at < 2:
            return ", by the newest that matches" if looked_at else ""
        return f", by the newest {looked_at} that match"

    @property
    def words(self) -> str:
        """Both in words."""
        usd = self.usd_a_day
        if usd is None or self.each.usd is None:
            why = f" {self.each.why_unknown}" if self.each.why_unknown else ""
            return f"What a trace costs is not known; about {self.a_day:,.3g} a day came in the last {DAYS} days.{why}"
        return (
            f"A trace costs about {formats.money(self.each.usd)}{self.by}; {self.a_day:,.3g} a day, as were taken in over "
            f"the last {DAYS} days, would cost about {formats.money(usd)} a day.{self.unlike}"
        )

    @property
    def unlike(self) -> str:
        """What makes the last days a poor measure of those that come; "" where nothing does."""
        if self.in_one_day is None:
            return ""
        day, most, of = self.in_one_day
        return f" {most:,} of those {of:,} came on {day:%-d %B}: where that was an import, fewer will come."


def expected(
    *, grader: Grader, version: GraderVersion, query: str, rate: float, until: datetime | None = None
) -> Expected:
    """What scoring the share `rate` of arriving traces that match would cost, going by what came before `until`. Raises
    FilterError, Refused."""
    until = items.as_of(until)
    found = items.matching(project=grader.project, query=query, until=until)
    newest = list(found.order_by("-received_at", "-pk")[: pricing.LOOKED_AT]) if keep.asks_model(version) else []
    newer = TraceRevision.objects.filter(
        trace__in=found.values("pk"), created_at__gt=until - timedelta(days=DAYS), created_at__lte=until
    )
    by_day = dict(newer.annotate(day=TruncDate("created_at")).values_list("day").annotate(Count("pk")))
    came = sum(by_day.values())
    day = max(by_day, key=by_day.__getitem__, default=None)
    return Expected(
        pricing.of_grading(version=version, traces=newest, calls_for=1, until=until), round(came * rate / DAYS, 3),
        (day, by_day[day], came) if day is not None and by_day[day] > max(1, came / 2) else None,
    )  # fmt: skip


def follow(
    *, grader: Grader, scores_new: bool, query: str, rate: float, actor: Actor, confirmed: str = "",
    until: datetime | None = None,
) -> None:  # fmt: skip
    """Whether traces are scored as they arrive: those that match the filter, a share `rate` of them. What came before
    this moment is left alone. Where more is to be scored than before and that may cost something, `confirmed` is the
    price of one (`Expected.each.text`) that a person saw, with the `until` of that price. Raises FilterError,
    NotConfirmed, Refused."""
    filters.parse(query)
    if not 0 <= rate <= 1:
        raise Refused("rate", f"{rate:g} is not a share from 0 to 1.")
    if scores_new and rate == 0:
        raise Refused("rate", "A share of nothing scores nothing: say a larger one, or switch it off.")
    each: Price | None = None
    if scores_new:
        version = keep.current(grader)
        if version is None:
            raise NotConfirmed(grader.slug)
        keep.usable(version)
        is_more = not grader.scores_new or query != grader.query or rate > grader.rate
        if is_more and keep.asks_model(version):
            told = expected(grader=grader, version=version, query=query, rate=rate, until=until)
            each = told.each
            if not each.is_free and not (confirmed and each.covers(confirmed)):
                raise Refused("confirmed", f"{told.words} To agree, confirm the price of one: {each.text}.")
    with transaction.atomic():
        held = Grader.objects.select_for_update(of=("self",)).get(pk=grader.pk)
        if scores_new and not held.scores_new:
            held.seen_revision = TraceRevision.objects.aggregate(newest=Max("pk"))["newest"] or 0
        held.scores_new, held.query, held.rate = scores_new, query, rate
        held.save(update_fields=["scores_new", "query", "rate", "seen_revision"])
        audit.record(
            project=held.project, actor=actor, action="grader.arrivals_set", target=f"grader:{held.uid}",
            scores_new=scores_new, query=query, rate=rate, **({} if each is None else {"usd_each": each.text}),
        )  # fmt: skip
    grader.refresh_from_db()


def sweep() -> list[int]:
    """Put new revisions of all projects before the graders that score them. Returns the keys of the batches that have
    something to do; work them off like any other. What stops a grader stands on its newest batch (see `state`)."""
    found: list[int] = []
    for pk in Grader.objects.filter(scores_new=True, archived_at=None).order_by("pk").values_list("pk", flat=True):
        try:
            found += _sweep(pk)
        except Exception:  # one grader must not keep the others from their traces
            log.exception("The grader %s could not look at arriving traces.", pk)
    return found


def state(grader: Grader) -> str:
    """Why arriving traces are not scored at the moment, in words; "" where nothing is in the way."""
    if not grader.scores_new:
        return "Arriving traces are not scored."
    if keep.current(grader) is None:
        return "No version is confirmed."
    newest = _newest(grader)
    if newest is not None and newest.status == Status.FAILED:
        return newest.error or "The newest batch stopped."
    return ""


def takes(grader: Grader, external_id: str) -> bool:
    """Whether a trace is in the share that is scored: by a keyed hash of its sender's id, so the same trace always is, or
    never, and a higher rate keeps all that a lower one took."""
    digest = hashlib.blake2b(external_id.encode(errors="replace"), key=grader.uid.bytes, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53 < grader.rate


def _sweep(pk: int) -> list[int]:
    with transaction.atomic():
        # whoever has the row is at it; a second sweep leaves it alone
        grader = (
            Grader.objects.select_for_update(of=("self",), skip_locked=True).select_related("project")
            .filter(pk=pk, scores_new=True, archived_at=None).first()
        )  # fmt: skip
        version = keep.current(grader) if grader is not None else None
        if grader is None or version is None:
            return []
        newest = _newest(grader)
        if newest is not None and newest.status == Status.FAILED and not _goes_on(newest, version):
            return []  # its reason is there to be read; what arrives meanwhile is looked at later
        horizon = _horizon()
        if horizon <= grader.seen_revision:
            return []
        ids = _new(grader, horizon)
        wanted = _wanted(grader, version, ids) if ids else []
        batch = _add(grader, version, newest, wanted) if wanted else None
        # other projects' revisions lie between: what was looked at is not looked at again
        Grader.objects.filter(pk=pk).update(seen_revision=ids[-1] if len(ids) == AT_ONCE else horizon)
    return [batch.pk] if batch is not None else []


def _newest(grader: Grader) -> Batch | None:
    mine = Batch.objects.filter(grader_version__grader=grader, settings__arrivals=True)
    return mine.select_related("grader_version", "project").order_by("-id").first()


def _new(grader: Grader, horizon: int) -> list[int]:
    """Revisions of the project that nobody looked at yet, oldest first."""
    found = TraceRevision.objects.filter(pk__gt=grader.seen_revision, pk__lte=horizon, trace__project=grader.project_id)
    return list(found.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def _horizon() -> int:
    """Up to which number every revision that will ever be is there to be seen."""
    with connection.cursor() as cursor:
        cursor.execute(
            # open transactions that have written something; one that only reads holds nobody up
            "SELECT least(now(), min(xact_start)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
        (oldest,) = cursor.fetchone()
    newest = TraceRevision.objects.filter(created_at__lt=oldest - LAG).order_by("-pk").values_list("pk", flat=True)
    return newest.first() or 0


def _wanted(grader: Grader, version: GraderVersion, ids: list[int]) -> list[tuple[int, int]]:
    """(trace, revision) of what is to be scored: newest revisions of traces that match, in the share, without a score."""
    traces = Trace.objects.filter(project=grader.project_id, revision__in=ids, erased_at=None)
    found = filters.apply(traces, filters.parse(grader.query), now=timezone.now())
    rows = items.split(found, version, regrade=False).filter(reused=False).order_by("revision_id")
    return [
        (trace, revision)
        for trace, revision, external_id in rows.values_list("pk", "revision_id", "external_id")
        if takes(grader, external_id)
    ]


def _add(grader: Grader, version: GraderVersion, newest: Batch | None, wanted: list[tuple[int, int]]) -> Batch:
    """Put them into today's batch of this version, made where there is none; one that a person cancelled stays so."""
    today = timezone.now().date().isoformat()
    batch = newest
    if batch is not None:
        batch = Batch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    same_day = batch is not None and batch.settings.get("day") == today and batch.grader_version_id == version.pk
    if batch is None or not same_day or batch.status == Status.CANCELLED:
        batch = Batch.objects.create(
            project=grader.project, kind=Batch.Kind.GRADE, grader_version=version, connection=version.connection,
            settings={"arrivals": True, "day": today, "rate": grader.rate}, query=grader.query, author=SYSTEM.label,
        )  # fmt: skip
        audit.record(
            project=grader.project, actor=SYSTEM, action="batch.started", target=f"batch:{batch.uid}", kind="arrivals",
            grader=str(version),
        )  # fmt: skip
    before: dict[int, int] = dict(
        BatchItem.objects.filter(batch=batch, trace__in=[trace for trace, _ in wanted])
        .values_list("trace").annotate(next=Max("ordinal") + 1)
    )  # fmt: skip
    waiting = set(
        BatchItem.objects.filter(batch=batch, status=BatchItem.Status.WAITING, trace__in=list(before)).values_list(
            "trace_id", flat=True
        )
    )
    # one that still waits will be about the newest revision anyway
    made = BatchItem.objects.bulk_create(
        [
            BatchItem(batch=batch, trace_id=trace, revision_id=revision, ordinal=before.get(trace, 0))
            for trace, revision in wanted
            if trace not in waiting
        ],
        batch_size=500,
    )
    Batch.objects.filter(pk=batch.pk).update(total=F("total") + len(made))
    Batch.objects.filter(pk=batch.pk, status=Status.DONE).update(status=Status.QUEUED, ended_at=None)
    return batch


def _goes_on(batch: Batch, version: GraderVersion) -> bool:
    """Whether a batch that stopped may be tried again: where its budget was raised, or some time has passed. What has an
    unknown outcome is not asked again. A batch of an earlier version is left behind."""
    if batch.grader_version_id != version.pk:
        return True
    if version.connection is not None:
        model = _model(version)
        try:
            client.check_budget(version.connection, model=model)
        except client.ConnectionFailed as error:
            if batch.error != str(error):
                Batch.objects.filter(pk=batch.pk, status=Status.FAILED).update(error=str(error))
            return False
    rose = batch.error.startswith(("The budget of", f"{batch.project.name} has a budget"))
    if not rose and batch.ended_at is not None and timezone.now() - batch.ended_at < AGAIN:
        return False
    try:
        keep.usable(version)
    except Refused:
        return False
    left = batch.items.aggregate(waiting=Count("pk", filter=Q(status=BatchItem.Status.WAITING)))["waiting"]
    to: dict[str, Any] = {"status": Status.QUEUED if left else Status.DONE, "error": ""}
    Batch.objects.filter(pk=batch.pk, status=Status.FAILED).update(**to)
    return True


def _model(version: GraderVersion) -> str:
    from curation.scoring import asking

    models = [one.get("model") for one in asking.judges_in(version.definition)]
    connection = version.connection
    return next((str(one) for one in models if one), connection.default_model if connection else "")
