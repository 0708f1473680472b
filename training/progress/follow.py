"""Small questions that pages ask about runs: what is new, what was the last loss."""

from pathlib import Path
from typing import Any
from uuid import UUID

from curation.models import DatasetVersion
from training import rundir
from training.models import Metric, RunAttempt, TrainingRun
from training.models.runs import RunStatus
from training.progress import curves
from workspace.models import Project


def since(run: TrainingRun, *, after: int, attempt: int, log: int) -> dict[str, Any]:
    """What came since a page's cursors: points of the curves, lines of the console, whether it goes on.

    With `reset` true (a new attempt has begun) the page draws `figure` anew instead of adding points.
    """
    fresh = curves.after(run, cursor=after, attempt=attempt)
    path = console(run)
    text, offset = rundir.tail(path, after=None if fresh.reset else log) if path else ("", 0)
    answer: dict[str, Any] = {
        "live": run.status not in RunStatus.final(),
        "step": run.step,
        "total": run.total_steps,
        "loss": fresh.loss,
        "validation": fresh.validation,
        "after": fresh.cursor,
        "attempt": attempt,
        "reset": fresh.reset,
        "log": {"text": text, "offset": offset},
    }
    if fresh.reset:
        drawn = curves.read(run, ["loss", "eval_loss"]).points
        answer["figure"] = curves.figure(run, drawn["loss"], drawn["eval_loss"])
        answer["after"] = curves.newest_id(run)
        answer["attempt"] = run.attempts.count()
    return answer


def console(run: TrainingRun) -> Path | None:
    """The console of the newest attempt."""
    newest = run.attempts.order_by("-number").first()
    return Path(newest.folder) / rundir.CONSOLE if newest else None


def last_losses(runs: list[TrainingRun]) -> dict[int, dict[str, float | None]]:
    """Run id -> {"loss": newest, "eval_loss": newest} for a page of runs, in two queries."""
    newest = dict(RunAttempt.objects.filter(run__in=runs).order_by("number").values_list("run_id", "id"))
    owners = {attempt: run for run, attempt in newest.items()}
    found: dict[int, dict[str, float | None]] = {}
    rows = (
        Metric.objects.filter(attempt__in=owners, name__in=("loss", "eval_loss"))
        .order_by("attempt_id", "name", "-step")
        .distinct("attempt_id", "name")
    )
    for attempt_id, name, value in rows.values_list("attempt_id", "name", "value"):
        found.setdefault(owners[attempt_id], {})[name] = value
    return found


def version_uid(project: Project, text: str) -> str:
    """The outside id of a dataset version given as its id, NAME@NUMBER or NAME (the newest); "" where there is none."""
    found = find_version(project, text)
    return str(found.uid) if found else ""


def find_version(project: Project, text: str) -> DatasetVersion | None:
    """A dataset version by id, NAME@NUMBER or NAME (the newest one)."""
    versions = DatasetVersion.objects.filter(dataset__project=project).select_related("dataset")
    try:
        return versions.filter(uid=UUID(text)).first()
    except ValueError:
        name, at, number = text.partition("@")
    if not at:
        return versions.filter(dataset__name=name).order_by("-number").first()
    return versions.filter(dataset__name=name, number=int(number)).first() if number.isdecimal() else None


def newest_progress(runs: list[TrainingRun]) -> dict[int, dict[str, Any]]:
    """Run id -> the newest attempt's progress with its number as "attempt", for a page of runs, in one query."""
    found: dict[int, dict[str, Any]] = {}
    rows = RunAttempt.objects.filter(run__in=runs).order_by("number").values_list("run_id", "number", "progress")
    for run_id, number, progress in rows:
        found[run_id] = {**progress, "attempt": number}
    return found
