"""Checkpoints that a run can go on from."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from training import rundir
from training.models import Checkpoint, TrainingRun


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint of the list, as it stands on disk now: `problem` is "" where it can be continued from."""

    row: Checkpoint
    on_disk: bool
    problem: str
    validation_loss: float | None


def folder_of(run: TrainingRun) -> Path:
    """Where a run keeps its data and the folders of its attempts."""
    return settings.RUNS_DIR / str(run.uid)


def listed(run: TrainingRun, *, losses: dict[tuple[int, int], float | None] | None = None) -> list[Kept]:
    """All checkpoints the run has made, newest first. `losses`: (attempt id, step) -> validation loss."""
    found = []
    rows = Checkpoint.objects.filter(attempt__run=run).select_related("attempt").order_by("-attempt__number", "-step")
    jobs: dict[int, dict[str, Any] | None] = {}
    for row in rows:
        folder = Path(row.path)
        on_disk = folder.is_dir()
        if row.attempt_id not in jobs:
            jobs[row.attempt_id] = rundir.read_json(Path(row.attempt.folder) / rundir.JOB)
        job = jobs[row.attempt_id]
        problem = "deleted since" if not on_disk else "its job is unknown" if job is None else ""
        if not problem and job is not None:
            problem = rundir.checkpoint_problem(folder, rundir.recipe_hash(job))
        found.append(Kept(row, on_disk, problem, (losses or {}).get((row.attempt_id, row.step))))
    return found


def newest_valid(run: TrainingRun) -> int | None:
    """The step a resume would go on from, as the files stand; None where there is nothing to go on from."""
    steps = []
    for attempt in run.attempts.all():
        job = rundir.read_json(Path(attempt.folder) / rundir.JOB)
        if job is None:
            continue
        recipe = rundir.recipe_hash(job)
        for step, folder in rundir.checkpoints(Path(attempt.folder) / rundir.CHECKPOINTS):
            if not rundir.checkpoint_problem(folder, recipe):
                steps.append(step)
                break
    return max(steps, default=None)


def before(run: TrainingRun, number: int) -> list[str]:
    """Checkpoint folders of the attempts before `number`, newest step first, relative to an attempt's folder."""
    found = []
    for earlier in range(number - 1, 0, -1):
        for step, path in rundir.checkpoints(folder_of(run) / str(earlier) / rundir.CHECKPOINTS):
            found.append((step, earlier, f"../{earlier}/{rundir.CHECKPOINTS}/{path.name}"))
    return [path for _, _, path in sorted(found, reverse=True)]


def discard(run: TrainingRun) -> None:
    """Delete every checkpoint of a run, on disk and in the lists."""
    for attempt in run.attempts.all():
        shutil.rmtree(Path(attempt.folder) / rundir.CHECKPOINTS, ignore_errors=True)
        attempt.checkpoints.all().delete()
