"""Rows of frozen versions that no training may see, because another version, frozen before or after, holds them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max

from curation.datasets import held_out
from curation.datasets.held_out import TEST, Conflict, Row, said_by
from curation.datasets.selecting import own_words
from curation.models import DatasetVersion, Trace

_ROWS = f"""
    SELECT r.position, r.trace_id, r.revision_id, r.other_trace_id, r.other_revision_id, r.split_group, r.split,
      {held_out.OWN}, {held_out.SAYS}
    FROM curation_datasetrow r {held_out.SIGNED} WHERE r.version_id = %s ORDER BY r.position
"""  # noqa: S608 (made of the constants above)
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
class Leak:
    """A row of a frozen version that conflicts: its position, and uid and outside id of both traces."""

    position: int
    conflict: Conflict
    trace: UUID
    external_id: str
    other: UUID
    other_external_id: str

    def __str__(self) -> str:
        name = "" if self.is_itself else self.other_external_id
        return f"row {self.position} ({self.external_id}) {self.conflict.told(name)}"

    @property
    def is_itself(self) -> bool:
        """Whether it is the very trace that is held out, and not one like it."""
        return self.trace == self.other


def of(*, version: DatasetVersion, scope: str = "") -> list[Leak]:
    """The train and validation rows of a frozen version that are held out by another version (frozen before or after
    it), in order; `scope` is the recipe's where it is not given. A training export calls this and refuses where there
    are some. Kept in memory until another version is frozen."""
    state = _state(version, scope)
    found = list(_leaks(version.pk, *state))
    cache.set(_key(version, state), len(found), None)
    return found


def known(version: DatasetVersion) -> int | None:
    """How many rows `of` gives, where it was asked since the last version was frozen; None where nobody asked yet. One
    statement, however large the version."""
    found: int | None = cache.get(_key(version, _state(version)))
    return found


def refuse(*, version: DatasetVersion) -> None:
    """Raise HeldOutRows where the version has leaks."""
    if found := of(version=version):
        raise HeldOutRows(version, found)


def _state(version: DatasetVersion, scope: str = "") -> tuple[str, int, int]:
    """What the leaks of a version depend on: the scope, and which versions there are."""
    versions = DatasetVersion.objects.filter(dataset__project=version.dataset.project_id)
    found = versions.aggregate(newest=Max("id"), number=Count("id"))
    return scope or version.recipe.get("held_out", "project"), found["newest"], found["number"]


def _key(version: DatasetVersion, state: tuple[str, int, int]) -> str:
    return ".".join(map(str, ("dataset.leaks", version.uid, *state)))


@lru_cache(maxsize=LEAKS_KEPT)
def _leaks(version_id: int, scope: str, newest: int, number: int) -> tuple[Leak, ...]:
    version = DatasetVersion.objects.select_related("dataset__project").get(pk=version_id)
    # the guard that ran when it was frozen saw its own test rows and the versions before it: only later ones can conflict
    since = version.created_at - MEANWHILE if _guarded(version, scope) else None
    dataset = version.dataset if scope == "dataset" else None
    if (
        since is not None
        and not held_out.held(project=version.dataset.project, dataset=dataset, apart_from=version, since=since).places
    ):
        return ()
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [version_id])
        stored = [row for row in cursor.fetchall() if since is None or row[6] != TEST]
    words = own_words.of({row[8]: row[7] for row in stored if row[7] is not None})
    rows = [_row(*row, words=words.get(row[8], b"")) for row in stored]
    near = version.recipe.get("near_threshold", held_out.THRESHOLD)
    found = held_out.conflicts(
        project=version.dataset.project, rows=rows, dataset=version.dataset, scope=scope, apart_from=version,
        threshold=held_out.threshold_of(str(version.recipe.get("dedupe")), near), since=since,
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


def _row(
    position: int, trace: int, revision: int, other: int | None, its: int | None, group: str, split: str, own: int | None,
    digest: str, sameness: bytes | None, prompt: str | None, *, words: bytes,
) -> Row:  # fmt: skip
    """A stored row; a pair whose answers are of two traces names both."""
    says = said_by(digest, sameness, prompt)
    if other is None or its is None or other == trace:
        return Row(position, (trace,), (revision,), group, split, says, words)
    return Row(position, (trace, other), (revision, its), group, split, says, words)
