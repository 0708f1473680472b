"""Celery's nudges. Rows are the queue: each of these may be lost or come twice without harm."""

from celery import shared_task

from training.launch import start as launching
from training.models import TrainingRun
from training.models.runs import RunStatus
from training.progress import reconcile as progress


@shared_task(name="training.tasks.start", ignore_result=True)
def start(run_id: int | None = None) -> None:
    """Start the oldest queued run if this machine is free. `run_id` only says which run caused the nudge."""
    launching.start_next()


@shared_task(name="training.tasks.reconcile", ignore_result=True)
def reconcile() -> None:
    """Look after this machine's processes, then wake `start` where something waits."""
    progress.sweep()
    if TrainingRun.objects.filter(status=RunStatus.QUEUED, launcher="local").exists():
        start.apply_async(retry=False)
