"""What is held out: a trace in the test split of a frozen version is trained on by no version after it.

The same goes for whatever shares its group (its task, session, user or cluster) and for its near-duplicates. A freeze
leaves such rows out and says of which row of which version; a training export that would hold one is refused.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max

from curation.models import Dataset, DatasetVersion, Trace
from workspace.models import Project

TEST = "test"
THRESHOLD = 0.7  # estimated Jaccard similarity from which two conversations are near-duplicates
_HELD = """
    SELECT DISTINCT ON (named.trace_id) named.trace_id, named.revision_id, r.split_group, d.name, v.number, r.position
    FROM curation_datasetrow r
    JOIN curation_datasetversion v ON v.id = r.version_id
    JOIN curation_dataset d ON d.id = v.dataset_id
    CROSS JOIN LATERAL (VALUES (r.trace_id, r.revision_id), (r.other_trace_id, r.other_revision_id))
      AS named (trace_id, revision_id)
    WHERE d.project_id = %s AND (%s::bigint IS NULL OR d.id = %s) AND (%s::bigint IS NULL OR v.id <> %s)
      AND (%s::timestamptz IS NULL OR v.created_at > %s) AND r.split = 'test' AND named.trace_id IS NOT NULL
    ORDER BY named.trace_id, v.id, r.position
"""

_SIGNATURES = """
    SELECT revision_id, minhash FROM curation_revisionsignature
    WHERE revision_id = ANY(%s::bigint[])
"""
_ROWS = """
    SELECT position, trace_id, revision_id, other_trace_id, other_revision_id, split_group, split
    FROM curation_datasetrow WHERE version_id = %s ORDER BY position
"""
LEAKS_KEPT = 64
MEANWHILE = timedelta(hours=6)  # longer than any freeze takes: what was frozen beside it was not seen by its guard


class HeldOutRows(ValueError):
    """Rows of a version that no training may see; `leaks` are all of them, in order."""

    def __init__(self, version: DatasetVersion, leaks: "Sequence[Leak]") -> None:
        self.version, self.leaks = version, leaks
        rows = "1 row is" if len(leaks) == 1 else f"{len(leaks):,} rows are"
        super().__init__(
            f"{rows} held out elsewhere, so {version} cannot be trained on as it is: {leaks[0]}. Leave such rows out "
            "by asking for it, or freeze again: the new version is without them."
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be, or one that is. `key` is the caller's; `traces` and `revisions` are all that it shows (a pair names
    two), ids inside; `group` and `split` as DatasetRow has them."""

    key: Hashable
    traces: tuple[int, ...]
    revisions: tuple[int, ...]
    group: str
    split: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why a row cannot be trained on: `trace` (id inside) is, or is too near to, the held-out `other`.

    `version` is "name@number" and `position` the held-out row there; both are empty (0) where that row is in the same
    version. `similarity` is the estimated Jaccard similarity of a near-duplicate, None where trace or group are equal.
    """

    trace: int
    other: int
    version: str
    position: int
    group: str = ""
    similarity: float | None = None

    @property
    def code(self) -> str:
        """The code of the reason: held_out or near_held_out."""
        return "held_out" if self.similarity is None else "near_held_out"

    def told(self, name: str = "") -> str:
        """In words that follow the row; `name` is the outside id of the held-out trace."""
        where = f"row {self.position} of {self.version}" if self.version else "a test row of this version"
        other = f"{where} ({name})" if name else where
        if self.similarity is not None:
            return f"is {self.similarity:.0%} the same as {other}"
        return f"shares {self.group} with {other}" if self.group else f"is held out as {other}"


@dataclass(frozen=True, slots=True)
class Leak:
    """A row of a frozen version that conflicts: its position, and uid and outside id of both traces."""

    position: int
    conflict: Conflict
    trace: UUID
    external_id: str
    other: UUID
    other_external_id: str

    def __str__(self) -> str:
        return f"row {self.position} ({self.external_id}) {self.conflict.told(self.other_external_id)}"


@dataclass(slots=True)
class Held:
    """What is held out already. Per trace its newest-known place; `groups` gives one such trace per group."""

    places: dict[int, tuple[int, str, str, int]]  # trace -> revision, group, version, position
    groups: dict[str, int]

    def __contains__(self, trace: object) -> bool:
        return trace in self.places


def held(
    *,
    project: Project,
    dataset: Dataset | None = None,
    apart_from: DatasetVersion | None = None,
    since: datetime | None = None,
) -> Held:
    """Every trace in a test split of a frozen version: of `dataset`, or of the whole project without one, leaving the
    version `apart_from` aside, and those frozen until `since` where it is given. One statement; of several places the first
    counts."""
    scope = None if dataset is None else dataset.pk
    apart = None if apart_from is None else apart_from.pk
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [project.pk, scope, scope, apart, apart, since, since])
        found = cursor.fetchall()
    places = {row[0]: (row[1], row[2], f"{row[3]}@{row[4]}", row[5]) for row in found}
    groups: dict[str, int] = {}
    for trace, (_, group, _, _) in places.items():
        groups.setdefault(group, trace)
    return Held(places, groups)


def conflicts(
    *,
    project: Project,
    rows: Sequence[Row],
    dataset: Dataset | None = None,
    scope: str = "project",
    apart_from: DatasetVersion | None = None,
    threshold: float = THRESHOLD,
    since: datetime | None = None,
) -> dict[Hashable, Conflict]:
    """The rows of the train and validation splits that cannot be there, by their key.

    Held out are the test rows of `rows` themselves and of every frozen version in `scope`: "project", or "dataset" (then
    of `dataset` alone; none where that is None, because nothing of it is frozen yet). A row conflicts where it shows a
    held-out trace in any revision, is of the group of one, or where its signature is `threshold` near to one. With `since`
    only versions frozen after it count.
    """
    nothing = scope == "dataset" and dataset is None
    known = Held({}, {}) if nothing else held(
        project=project, dataset=dataset if scope == "dataset" else None, apart_from=apart_from, since=since
    )  # fmt: skip
    here, here_groups = _here(rows)
    found: dict[Hashable, Conflict] = {}
    free: list[Row] = []
    for row in rows:
        if row.split == TEST:
            continue
        conflict = _exact(row, known, here, here_groups)
        if conflict is None:
            free.append(row)
        else:
            found[row.key] = conflict
    if free and (here or known.places):
        found |= _near(free, known, here, threshold)
    return found


def leaks(*, version: DatasetVersion, scope: str = "") -> list[Leak]:
    """The train and validation rows of a frozen version that are held out by another version (frozen before or after
    it), in order; `scope` is the recipe's where it is not given. A training export calls this and refuses where there
    are some. Kept in memory until another version is frozen."""
    chosen = scope or version.recipe.get("held_out", "project")
    versions = DatasetVersion.objects.filter(dataset__project=version.dataset.project_id)
    state = versions.aggregate(newest=Max("id"), number=Count("id"))
    return list(_leaks(version.pk, chosen, state["newest"], state["number"]))


def refuse(*, version: DatasetVersion) -> None:
    """Raise HeldOutRows where the version has leaks."""
    if found := leaks(version=version):
        raise HeldOutRows(version, found)


@lru_cache(maxsize=LEAKS_KEPT)
def _leaks(version_id: int, scope: str, newest: int, number: int) -> tuple[Leak, ...]:
    version = DatasetVersion.objects.select_related("dataset__project").get(pk=version_id)
    # the guard that ran when it was frozen saw its own test rows and the versions before it: only later ones can conflict
    since = version.created_at - MEANWHILE if _guarded(version, scope) else None
    dataset = version.dataset if scope == "dataset" else None
    if (
        since is not None
        and not held(project=version.dataset.project, dataset=dataset, apart_from=version, since=since).places
    ):
        return ()
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [version_id])
        rows = [_row(*row) for row in cursor.fetchall() if since is None or row[6] != TEST]
    found = conflicts(
        project=version.dataset.project, rows=rows, dataset=version.dataset, scope=scope, apart_from=version,
        threshold=version.recipe["near_threshold"] if version.recipe.get("dedupe") == "near" else THRESHOLD,
        since=since,
    )  # fmt: skip
    ids = {trace for conflict in found.values() for trace in (conflict.trace, conflict.other)}
    names = {
        pk: (uid, name) for pk, uid, name in Trace.objects.filter(id__in=ids).values_list("id", "uid", "external_id")
    }
    return tuple(
        Leak(cast(int, row.key), conflict, *names[conflict.trace], *names[conflict.other])
        for row in rows
        if (conflict := found.get(row.key)) is not None
    )


def _guarded(version: DatasetVersion, scope: str) -> bool:
    """Whether the guard ran with this scope when the version was frozen; earlier versions know nothing of it."""
    return "selection" in version.counts and version.recipe.get("held_out") == scope


def _row(position: int, trace: int, revision: int, other: int | None, its: int | None, group: str, split: str) -> Row:
    """A stored row; a pair whose answers are of two traces names both."""
    if other is None or its is None or other == trace:
        return Row(position, (trace,), (revision,), group, split)
    return Row(position, (trace, other), (revision, its), group, split)


def _here(rows: Iterable[Row]) -> tuple[dict[int, int], dict[str, int]]:
    """What the rows themselves hold out: trace -> revision, and group -> one of its traces."""
    traces: dict[int, int] = {}
    groups: dict[str, int] = {}
    for row in rows:
        if row.split == TEST:
            traces.update(zip(row.traces, row.revisions, strict=True))
            groups.setdefault(row.group, row.traces[0])
    return traces, groups


def _exact(row: Row, known: Held, here: Mapping[int, int], here_groups: Mapping[str, int]) -> Conflict | None:
    for trace in row.traces:
        if trace in known.places:
            _, _, version, position = known.places[trace]
            return Conflict(trace, trace, version, position)
        if trace in here:
            return Conflict(trace, trace, "", 0)
    if row.group in known.groups:
        other = known.groups[row.group]
        _, group, version, position = known.places[other]
        return Conflict(row.traces[0], other, version, position, group=group)
    if row.group in here_groups:
        return Conflict(row.traces[0], here_groups[row.group], "", 0, group=row.group)
    return None


def _near(free: Sequence[Row], known: Held, here: Mapping[int, int], threshold: float) -> dict[Hashable, Conflict]:
    """The nearest held-out trace of each row that has one, by the signatures of their revisions."""
    from curation.datasets.selecting import near

    asking: dict[int, list[tuple[Row, int]]] = defaultdict(list)
    for row in free:
        for trace, revision in zip(row.traces, row.revisions, strict=True):
            asking[revision].append((row, trace))
    owners: dict[int, int] = {place[0]: trace for trace, place in known.places.items()}
    owners |= {revision: trace for trace, revision in here.items()}
    mine, theirs = _signatures(asking), _signatures(owners)
    found: dict[Hashable, Conflict] = {}
    pairs = near.pairs_between([one for _, one in mine], [one for _, one in theirs], threshold=threshold)
    for first, second, similarity in pairs:
        other = owners[theirs[second][0]]
        _, _, version, position = ("", "", "", 0) if other in here else known.places[other]
        for row, trace in asking[mine[first][0]]:
            earlier = found.get(row.key)
            if earlier is None or (earlier.similarity or 0) < similarity:
                found[row.key] = Conflict(trace, other, version, position, similarity=similarity)
    return found


def _signatures(revisions: Iterable[int]) -> list[tuple[int, bytes]]:
    """(revision id, minhash) of those that can be compared, by id; what has no signature yet gets it now."""
    from curation.datasets.selecting import signatures

    asked = list(revisions)
    with connection.cursor() as cursor:
        cursor.execute(_SIGNATURES, [asked])
        found = {revision: bytes(minhash) for revision, minhash in cursor.fetchall()}
    for made in signatures.fill(revision for revision in asked if revision not in found):
        found |= {revision: one.minhash for revision, one in made.items()}
    return sorted((revision, minhash) for revision, minhash in found.items() if minhash)
