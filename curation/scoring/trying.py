"""Working a trial off: several samples at once, each taken before it is asked and settled once.

What is under way when a process dies may have been paid for: nobody asks it again by itself (see `take_back`).
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from curation.messages.clean import Notes, clean
from curation.models import GraderVersion, Trial, TrialItem
from curation.scoring import asking, keep, run
from curation.scoring.calling import AT_ONCE, LOST, RENEW
from workspace import formats, leases
from workspace.connections.client import ConnectionFailed, steadily

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
            return found is None or Worker(found, found.version, name, deadline).run()  # it may be forgotten by now
        finally:
            steadily(_leave, mine, name)
    except (OperationalError, InterfaceError):  # the lease runs out, and the sweep goes on with it
        log.warning("The trial %s waits for the database.", trial_id, exc_info=True)
        return True


def take_back(found: Trial) -> None:
    """What a process that ended had taken: unknown where it may have been paid for, else it waits again."""
    left = TrialItem.objects.filter(trial=found, status=Item.ASKING)
    if keep.asks_model(found.version):
        left.update(status=Item.UNKNOWN, error=LOST, ended_at=timezone.now())
    else:
        ended = found.status not in OPEN
        left.update(status=Item.CANCELLED if ended else Item.WAITING, error=NOT_ASKED if ended else "")


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


@dataclass(slots=True)
class Worker:
    """One process's turn at a trial."""

    trial: Trial
    version: GraderVersion
    name: str
    deadline: float
    stopped: bool = False
    cut_off: bool = False  # from the database: the sweep goes on with it
    renewed: float = field(default_factory=time.monotonic)

    def run(self) -> bool:
        """True where nothing is left for whoever called."""
        line = self.version.connection
        take_back(self.trial)
        if line is None and keep.asks_model(self.version):
            self.stop(f"The connection that {self.version} asked through was removed.")
            return True
        at_once = min(line.max_concurrency, self.trial.total, AT_ONCE) if line else 1
        if at_once <= 1:
            self._go_on()
            return self._finish()
        with ThreadPoolExecutor(at_once) as pool:
            flight = {pool.submit(self._apart) for _ in range(at_once)}
            while flight:
                ended, flight = wait(flight, timeout=RENEW)
                for future in ended:
                    future.result()
                self._renew()
        return self._finish()

    def stop(self, reason: str) -> None:
        """End it with the reason; what waits is not asked."""
        self.stopped = True
        end(Trial.objects.filter(pk=self.trial.pk, lease_owner=self.name), Status.FAILED, reason)

    def _apart(self) -> None:
        try:
            self._go_on()
        finally:
            database.close()

    def _go_on(self) -> None:
        while self._may() and (one := steadily(self._claim)):
            reason = self._try(one)
            if reason and not self.stopped:
                steadily(self.stop, reason)
            self._renew()

    def _may(self) -> bool:
        return not self.stopped and not self.cut_off and time.monotonic() < self.deadline

    def _claim(self) -> TrialItem | None:
        """Take the next sample: waiting -> asking, while the trial is ours and has not cost more than was agreed to. It is
        committed before anybody is asked."""
        within = Q(trial__agreed_usd=None) | Q(trial__cost_usd__lte=F("trial__agreed_usd"))
        ours = TrialItem.objects.filter(
            within, trial=self.trial, status=Item.WAITING, trial__status=Status.RUNNING, trial__lease_owner=self.name
        )
        with transaction.atomic():
            held = ours.select_for_update(of=("self",), skip_locked=True)
            one = held.select_related("trace", "revision").order_by("ordinal").first()
            if one is not None:
                TrialItem.objects.filter(pk=one.pk).update(status=Item.ASKING, asked_at=timezone.now(), error="")
        return one

    def _try(self, one: TrialItem) -> str:
        """Grade a sample and keep what came. Returns why nothing more is to be asked, or ""."""
        begun = time.monotonic()
        asker = asking.Asker(self.version.connection, lets_go=True) if self.version.connection else None
        kept: dict[str, Any] = {"status": Item.DONE, "cost_usd": Decimal(0) if asker is None else None}
        reason = ""
        try:
            done = run.grade_trace(version=self.version, trace=one.trace, document=one.revision.document, ask=asker)
            grade = done.grade
            kept |= {"score": grade.value, "passed": grade.passed, "reason": grade.reason, "error": grade.error}
            if asker is not None:
                kept["cost_usd"] = done.cost_usd
            if asker is not None and done.failure is not None:
                reason = _judge(done.failure, asker, kept)
        except (OperationalError, InterfaceError) as error:
            sent = asker is not None and bool(asker.said or asker.unanswered)
            kept |= {"status": Item.UNKNOWN if sent else Item.WAITING, "error": f"The database was away: {error}"}
        except Exception as error:  # one sample must not take the others with it
            log.exception("The sample %s of the trial %s failed.", one.pk, self.trial.pk)
            kept["error"] = f"{type(error).__name__}: {error}"
        kept["ms"] = round((time.monotonic() - begun) * 1000)
        steadily(self._settle, one, kept)
        return reason

    def _settle(self, one: TrialItem, kept: dict[str, Any]) -> None:
        """One that was taken back meanwhile (its process was thought dead) is done after all: its answer came, and was paid
        for. One that is gone was forgotten with its trace."""
        texts = {key: clean(str(kept.get(key, ""))[:MOST_TEXT], Notes()) for key in ("reason", "error")}
        is_over = kept["status"] != Item.WAITING
        self.cut_off = self.cut_off or not is_over
        with transaction.atomic():
            held = TrialItem.objects.filter(pk=one.pk, status__in=[Item.ASKING, Item.UNKNOWN])
            settled = held.update(**kept | texts, ended_at=timezone.now() if is_over else None)
            if settled and kept["cost_usd"]:
                Trial.objects.filter(pk=self.trial.pk).update(cost_usd=F("cost_usd") + kept["cost_usd"])

    def _renew(self) -> None:
        if time.monotonic() - self.renewed > RENEW:
            self.renewed = time.monotonic()
            steadily(leases.take, Trial.objects.filter(pk=self.trial.pk), self.name)

    def _finish(self) -> bool:
        """End the trial where nothing is left of it. True where nothing is left for whoever called."""
        with transaction.atomic():
            held = Trial.objects.select_for_update(of=("self",)).filter(pk=self.trial.pk).first()
            if held is None or held.status != Status.RUNNING or held.lease_owner != self.name:
                return True
            if not held.items.filter(status__in=[Item.WAITING, Item.ASKING]).exists():
                Trial.objects.filter(pk=held.pk).update(status=Status.DONE, ended_at=timezone.now())
                return True
            if held.agreed_usd is None or held.cost_usd <= held.agreed_usd:
                return self.cut_off
            cost, agreed = formats.money(held.cost_usd), formats.money(held.agreed_usd)
            self.stop(f"It cost {cost} so far, more than the {agreed} that were agreed to, so the rest was not asked.")
            return True


def _judge(failure: ConnectionFailed, asker: asking.Asker, kept: dict[str, Any]) -> str:
    """What a failure of the connection means for the sample, and for the others: why they are not asked, or ""."""
    if failure.kind == "lost":
        kept |= {"status": Item.UNKNOWN, "error": f"{failure} It may have been paid for, and was not asked again."}
        kept["cost_usd"] = None
    elif failure.kind in NOTHING_SENT and not asker.said:
        kept["cost_usd"] = Decimal(0)
    return str(failure) if failure.ends_all else ""
