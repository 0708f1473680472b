"""Judging the answers of a comparison: a step after both models answered, and before anything is concluded."""

import logging
import time
from dataclasses import dataclass
from functools import partial

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from curation.models import GraderVersion
from curation.scoring import asking, run
from curation.scoring import keep as graders
from curation.scoring.calling import Caller, Result, graded
from curation.scoring.refused import Refused
from evaluation.judging import calls
from evaluation.judging.calls import Claimed
from evaluation.models import Answer, Comparison, JudgeCall, Judging
from evaluation.runs import answers
from workspace import leases
from workspace.connections.client import steadily

log = logging.getLogger(__name__)
Status = Judging.Status
OPEN = (Status.WAITING, Status.RUNNING)


def advance(comparison: Comparison) -> Judging | None:
    """Begin with judging where both models have answered, and end it where nothing is left. Returns how it stands; None
    where nobody judges. Harmless when repeated."""
    if not comparison.suite.judges:
        return None
    judging = Judging.objects.get(comparison=comparison)
    if judging.status == Status.WAITING:
        with transaction.atomic():
            if Judging.objects.filter(pk=judging.pk, status=Status.WAITING).update(
                status=Status.RUNNING, started_at=timezone.now()
            ):
                try:
                    calls.write(comparison)
                except Refused as error:
                    _end(judging, Status.STOPPED, error.reason)
        judging.refresh_from_db()
    judging.comparison = comparison
    if judging.status == Status.RUNNING:
        _finish(judging)
        judging.refresh_from_db(fields=["status", "error", "cost_usd"])
    return judging


def open_judgings() -> list[int]:
    """Keys of those that wait for a worker, oldest first. What a dead process had taken of one that has ended is unknown
    from now on: another comparison of the same answers may wait for it."""
    with transaction.atomic():
        ended = Judging.objects.exclude(status__in=OPEN).exclude(lease_owner="")
        for one in Judging.objects.filter(pk__in=leases.free(ended)):
            calls.take_back(one)
    calls.take_back(None)
    return leases.free(Judging.objects.filter(status=Status.RUNNING))


def work(judging_id: int, seconds: float) -> bool:
    """Go on with a judging for about so long. True where nothing is left for the caller: it has ended, or another works on
    it; False: call again. A second call for the same one, in whatever process, finds it taken."""
    name = leases.owner()
    mine = Judging.objects.filter(pk=judging_id)
    try:
        if not leases.take(mine.filter(status=Status.RUNNING), name):
            return True
        try:
            return _work(judging_id, name, time.monotonic() + seconds)
        finally:
            steadily(_leave, mine, name)
    except (OperationalError, InterfaceError):  # the lease runs out, and the sweep goes on with it
        log.warning("The judging %s waits for the database.", judging_id, exc_info=True)
        return True


def _leave(mine: QuerySet[Judging], name: str) -> None:
    """Let the next one work on it. What could not be settled is unknown: another comparison of the same answers waits for
    it."""
    with transaction.atomic():
        held = mine.select_for_update(no_key=True).filter(lease_owner=name).first()
        if held is not None:
            calls.take_back(held)
            leases.give_back(mine, name)


def _work(judging_id: int, name: str, deadline: float) -> bool:
    judging = Judging.objects.select_related(
        "comparison__suite", "comparison__baseline", "comparison__candidate"
    ).get(pk=judging_id)  # fmt: skip
    calls.take_back(judging)
    try:
        judges = calls.judges_of(judging.comparison.suite)
        for version in judges.values():
            graders.usable(version)
            if version.connection is None:
                raise Refused("connection", f"The connection that {version} asked through was removed.")
    except Refused as error:
        _end(judging, Status.STOPPED, error.reason)
        return True
    for slug, version in judges.items():
        this = Judge(judging=judging, name=name, slug=slug, version=version, deadline=deadline)
        assert version.connection is not None  # seen above
        this.ask(version.connection)
        if this.stopped:
            return True
    mine = Judging.objects.filter(pk=judging_id, status=Status.RUNNING, lease_owner=name)
    return _finish(judging) or not mine.exists() or not _waiting(judging)


@dataclass(slots=True, kw_only=True)
class Judge(Caller[Claimed]):
    """One process's turn at the questions to one judge."""

    judging: Judging
    name: str
    slug: str
    version: GraderVersion
    under_way: int = 0

    def take(self, most: int) -> list[Claimed]:
        """As calling.Caller, and so for the others."""
        taken = calls.claim(self.judging, self.version, self.name, most, under_way=self.under_way)
        self.under_way += len(taken)
        return taken

    def do(self, one: Claimed) -> Result[Claimed]:
        answer = Answer.objects.select_related("scenario").get(pk=one.answer_id)
        if answer.message is None:
            return Result(one, JudgeCall.Status.FAILED, calls.ERASED)
        talk, facts = answers.conversation_of(answer, answer.scenario)

        def grade(asker: asking.Asker | None) -> run.Outcome:
            return run.grade_conversation(
                definition=self.version.definition, conversation=talk, facts=facts, ask=asker
            )  # fmt: skip

        keeps = partial(calls.keep, judging=self.judging)
        return graded(one, connection=self.version.connection, grade=grade, keep=keeps)

    def keep(self, result: Result[Claimed]) -> None:
        calls.settle(self.judging, self.slug, self.version.definition, result)
        self.under_way -= 1

    def why_not(self) -> str:
        return calls.overspent(self.judging)

    def stop(self, reason: str) -> None:
        self.stopped = True
        _end(self.judging, Status.STOPPED, reason)

    def renew(self) -> None:
        leases.take(Judging.objects.filter(pk=self.judging.pk), self.name)


def _waiting(judging: Judging) -> bool:
    return calls.rows(judging.comparison).filter(status=JudgeCall.Status.WAITING).exists()


def _finish(judging: Judging) -> bool:
    """End it where nothing waits and nothing is under way, here or in another comparison of the same answers."""
    under_way = [JudgeCall.Status.WAITING, JudgeCall.Status.ASKING]
    if calls.rows(judging.comparison).filter(status__in=under_way).exists():
        return False
    return _end(judging, Status.DONE, "")


def _end(judging: Judging, status: str, error: str) -> bool:
    return bool(
        Judging.objects.filter(pk=judging.pk, status=Status.RUNNING).update(
            status=status, error=error, ended_at=timezone.now()
        )
    )
