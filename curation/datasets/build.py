"""Freezing: from a filter and a recipe to a version that never changes, in one transaction."""

import hashlib
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from curation import filters
from curation.datasets import reasons
from curation.datasets.choose import Plan, choose
from curation.datasets.recipe import Recipe
from curation.models import Dataset, DatasetDecision, DatasetRow, DatasetVersion, Trace
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,78}[a-z0-9])?")
FEW_ROWS = 1_000
BATCH = 2_000
TRIES = 3
SPLITS = ("train", "validation", "test")


class BadName(ValueError):
    """A name that cannot stand in an address."""


class NothingToFreeze(ValueError):
    """No trace became a row. `dropped` says how many went for which reason (code -> traces)."""

    def __init__(self, query: str, counts: dict[str, Any]) -> None:
        self.query, self.looked_at = query, int(counts["looked_at"])
        self.dropped: dict[str, int] = counts["by_reason"]
        went = ", ".join(f"{count:,} {reasons.BY_CODE[code].words}" for code, count in self.dropped.items())
        shown = f"The filter {query!r}" if query else "The empty filter"
        if not self.looked_at:
            text = f"{shown} matches none of the {counts['in_project']:,} traces, so there is nothing to freeze."
        else:
            text = f"{shown} matches {self.looked_at:,} traces, but none became a row: {went}."
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a freeze would give now. `counts` as on a version; `cut` where only the first traces were looked at."""

    resolved_query: str
    counts: dict[str, Any]
    cut: bool = False


def freeze(
    *, project: Project, name: str, query_text: str, actor: Actor, recipe: Recipe | None = None, description: str = ""
) -> DatasetVersion:
    """Make the next version of the dataset `name` (made where it does not exist yet) from what `query_text` matches.

    Everything is read from one snapshot and written in one transaction. Raises BadName, filters.FilterError and
    NothingToFreeze. Rows are in the order of the recipe; the same data, recipe and seed give the same content hash.
    """
    if not NAME.fullmatch(name):
        raise BadName("A name has 1 to 80 characters: small letters, digits, - and _, a letter or digit at both ends.")
    query = filters.parse(query_text)
    chosen = recipe or Recipe()
    for attempt in range(1, TRIES + 1):
        try:
            with snapshot():
                return _freeze(project, name, query, actor, chosen, description, timezone.now())
        except IntegrityError:
            # somebody froze the same dataset at the same moment and has the number; look again
            if attempt == TRIES:
                raise
    raise AssertionError("unreachable")


def preview(*, project: Project, query_text: str, recipe: Recipe | None = None, most: int | None = None) -> Preview:
    """The counts of a freeze without writing anything. With `most`, only that many traces (in the order of the recipe)
    are looked at, and `cut` says whether there were more. Raises filters.FilterError."""
    query = filters.parse(query_text)
    chosen = recipe or Recipe()
    now = timezone.now()
    with snapshot():
        matching = filters.apply(
            Trace.objects.filter(project=project), query, now=now, search=planned(project.pk), replays=True
        )
        plan = choose(matching, chosen, most=most, replays=query.mentions("replay"))
        cut = most is not None and len(plan.decisions) >= most and matching.count() > most
        return Preview(str(filters.resolve(query, now=now)), _counts(project, plan, chosen), cut)


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction that sees one state of the database. Inside a caller's transaction it takes the caller's view."""
    outer = connection.in_atomic_block
    with transaction.atomic():
        if not outer:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def content_hash(rows: Iterator[tuple[str, str]]) -> str:
    """SHA-256 over (digest, split) of the rows in order, one line each."""
    total = hashlib.sha256()
    for digest, split in rows:
        total.update(f"{digest} {split}\n".encode())
    return total.hexdigest()


def _freeze(
    project: Project,
    name: str,
    query: filters.Query,
    actor: Actor,
    recipe: Recipe,
    description: str,
    now: datetime,
) -> DatasetVersion:
    plan = choose(
        filters.apply(Trace.objects.filter(project=project), query, now=now, search=planned(project.pk), replays=True),
        recipe,
        replays=query.mentions("replay"),
    )
    counts = _counts(project, plan, recipe)
    if not plan.rows:
        raise NothingToFreeze(query.typed, counts)
    dataset, _ = Dataset.objects.get_or_create(project=project, name=name, defaults={"description": description})
    newest = dataset.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=newest + 1,
        query=query.typed,
        resolved_query=str(filters.resolve(query, now=now)),
        recipe=recipe.plain(),
        seed=recipe.seed,
        content_hash=content_hash((row.digest, row.split) for row in plan.rows),
        counts=counts,
        created_by=actor.user,
        author=actor.label,
    )
    _write(version, plan)
    audit.record(
        project=project,
        actor=actor,
        action="dataset.frozen",
        target=f"dataset_version:{version.uid}",
        name=str(version),
        rows=len(plan.rows),
        content_hash=version.content_hash,
    )
    return version


def _write(version: DatasetVersion, plan: Plan) -> None:
    DatasetRow.objects.bulk_create(
        (
            DatasetRow(
                version=version,
                position=position,
                trace_id=row.trace_id,
                revision_id=row.revision_id,
                conversation=row.conversation,
                judgment_id=row.judgment_id,
                correction_id=row.correction_id,
                split=row.split,
                split_group=row.group,
                digest=row.digest,
            )
            for position, row in enumerate(plan.rows, start=1)
        ),
        batch_size=BATCH,
    )
    DatasetDecision.objects.bulk_create(
        (
            DatasetDecision(
                version=version, trace_id=trace, included=reason.included, reason=reason.code, detail=detail
            )
            for trace, reason, detail in plan.decisions
        ),
        batch_size=BATCH,
    )


def _counts(project: Project, plan: Plan, recipe: Recipe) -> dict[str, Any]:
    """What is known of the version as a whole; tokens are estimates."""
    rows = plan.rows
    per_split = Counter(row.split for row in rows)
    lengths = sorted(row.tokens for row in rows)
    counts: dict[str, Any] = {
        "in_project": Trace.objects.filter(project=project).listed().count(),
        "looked_at": len(plan.decisions),
        "rows": len(rows),
        **{split: per_split.get(split, 0) for split in SPLITS},
        "by_reason": plan.by_reason(),
        "groups": {split: len({row.group for row in rows if row.split == split}) for split in SPLITS},
        "shared_inputs": _shared_inputs(plan),
        "judges": len({row.author for row in rows if row.author}),
        "judged": sum(row.judgment_id is not None for row in rows),
        "tokens": sum(lengths),
        "trained_tokens": sum(row.trained_tokens for row in rows),
        "length": {
            "median": round(statistics.median(lengths)) if rows else None,
            "p95": lengths[max(0, -(-len(lengths) * 95 // 100) - 1)] if rows else None,
            "most": lengths[-1] if rows else None,
        },
        "checks": {name: tally.plain() for name, tally in plan.tallies.items()},
    }
    counts["warnings"] = _warnings(counts, recipe)
    return counts


def _shared_inputs(plan: Plan) -> int:
    """Requests that stand in more than one split: the same thing was asked in two groups."""
    splits: dict[str, set[str]] = defaultdict(set)
    for row in plan.rows:
        if row.fingerprint:
            splits[row.fingerprint].add(row.split)
    return sum(len(found) > 1 for found in splits.values())


def _warnings(counts: dict[str, Any], recipe: Recipe) -> list[dict[str, str]]:
    """What an engineer should know before training, as {"code", "text"}."""
    told: list[tuple[str, str]] = []
    if 0 < counts["rows"] < FEW_ROWS:
        text = f"{counts['rows']:,} rows are few: below {FEW_ROWS:,} a model picks up form more than skill."
        told.append(("few_rows", text))
    shares = {"train": recipe.train, "validation": recipe.validation, "test": recipe.test}
    for split in SPLITS:
        if counts["rows"] and shares[split] and not counts[split]:
            text = f"The {split} split is empty: too few groups for a share of {shares[split]:.0%}."
            told.append((f"empty_{split}", text))
    if counts["shared_inputs"]:
        text = f"{counts['shared_inputs']:,} requests stand in several splits. Group by task to keep them together."
        told.append(("shared_inputs", text))
    return [{"code": code, "text": text} for code, text in told]
