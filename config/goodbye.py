"""What goes on after `make up` has ended: said at Ctrl-C."""

from training.models.runs import RunStatus, TrainingRun


def lines() -> list[str]:
    """One line for all training runs whose process lives on by itself; [] where there is none."""
    names = [
        str(name)
        for name in TrainingRun.objects.filter(status__in=RunStatus.live())
        .order_by("id")
        .values_list("name", flat=True)
    ]
    if not names:
        return []
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    if len(names) == 1:
        return [f"1 training run goes on: {shown}; the next `make up` adopts it"]
    return [f"{len(names)} training runs go on: {shown}; the next `make up` adopts them"]
