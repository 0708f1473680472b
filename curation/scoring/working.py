"""Working a batch off: several calls at once, each item taken before it is asked and settled once.

What is at work when a process dies may have been paid for: nobody asks it again by itself (see `claims.take_back`).
A connection that fails stops the batch with the reason, and what waits stays waiting.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from curation.messages.form import Message
from curation.models import Batch, BatchItem, GraderVersion, TraceRevision
from curation.scoring import asking, candidates, claims, keep, run
from curation.scoring.calling import RENEW, Caller, Result, graded
from curation.scoring.claims import Claimed
from curation.scoring.refused import Refused
from workspace import leases
from workspace.connections.client import steadily

log = logging.getLogger(__name__)
CHUNK = 50  # code graders: items per transaction
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
    this = Worker(batch=batch, name=name, deadline=deadline, versions=versions_of(batch))
    try:
        this.check()
    except Refused as error:
        this.stop(error.reason)
        return True
    claims.take_back(batch, pays=this.pays)
    this.work()
    return this.finish()


@dataclass(slots=True, kw_only=True)
class Worker(Caller[Claimed]):
    """One process's turn at a batch."""

    batch: Batch
    name: str
    versions: list[GraderVersion]

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

    def work(self) -> None:
        """Items that may cost something, as many at once as the connection allows; those that cost nothing some at a
        time, settled together."""
        if self.pays:
            connection = self.batch.connection or self.versions[0].connection
            assert connection is not None  # `check` saw it
            self.ask(connection)
            return
        while self.may() and (taken := self._take(CHUNK)):
            found = _load(taken)
            references = run.references_of([revision.trace for revision in found.values()])
            results = []
            for one in taken:
                late = time.monotonic() > self.deadline + RENEW  # graders that take seconds each
                todo = partial(self._with, found=found, references=references)
                results.append(Result(one, Item.WAITING) if late else self.safely(one, todo))
                self.in_time()
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

    def take(self, most: int) -> list[Claimed]:
        """As calling.Caller, and so for the others."""
        return claims.claim(self.batch.pk, self.name, most)

    def do(self, one: Claimed) -> Result[Claimed]:
        return self._with(one, _load([one]), None)

    def keep(self, result: Result[Claimed]) -> None:
        claims.settle(self.batch, None if self.generates else self.versions[0], [result])

    def why_not(self) -> str:
        return claims.overspent(self.batch) if self.pays else ""

    def renew(self) -> None:
        take(self.batch.pk, self.name)

    def _with(self, one: Claimed, found: Found, references: Mapping[int, Message] | None) -> Result[Claimed]:
        revision = found.get(one.id)
        if revision is None or revision.trace.erased_at is not None:
            return Result(one, Item.FAILED, "The trace was deleted.")
        if self.generates:
            return candidates.answer(self.batch, self.versions, one, revision.trace, revision)
        version = self.versions[0]

        def grade(asker: asking.Asker | None) -> run.Outcome:
            return run.grade_trace(
                version=version, trace=revision.trace, document=revision.document, ask=asker, references=references
            )

        return graded(one, connection=version.connection, grade=grade, keep=partial(claims.keep, batch=self.batch))


def _load(taken: Sequence[Claimed]) -> dict[int, TraceRevision]:
    """The revision of each item, with its trace. One query."""
    keys = [one.revision_id for one in taken]
    found = TraceRevision.objects.select_related("trace").defer("import_notes", "source").in_bulk(keys)
    return {
        one.id: found[one.revision_id]
        for one in taken
        if one.revision_id in found and found[one.revision_id].trace_id == one.trace_id
    }
