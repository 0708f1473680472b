"""Events of a worker's file into rows, exactly once: the rows and the new offset are one transaction."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from training import rundir
from training.models import Checkpoint, Metric, RunAttempt, RunEvent, TrainingRun
from training.models.runs import RunStatus

UNSTORED = ("progress", "metric")  # they live on in the attempt's progress and in Metric


def ingest(attempt: RunAttempt) -> int:
    """Store what the worker wrote since the last time; returns how many events. Safe to call twice at once."""
    stored = 0
    while True:
        with transaction.atomic():
            locked = RunAttempt.objects.select_for_update(skip_locked=True).filter(pk=attempt.pk).first()
            if locked is None:
                return stored
            events, offset, damaged = rundir.read_events(Path(locked.folder) / rundir.EVENTS, locked.events_offset)
            if offset == locked.events_offset:
                return stored
            _store(locked, events)
            fields: dict[str, Any] = {"events_offset": offset}
            if damaged:
                fields["error"] = (
                    f"{locked.error}\n{damaged} lines of the event file were damaged and left out.".strip()
                )
            RunAttempt.objects.filter(pk=locked.pk).update(**fields)
            stored += len(events)


def _store(attempt: RunAttempt, events: list[dict[str, Any]]) -> None:
    rows, metrics, checkpoints = [], [], []
    progress: dict[str, Any] | None = None
    for event in events:
        at, payload = _split(event)
        if event["kind"] not in UNSTORED:
            rows.append(RunEvent(attempt=attempt, seq=event["seq"], kind=event["kind"][:30], payload=payload, at=at))
        if event["kind"] == "metric" and isinstance(payload.get("step"), int):
            metrics += [
                Metric(attempt=attempt, name=str(name)[:80], step=payload["step"], value=_number(value))
                for name, value in (payload.get("values") or {}).items()
            ]
        elif event["kind"] == "progress" and isinstance(payload.get("step"), int):
            progress = {**payload, "at": at.isoformat()}
        elif event["kind"] == "checkpoint" and isinstance(payload.get("step"), int):
            checkpoints.append(
                Checkpoint(
                    attempt=attempt,
                    step=payload["step"],
                    path=str(Path(attempt.folder) / str(payload.get("path", ""))),
                    bytes=payload.get("bytes"),
                    created_at=at,
                )
            )
    RunEvent.objects.bulk_create(rows, ignore_conflicts=True)
    Metric.objects.bulk_create(metrics, ignore_conflicts=True, batch_size=1000)
    Checkpoint.objects.bulk_create(checkpoints, ignore_conflicts=True)
    if progress is not None:
        RunAttempt.objects.filter(pk=attempt.pk).update(progress=progress, progress_at=timezone.now())
        _advance(attempt, progress)


def _advance(attempt: RunAttempt, progress: dict[str, Any]) -> None:
    """The run shows what its newest attempt says; a stale attempt changes nothing."""
    step, total = progress["step"], progress.get("total")
    run = TrainingRun.objects.fenced_by(attempt)
    run.filter(status__in=[RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING]).update(
        step=step, total_steps=total
    )
    run.filter(status=RunStatus.STARTING).update(status=RunStatus.RUNNING)


def _split(event: dict[str, Any]) -> tuple[datetime, dict[str, Any]]:
    payload = {key: value for key, value in event.items() if key not in ("seq", "at", "kind")}
    text = json.dumps(payload)
    if "\\u0000" in text:  # PostgreSQL cannot keep it
        payload = json.loads(text.replace("\\u0000", ""))
    try:
        at = parse_datetime(str(event.get("at", "")))
    except ValueError:
        at = None
    return (at if at is not None and at.tzinfo else timezone.now()), payload


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(float(value)) != float("inf") and value == value else None
