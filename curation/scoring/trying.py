"""Working a trial off: samples are rows of a `calling.Caller`, each taken before it is asked and settled once.

Nothing is asked again by itself: a sample whose connection failed ends with the reason, and what is under way when a process
dies may have been paid for (see `take_back`).
"""

import logging
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from curation.messages.clean import Notes, clean
from curation.models import BatchItem, GraderVersion, Trace, TraceRevision, Trial, TrialItem
from curation.scoring import asking, keep, run
from curation.scoring.calling import LOST, Caller, Result, TakenAway, graded
from workspace import formats, leases
from workspace.connections.client import steadily

log = logging.getLogger(__name__)
MOST_TEXT = 2_000
OPEN = (Trial.Status.QUEUED, Trial.Status.RUNNING)
NOT_ASKED = "It was not asked."
NOTHING_SENT = ("budget", "setup", "unreachable")
Status, Item = Trial.Status, TrialItem.Status


def work(trial_id: int, seconds: float) -> bool:
    """See `trial.work`."""
    name, deadline = leases.owner(), time.monotonic() + seconds
    mine = Trial.objects.filter(pk=trial_id)
    try:
        if not leases.take(mine.filter(status__in=OPEN), name, status=Status.RUNNING):
            return True
        try:
            mine.filter(started_at=None).update(started_at=timezone.now())
            found = mine.select_related("version__grader", "version__connection__project").first()
            if found is None:  # forgotten by now
                return True
            return Worker(trial=found, version=found.version, name=name, deadline=deadline).work()
        finally:
            steadily(_leave, mine, name)
    except (OperationalError, InterfaceError):  # the lease runs out, and the sweep goes on with it
        log.warning("The trial %s waits for the database.", trial_id, exc_info=True)
        return True


def take_back(found: Trial) -> None:
    """What a process that ended had taken: unknown where it may have been paid for, else it waits again, or is not asked
    where the trial has ended."""
    of_it, now = TrialItem.objects.filter(trial=found), timezone.now()
    left = of_it.filter(status=Item.ASKING)
    if keep.asks_model(found.version):
        left.update(status=Item.UNKNOWN, error=LOST, ended_at=now)
    else:
        left.update(status=Item.WAITING, error="")
    if found.status not in OPEN:
        of_it.filter(status=Item.WAITING).update(status=Item.CANCELLED, error=NOT_ASKED, ended_at=now)


def end(rows: "QuerySet[Trial]", status: str, reason: str) -> bool:
    """End the one of `rows` that is open: what waits is not asked. False where there is none."""
    now = timezone.now()
    with transaction.atomic():
        keys = list(rows.filter(status__in=OPEN).values_list("pk", flat=True))
        done = Trial.objects.filter(pk__in=keys, status__in=OPEN).update(status=status, error=reason, ended_at=now)
        if done:
            waiting = TrialItem.objects.filter(trial__in=keys, status=Item.WAITING)
            waiting.update(status=Item.CANCELLED, error=NOT_ASKED, ended_at=now)
    return bool(done)


def _leave(mine: "QuerySet[Trial]", name: str) -> None:
    """Let the next one work on it; of one that has ended nothing stays under way."""
    with transaction.atomic():
        ended = mine.filter(lease_owner=name).exclude(status__in=OPEN).select_related("version").first()
        if ended is not None:
            take_back(ended)
        leases.give_back(mine, name)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that this process took. It is asked once, so that there is nothing of an earlier try, and no other claim that
    `attempts` would tell this one from."""

    id: int
    trace: Trace
    revision: TraceRevision
    attempts: int = 1
    prompt: Any = None
    answer: Any = None
    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: int | None = None


@dataclass(slots=True, kw_only=True)
class Worker(Caller[Sample]):
    """One process's turn at a trial."""

    asks_again: ClassVar[bool] = False
    trial: Trial
    version: GraderVersion
    name: str

    def work(self) -> bool:
        """True where nothing is left for whoever called."""
        take_back(self.trial)
        if self.version.connection is None and keep.asks_model(self.version):
            self.stop(f"The connection that {self.version} asked through was removed.")
            return True
        self.ask(self.version.connection)
        return self.stopped or self._finish()

    def take(self, most: int) -> list[Sample]:
        """As calling.Caller, and so for the others: while the trial is ours and has not cost more than was agreed to."""
        within = Q(trial__agreed_usd=None) | Q(trial__cost_usd__lte=F("trial__agreed_usd"))
        ours = TrialItem.objects.filter(
            within, trial=self.trial, status=Item.WAITING, trial__status=Status.RUNNING, trial__lease_owner=self.name
        )
        with transaction.atomic():
            held = ours.select_for_update(of=("self",), skip_locked=True).select_related("trace", "revision")
            taken = list(held.order_by("ordinal")[:most])
            TrialItem.objects.filter(pk__in=[one.pk for one in taken]).update(
                status=Item.ASKING, asked_at=timezone.now(), error=""
            )
        return [Sample(one.pk, one.trace, one.revision) for one in taken]

    def do(self, one: Sample) -> Result[Sample]:
        references = steadily(run.references_of, [one.trace])

        def grade(asker: asking.Asker | None) -> run.Outcome:
            return run.grade_trace(
                version=self.version, trace=one.trace, document=one.revision.document, ask=asker, references=references
            )

        return graded(one, connection=self.version.connection, grade=grade, keep=self._count)

    def keep(self, result: Result[Sample]) -> None:
        """One that was taken back meanwhile (its process was thought dead) is done after all: its answer came, and was paid
        for. One that is gone was forgotten with its trace."""
        with transaction.atomic():
            if _held(result.claimed).update(**self._kept(result)):
                self._add(result.spent)

    def why_not(self) -> str:
        over = Trial.objects.filter(pk=self.trial.pk, status=Status.RUNNING, cost_usd__gt=F("agreed_usd"))
        sums = over.values_list("cost_usd", "agreed_usd").first()
        if sums is None or not TrialItem.objects.filter(trial=self.trial, status=Item.WAITING).exists():
            return ""
        cost, agreed = (formats.money(one) for one in sums)
        return f"It cost {cost} so far, more than the {agreed} that were agreed to, so the rest was not asked."

    def stop(self, reason: str) -> None:
        """End it with the reason; what waits is not asked."""
        self.stopped = True
        end(Trial.objects.filter(pk=self.trial.pk, lease_owner=self.name), Status.FAILED, reason)

    def renew(self) -> None:
        leases.take(Trial.objects.filter(pk=self.trial.pk), self.name)

    def _count(self, one: Sample, *, spent: Decimal, **fields: Any) -> None:
        """What a question cost counts before the next is asked; what was said is not kept of a trial. Raises TakenAway where
        the sample is gone."""
        with transaction.atomic():
            if not _held(one).select_for_update().exists():
                raise TakenAway
            self._add(spent)

    def _add(self, spent: Decimal | None) -> None:
        if spent:
            Trial.objects.filter(pk=self.trial.pk).update(cost_usd=F("cost_usd") + spent)

    def _kept(self, result: Result[Sample]) -> dict[str, Any]:
        """A result as fields of its sample. What has no score is done too, and says why."""
        grade, status, error = result.grade, result.status, result.error
        if grade is not None:
            error = grade.error or ("" if grade.reason else error)
        texts = {"reason": grade.reason if grade else "", "error": error}
        return {
            "status": Item.DONE if status == BatchItem.Status.FAILED else status,
            "score": grade.value if grade else None, "passed": grade.passed if grade else None,
            "ms": result.latency_ms, "cost_usd": self._cost(result),
            "ended_at": None if status == Item.WAITING else timezone.now(),
        } | {name: clean(text[:MOST_TEXT], Notes()) for name, text in texts.items()}  # fmt: skip

    def _cost(self, result: Result[Sample]) -> Decimal | None:
        if not keep.asks_model(self.version):
            return Decimal(0)
        if result.status == Item.UNKNOWN:
            return None
        if result.failure is not None and result.failure.kind in NOTHING_SENT and result.answer is None:
            return Decimal(0)
        return result.cost_usd

    def _finish(self) -> bool:
        """End the trial where nothing is left of it. True where nothing is left for whoever called."""
        with transaction.atomic():
            held = Trial.objects.select_for_update(of=("self",)).filter(pk=self.trial.pk).first()
            if held is None or held.status != Status.RUNNING or held.lease_owner != self.name:
                return True
            if held.items.filter(status__in=[Item.WAITING, Item.ASKING]).exists():
                return False
            Trial.objects.filter(pk=held.pk).update(status=Status.DONE, ended_at=timezone.now())
        return True


def _held(one: Sample) -> "QuerySet[TrialItem]":
    return TrialItem.objects.filter(pk=one.id, status__in=[Item.ASKING, Item.UNKNOWN])
