"""Working a batch off: several calls at once, each item taken before it is asked and settled once.

What is at work when a process dies may have been paid for: nobody asks it again by itself (see `claims.take_back`).
A connection that fails stops the batch with the reason, and what waits stays waiting.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.utils import timezone

from curation.messages.form import Message
from curation.models import Batch, BatchItem, GraderVersion, TraceRevision
from curation.scoring import asking, candidates, claims, keep, run
from curation.scoring.claims import Claimed, Result
from curation.scoring.refused import Refused
from workspace import leases
from workspace.connections.client import steadily

log = logging.getLogger(__name__)
RENEW = 15.0  # seconds
AT_ONCE = 32  # calls under way from one process, whatever the connection allows
CHUNK = 50  # code graders: items per transaction
MOST_FAILURES = 5  # the connection, in a row
MOST_REFUSED = 20  # single requests, in a row
MOST_ATTEMPTS = 3  # of one item, where others come through
PAUSE = 0.5  # seconds after a failure, times how many there were in a row
SUMS = ("cost_usd", "input_tokens", "output_tokens", "latency_ms")
Item = BatchItem.Status
OPEN = (Batch.Status.QUEUED, Batch.Status.RUNNING)
Found = Mapping[int, TraceRevision]  # by the item's id


def work(batch_id: int, seconds: float) -> bool:
    """See `batches.work`."""
    name = leases.owner()
    try:
        if not take(batch_id, name):
            return True
        try:
            return _work(batch_id, name, time.monotonic() + seconds)
        finally:
            steadily(leases.give_back, Batch.objects.filter(pk=batch_id), name)
    except (OperationalError, InterfaceError):  # the lease runs out, and the sweep goes on with it
        log.warning("The batch %s waits for the database.", batch_id, exc_info=True)
        return True


def take(batch_id: int, name: str) -> bool:
    """Take or renew the lease on a batch that is not at its end. False where another has it, or it has ended."""
    open_ones = Batch.objects.filter(pk=batch_id, status__in=OPEN)
    return leases.take(open_ones, name, status=Batch.Status.RUNNING)


def versions_of(batch: Batch) -> list[GraderVersion]:
    """The versions that a batch grades with: its own, or those that candidates are graded by."""
    own = batch.grader_version_id
    keys = batch.settings.get("graders", []) if own is None else [own]
    found = GraderVersion.objects.select_related("grader__project", "connection").in_bulk(keys)
    return [found[key] for key in keys if key in found]


def _work(batch_id: int, name: str, deadline: float) -> bool:
    Batch.objects.filter(pk=batch_id, started_at=None).update(started_at=timezone.now())
    batch = Batch.objects.select_related("project", "connection__project").get(pk=batch_id)
    this = Worker(batch, name, deadline, versions_of(batch))
    try:
        this.check()
    except Refused as error:
        this.stop(error.reason)
        return True
    claims.take_back(batch, pays=this.pays)
    if this.pays:
        this.ask()
    else:
        this.grade()
    return this.finish()


@dataclass(slots=True)
class Worker:
    """One process's turn at a batch."""

    batch: Batch
    name: str
    deadline: float
    versions: list[GraderVersion]
    failures: int = 0
    refused: int = 0
    answered: int = 0
    drained: bool = False
    stopped: bool = False
    renewed: float = field(default_factory=time.monotonic)

    @property
    def generates(self) -> bool:
        """Whether it asks for answers, not for grades."""
        return self.batch.kind == Batch.Kind.GENERATE

    @property
    def pays(self) -> bool:
        """Whether an item may cost something."""
        return self.generates or any(map(keep.asks_model, self.versions))

    def check(self) -> None:
        """Raise Refused for what cannot go on: a grader that may not be used any more, a connection that is gone."""
        for version in self.versions:
            keep.usable(version)
            if keep.asks_model(version) and version.connection is None:
                raise Refused("connection", f"The connection that {version} asked through was removed.")
        if self.generates and self.batch.connection is None:
            raise Refused("connection", "The connection was removed.")
        if not self.generates and not self.versions:
            raise Refused("grader", "The grader was removed.")

    def ask(self) -> None:
        """Items that may cost something, as many at once as the connection allows."""
        connection = self.batch.connection or self.versions[0].connection
        assert connection is not None  # `check` saw it
        most = min(connection.max_concurrency, AT_ONCE)
        if most == 1:
            while self._may() and (taken := self._claim(1)):
                self._settle(self._safely(taken[0]))
            return
        flight: dict[Future[Result], Claimed] = {}
        with ThreadPoolExecutor(most) as pool:
            while True:
                while len(flight) < most and self._may() and (taken := self._claim(most - len(flight))):
                    flight |= {pool.submit(self._apart, one): one for one in taken}
                if not flight:
                    return
                ended, _ = wait(flight, timeout=RENEW, return_when=FIRST_COMPLETED)
                for future in ended:
                    del flight[future]
                    self._settle(future.result())
                self._renew()

    def grade(self) -> None:
        """Items that cost nothing: some at a time, settled together."""
        while self._may() and (taken := self._claim(CHUNK)):
            found = _load(taken)
            references = run.references_of([revision.trace for revision in found.values()])
            results = []
            for one in taken:
                late = time.monotonic() > self.deadline + RENEW  # graders that take seconds each
                results.append(Result(one, Item.WAITING) if late else self._safely(one, found, references))
                self._renew()
            steadily(claims.settle, self.batch, self.versions[0], results)

    def finish(self) -> bool:
        """End the batch where nothing is left. True where nothing is left for whoever called."""
        if self.stopped:
            return True
        with transaction.atomic():
            held = Batch.objects.select_for_update(of=("self",)).filter(pk=self.batch.pk).first()
            if held is None or held.status != Batch.Status.RUNNING or held.lease_owner != self.name:
                return True
            items = BatchItem.objects.filter(batch=held)
            if items.filter(status__in=[Item.WAITING, Item.ASKING]).exists():
                return False
            unknown = items.filter(status=Item.UNKNOWN).count()
            some = "1 call" if unknown == 1 else f"{unknown} calls"
            said = f"The outcome of {some} is unknown: they may have been paid for, and were not made again."
            Batch.objects.filter(pk=held.pk).update(
                status=Batch.Status.DONE, ended_at=timezone.now(), error=said if unknown else ""
            )
        return True

    def stop(self, reason: str) -> None:
        """End it with the reason; what waits stays waiting for `batches.resume`."""
        self.stopped = True
        Batch.objects.filter(pk=self.batch.pk, status=Batch.Status.RUNNING, lease_owner=self.name).update(
            status=Batch.Status.FAILED, error=reason, ended_at=timezone.now()
        )

    def _may(self) -> bool:
        return not self.stopped and not self.drained and time.monotonic() < self.deadline

    def _claim(self, most: int) -> list[Claimed]:
        # nothing to take: all is taken, or somebody cancelled it, or another process has it
        taken = steadily(claims.claim, self.batch.pk, self.name, most)
        self.drained = not taken
        if self.drained and self.pays and (reason := steadily(claims.overspent, self.batch)):
            steadily(self.stop, reason)
        return taken

    def _renew(self) -> None:
        if time.monotonic() - self.renewed > RENEW:
            self.renewed = time.monotonic()
            steadily(take, self.batch.pk, self.name)

    def _apart(self, one: Claimed) -> Result:
        try:
            return self._safely(one)
        finally:
            database.close()

    def _safely(
        self, one: Claimed, found: Found | None = None, references: Mapping[int, Message] | None = None
    ) -> Result:
        try:
            revision = (found if found is not None else _load([one])).get(one.id)
            if revision is None or revision.trace.erased_at is not None:
                return Result(one, Item.FAILED, "The trace was deleted.")
            if self.generates:
                return candidates.answer(self.batch, self.versions, one, revision.trace, revision)
            return self._graded(one, revision, references)
        except claims.TakenAway:  # `settle` leaves it alone
            return Result(one, Item.UNKNOWN, "It was taken away while it was asked.")
        except (OperationalError, InterfaceError) as error:  # before anything was sent
            return Result(one, Item.WAITING, f"The database was away: {error}"[:300])
        except Exception as error:  # one item must not take the others with it
            log.exception("The item %s of the batch %s failed.", one.id, self.batch.pk)
            return Result(one, Item.FAILED, f"{type(error).__name__}: {str(error)[:500]}")

    def _graded(self, one: Claimed, revision: TraceRevision, references: Mapping[int, Message] | None) -> Result:
        version = self.versions[0]
        counted = Decimal(0)

        def keeps(asker: asking.Asker) -> None:
            nonlocal counted
            took = run.paid(asker)
            now = took["cost_usd"] or Decimal(0)
            kept = {name: value for name, value in _together(one, took).items() if value is not None}
            steadily(
                claims.keep,
                one,
                batch=self.batch,
                spent=now - counted,
                prompt=asker.prompts,
                answer=asker.answers,
                **kept,
            )
            counted = now

        asker = None
        if version.connection is not None:
            known = asking.half_answered(one.prompt, one.answer)
            asker = asking.Asker(version.connection, lets_go=True, known=known, keeps=keeps)
        done = run.grade_trace(
            version=version, trace=revision.trace, document=revision.document, ask=asker, references=references
        )
        took = {name: getattr(done, name) for name in SUMS}
        spent = None if done.cost_usd is None else done.cost_usd - counted
        kept: dict[str, Any] = {"prompt": done.prompt, "answer": done.answer, "spent": spent} | _together(one, took)
        if done.failure is not None:
            return Result(one, Item.WAITING, str(done.failure), failure=done.failure, **kept)
        if done.grade.value is None:
            return Result(one, Item.FAILED, done.grade.error or done.grade.reason or "No grade was given.", **kept)
        return Result(one, Item.DONE, grade=done.grade, **kept)

    def _settle(self, result: Result) -> None:
        reason = self._judge(result)
        steadily(claims.settle, self.batch, None if self.generates else self.versions[0], [result])
        if result.status == Item.WAITING:
            self.drained = False
        if reason and not self.stopped:
            steadily(self.stop, reason)
        elif self.failures and result.status != Item.DONE:
            time.sleep(PAUSE * self.failures)

    def _judge(self, result: Result) -> str:
        """What a failure of the connection means for the item, and for the batch: a reason to stop it, or ""."""
        error = result.failure
        if result.status == Item.WAITING and error is None:
            self.failures += 1
        elif error is None:
            self.failures, self.refused = 0, 0
            self.answered += 1
        elif error.kind == "request":
            result.status = Item.FAILED
            self.refused += 1
            return (
                f"{self.refused} requests in a row were refused. The last: {error}"
                if self.refused >= MOST_REFUSED
                else ""
            )
        elif error.ends_all:
            return str(error)
        else:
            self.failures += 1
            if error.kind == "lost":
                result.status, result.error = (
                    Item.UNKNOWN,
                    f"{error} It may have been paid for, and was not asked again.",
                )
            elif result.claimed.attempts >= MOST_ATTEMPTS and self.answered:
                result.status = Item.FAILED
        if self.failures >= MOST_FAILURES:
            return f"{self.failures} requests in a row failed. The last: {result.error or error}"
        return ""


def _together(one: Claimed, took: Mapping[str, Any]) -> dict[str, Any]:
    """What an item took over all its tries. What is not known of an earlier answer stays unknown."""
    sums: dict[str, Any] = {}
    for name in SUMS:
        before, now = getattr(one, name), took[name]
        unknown = now is None or (before is None and one.answer is not None)
        sums[name] = None if unknown else now + (before or 0)
    return sums


def _load(taken: Sequence[Claimed]) -> dict[int, TraceRevision]:
    """The revision of each item, with its trace. One query."""
    keys = [one.revision_id for one in taken]
    found = TraceRevision.objects.select_related("trace").defer("import_notes", "source").in_bulk(keys)
    return {
        one.id: found[one.revision_id]
        for one in taken
        if one.revision_id in found and found[one.revision_id].trace_id == one.trace_id
    }
