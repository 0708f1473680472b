"""Runs that go on by themselves, in words."""

from training.models import TrainingRun
from training.models.runs import RunStatus


def describe() -> list[str]:
    """One line for every live run: what `manage.py up` says when it leaves them running."""
    runs = TrainingRun.objects.filter(status__in=RunStatus.live()).select_related("project").order_by("id")
    return [_line(run) for run in runs]


def _line(run: TrainingRun) -> str:
    where = (
        f"step {run.step} of {run.total_steps}"
        if run.step is not None and run.total_steps
        else "not at its first step yet"
    )
    return f"{run.project.slug}/{run.name}: {run.get_status_display().lower()}, {where}"
