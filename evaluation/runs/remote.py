"""Answering through a connection: one scenario after the other, each stored before the next is asked.

A lease on the run keeps a second worker from paying for the same answers. What is interrupted goes on where it stopped:
scenarios without an answer are the queue. Where the connection failed, not the model, a scenario is asked again, or stays
open when the run fails: asking for the same run later goes on from there.
"""

import itertools
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Q

from curation.datasets.example import Example
from curation.datasets.exporting.formats import openai_sft
from curation.ingest.openai_messages import read_message
from curation.ingest.parsed import Unreadable
from curation.messages.clean import Notes
from evaluation.models import Answer, EvaluationRun, Scenario
from evaluation.runs import answers
from evaluation.runs.answers import Said
from workspace import leases
from workspace.connections import client

# longer than the client's slowest call with its retries
LEASE = timedelta(minutes=20)
# an endpoint that fails this often in a row will not recover within this run
MOST_FAILURES = 5
# how the error of an answer begins that says nothing about the model
UNREACHED = "The connection gave no answer: "


def answer(run: EvaluationRun, *, most: int | None = None, seconds: float | None = None) -> int:
    """Answer what is still open (at most `most` scenarios, none begun after `seconds`). Returns how many were answered;
    0 where somebody else holds the run. Errors of single scenarios are kept with them; MOST_FAILURES in a row end the
    run, and so does a connection that does not work for the last of them."""
    owner = leases.owner()
    if not _lease(run, owner):
        return 0
    done, failures = 0, _failed_last(run)
    began = time.monotonic()
    try:
        for scenario in answers.waiting(run)[:most].iterator(chunk_size=50):
            said = ask(run, scenario)
            failures = failures + 1 if said.message is None else 0
            if failures >= MOST_FAILURES:
                _reopen(run, failed_last=MOST_FAILURES - 1)
                answers.fail(run, f"{MOST_FAILURES} requests in a row failed. The last: {said.error}")
                return done
            answers.store(run=run, said=[said])
            done += 1
            if not _lease(run, owner):
                return done  # cancelled, or taken over after this process had slept for longer than its lease
            if seconds is not None and time.monotonic() - began > seconds:
                return done
        if not answers.waiting(run).exists():
            _end(run)
    finally:
        leases.give_back(EvaluationRun.objects.filter(pk=run.pk), owner)
    return done


def open_runs() -> list[int]:
    """Keys of runs that a connection is to answer and that nobody holds. The lease of a process of this machine that is
    dead is taken away first, so that nothing waits for it to run out."""
    open_states = [EvaluationRun.Status.QUEUED, EvaluationRun.Status.RUNNING]
    return leases.free(EvaluationRun.objects.filter(status__in=open_states, model__connection__isnull=False))


def ask(run: EvaluationRun, scenario: Scenario) -> Said:
    """Ask the run's model one scenario. What fails comes back as the error."""
    try:
        written = openai_sft.write(Example(scenario.messages, scenario.tools))
    except ValueError as error:
        return Said(scenario, None, error=f"The scenario cannot be written for a connection: {error}")
    connection = run.model.connection
    if connection is None:
        return Said(scenario, None, error="The model has no connection.")
    try:
        completion = client.complete(
            connection=connection,
            model=run.model.reference,
            messages=[_without_weight(message) for message in written["messages"]],
            tools=written.get("tools"),
            temperature=run.settings["temperature"],
            max_tokens=run.settings["max_new_tokens"],
            seed=run.settings["seed"],
        )
    except client.ConnectionFailed as error:
        return Said(scenario, None, error=str(error) if error.of_request else f"{UNREACHED}{error}")
    said = Said(
        scenario,
        None,
        latency_ms=completion.latency_ms,
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
        cost_usd=completion.cost_usd,
    )
    try:
        message = read_message(completion.message, Notes())
    except Unreadable as error:
        return replace(said, error=f"The answer cannot be read: {error}")
    if completion.finish_reason:
        message["finish_reason"] = completion.finish_reason
    return replace(said, message=message)


def _end(run: EvaluationRun) -> None:
    """Nothing waits any more: finish, unless the connection failed somewhere. Those scenarios are open again, for the
    next part where the connection worked after it; else the run fails with its reason."""
    last = Answer.objects.filter(run=run).order_by("-id").first()
    opened = _reopen(run)
    if not opened:
        answers.finish(run)
    elif last is not None and last.error.startswith(UNREACHED):
        some = "1 scenario was" if opened == 1 else f"{opened} scenarios were"
        answers.fail(run, f"{some} not answered and can be asked again. {last.error}")


def _reopen(run: EvaluationRun, *, failed_last: int = 0) -> int:
    """Forget answers that never came because the connection failed, and the last `failed_last`. Returns how many."""
    failed = Answer.objects.filter(run=run, message__isnull=True)
    last = list(failed.order_by("-id").values_list("pk", flat=True)[:failed_last])
    gone = failed.filter(Q(error__startswith=UNREACHED) | Q(pk__in=last))
    return gone.delete()[1].get(Answer._meta.label, 0)


def _failed_last(run: EvaluationRun) -> int:
    """How many answers in a row were errors when the part before this one ended."""
    last = Answer.objects.filter(run=run).order_by("-id").values_list("message", flat=True)[:MOST_FAILURES]
    return len(list(itertools.takewhile(lambda message: message is None, last)))


def _without_weight(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key != "weight"}


def _lease(run: EvaluationRun, owner: str) -> bool:
    """Take or renew the lease on a run that is to be answered."""
    states = [EvaluationRun.Status.QUEUED, EvaluationRun.Status.RUNNING]
    rows = EvaluationRun.objects.filter(pk=run.pk, status__in=states)
    return leases.take(rows, owner, lasts=LEASE, status=EvaluationRun.Status.RUNNING)
