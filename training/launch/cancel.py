"""Wishes about a run that exists: stop it, or go on with it."""

from django.db import transaction
from django.utils import timezone

from training.artifacts import checkpoints
from training.launch import request
from training.models import TrainingRun
from training.models.runs import RunStatus
from workspace import audit
from workspace.access import Actor

WAITING = (RunStatus.DRAFT, RunStatus.CHECKED, RunStatus.QUEUED)
WORKING = (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING)


class NotPossible(ValueError):
    """The run is not in a state for this; the text says in which it is."""


def cancel(*, run: TrainingRun, actor: Actor, discard: bool = False) -> TrainingRun:
    """Stop a run: at once where it waits, else after the step it is in (saving a checkpoint unless `discard`).

    Twice is harmless; a later `discard` overrides the wish to keep. A run that is over stays as it is and raises
    NotPossible. The caller nudges training.tasks.reconcile, which tells the process.
    """
    now = timezone.now()
    with transaction.atomic():
        mine = TrainingRun.objects.filter(pk=run.pk)
        waiting = mine.filter(status__in=WAITING).update(
            status=RunStatus.CANCELLED, cancel_requested_at=now, cancel_discard=discard, ended_at=now,
            status_reason="Cancelled before it started.",
        )  # fmt: skip
        asked = 0
        if not waiting:
            asked = mine.filter(status__in=WORKING[:2]).update(
                status=RunStatus.STOPPING, cancel_requested_at=now, cancel_discard=discard
            )
            if not asked and discard:
                asked = mine.filter(status=RunStatus.STOPPING, cancel_discard=False).update(cancel_discard=True)
        if waiting or asked:
            audit.record(
                project=run.project, actor=actor, action="run.cancelled", target=f"run:{run.uid}", discard=discard
            )
    run.refresh_from_db()
    if not waiting and not asked and run.status != RunStatus.STOPPING and run.status != RunStatus.CANCELLED:
        raise NotPossible(f"{run.name} is over already ({run.get_status_display().lower()}).")
    return run


def resume(*, run: TrainingRun, actor: Actor) -> TrainingRun:
    """Go on with a failed or cancelled run from its newest valid checkpoint, as a new attempt. Raises NotPossible."""
    if checkpoints.newest_valid(run) is None:
        raise NotPossible(f"{run.name} has no checkpoint to go on from. Start a new run.")
    with transaction.atomic():
        changed = TrainingRun.objects.filter(
            pk=run.pk, status__in=[RunStatus.FAILED, RunStatus.CANCELLED]
        ).update(
            status=RunStatus.QUEUED, status_reason=request.waiting_reason(), queued_at=timezone.now(), ended_at=None,
            cancel_requested_at=None, cancel_discard=False,
        )  # fmt: skip
        if changed:
            audit.record(project=run.project, actor=actor, action="run.resumed", target=f"run:{run.uid}")
    run.refresh_from_db()
    if not changed and run.status in RunStatus.final():
        raise NotPossible(f"{run.name} has ended well; there is nothing to go on with.")
    return run
