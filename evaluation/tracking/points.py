"""How good each model version was, over time: measured on a suite, or judged by people on real traces."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from django.db.models import Avg, Count, Max, Q, QuerySet
from django.db.models.functions import TruncDay, TruncWeek
from django.utils import timezone
from scipy import stats as scipy_stats

from curation.models import Trace
from curation.scoring import graders as grading
from evaluation.compare import stats
from evaluation.models import AnswerScore, EvaluationRun, Suite
from workspace.models import Project

ALPHA = 0.05
PERIODS = (30, 90, 365)
# a day is too short for few judgments, and too many for a year of columns
DAYS_BY_DAY = 30
ACCEPTED, REJECTED = "acceptable", "unacceptable"


@dataclass(frozen=True, slots=True)
class Point:
    """One score: 0..1 with its 95 % interval over `n` conversations or judged traces. `series` is the line it belongs to,
    `label` the model version. Simulated points come from demo data."""

    series: str
    label: str
    at: datetime
    score: float
    low: float | None
    high: float | None
    n: int
    simulated: bool = False
    model_uid: str = ""

    @property
    def interval(self) -> str:
        """As people write it, in percent."""
        if self.low is None or self.high is None:
            return "–"
        return f"{100 * self.low:.0f} to {100 * self.high:.0f}"


def suites(project: Project) -> QuerySet[Suite]:
    """Suites that some model has answered, the last used first."""
    finished = Q(runs__status=EvaluationRun.Status.SUCCEEDED)
    found = Suite.objects.filter(project=project).annotate(
        models=Count("runs__model", filter=finished, distinct=True), used=Max("runs__ended_at", filter=finished)
    )
    return found.filter(models__gt=0).order_by("-used", "-id")


def measured(*, suite: Suite, days: int) -> list[Point]:
    """A point for every finished run on this suite in the last `days`, oldest first. Scores of different suites are
    never put on one line: other questions are another measure. Several answers of one conversation are not independent,
    so their mean is one value."""
    definition = suite.graders[0]
    runs = list(
        EvaluationRun.objects.filter(
            suite=suite, status=EvaluationRun.Status.SUCCEEDED, ended_at__gte=timezone.now() - timedelta(days=days)
        )
        .select_related("model")
        .order_by("ended_at", "id")
    )
    unit = "answer__scenario__row" if suite.turns == "each" else "answer__scenario"
    rows = (
        AnswerScore.objects.filter(answer__run__in=runs, grader=definition["name"], value__isnull=False)
        .values_list("answer__run", unit)
        .annotate(mean=Avg("value"), n=Count("id"))
    )
    found: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for key, _, mean, count in rows.iterator(chunk_size=5000):
        found[key].append((mean, count))
    points = []
    for run in runs:
        if run.pk not in found or run.ended_at is None:
            continue  # nothing of it could be graded: no point, rather than one at 0
        values = np.array([mean for mean, _ in found[run.pk]], dtype=float)
        binary = grading.is_binary(definition) and all(count == 1 for _, count in found[run.pk])
        low, high = _interval(values, binary=binary)
        points.append(
            Point(
                series=run.model.name,
                label=str(run.model),
                at=run.ended_at,
                score=float(values.mean()),
                low=low,
                high=high,
                n=len(values),
                simulated=run.is_simulated or run.model.is_simulated,
                model_uid=str(run.model.uid),
            )
        )
    return points


def judged(*, project: Project, days: int) -> list[Point]:
    """Share of judged traces that people accepted, per `Trace.model` and week (day for up to 30 days), oldest first.
    Unsure, and judgments that the trace outran, do not count."""
    step = TruncDay("received_at") if days <= DAYS_BY_DAY else TruncWeek("received_at")
    rows = (
        Trace.objects.filter(
            project=project,
            verdict__in=[ACCEPTED, REJECTED],
            verdict_stale=False,
            archived_at=None,
            is_replay=False,
            received_at__gte=timezone.now() - timedelta(days=days),
        )
        .annotate(period=step)
        .values("period", "model")
        .annotate(n=Count("id"), accepted=Count("id", filter=Q(verdict=ACCEPTED)))
        .order_by("period", "model")
    )
    points = []
    for row in rows:
        interval = stats.wilson(row["accepted"], row["n"], alpha=ALPHA)
        points.append(
            Point(
                series=row["model"] or "model not said",
                label=row["model"] or "model not said",
                at=row["period"],
                score=row["accepted"] / row["n"],
                low=interval.low,
                high=interval.high,
                n=row["n"],
                simulated=project.is_demo,
            )
        )
    return points


def series(points: Sequence[Point]) -> dict[str, list[Point]]:
    """Points by line, the line with the newest point first (of equally new ones, that with more behind it); within a
    line by time."""
    lines: dict[str, list[Point]] = {}
    for point in points:
        lines.setdefault(point.series, []).append(point)
    for line in lines.values():
        line.sort(key=lambda point: point.at)
    return dict(sorted(lines.items(), key=lambda item: (item[1][-1].at, item[1][-1].n), reverse=True))


def _interval(values: npt.NDArray[np.float64], *, binary: bool) -> tuple[float | None, float | None]:
    """95 % interval of the mean of independent values; (None, None) where one value tells nothing."""
    mean, n = float(values.mean()), len(values)
    if binary:
        found = stats.wilson(round(mean * n), n, alpha=ALPHA)
        return found.low, found.high
    if n < 2:
        return None, None
    half = float(scipy_stats.t.ppf(1 - ALPHA / 2, n - 1)) * float(values.std(ddof=1)) / float(np.sqrt(n))
    return max(0.0, mean - half), min(1.0, mean + half)
