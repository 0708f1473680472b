"""Calls that may cost something, made several at once from a queue of rows: each row is taken before anybody is asked and
settled once, and a connection that fails stops the queue with the reason. What is asked, where it is kept, and whether a row
whose connection failed is asked again by itself, is said by whoever owns the queue: batches, trials, and comparisons a floor
above."""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from django.db import InterfaceError, OperationalError
from django.db import connection as database

from curation.models import BatchItem
from curation.scoring import asking, run
from curation.scoring.graders.grades import Grade
from workspace.connections import client
from workspace.connections.client import steadily
from workspace.models import Connection

log = logging.getLogger(__name__)
RENEW = 15.0  # seconds
AT_ONCE = 32  # calls under way from one process, whatever the connection allows
MOST_FAILURES = 5  # the connection, in a row
MOST_REFUSED = 20  # single requests, in a row
MOST_ATTEMPTS = 3  # of one row, where others come through
PAUSE = 0.5  # seconds after a failure, times how many there were in a row
SUMS = ("cost_usd", "input_tokens", "output_tokens", "latency_ms")
LOST = "The process that waited for the answer ended before it came. It was not asked again, since it may have been paid for."
Item = BatchItem.Status


class TakenAway(Exception):
    """The row is another's meanwhile, or is gone: nothing more is to be paid for here."""


class Taken(Protocol):
    """A row that this process took. `attempts` is the token of the claim; the others are what earlier tries left."""

    @property
    def id(self) -> int: ...
    @property
    def attempts(self) -> int: ...
    @property
    def prompt(self) -> Any: ...
    @property
    def answer(self) -> Any: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...
    @property
    def latency_ms(self) -> int | None: ...


Row = TypeVar("Row", bound=Taken)


@dataclass(slots=True)
class Result(Generic[Row]):
    """What became of a row: its next status, and what is kept of it. `grade` becomes a score where it has a value.
    `failure`: the connection gave no answer. `spent`: of the cost, as far as it is known, what the queue does not count
    yet."""

    claimed: Row
    status: str
    error: str = ""
    prompt: Any = None
    answer: Any = None
    grades: dict[str, Any] | None = None
    grade: Grade | None = None
    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: int | None = None
    spent: Decimal | None = None
    failure: client.ConnectionFailed | None = None


@dataclass(slots=True, kw_only=True)
class Caller(Generic[Row]):
    """One process's turn at a queue, until `deadline` (of time.monotonic). `asks_again`: a row whose connection failed waits
    for another try; else it ends with the reason."""

    asks_again: ClassVar[bool] = True
    deadline: float
    failures: int = 0
    refused: int = 0
    answered: int = 0
    drained: bool = False
    stopped: bool = False
    renewed: float = field(default_factory=time.monotonic)

    def take(self, most: int) -> list[Row]:
        """Take the next rows, and commit that."""
        raise NotImplementedError

    def do(self, one: Row) -> Result[Row]:
        """Ask for one. What it raises ends in the row's result."""
        raise NotImplementedError

    def keep(self, result: Result[Row]) -> None:
        """Settle a row, once."""
        raise NotImplementedError

    def why_not(self) -> str:
        """Why nothing can be taken though something waits; "" where nothing waits, or another has it."""
        raise NotImplementedError

    def stop(self, reason: str) -> None:
        """End the queue with the reason; what waits stays waiting. Sets `stopped`."""
        raise NotImplementedError

    def renew(self) -> None:
        """Say that this process is at work still."""
        raise NotImplementedError

    def ask(self, connection: Connection | None) -> None:
        """Work rows off, as many at once as the connection allows; one after the other where nobody is asked."""
        most = min(connection.max_concurrency, AT_ONCE) if connection else 1
        if most == 1:
            while self.may() and (taken := self._take(1)):
                self._settle(self.safely(taken[0]))
                self.in_time()
            return
        flight: dict[Future[Result[Row]], Row] = {}
        with ThreadPoolExecutor(most) as pool:
            while True:
                while len(flight) < most and self.may() and (taken := self._take(most - len(flight))):
                    flight |= {pool.submit(self._apart, one): one for one in taken}
                if not flight:
                    return
                ended, _ = wait(flight, timeout=RENEW, return_when=FIRST_COMPLETED)
                for future in ended:
                    del flight[future]
                    self._settle(future.result())
                self.in_time()

    def may(self) -> bool:
        """Whether another row is to be taken. Failures in a row are counted past the deadline too: the next turn would begin
        at none, and a slow endpoint that always fails would never stop the queue."""
        in_a_row = self.failures or self.refused
        return not self.stopped and not self.drained and (time.monotonic() < self.deadline or bool(in_a_row))

    def in_time(self) -> None:
        """Renew the lease where it is time to."""
        if time.monotonic() - self.renewed > RENEW:
            self.renewed = time.monotonic()
            steadily(self.renew)

    def safely(self, one: Row, do: Callable[[Row], Result[Row]] | None = None) -> Result[Row]:
        """`do` it; one that fails must not take the others with it."""
        try:
            return (do or self.do)(one)
        except TakenAway:  # `keep` leaves it alone
            return Result(one, Item.UNKNOWN, "It was taken away while it was asked.")
        except (OperationalError, InterfaceError) as error:  # before anything was sent: see asking.Asker
            return Result(one, Item.WAITING, f"The database was away: {error}"[:300])
        except Exception as error:
            log.exception("The row %s failed.", one.id)
            return Result(one, Item.FAILED, f"{type(error).__name__}: {str(error)[:500]}")

    def _apart(self, one: Row) -> Result[Row]:
        try:
            return self.safely(one)
        finally:
            database.close()

    def _take(self, most: int) -> list[Row]:
        # nothing to take: all is taken, or somebody cancelled it, or another process has it
        taken = steadily(self.take, most)
        self.drained = not taken
        if self.drained and (reason := steadily(self.why_not)):
            steadily(self.stop, reason)
        return taken

    def _settle(self, result: Result[Row]) -> None:
        reason = self._judge(result)
        if result.failure is not None and result.status == Item.WAITING and not self.asks_again:
            result.status = Item.FAILED
        steadily(self.keep, result)
        if result.status == Item.WAITING:
            self.drained = False
        if reason and not self.stopped:
            steadily(self.stop, reason)
        elif self.failures and result.status != Item.DONE:
            time.sleep(PAUSE * self.failures)

    def _judge(self, result: Result[Row]) -> str:
        """What a failure of the connection means for the row, and for the queue: a reason to stop it, or ""."""
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


def graded(
    one: Row, *, connection: Connection | None, grade: Callable[[asking.Asker | None], run.Outcome],
    keep: Callable[..., None],
) -> Result[Row]:  # fmt: skip
    """Grade what stands in a row: `grade` is given whom to ask. What was answered is handed to `keep` (the row; `spent`, and
    fields of the row) before the next question is asked; what an earlier try got answers to is not asked again."""
    counted = Decimal(0)

    def keeps(asker: asking.Asker) -> None:
        nonlocal counted
        now = run.known_usd(asker)
        known = {name: value for name, value in together(one, run.paid(asker)).items() if value is not None}
        steadily(keep, one, spent=now - counted, prompt=asker.prompts, answer=asker.answers, **known)
        counted = now

    asker = None
    if connection is not None:
        asker = asking.Asker(
            connection, lets_go=True, known=asking.half_answered(one.prompt, one.answer), keeps=keeps
        )  # fmt: skip
    done = grade(asker)
    took = {name: getattr(done, name) for name in SUMS}
    spent = done.known_usd - counted
    kept: dict[str, Any] = {"prompt": done.prompt, "answer": done.answer, "spent": spent} | together(one, took)
    if done.failure is not None:
        return Result(one, Item.WAITING, str(done.failure), failure=done.failure, **kept)
    if done.grade.value is None:
        said = done.grade.error or done.grade.reason or "No grade was given."
        return Result(one, Item.FAILED, said, grade=done.grade, **kept)
    return Result(one, Item.DONE, grade=done.grade, **kept)


def together(one: Taken, took: Mapping[str, Any]) -> dict[str, Any]:
    """What a row took over all its tries. What is not known of an earlier answer stays unknown."""
    sums: dict[str, Any] = {}
    for name in SUMS:
        before, now = getattr(one, name), took[name]
        unknown = now is None or (before is None and one.answer is not None)
        sums[name] = None if unknown else now + (before or 0)
    return sums
