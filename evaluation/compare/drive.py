"""Doing the work of comparisons: one round looks after processes, asks connections, draws conclusions."""

import time
from collections.abc import Callable

from evaluation.compare import request
from evaluation.judging import progress, work
from evaluation.models import Comparison, EvaluationRun, Judging
from evaluation.runs import answers, local, remote
from workspace import formats

PAUSE = 0.5
SECONDS = 20.0  # of judging, before it tells how far it is


def work_until_settled(
    comparison: Comparison, *, tell: Callable[[str], None], timeout: float | None = None
) -> Comparison:
    """Work here until the comparison is over, without a Celery worker (beside one, it is harmless). `tell` gets a line
    whenever something moved. Raises TimeoutError after `timeout` seconds."""
    began, told = time.monotonic(), ""
    while True:
        local.reconcile()
        for run in EvaluationRun.objects.filter(pk__in=[comparison.baseline_id, comparison.candidate_id]):
            if run.pk in remote.open_runs():
                remote.answer(
                    EvaluationRun.objects.select_related("model__connection", "suite").get(pk=run.pk), most=20
                )
        request.settle(comparison)
        for judging in Judging.objects.filter(comparison=comparison, pk__in=work.open_judgings()):
            work.work(judging.pk, SECONDS)
        request.settle(comparison)
        comparison = Comparison.objects.select_related("baseline__model", "candidate__model", "suite").get(
            pk=comparison.pk
        )
        line = "; ".join([*(_line(run) for run in (comparison.baseline, comparison.candidate)), *_judged(comparison)])
        if line != told:
            tell(line)
            told = line
        if comparison.status != Comparison.Status.RUNNING:
            return comparison
        if timeout is not None and time.monotonic() - began > timeout:
            raise TimeoutError(f"Not over after {timeout:.0f} seconds: {line}.")
        time.sleep(PAUSE)


def _line(run: EvaluationRun) -> str:
    found = answers.progress(run)
    errors = f", {found.failed} with an error" if found.failed else ""
    return f"{run.model}: {found.answered} of {found.total} answered{errors}, {run.get_status_display().lower()}"


def _judged(comparison: Comparison) -> list[str]:
    found = progress.of(comparison)
    if found is None or not found.total:
        return []
    lost = f", {found.lost} without a judgment" if found.lost else ""
    return [f"{found.judged} of {found.total} judged{lost}, {formats.money(found.cost_usd)}"]
