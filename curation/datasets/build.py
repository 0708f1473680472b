"""Freezing: from a filter and a recipe to a version that never changes, in one transaction. What takes longer than a person
waits is asked for in `freezing`, and done there by the same calls."""

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from curation import filters
from curation.datasets import reasons, tasks, writing
from curation.datasets.recipe import Recipe, RecipeError
from curation.datasets.selecting import counts as counting
from curation.datasets.selecting import facets, replay_buffer, signatures
from curation.datasets.selecting.choose import choose, rare_collections, unknown_scores
from curation.datasets.selecting.counts import FEW_ROWS, SPLITS
from curation.datasets.selecting.plan import Decision, Plan
from curation.models import Dataset, DatasetVersion, RawRecord, Trace, TraceRevision
from curation.models.traces import TraceQuerySet
from curation.scoring import keep
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor
from workspace.models import Project
from workspace.uuid7 import uuid7

__all__ = [
    "FEW_ROWS", "SPLITS", "BadName", "Left", "NothingToFreeze", "Preview", "Told", "checked", "content_hash", "effort", "freeze",
    "left", "preview", "read_ahead", "snapshot",
]  # fmt: skip

RESERVED = ("new", "replay")  # stand in addresses themselves
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,78}[a-z0-9])?")
TRIES = 3
PREVIEW_SECONDS = 12.0
LEAST_SECONDS = 3.0
LEFT_SIZE = 50
# told of each stage of a freeze: its name, how much of it is done, of how much (0: not known); it may raise to end it
Told = Callable[[str, int, int], None]


class BadName(ValueError):
    """A name that cannot stand in an address."""


class NothingToFreeze(ValueError):
    """No trace became a row. `dropped` says how many went for which reason (code -> traces), `skips` which pairs were not
    made (reason -> how many)."""

    def __init__(self, query: str, counts: dict[str, Any], recipe: Recipe | None = None) -> None:
        self.query, self.looked_at = query, int(counts["looked_at"])
        self.dropped: dict[str, int] = counts["by_reason"]
        self.skips: dict[str, int] = counts.get("skips", {})
        went = ", ".join(f"{count:,} {reasons.BY_CODE[code].words}" for code, count in self.dropped.items())
        shown = f"The filter {query!r}" if query else "The empty filter"
        made = "pair" if recipe is not None and recipe.task == "pairs" else "row"
        if not self.looked_at:
            text = f"{shown} matches none of the {counts['in_project']:,} traces, so there is nothing to freeze."
        else:
            text = f"{shown} matches {self.looked_at:,} traces, but none became a {made}: {went}."
        explain = tasks.find(recipe.task).EXPLAIN if recipe is not None else None
        if explain is not None and self.looked_at:
            text += f" {explain(counts.get('pairs') or {})}"
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a freeze would give now. `counts` as on a version; `cut` where only the first traces were looked at."""

    resolved_query: str
    counts: dict[str, Any]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """Some of the traces that a recipe takes, or leaves out, for one reason, in its order, with why. `next` is the cursor
    of the page after it, "" at the end."""

    rows: list[tuple[Trace, Decision]]
    total: int
    next: str


def freeze(
    *,
    project: Project,
    name: str,
    query_text: str,
    actor: Actor,
    recipe: Recipe | None = None,
    description: str = "",
    accept: Callable[[DatasetVersion], object] | None = None,
    as_of: datetime | None = None,
    uid: uuid.UUID | None = None,
    author: str = "",
    tell: Told | None = None,
) -> DatasetVersion:
    """Make the next version of the dataset `name` (made where it does not exist yet) from what `query_text` matches.

    Everything is read from one snapshot and written in one transaction; signatures that are missing are worked out before
    it. Raises BadName, filters.FilterError, RecipeError and NothingToFreeze. Rows are in the order of the recipe; the same
    data, recipe and seed give the same content hash. `accept` is called with the version before it stands: where it raises,
    nothing is frozen. `as_of`: the moment until which traces had to come, and that times are reckoned from, else now. `uid`:
    the version's, where it is known before; `author`: its author's name where it is not the actor's. `tell` hears of each
    stage.
    """
    query, chosen = checked(project=project, name=name, query_text=query_text, recipe=recipe)
    now = as_of or timezone.now()
    _read_ahead(project, query, chosen, now, seconds=None, tell=tell)
    for attempt in range(1, TRIES + 1):
        try:
            with snapshot():
                version = _freeze(project, name, query, actor, chosen, description, now, uid, author, tell)
                if accept is not None:
                    accept(version)
            return version
        except (IntegrityError, OperationalError) as error:
            # somebody froze the same dataset, or stored the same signature, at the same moment; look again
            if attempt == TRIES or (isinstance(error, OperationalError) and not _in_the_way(error)):
                raise
            if uid is not None and DatasetVersion.objects.filter(uid=uid).exists():
                raise  # it was made meanwhile
    raise AssertionError("unreachable")


def checked(
    *, project: Project, name: str, query_text: str, recipe: Recipe | None = None
) -> tuple[filters.Query, Recipe]:
    """The filter and recipe of a freeze that may be begun. Raises BadName, filters.FilterError and RecipeError."""
    if not NAME.fullmatch(name):
        raise BadName("A name has 1 to 80 characters: small letters, digits, - and _, a letter or digit at both ends.")
    if name in RESERVED:
        raise BadName(f"{name!r} is the address of another page; take another name.")
    query = filters.parse(query_text)
    return query, check(project, recipe or Recipe())


def effort(*, project: Project, query: filters.Query, recipe: Recipe, now: datetime, most: int) -> tuple[int, int]:
    """How many traces a freeze would look at, and how many of their texts it would have to read; each counted to `most` + 1
    at most."""
    found = _matching(project, query, recipe, now).order_by("pk").values("pk")[: most + 1]
    unread = _unread(project, query, recipe, now).values("pk")[: most + 1]
    return found.count(), unread.count()


def read_ahead(
    *, project: Project, query: filters.Query, recipe: Recipe, now: datetime, seconds: float, tell: Told | None = None
) -> bool:
    """Read texts for a freeze that comes, for about so long. Returns whether none is left."""
    return _read_ahead(project, query, recipe, now, seconds=seconds, tell=tell)


def preview(
    *,
    project: Project,
    query_text: str,
    recipe: Recipe | None = None,
    name: str = "",
    most: int | None = None,
    seconds: float | None = PREVIEW_SECONDS,
) -> Preview:
    """The counts of a freeze into the dataset `name`; no dataset is written. With `most`, only that many traces (in the
    order of the recipe) are looked at, and `cut` says whether there were more.

    Texts are read for `seconds` at most; what was not reached is counted as not looked at. Signatures that were worked out
    stay, so that the next preview goes on from there. Raises filters.FilterError and RecipeError.
    """
    query = filters.parse(query_text)
    chosen = check(project, recipe or Recipe())
    now = timezone.now()
    dataset = Dataset.objects.filter(project=project, name=name).first() if name else None
    with rare_collections():
        counts, cut = _counted(project, query, chosen, now, dataset=dataset, most=most, seconds=seconds)
    return Preview(str(filters.resolve(query, now=now)), counts, cut)


def left(
    *,
    project: Project,
    query_text: str,
    recipe: Recipe,
    reason: str,
    name: str = "",
    cursor: str = "",
    most: int | None = None,
    size: int = LEFT_SIZE,
) -> Left:
    """The traces that a freeze would decide about for this reason, a page at a time: what is behind a step of a preview's
    waterfall. `cursor` is how many come before. Raises what `preview` raises; KeyError for a reason that does not exist."""
    wanted = reasons.BY_CODE[reason]
    query = filters.parse(query_text)
    recipe = check(project, recipe)
    dataset = Dataset.objects.filter(project=project, name=name).first() if name else None
    plan, _ = _plan(project, query, recipe, timezone.now(), dataset=dataset, most=most, seconds=PREVIEW_SECONDS)
    found = [decision for decision in plan.decisions if decision.reason is wanted]
    start = int(cursor) if cursor.isdecimal() else 0
    shown = found[start : start + size]
    traces = Trace.objects.defer("metadata").in_bulk([decision.trace for decision in shown])
    rows = [(traces[decision.trace], decision) for decision in shown if decision.trace in traces]
    return Left(rows, len(found), str(start + size) if start + size < len(found) else "")


def check(project: Project, recipe: Recipe) -> Recipe:
    """What a recipe names must be there, before anything runs; topics that it names are those with the slugs of what this
    returns. Raises RecipeError naming every field that is wrong."""
    recipe, problems = facets.with_slugs(project, recipe)
    options = any(option.score for option in tasks.find(recipe.task).OPTIONS)
    if recipe.scores or (options and recipe.task_options):
        known = keep.scorers(project)
        problems += unknown_scores(recipe, known, keep.with_scores(known))
        problems += [
            (field, f"nobody has confirmed the grader {name!r} yet, so nothing has its score")
            for name, field in dict(recipe.scores).items()
            if name in known and known[name].endswith(keep.NOT_CONFIRMED)
        ]
    if recipe.upload:
        record = RawRecord.objects.filter(project=project, uid=recipe.upload).only("status").first()
        if record is None:
            problems.append(("upload", "there is no such upload in this project"))
        elif record.status == RawRecord.Status.PENDING:
            problems.append(("upload", "it is still being read; wait until its traces are there"))
    if problems:
        raise RecipeError(problems)
    return recipe


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


def _matching(project: Project, query: filters.Query, recipe: Recipe, now: datetime) -> TraceQuerySet:
    """The traces that are looked at: those that the filter matches, received until the moment of the recipe (else until
    now, so that what a run itself makes never enters it), and of its upload where it names one."""
    until = datetime.fromisoformat(recipe.until) if recipe.until else now
    found = filters.apply(
        Trace.objects.filter(project=project), query, now=now, search=planned(project.pk), replays=True
    ).filter(received_at__lte=until)
    if recipe.upload:
        found = found.filter(Exists(TraceRevision.objects.filter(trace=OuterRef("pk"), raw__uid=recipe.upload)))
    return found


def _unread(project: Project, query: filters.Query, recipe: Recipe, now: datetime) -> TraceQuerySet:
    """The traces whose text the selection, or the look for what is held out, will need and nobody has read yet."""
    found = _matching(project, query, recipe, now).filter(archived_at=None, revision__isnull=False)
    if "unjudged" not in recipe.judgments and not tasks.find(recipe.task).DECIDES:
        found = found.exclude(verdict="").filter(verdict_stale=False)
    return found.exclude(revision__signature__rules=signatures.rules()).order_by("revision_id")


def _read_ahead(
    project: Project,
    query: filters.Query,
    recipe: Recipe,
    now: datetime,
    *,
    seconds: float | None,
    tell: Told | None = None,
) -> bool:
    """Work out the signatures that are missing; outside the transaction, which would hold locks meanwhile. Returns whether
    none is left."""
    missing = list(_unread(project, query, recipe, now).values_list("revision_id", flat=True))
    done = 0
    for part in signatures.fill(missing, seconds=seconds):
        done += len(part)
        if tell is not None:
            tell("reading", done, len(missing))
    return done >= len(missing)


def _plan(
    project: Project,
    query: filters.Query,
    recipe: Recipe,
    now: datetime,
    *,
    dataset: Dataset | None,
    most: int | None,
    seconds: float | None,
) -> tuple[Plan, TraceQuerySet]:
    """What a freeze would write, by a preview's means."""
    matching = _matching(project, query, recipe, now)
    begun = monotonic()
    if most is None:
        _read_ahead(project, query, recipe, now, seconds=seconds)
    if seconds is not None:
        seconds = max(min(seconds, LEAST_SECONDS), seconds - (monotonic() - begun))
    for attempt in range(1, TRIES + 1):
        try:
            with snapshot():
                plan = choose(
                    matching, recipe, project=project, dataset=dataset, most=most,
                    replays=query.mentions("replay"), seconds=seconds,
                )  # fmt: skip
            return plan, matching
        except OperationalError as error:
            if attempt == TRIES or not _in_the_way(error):
                raise
    raise AssertionError("unreachable")


def _counted(project: Project, query: filters.Query, recipe: Recipe, now: datetime, **given: Any) -> tuple[Any, bool]:
    """The counts of a plan, which is dropped when this ends, and whether more traces than `most` are there."""
    plan, matching = _plan(project, query, recipe, now, **given)
    most = given["most"]
    cut = most is not None and len(plan.candidates) >= most and matching.count() > most
    return counting.of(project, plan, recipe), cut


def _in_the_way(error: OperationalError) -> bool:
    """Whether another transaction's write was in the way of this one's snapshot."""
    return getattr(error.__cause__, "sqlstate", "") in ("40001", "40P01")


def _freeze(
    project: Project,
    name: str,
    query: filters.Query,
    actor: Actor,
    recipe: Recipe,
    description: str,
    now: datetime,
    uid: uuid.UUID | None = None,
    author: str = "",
    tell: Told | None = None,
) -> DatasetVersion:
    if tell is not None:
        tell("choosing", 0, 0)
    existing = Dataset.objects.filter(project=project, name=name).first()
    plan = choose(
        _matching(project, query, recipe, now),
        recipe,
        project=project,
        dataset=existing,
        replays=query.mentions("replay"),
        heard=None if tell is None else partial(tell, "choosing", 0, 0),
    )
    counts = counting.of(project, plan, recipe)
    if not plan.rows:
        raise NothingToFreeze(query.typed, counts, recipe)
    dataset = existing or Dataset.objects.create(project=project, name=name, description=description)
    newest = dataset.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = DatasetVersion.objects.create(
        uid=uid or uuid7(),
        dataset=dataset,
        number=newest + 1,
        query=query.typed,
        resolved_query=str(filters.resolve(query, now=now)),
        recipe={**recipe.plain(), "as_of": recipe.until or now.isoformat()},
        seed=recipe.seed,
        content_hash=content_hash((row.digest, row.split) for row in plan.every_row),
        counts=counts,
        created_by=actor.user,
        author=author or actor.label,
    )
    writing.write(version, plan, tell=None if tell is None else partial(tell, "writing"))
    if recipe.replay is not None:
        replay_buffer.take_in(version=version, project=project, chosen=recipe.replay)
    audit.record(
        project=project,
        actor=actor,
        action="dataset.frozen",
        target=f"dataset_version:{version.uid}",
        name=str(version),
        rows=counts["rows"],
        content_hash=version.content_hash,
    )
    return version
