"""Forgetting a person on all floors: curation's rows, evaluation's copies of them, and the files that runs trained on."""

import shutil
from pathlib import Path

from django.db import connection, transaction
from django.db.models import QuerySet

from curation.forget import person
from curation.forget.person import Subject
from curation.models import DatasetRow, Erasure
from evaluation.judging import calls
from evaluation.models import Answer, AnswerScore, EvaluationAttempt, JudgeCall, Scenario
from evaluation.runs.answers import ERASED
from training.artifacts import checkpoints
from training.models import TrainingRun
from training.models.runs import RunStatus
from workspace.access import Actor
from workspace.models import Project


def forget_person(*, project: Project, actor: Actor, subject: Subject) -> Erasure:
    """Erase everything of a person in one project; see curation.forget.person.forget. Raises NotASubject.

    Scenarios made from erased rows are emptied with their answers. The folders with copies that have ended and that
    trained on a touched version are deleted (they can be written anew, without the erased rows); what live runs hold
    is listed in the result, for people to decide. Models keep what they learned: they are listed.
    """
    with transaction.atomic():
        erasure = person.forget(project=project, actor=actor, subject=subject)
        rows = DatasetRow.objects.filter(version__dataset__project=project, trace__erased_at__isnull=False)
        # held first, as those hold them who store an answer
        held = Scenario.objects.select_for_update(no_key=True).filter(row__in=rows).exclude(messages=[]).order_by("pk")
        scenarios = Scenario.objects.filter(pk__in=[one.pk for one in held.only("pk")])
        answers = _empty_answers(scenarios)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL whetstone.forgetting = 'on'")
            emptied = scenarios.update(
                messages=[], tools=[], reference={"role": "assistant", "parts": []}, title="Erased"
            )
            cursor.execute("SET LOCAL whetstone.forgetting = 'off'")
        folders, live = _data_of(project, erasure)
        found = {"scenarios": emptied, "answers": answers, "folders with copies": len(folders)}
        erasure.counts |= {name: count for name, count in found.items() if count}
        erasure.touched = [*erasure.touched, *({"kind": "live run", "id": one, "name": ""} for one in live)]
        erasure.save(update_fields=["counts", "touched"])
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return erasure


def _empty_answers(scenarios: QuerySet[Scenario]) -> int:
    """Erase what models said to them, and what judges were asked and said of it, which quotes it. A judgment under way ends
    without its words when it comes (see judging.calls.settle). Returns how many answers there were."""
    # held first, as those hold them who keep a judgment
    held = Answer.objects.select_for_update(no_key=True).filter(scenario__in=scenarios).order_by("pk")
    keys = list(held.values_list("pk", flat=True))
    asked = JudgeCall.objects.filter(answer__in=keys)
    asked.update(prompt=None, reply=None, error="")
    asked.filter(status=JudgeCall.Status.WAITING).update(status=JudgeCall.Status.FAILED, error=calls.ERASED)
    AnswerScore.objects.filter(answer__in=keys).update(reason="")
    return Answer.objects.filter(pk__in=keys).update(message=None, error=ERASED)


def _data_of(project: Project, erasure: Erasure) -> tuple[list[Path], list[str]]:
    """Folders with copies of touched versions: of ended runs, and of answers to suites; and the ids of live runs."""
    versions = [one["id"] for one in erasure.touched if one["kind"] == "dataset_version"]
    runs = list(TrainingRun.objects.filter(project=project, dataset_version__uid__in=versions))
    live = {*RunStatus.live(), RunStatus.QUEUED}
    folders: list[Path] = []
    for run in runs:
        if run.status not in live:
            home = checkpoints.folder_of(run)
            folders += [home / "data", *home.glob("*/cache")]
    attempts = EvaluationAttempt.objects.filter(
        run__suite__dataset_version__uid__in=versions, run__project=project, ended_at__isnull=False
    )
    # questions and answers of local models stand in the attempt's own folder; its results are rows by now
    folders += [Path(attempt.folder) for attempt in attempts if attempt.folder]
    return [folder for folder in folders if folder.is_dir()], [str(run.uid) for run in runs if run.status in live]
