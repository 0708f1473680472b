"""One candidate: the conversation is sent up to its last answer, and what comes is graded. Each thing that was paid for
is kept before the next is asked."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError

from curation.ingest.openai_messages import read_message
from curation.ingest.parsed import Unreadable
from curation.messages.clean import Notes
from curation.messages.form import Message
from curation.models import Batch, BatchItem, GraderVersion, Trace, TraceRevision
from curation.scoring import asking, claims, keep, run, wire
from curation.scoring.calling import Result
from curation.scoring.claims import Claimed
from curation.scoring.refused import Refused
from workspace.connections import client

Status = BatchItem.Status
NOTHING: dict[str, Any] = {"value": None, "passed": None, "reason": ""}
UNKNOWN = "It was being graded when the process ended: the outcome is unknown, and it was not asked again."


def answer(
    batch: Batch, versions: list[GraderVersion], one: Claimed, trace: Trace, revision: TraceRevision
) -> Result[Claimed]:
    """Ask for the candidate where there is none yet, then let each version grade it that has not. A candidate that a
    grader could not grade keeps the reason; one whose grader's connection failed waits, and is not asked for again."""
    try:
        found = wire.opening(revision.document)
        sent = sent_of(batch, one, found)
    except Refused as error:
        return Result(one, Status.FAILED, error.reason)
    kept: dict[str, Any] = {"cost_usd": one.cost_usd}
    said = one.answer
    if said is None:
        assert batch.connection is not None  # checked before the batch goes on
        try:
            came = client.complete(connection=batch.connection, lets_go=True, **sent)
        except client.ConnectionFailed as error:
            return Result(one, Status.WAITING, str(error), prompt=sent, failure=error)
        except client.Unsent:
            raise
        except (OperationalError, InterfaceError) as error:  # behind the request: it may have been paid for
            lost = client.ConnectionFailed(f"The database was away: {error}"[:300], kind="lost")
            return Result(one, Status.WAITING, str(lost), prompt=sent, failure=lost)
        said = asking.answer_of(came)
        kept = {
            "prompt": sent, "answer": said, "cost_usd": came.cost_usd, "input_tokens": came.input_tokens,
            "output_tokens": came.output_tokens, "latency_ms": came.latency_ms,
        }  # fmt: skip
        try:
            client.steadily(claims.keep, one, batch=batch, spent=came.cost_usd, **kept)
        except (OperationalError, InterfaceError):
            return Result(
                one, Status.UNKNOWN, "Its answer came while the database was away.", spent=came.cost_usd, **kept
            )
    try:
        message = read_message(said["message"], Notes())
    except Unreadable as error:
        return Result(one, Status.FAILED, f"The answer cannot be read: {error}")
    if said.get("finish_reason"):
        message["finish_reason"] = said["finish_reason"]
    grades = dict(one.grades)
    added, counted = Decimal(0), Decimal(0)  # by grading; of it, what the batch counts already
    for version in versions:
        before = grades.get(str(version), {"waits": True})
        if not before.get("waits"):
            continue
        asks = keep.asks_model(version)
        turn = _Turn(batch, one, version, grades, _sum(kept["cost_usd"], added))
        if asks:
            turn.mark({**NOTHING, **before, "waits": False, "error": UNKNOWN})
        done = _graded(version, found, message, trace, kept, turn)
        told = _told(done, asks, before)
        added, counted = added + done.known_usd, counted + turn.counted
        if done.failure is not None and done.failure.kind not in ("request", "lost"):
            if done.answer is not None:  # some of its questions were answered, and are not asked again
                grades[str(version)] = {**told, "waits": True}
            return Result(
                one, Status.WAITING, str(done.failure), grades=grades, failure=done.failure, spent=added - counted,
                cost_usd=_sum(kept["cost_usd"], added),
            )  # fmt: skip
        grades[str(version)] = told
        if asks:
            turn.mark(told)
    return Result(one, Status.DONE, grades=grades, spent=added - counted, cost_usd=_sum(kept["cost_usd"], added))


@dataclass(slots=True)
class _Turn:
    """One grader at one candidate: what it was asked is written down before the next is asked. `counted`: what the batch
    counts of it already. Raises TakenAway where the candidate is another's."""

    batch: Batch
    one: Claimed
    version: GraderVersion
    grades: dict[str, Any]
    cost_before: Decimal | None
    counted: Decimal = Decimal(0)

    def mark(self, told: dict[str, Any], **fields: Any) -> None:
        now = {**self.grades, str(self.version): told}
        client.steadily(claims.keep, self.one, batch=self.batch, grades=now, **fields)

    def keeps(self, asker: asking.Asker) -> None:
        """As `asking.Asker.keeps`."""
        paid, known = run.paid(asker)["cost_usd"], run.known_usd(asker)
        told = {**NOTHING, "error": UNKNOWN, "prompt": asker.prompts, "answer": asker.answers, "cost_usd": _text(paid)}
        fields = {"cost_usd": _sum(self.cost_before, known), "spent": known - self.counted}
        self.mark(told, **{name: value for name, value in fields.items() if value is not None})
        self.counted = known


def sent_of(batch: Batch, one: Claimed, found: wire.Opening) -> dict[str, Any]:
    """The arguments of `client.complete`. Raises Refused."""
    messages, tools = found.sent()
    wanted = {
        "model": batch.settings["model"], "messages": messages, "tools": tools or None,
        "temperature": one.settings.get("temperature"), "seed": one.settings.get("seed"),
        "max_tokens": batch.settings["max_tokens"],
    }  # fmt: skip
    return {name: value for name, value in wanted.items() if value is not None}


def _graded(
    version: GraderVersion, found: wire.Opening, message: Message, trace: Trace, kept: dict[str, Any], turn: _Turn
) -> run.Outcome:
    asker = None
    if version.connection is not None:
        before = turn.grades.get(str(version)) or {}
        known = asking.half_answered(before.get("prompt"), before.get("answer"))
        asker = asking.Asker(version.connection, lets_go=True, known=known, keeps=turn.keeps)
    conversation = {**found.conversation, "messages": [*found.messages, message]}
    facts = {
        "latency_ms": kept.get("latency_ms"), "cost_usd": kept.get("cost_usd"), "metadata": trace.metadata,
        "input_tokens": kept.get("input_tokens"), "output_tokens": kept.get("output_tokens"),
        "reference": run.facts_of(trace)["reference"],
    }  # fmt: skip
    return run.grade_conversation(
        definition=version.definition,
        conversation=conversation,  # type: ignore[arg-type]
        facts=facts,
        ask=asker,
    )


def _told(done: run.Outcome, asks: bool, before: dict[str, Any]) -> dict[str, Any]:
    grade = done.grade
    told: dict[str, Any] = {
        "value": grade.value, "passed": grade.passed, "reason": grade.reason, "error": grade.error
    }  # fmt: skip
    if asks:
        earlier = Decimal(0) if before.get("answer") is None else before.get("cost_usd")  # None: not known
        cost = None if done.cost_usd is None or earlier is None else done.cost_usd + Decimal(earlier)
        told |= {"prompt": done.prompt, "answer": done.answer, "cost_usd": _text(cost)}
    return told


def _text(cost: Decimal | None) -> str | None:
    return None if cost is None else str(cost)


def _sum(cost: Decimal | None, spent: Decimal) -> Decimal | None:
    return cost + spent if cost is not None else None
