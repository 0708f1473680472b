"""A grader on some traces before anybody uses it: real grades, and how far their average can be trusted."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.utils import timezone

from curation.messages.form import Document
from curation.models import GraderVersion, Trace, TraceRevision
from curation.scoring import agreement, asking, items, keep, pricing
from curation.scoring import run as grading
from curation.scoring.graders import definitions
from curation.scoring.refused import Refused
from workspace.models import Project

MOST = 50
SESSION = "grader-trials"  # under which the trials of a signed-in person are kept: {version: Trial.plain and more}


@dataclass(frozen=True, slots=True)
class Row:
    """One trace: `score` and `passed` are None where it could not be graded, and `error` (or `reason`) says why."""

    trace: Trace
    score: float | None
    passed: bool | None
    reason: str
    error: str
    ms: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows in the order given. `mean` is over the `n` rows that have a score; the true mean of all traces lies between `low`
    and `high` in 95 of 100 trials, as `interval` found them: "wilson" where a score is 0 or 1, "student" (`half_width`
    either side of the mean) for others, "" with None where there is none: a single score, or all of them alike. `cost`:
    None where unknown."""

    rows: list[Row]
    n: int
    mean: float | None
    half_width: float | None
    low: float | None
    high: float | None
    interval: str
    cost: Decimal | None
    at: datetime

    def plain(self) -> dict[str, Any]:
        """As JSON, for GraderVersion.tried."""
        return {
            "n": self.n, "mean": self.mean, "half_width": self.half_width,
            "low": self.low, "high": self.high, "interval": self.interval,
            "cost_usd": None if self.cost is None else str(self.cost), "at": self.at.isoformat(),
            "rows": [
                {"trace": str(one.trace.uid), "score": one.score, "passed": one.passed, "reason": one.reason[:2000],
                 "error": one.error[:2000]}
                for one in self.rows
            ],
        }  # fmt: skip


def pick(*, project: Project, query: str, seed: int, n: int = 5) -> list[Trace]:
    """`n` traces drawn at random among those that match: the same seed draws the same ones. Raises FilterError."""
    found = items.matching(project=project, query=query, until=timezone.now(), sample=min(n, MOST), seed=seed)
    return list(items.drawn(found, seed))


def price(*, version: GraderVersion, traces: Sequence[Trace]) -> pricing.Price:
    """What `run` would cost at most."""
    return pricing.of_grading(version=version, traces=traces, calls_for=len(traces), until=timezone.now())


def run(*, version: GraderVersion, traces: Sequence[Trace]) -> Trial:
    """Grade some traces with a version, confirmed or not. Nothing of it is kept as a score. Raises Refused."""
    if len(traces) > MOST:
        raise Refused("traces", f"At most {MOST} traces can be tried at once; for more there are batches.")
    rows = _rows(version, traces)
    scores = [one.score for one in rows if one.score is not None]
    costs = [one.cost for one in rows]
    mean = statistics.fmean(scores) if scores else None
    half, low, high, kind = None, None, None, ""
    if scores and _says_yes_or_no(version.definition, scores):
        share = agreement.share(round(sum(scores)), len(scores))
        low, high, kind = share.low, share.high, "wilson"
    elif mean is not None and (half := half_width(scores)) is not None:
        low, high, kind = mean - half, mean + half, "student"
    return Trial(rows, len(scores), mean, half, low, high, kind, grading.total(costs), timezone.now())


def _says_yes_or_no(definition: Mapping[str, Any], scores: Sequence[float]) -> bool:
    """Whether the mean is a share: the grader says only 0 or 1, or a scale from 0 to 1 was used like that."""
    if not set(scores) <= {0.0, 1.0}:
        return False
    return definitions.is_binary(definition) or definitions.range_of(definition) in (None, (0.0, 1.0))


@contextmanager
def alone(key: str) -> Iterator[bool]:
    """True while nobody else, in whatever process, is at the trial that was started with `key`; False for a second one."""
    name = [f"trial of a grader {key}"]
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name)
        (taken,) = cursor.fetchone()
    try:
        yield taken
    finally:
        if taken:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)


def half_width(scores: Sequence[float]) -> float | None:
    """Half of the 95 % interval of the mean (agreement.mean). None for fewer than two, and where all are alike: they have no
    spread to go by, and 0 would claim to be sure."""
    found = agreement.mean(scores)
    if len(set(scores)) < 2 or found.high is None or found.low is None:
        return None
    return (found.high - found.low) / 2


def _rows(version: GraderVersion, traces: Sequence[Trace]) -> list[Row]:
    """Grade each; a model's judgments several at once, as the connection allows."""
    documents = dict(
        TraceRevision.objects.filter(pk__in=[one.revision_id for one in traces]).values_list("pk", "document")
    )
    asks = keep.asks_model(version)
    if asks and version.connection is None:
        raise Refused("connection", "It asks a model to judge, so it needs a connection.")

    def row(trace: Trace) -> Row:
        return _row(version, trace, documents.get(trace.revision_id or 0))

    at_once = min(version.connection.max_concurrency, len(traces)) if asks and version.connection else 1
    if at_once <= 1:
        return [row(trace) for trace in traces]

    def apart(trace: Trace) -> Row:
        try:
            return row(trace)
        finally:
            database.close()

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(apart, traces))


def _row(version: GraderVersion, trace: Trace, document: Document | None) -> Row:
    if document is None:
        return Row(trace, None, None, "", "This trace holds nothing.", 0, None)
    asker = asking.Asker(version.connection) if version.connection is not None else None
    begun = time.monotonic()
    done = grading.grade_trace(version=version, trace=trace, document=document, ask=asker)
    grade = done.grade
    cost = done.cost_usd if asker is not None else Decimal(0)
    return Row(
        trace, grade.value, grade.passed, grade.reason, grade.error, round((time.monotonic() - begun) * 1000), cost
    )
