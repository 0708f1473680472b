"""Deleting what a project does not want to keep any longer: by age, and by how many there are."""

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from curation.forget.delete import BATCH, delete_traces
from curation.models import DatasetRow, IntakeRules, RawRecord, Trace
from curation.models.traces import TraceQuerySet
from curation.privacy.rules import Rules, read
from workspace import audit
from workspace.access import SYSTEM
from workspace.models import Project

log = logging.getLogger(__name__)
SWEEP_SECONDS = 20.0
COUNT_TO = 10_000


@dataclass(frozen=True, slots=True)
class Due:
    """What the rules would delete now, each counted to COUNT_TO: traces, and older ones that a dataset holds and that
    therefore stay. `before` is the moment behind which nothing is kept; None where nothing is deleted."""

    before: datetime | None
    traces: int
    held: int


def due(*, project: Project, rules: Rules | None = None) -> Due:
    """What the rules (those of the project, or others to try) would delete now."""
    before = _before(project, rules or read(project.pk))
    if before is None:
        return Due(None, 0, 0)
    old = Trace.objects.filter(project=project, received_at__lt=before)
    free = _free(old).order_by().values("pk")[:COUNT_TO].count()
    held = old.filter(_held(), erased_at=None).order_by().values("pk")[:COUNT_TO].count()
    return Due(before, free, held)


def sweep(*, seconds: float = SWEEP_SECONDS) -> int:
    """Apply the rules of all projects for some seconds. Returns how many traces were deleted."""
    end = monotonic() + seconds
    gone = 0
    ruled = IntakeRules.objects.filter(Q(keep_days__isnull=False) | Q(keep_most__isnull=False))
    for row in ruled.select_related("project").order_by("pk"):
        try:
            gone += apply(project=row.project, end=end)
        except Exception:  # one project's trouble must not keep the data of all others
            log.exception("What %s does not want to keep was not deleted.", row.project.slug)
    return gone


def apply(*, project: Project, end: float) -> int:
    """Delete what is due in one project, in batches that each stand for themselves, until the monotonic time `end`."""
    before = _before(project, read(project.pk))
    if before is None:
        return 0
    counts: Counter[str] = Counter()
    while monotonic() < end:
        with transaction.atomic():
            old = _free(Trace.objects.filter(project=project, received_at__lt=before))
            ids = list(old.order_by("received_at").values_list("pk", flat=True)[:BATCH])
            if not ids:
                break
            counts += delete_traces(project=project, ids=ids)
    counts["received bodies"] += _delete_bodies(project, before, end)
    kept = {name: count for name, count in counts.items() if count}
    if kept:
        audit.record(
            project=project, actor=SYSTEM, action="traces.retention", target=f"project:{project.slug}",
            before=before.isoformat(), counts=kept,
        )  # fmt: skip
    return counts["traces"]


def _delete_bodies(project: Project, before: datetime, end: float) -> int:
    """Delete old received bodies that were worked off, in batches: reading them all would fill the memory."""
    old = RawRecord.objects.filter(project=project, received_at__lt=before).exclude(status=RawRecord.Status.PENDING)
    count = 0
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        count += RawRecord.objects.filter(pk__in=ids).only("pk").delete()[1].get("curation.RawRecord", 0)
        if monotonic() > end:
            break
    return count


def _before(project: Project, rules: Rules) -> datetime | None:
    """The later of both limits; with `keep_most` the moment of the first trace that is one too many."""
    moments: list[datetime] = []
    if rules.keep_days is not None:
        moments.append(timezone.now() - timedelta(days=rules.keep_days))
    if rules.keep_most is not None:
        newest = Trace.objects.filter(project=project, erased_at=None).order_by("-received_at", "-id")
        last = newest.values_list("received_at", flat=True)[rules.keep_most - 1 : rules.keep_most]
        moments += list(last)
    return max(moments) if moments else None


def _held() -> Q:
    rows = DatasetRow.objects
    return Exists(rows.filter(trace=OuterRef("pk"))) | Exists(rows.filter(other_trace=OuterRef("pk")))


def _free(traces: TraceQuerySet) -> TraceQuerySet:
    return traces.exclude(_held())
