"""Graders and batches as pages show them: lists, versions, how scores are spread, how far a batch is."""

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import (
    Avg,
    BooleanField,
    Count,
    F,
    FloatField,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Floor, Greatest, Least, Left

from curation.models import Batch, BatchItem, Grader, GraderVersion, Score
from curation.models.scores import OWN
from curation.scoring import against_people, keep
from curation.scoring.agreement import Agreement
from workspace import leases
from workspace.models import Project
from workspace.paging import Page, paginate

BINS = 20
MOST_CATEGORIES = 30
LIST_SIZE = 40
ITEMS_SIZE = 20
SAID = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """A grader in a list: its newest version, the confirmed one that is used (None: none yet), how many traces that one
    scored, and how it agrees with people (None: no scored trace is judged)."""

    grader: Grader
    newest: GraderVersion
    used: GraderVersion | None
    scored: int
    agreement: Agreement | None


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar: from `low` to `high`, or one `label`; how many scores, and its height in parts of 100."""

    label: str
    count: int
    height: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How the scores of a version are spread. `mean` is of numbers; `passed` of those that say pass or fail. `ends`: of the
    scale, in words."""

    bins: tuple[Bin, ...]
    count: int
    mean: float | None
    passed: int
    decided: int
    is_number: bool
    ends: tuple[str, str] = ("", "")


_LACKS_A_GRADE = Func(
    F("grades"), template="jsonb_path_exists(%(expressions)s, '$.* ? (@.value == null)')", output_field=BooleanField()
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: its rows counted by status, what was asked and what it cost so far. `unpriced`: rows that were
    asked and whose cost is not known. `ungraded`: candidates that are done and got no grade by one of their graders, so
    that they cannot be compared. `asks`: a model is asked at all. `comes`: more may come, since it is worked on, or was
    stopped with calls under way."""

    counts: dict[str, int]
    total: int
    settled: int
    share: float
    cost_usd: Decimal
    unpriced: int
    is_open: bool
    ungraded: int
    asks: bool
    comes: bool


def graders(
    project: Project, *, aside: bool = False, cursor: str = "", size: int = LIST_SIZE
) -> tuple[Page[Grader], list[Listed]]:
    """A page of the project's graders by name: those in use, or those that were put aside (archived)."""
    found = Grader.objects.filter(project=project, archived_at__isnull=not aside)
    page = paginate(found, order=("name", "id"), cursor=cursor, size=size)
    newest: dict[int, GraderVersion] = {}
    used: dict[int, GraderVersion] = {}
    for version in GraderVersion.objects.filter(grader__in=page.rows).select_related("grader").order_by("-number"):
        newest.setdefault(version.grader_id, version)
        if version.confirmed_at is not None:
            used.setdefault(version.grader_id, version)
    told = against_people.brief(list(used.values()))
    listed = []
    for grader in page.rows:
        if grader.pk not in newest:
            continue
        current = used.get(grader.pk)
        scored, agreement = told[against_people.label(current)] if current else (0, None)
        listed.append(Listed(grader, newest[grader.pk], current, scored, agreement))
    return page, listed


def has_graders(project: Project, *, aside: bool) -> bool:
    """Whether there are some in use, or some put aside."""
    return Grader.objects.filter(project=project, archived_at__isnull=not aside).exists()


def grader(project: Project, slug: str) -> Grader:
    """One grader by the name of its scores. Raises Grader.DoesNotExist."""
    return Grader.objects.select_related("project").get(project=project, slug=slug)


def versions(found: Grader) -> list[GraderVersion]:
    """All versions, newest first, each with its grader and connection."""
    return list(found.versions.select_related("grader", "connection").order_by("-number"))


def spread(version: GraderVersion) -> Spread:
    """The stored scores of this version: twenty bins over their declared range, or one bar for each label."""
    scores = Score.objects.filter(
        OWN,
        project_id=version.grader.project_id,
        name=version.grader.slug,
        grader_version=against_people.label(version),
    )
    sums = scores.aggregate(
        count=Count("id"), numbers=Count("number"), mean=Avg("number"), lowest=Min("low"), highest=Max("high"),
        least=Min("number"), most=Max("number"),
        passes=Count("id", filter=Q(passed=True)), decided=Count("passed"),
    )  # fmt: skip
    if not sums["count"]:
        return Spread((), 0, None, 0, 0, False)
    if sums["numbers"]:
        low = min(sums["lowest"] if sums["lowest"] is not None else 0.0, sums["least"])
        high = max(sums["highest"] if sums["highest"] is not None else 1.0, sums["most"])
        counted = _binned(scores.exclude(number=None), low, high)
        named = [(_edges(low, high, place), counted.get(place, 0)) for place in range(BINS)]
    else:
        named = _labelled(scores)
    most = max(count for _, count in named) or 1
    ends = (f"{low:.3g}", f"{high:.3g}") if sums["numbers"] else ("", "")
    bins = tuple(Bin(label, count, round(100 * count / most, 2)) for label, count in named)
    return Spread(bins, sums["count"], sums["mean"], sums["passes"], sums["decided"], bool(sums["numbers"]), ends)


def batches(project: Project, *, found: Grader | None = None, cursor: str = "", size: int = LIST_SIZE) -> Page[Batch]:
    """Batches, newest first: of one grader, or all of the project."""
    query = Batch.objects.filter(project=project).select_related("grader_version__grader", "connection")
    if found is not None:
        query = query.filter(grader_version__grader=found)
    return paginate(query, order=("-id",), cursor=cursor, size=size)


def batch(project: Project, uid: uuid.UUID) -> Batch:
    """One batch. Raises Batch.DoesNotExist."""
    return Batch.objects.select_related("grader_version__grader", "connection").get(project=project, uid=uid)


def progress(found: Batch) -> Progress:
    """Counted from the rows themselves, so that it is right whatever a worker was doing when it ended."""
    rows = BatchItem.objects.filter(batch=found)
    counts = dict.fromkeys(BatchItem.Status.values, 0)
    cost, unpriced, ungraded = Decimal(0), 0, 0
    asks = found.grader_version is None or keep.asks_model(found.grader_version)
    grouped = rows.values_list("status").annotate(
        count=Count("id"), cost=Sum("cost_usd"), ungraded=Count("id", filter=_LACKS_A_GRADE),
        unpriced=Count("id", filter=Q(asked_at__isnull=False, prompt__isnull=False, cost_usd=None)),
    )  # fmt: skip
    for status, count, spent, lacking, unknown in grouped:
        counts[status] = count
        cost += spent or 0
        ungraded += lacking if status == "done" else 0
        unpriced += unknown if asks and status in ("done", "failed") else 0
    counts["reused"] = found.reused
    waiting = counts["waiting"] + counts["asking"]
    total = max(found.total, sum(counts.values()) - found.reused)
    settled = max(0, total - waiting)
    share = 100 * settled / total if total else 100.0
    is_open = found.status in (Batch.Status.QUEUED, Batch.Status.RUNNING)
    cost = max(cost, found.cost_usd)
    comes = is_open or (counts["asking"] > 0 and leases.is_held(found))
    return Progress(counts, total, settled, round(share, 1), cost, unpriced, is_open, ungraded, asks, comes)


def items(found: Batch, *, status: str = "", cursor: str = "", size: int = ITEMS_SIZE) -> Page[BatchItem]:
    """The rows of a batch in the order in which they are asked, all or those with one status; each with its trace and,
    where it was graded, the score that came of it (`score_number`, `score_passed`, `score_reason`), where it was generated, its
    first words (`said`)."""
    rows = _shown(found)
    if status:
        rows = rows.filter(status=status)
    return paginate(rows, order=("id",), cursor=cursor, size=size)


def changed(found: Batch, seen: Mapping[int, str]) -> list[BatchItem]:
    """Those of the rows in `seen` (status by key) that stand otherwise now, as in `items`. At most ITEMS_SIZE."""
    keys = list(seen)[:ITEMS_SIZE]
    return [one for one in _shown(found).filter(pk__in=keys).order_by("id") if one.status != seen[one.pk]]


def item(found: Batch, pk: int) -> BatchItem:
    """One row with its trace. Raises BatchItem.DoesNotExist."""
    return BatchItem.objects.select_related("trace").get(batch=found, pk=pk)


def _shown(found: Batch) -> QuerySet[BatchItem]:
    rows = BatchItem.objects.filter(batch=found).select_related("trace")
    if found.grader_version is not None:
        return rows.annotate(**_score_of(found.grader_version))
    return rows.annotate(said=Left(KeyTextTransform("content", KeyTransform("message", "answer")), SAID))


def _score_of(version: GraderVersion) -> dict[str, Any]:
    mine = Score.objects.filter(
        OWN, trace=OuterRef("trace"), name=version.grader.slug, revision=OuterRef("revision"),
        grader_version=against_people.label(version),
    ).order_by("-id")  # fmt: skip
    return {f"score_{name}": Subquery(mine.values(name)[:1]) for name in ("number", "category", "passed", "reason")}


def _binned(scores: Any, low: float, high: float) -> Counter[int]:
    """Counts by bin; the last bin holds its upper end."""
    width = (high - low) / BINS or 1.0
    place = Least(Greatest(Floor((Cast(F("number"), FloatField()) - low) / width), 0.0), float(BINS - 1))
    grouped = scores.annotate(place=place).values_list("place").annotate(count=Count("id"))
    return Counter({int(place): count for place, count in grouped})


def _edges(low: float, high: float, place: int) -> str:
    width = (high - low) / BINS
    return f"{low + place * width:.3g} to {low + (place + 1) * width:.3g}"


def _labelled(scores: Any) -> list[tuple[str, int]]:
    """One bar for each label, or for yes and no; the rarest labels of very many are one bar together."""
    grouped = scores.values_list("category", "boolean").annotate(count=Count("id")).order_by("-count")
    named = [(category or ("yes" if boolean else "no"), count) for category, boolean, count in grouped]
    rest = sum(count for _, count in named[MOST_CATEGORIES:])
    return named[:MOST_CATEGORIES] + ([("all others", rest)] if rest else [])
