"""The stages of work that is done behind, as pages show them (curation/_stages.html)."""

from dataclasses import dataclass

from django.db.models import TextChoices

from curation.models import Clustering, Freezing


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: whether it is done, now or next; of the one of now how far it is, in words and in parts of 100."""

    label: str
    state: str
    note: str = ""
    share: int = 0


def of(found: Freezing | Clustering, stages: type[TextChoices]) -> list[Stage]:
    """All stages in their order."""
    order = list(stages)
    now = order.index(stages(found.stage)) if found.status == "working" else -1
    of_all = f"{found.done:,} of {found.total:,}" if found.total else ""
    share = round(100 * found.done / found.total) if found.total else 0
    return [
        Stage(one.label, "now", of_all, share) if place == now else Stage(one.label, "done" if place < now else "next")
        for place, one in enumerate(order)
    ]
