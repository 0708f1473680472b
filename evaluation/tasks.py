"""Celery's door: sweeps over rows. A lost or doubled message is harmless."""

from celery import shared_task

from evaluation.compare import request
from evaluation.judging import work
from evaluation.models import EvaluationRun
from evaluation.runs import local, remote

# a task that takes long would keep the worker from everything else, its sign of life among it
MOST, SECONDS = 25, 10.0


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Look after answering processes, wake what a connection is to answer or to judge, settle what is ready. Every 3 s by beat."""
    local.reconcile()
    for run in remote.open_runs():
        answer_run.apply_async((run,), retry=False)
    request.settle_all()
    for judging in work.open_judgings():
        judge_answers.apply_async((judging,), retry=False)


@shared_task(ignore_result=True)
def answer_run(run: int) -> None:
    """Answer a part of a run through its connection; a second message for the same run finds it held, and the sweep
    sends the next one."""
    found = EvaluationRun.objects.select_related("model__connection", "suite").filter(pk=run).first()
    if found is not None:
        remote.answer(found, most=MOST, seconds=SECONDS)
        request.settle_all()


@shared_task(ignore_result=True)
def judge_answers(judging: int) -> None:
    """Put answers before their judges for some seconds; sends itself again while it is not at its end. A second message for
    the same comparison finds it taken."""
    if work.work(judging, SECONDS):
        request.settle_all()
    else:
        judge_answers.apply_async((judging,), retry=False)
