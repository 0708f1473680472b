"""Doing the work of comparisons: one round looks after processes, asks connections, draws conclusions."""

import time
from collections.abc import Callable

from evaluation.compare import request
from evaluation.models import Comparison, EvaluationRun
from evaluation.runs import answers, local, remote

PAUSE = 0.5


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
        comparison = Comparison.objects.select_related("baseline__model", "candidate__model", "suite").get(
            pk=comparison.pk
        )
        line = "; ".join(_line(run) for run in (comparison.baseline, comparison.candidate))
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
