"""Starting what is queued: one local run at a time. The attempt's row and lease come before the process."""

import os
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from curation.datasets.exporting import export
from curation.models import DatasetRow, DatasetVersion
from training import rundir
from training.artifacts import bases, checkpoints
from training.launch import request
from training.launchers import local
from training.models import RunAttempt, TrainingRun
from training.models.runs import RunStatus

SLOT = 7_301_441  # advisory lock around taking the one slot of this machine


def start_next() -> RunAttempt | None:
    """Start the oldest queued run if this machine is free and can train. Harmless when called twice at once."""
    reason = request.waiting_reason()
    if reason:
        TrainingRun.objects.filter(status=RunStatus.QUEUED, launcher="local").exclude(status_reason=reason).update(
            status_reason=reason
        )
        return None
    attempt = claim()
    if attempt is not None:
        launch(attempt)
    return attempt


def claim() -> RunAttempt | None:
    """Take the oldest queued run for this machine: queued -> starting, a new attempt with its lease, in one step."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [SLOT])
        busy = RunAttempt.objects.filter(status__in=["starting", "running"], lease_owner=local.host_id())
        if busy.exists():
            return None
        run = (
            TrainingRun.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(status=RunStatus.QUEUED, launcher="local")
            .order_by("queued_at", "id")
            .first()
        )
        if run is None:
            return None
        number = run.attempts.count() + 1
        attempt = RunAttempt.objects.create(
            run=run, number=number, folder=str(checkpoints.folder_of(run) / str(number)), **local.claim_fields()
        )
        TrainingRun.objects.filter(pk=run.pk, status=RunStatus.QUEUED).update(
            status=RunStatus.STARTING, status_reason="", started_at=run.started_at or timezone.now(), ended_at=None
        )
        return attempt


def launch(attempt: RunAttempt) -> None:
    """Write data and job of a claimed attempt and start its process. What cannot be prepared fails the run."""
    run = TrainingRun.objects.select_related("dataset_version__dataset", "base", "project").get(pk=attempt.run_id)
    try:
        job = _prepare(run, attempt)
    except (OSError, ValueError) as error:
        _give_up(attempt, str(error))
        return
    if not TrainingRun.objects.fenced_by(attempt).filter(status=RunStatus.STARTING).exists():
        return  # cancelled meanwhile: the sweep finds no process and ends it
    local.begin(attempt, what="train", job=job)


def _prepare(run: TrainingRun, attempt: RunAttempt) -> dict[str, Any]:
    folder = checkpoints.folder_of(run)
    skipped = _write_data(run.dataset_version, folder / "data")
    Path(attempt.folder).mkdir(parents=True, exist_ok=True)
    version = run.dataset_version
    data = {"train": "../data/train.jsonl", "skipped": skipped}
    if (folder / "data" / "validation.jsonl").stat().st_size:
        data["validation"] = "../data/validation.jsonl"
    return {
        "run": str(run.uid),
        "attempt": attempt.number,
        "method": run.method,
        "base": bases.for_worker(run.base),
        "dataset": {"name": str(version), "uid": str(version.uid), "hash": version.content_hash},
        "data_hash": version.content_hash,
        "data": data,
        "settings": {key: value for key, value in run.settings.items() if not key.startswith("_")},
        "resume_from": checkpoints.before(run, attempt.number),
    }


def _write_data(version: DatasetVersion, folder: Path) -> dict[str, int]:
    """Write train.jsonl and validation.jsonl once; returns the rows left out because the format cannot take them."""
    folder.mkdir(parents=True, exist_ok=True)
    counted = rundir.read_json(folder / "written.json")
    if counted is not None:
        return dict(counted)
    skipped = {}
    for split in (DatasetRow.Split.TRAIN, DatasetRow.Split.VALIDATION):
        written = export.Written()
        temporary = folder / f".{split}.{os.getpid()}"
        with temporary.open("wb") as file:
            pieces = export.write_jsonl(
                version, request.FORMAT, split, skip_invalid=True, inside=True, written=written
            )  # fmt: skip
            for piece in pieces:
                file.write(piece)
        temporary.replace(folder / f"{split}.jsonl")
        skipped[str(split)] = written.skipped
    rundir.write_json(folder / "written.json", skipped)
    return skipped


def _give_up(attempt: RunAttempt, reason: str) -> None:
    now = timezone.now()
    with transaction.atomic():
        RunAttempt.objects.filter(pk=attempt.pk, status="starting").update(
            status="exited", ended_at=now, error_class="data", error=reason
        )
        TrainingRun.objects.fenced_by(attempt).filter(status__in=[RunStatus.STARTING, RunStatus.STOPPING]).update(
            status=RunStatus.FAILED, status_reason=f"The run could not be prepared: {reason}", ended_at=now
        )
