"""Answering replays: each is asked once, and what comes back is a trace of its own.

A request that was on its way when its process died may have been paid for, so it is never sent again by itself: the row
says so, and a person asks anew.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from curation.ingest import store
from curation.ingest.openai_messages import read_message
from curation.ingest.parsed import ParsedTrace, Unreadable
from curation.messages.clean import Notes
from curation.messages.form import Document, Message, Usage
from curation.models import Replay, Trace
from curation.replay.opening import Sent, wire
from workspace.connections import client

FORMAT = "replay"
# longer than the client's slowest call with its retries
LOST_AFTER = timedelta(minutes=20)
LOST = (
    "The process that waited for the answer ended before it came. It was not sent again, since it may have been paid "
    "for: ask anew if you want to."
)


def waiting() -> list[int]:
    """Keys of replays that nobody has asked yet, oldest first. Those whose process is gone are ended first."""
    Replay.objects.filter(status=Replay.Status.RUNNING, asked_at__lt=timezone.now() - LOST_AFTER).update(
        status=Replay.Status.FAILED, error=LOST, ended_at=timezone.now()
    )
    return list(Replay.objects.filter(status=Replay.Status.QUEUED).order_by("id").values_list("pk", flat=True)[:50])


def answer(pk: int) -> bool:
    """Ask the connection and keep the answer as a trace. False where somebody else has it or it is over."""
    taken = Replay.objects.filter(pk=pk, status=Replay.Status.QUEUED).update(
        status=Replay.Status.RUNNING, asked_at=timezone.now()
    )
    if not taken:
        return False
    replay = Replay.objects.select_related("connection", "trace__project").get(pk=pk)
    if replay.connection is None:
        return _fail(replay, "The connection was removed before it was asked.")
    messages, tools = wire(Sent(replay.messages, replay.tools))
    try:
        came = client.complete(
            connection=replay.connection, model=replay.model, messages=messages, tools=tools,
            temperature=replay.settings.get("temperature"), max_tokens=replay.settings.get("max_tokens"),
        )  # fmt: skip
    except client.ConnectionFailed as error:
        return _fail(replay, str(error))
    try:
        said = read_message(came.message, Notes())
    except Unreadable as error:
        return _fail(replay, f"The answer cannot be read: {error}", came)
    _store(replay, _measured(said, came), came)
    return True


def _measured(said: Message, came: client.Completion) -> Message:
    usage: Usage = {}
    if came.input_tokens is not None:
        usage["input"] = came.input_tokens
    if came.output_tokens is not None:
        usage["output"] = came.output_tokens
    said["usage"], said["latency_ms"], said["model"] = usage, came.latency_ms, came.model
    if came.cost_usd is not None:
        said["cost_usd"] = str(came.cost_usd)
    if came.finish_reason:
        said["finish_reason"] = came.finish_reason
    return said


def _store(replay: Replay, said: Message, came: client.Completion) -> None:
    """The new trace and the end of the row, both or neither."""
    source = replay.trace
    document: Document = {
        "conversations": [
            {"id": "main", "name": "", "kind": "main", "messages": [*replay.messages, said], "tools": replay.tools}
        ]
    }
    external_id = f"replay-{replay.uid}"
    parsed = ParsedTrace(
        external_id=external_id, document=document, name=source.name, user_id=source.user_id, task_id=source.task_id,
        environment=source.environment, agent=source.agent, model=came.model[:200], status=Trace.Status.OK,
        started_at=replay.asked_at,
        metadata={"replay_of": str(source.uid), "replay_step": replay.step_key, "changed": replay.changed},
        source={"format": FORMAT},
    )  # fmt: skip
    with transaction.atomic():
        # where the row is gone, somebody deleted the trace, or forgot its user, while the answer was on its way
        if not Replay.objects.select_for_update().filter(pk=replay.pk).exists():
            return
        store.store_trace(project=source.project, parsed=parsed)
        found = Trace.objects.filter(project=source.project_id, external_id=external_id)
        found.update(is_replay=True)
        # one that was given up is done after all: its answer came, and was paid for
        Replay.objects.filter(pk=replay.pk).update(
            status=Replay.Status.DONE, error="", result=found.values("pk")[:1], cost_usd=came.cost_usd, latency_ms=came.latency_ms,
            messages=[], tools=[], ended_at=timezone.now(),
        )  # fmt: skip


def _fail(replay: Replay, reason: str, came: client.Completion | None = None) -> bool:
    Replay.objects.filter(pk=replay.pk, status=Replay.Status.RUNNING).update(
        status=Replay.Status.FAILED, error=reason, ended_at=timezone.now(),
        cost_usd=came.cost_usd if came else None, latency_ms=came.latency_ms if came else None,
    )  # fmt: skip
    return True
