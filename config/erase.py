"""Takes a whole project away: its processes, its files, then every row of every floor.

Files go before rows: where this is interrupted, the project is still there and erasing it again finishes the work.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connections, models, router, transaction

from evaluation.models import EvaluationAttempt, EvaluationRun
from training.artifacts import bases
from training.launchers import local
from training.models import ModelVersion, RunAttempt, TrainingRun, WorkerProcess
from training.models.runs import RunStatus
from workspace.models import Project

STOP_SECONDS = 20.0


class StillRunning(RuntimeError):
    """A process of the project could not be stopped; the text says which and what to do."""


def erase_project(*, project: Project, say: Callable[[str], None] = lambda line: None) -> dict[str, int]:
    """Stop what runs, delete the files and all rows. Tells each step to `say`; returns rows deleted by model label.

    Raises StillRunning with nothing changed where a process belongs to another machine, and with nothing deleted but
    the runs cancelled where one does not end.
    """
    _stop_processes(project, say)
    folders = _folders(project)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"{len(folders)} folders with runs and models deleted")
    counts = _delete_rows(project)
    say(f"{sum(counts.values()):,} rows deleted")
    return counts


def paths_to_project() -> dict[type[models.Model], str]:
    """Each model whose rows belong to a project, with the shortest way there, such as `run__project`."""
    ways: dict[type[models.Model], str] = {Project: ""}
    waiting: list[type[models.Model]] = [Project]
    everything = apps.get_models(include_auto_created=True)
    while waiting:
        target = waiting.pop(0)
        for model in everything:
            if model in ways:
                continue
            for field in _owners(model):
                if field.related_model is target:
                    ways[model] = field.name + (f"__{ways[target]}" if ways[target] else "")
                    waiting.append(model)
                    break
    del ways[Project]
    return ways


def _owners(model: type[models.Model]) -> Iterator[models.ForeignKey[models.Model, models.Model]]:
    """Foreign keys that say whose a row is: those that must be filled, and any that names the project."""
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and (not field.null or field.related_model is Project):
            yield field


def _delete_rows(project: Project) -> dict[str, int]:
    # Foreign keys are checked at the commit, so only the way to the project must still stand when a row goes: the
    # longest ways first. Raw, because RESTRICT and SET NULL are there to protect rows that stay, and none does.
    ways = sorted(paths_to_project().items(), key=lambda way: (-way[1].count("__"), way[0]._meta.label))
    counts: dict[str, int] = {}
    using = router.db_for_write(Project)
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            # audit and lineage are only ever added to, but for this
            cursor.execute("SET LOCAL whetstone.erasing = 'on'")
            # right after many rows came in, the planner knows nothing of them and would look each one up, for minutes
            tables = ", ".join(connections[using].ops.quote_name(model._meta.db_table) for model, _ in ways)
            cursor.execute(f"ANALYZE {tables}")
        for model, way in ways:
            rows = model._base_manager.using(using).filter(**{way: project})
            if deleted := rows._raw_delete(using):
                counts[model._meta.label] = deleted
        Project.objects.using(using).filter(pk=project.pk)._raw_delete(using)
        with connections[using].cursor() as cursor:  # for a caller whose transaction goes on
            cursor.execute("SET LOCAL whetstone.erasing = 'off'")
    return counts


def _stop_processes(project: Project, say: Callable[[str], None]) -> None:
    live = _cancel_runs(project)
    for process in live:
        local.stop(process, keep=False)
    deadline = time.monotonic() + STOP_SECONDS
    while live := [process for process in live if _lives(process)]:
        if time.monotonic() > deadline:
            raise StillRunning(f"The process {live[0].pid} does not end. End it, then delete the project again.")
        time.sleep(0.2)
    say("no process of the project runs any more")


def _cancel_runs(project: Project) -> list[WorkerProcess]:
    """Cancel what runs or waits, all of it or nothing; returns the processes that are to end."""
    answering = [EvaluationRun.Status.QUEUED, EvaluationRun.Status.RUNNING]
    # cancelled first, so that no process is added; raising takes it back
    with transaction.atomic():
        runs = TrainingRun.objects.filter(project=project).exclude(status__in=RunStatus.final())
        runs.update(status=RunStatus.CANCELLED, status_reason="The project was deleted.")
        asked = EvaluationRun.objects.filter(project=project, status__in=answering)
        asked.update(status=EvaluationRun.Status.CANCELLED)
        live: list[WorkerProcess] = [
            *RunAttempt.objects.filter(run__project=project, status__in=["starting", "running"]),
            *EvaluationAttempt.objects.filter(run__project=project, status__in=["starting", "running"]),
        ]
        for process in live:
            if not local.is_ours(process):
                raise StillRunning(f"A process of this project runs on {process.host}. Cancel it there first.")
    return live


def _lives(process: WorkerProcess) -> bool:
    state = local.look(process).state
    return state in ("starting", "alive") or (state == "gone" and local.kill_worker(process))


def _folders(project: Project) -> list[Path]:
    """Folders of runs, answers and models that lie where Whetstone puts them; a base folder of the user is not ours."""
    told = [
        *RunAttempt.objects.filter(run__project=project).values_list("folder", flat=True),
        *EvaluationAttempt.objects.filter(run__project=project).values_list("folder", flat=True),
        # only what was trained here: the folder of a base may be another project's
        *(str(bases.folder_of(model)) for model in ModelVersion.objects.filter(project=project, source="run")),
        *(
            str(settings.RUNS_DIR / str(uid))
            for uid in TrainingRun.objects.filter(project=project).values_list("uid", flat=True)
        ),
        *(
            str(settings.RUNS_DIR / "evaluations" / str(uid))
            for uid in EvaluationRun.objects.filter(project=project).values_list("uid", flat=True)
        ),
    ]
    roots = [Path(settings.RUNS_DIR).resolve(), Path(settings.MODELS_DIR).resolve()]
    paths = {Path(text).resolve() for text in told if text}
    return sorted(path for path in paths if path.is_dir() and any(root in path.parents for root in roots))
