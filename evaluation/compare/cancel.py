"""Stopping a comparison before it is over."""

from django.db import transaction
from django.utils import timezone

from evaluation.compare.request import end, lock_models
from evaluation.judging import work
from evaluation.models import Comparison, EvaluationRun, Judging
from workspace import audit
from workspace.access import Actor


def cancel(*, comparison: Comparison, actor: Actor) -> bool:
    """Stop a comparison that is still being answered or judged. Its runs stop too, unless another comparison waits for them.
    False where it was over already."""
    now = timezone.now()
    with transaction.atomic():
        # a comparison that is being asked for right now must not take up a run that stops here
        lock_models(comparison.baseline.model_id, comparison.candidate.model_id)
        if not end(comparison, f"Stopped by {actor.label}."):
            return False
        # calls under way still come, and are kept
        Judging.objects.filter(comparison=comparison, status__in=work.OPEN).update(
            status=Judging.Status.CANCELLED, ended_at=now
        )
        waiting = Comparison.objects.filter(status=Comparison.Status.RUNNING)
        needed = {key for pair in waiting.values_list("baseline_id", "candidate_id") for key in pair}
        open_states = [EvaluationRun.Status.QUEUED, EvaluationRun.Status.RUNNING]
        for key in {comparison.baseline_id, comparison.candidate_id} - needed:
            EvaluationRun.objects.filter(pk=key, status__in=open_states).update(
                status=EvaluationRun.Status.CANCELLED, status_reason="Stopped.", ended_at=now
            )
        audit.record(
            project=comparison.project,
            actor=actor,
            action="comparison.stopped",
            target=f"comparison:{comparison.uid}",
        )
    return True
