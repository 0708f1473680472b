"""What is held out: a trace in the test split of a frozen version is trained on by no version after it.

The same goes for whatever shares its group (its task, session, user or cluster), says the same, or nearly so. A freeze
leaves such rows out and says of which row of which version. What an older version holds of them is found by `leaks`.

Nearly the same as what a test row says is measured by the revisions that it shows and, where a person or a model said
something anew (a correction, a generated answer, an edited preference), by its own words as well.
"""

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from django.db import connection
from psycopg import Cursor

from curation.datasets.example import Example
from curation.datasets.selecting import near
from curation.models import Dataset, DatasetVersion
from workspace.models import Project

TEST = "test"
THRESHOLD = 0.7  # estimated Jaccard similarity from which two conversations are near-duplicates
_SCOPE = """
    FROM curation_datasetrow r
    JOIN curation_datasetversion v ON v.id = r.version_id
    JOIN curation_dataset d ON d.id = v.dataset_id
    {more}
    WHERE d.project_id = %s AND (%s::bigint IS NULL OR d.id = %s) AND (%s::bigint IS NULL OR v.id <> %s)
      AND (%s::bigint IS NULL OR d.id <> %s) AND (%s::timestamptz IS NULL OR v.created_at > %s) AND r.split = 'test'
"""
_NAMED = """CROSS JOIN LATERAL (VALUES (r.trace_id, r.revision_id), (r.other_trace_id, r.other_revision_id))
      AS named (trace_id, revision_id)"""
_HELD = f"""
    SELECT DISTINCT ON (named.trace_id, named.revision_id) named.trace_id, named.revision_id, r.split_group, d.name, v.number,
      r.position, v.id
    {_SCOPE.format(more=_NAMED)} AND named.trace_id IS NOT NULL
    ORDER BY named.trace_id, named.revision_id, v.id, r.position
"""
# the id of a row that says what none of its revisions says
OWN = """CASE WHEN r.correction_id IS NOT NULL OR r.preference_id IS NOT NULL OR r.batch_items <> '{}'
             OR (r.origin = 'generated' AND r.content IS NOT NULL) THEN r.id END"""
# a row that is the conversation as it was said has the sameness of its revision
SAYS = """r.digest, CASE WHEN s.digest = r.digest THEN s.sameness END,
           CASE WHEN r.kind = 'prompt' THEN (r.content -> 'messages')::text END"""
SIGNED = "LEFT JOIN curation_revisionsignature s ON s.revision_id = r.revision_id"
_HELD_SAYS = f"""
    SELECT r.trace_id, d.name, v.number, r.position, {OWN}, {SAYS}
    {_SCOPE.format(more=SIGNED)} ORDER BY v.id, r.position
"""
_SIGNATURES = """
    SELECT revision_id, minhash FROM curation_revisionsignature
    WHERE revision_id = ANY(%s::bigint[])
"""
MOST_KEPT = 400_000  # revisions in each of a few _Nearness that are kept in memory
Key = int | str  # what is compared: a revision by its id, a row's own words by its digest


class Row(NamedTuple):
    """A row to be, or one that is. `key` is the caller's; `traces` and `revisions` are all that it shows (a pair names
    two), ids inside; `group` and `split` as DatasetRow has them; `says` is its digest and its sameness, as far as they
    are known: rows that have one in common say the same. `words` is the minhash of its own words, where these are not
    those of its revisions; its digest is known then."""

    key: Hashable
    traces: tuple[int, ...]
    revisions: tuple[int, ...]
    group: str
    split: str
    says: tuple[str | bytes, ...] = ()
    words: bytes = b""

    @property
    def compared(self) -> Iterator[tuple[Key, int]]:
        """What nearness is measured by, with the trace that it is of."""
        yield from zip(self.revisions, self.traces, strict=True)
        if self.words:
            yield str(self.says[0]), self.traces[0]


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
            return f"is {near.told(self.similarity)} the same as {other}"
        return f"shares {self.group} with {other}" if self.group else f"is held out as {other}"


@dataclass(slots=True)
class Held:
    """What is held out. Per trace its first place; `groups` gives one such trace per group, `says` the trace, version and
    position of a row that says this, `compared` those of a row that nearness is measured to. Version and position are ""
    and 0 where the test rows are those of a version to be."""

    places: dict[int, tuple[str, str, int]]  # trace -> group, version, position
    groups: dict[str, int]
    says: dict[str | bytes, tuple[int, str, int]] = field(default_factory=dict)
    compared: dict[Key, tuple[int, str, int]] = field(default_factory=dict)

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
    version `apart_from`, and what was frozen until `since` aside where they are given. One statement; of several places the first
    counts. What the rows say is left out."""
    return _read(_asked(project, dataset, apart_from, None, since))


def _read(asked: list[Any]) -> Held:
    with connection.cursor() as cursor:
        cursor.execute(_HELD, asked)
        rows = cursor.fetchall()
    found = Held({}, {})
    first: dict[int, tuple[int, int]] = {}
    for trace, revision, group, name, number, position, version in rows:
        place = f"{name}@{number}", position
        found.compared[revision] = trace, *place
        if (version, position) < first.get(trace, (version + 1, 0)):
            first[trace] = version, position
            found.places[trace] = group, *place
    for trace, (group, _, _) in found.places.items():
        found.groups.setdefault(group, trace)
    return found


def _asked(
    project: Project,
    dataset: Dataset | None,
    apart_from: DatasetVersion | None,
    other_than: Dataset | None,
    since: datetime | None,
) -> list[Any]:
    """What _SCOPE asks for."""
    scope = None if dataset is None else dataset.pk
    apart = None if apart_from is None else apart_from.pk
    other = None if other_than is None else other_than.pk
    return [project.pk, scope, scope, apart, apart, other, other, since, since]


class Guard:
    """Says which rows cannot be learned from. What is held out already is read once, and each row is compared with it
    once, however often it is asked about; its key must stand for it meanwhile.

    Held out are the test rows of every frozen version in `scope`: "project", or "dataset" (then of `dataset` alone; none
    where that is None, because nothing of it is frozen yet), but for the version `apart_from` and the dataset `other_than`. With
    `since` only versions frozen after it count. `minhashes`
    are those of revisions (by id) that are at hand; others are read.
    """

    def __init__(
        self,
        *,
        project: Project,
        dataset: Dataset | None = None,
        scope: str = "project",
        apart_from: DatasetVersion | None = None,
        other_than: Dataset | None = None,
        threshold: float = THRESHOLD,
        since: datetime | None = None,
        minhashes: Mapping[int, bytes] | None = None,
    ) -> None:
        self._threshold = threshold
        self._minhashes: dict[int, bytes] = dict(minhashes or {})
        self._compared: dict[Hashable, Conflict | None] = {}
        self._own: dict[str, bytes] = {}
        self._known = Held({}, {})
        self._nearness: _Nearness | None = None
        if scope == "project" or dataset is not None:
            of = dataset if scope == "dataset" else None
            asked = _asked(project, of, apart_from, other_than, since)
            self._known = _read(asked)
            if self._known.places:
                self._own |= _add_said(self._known, asked)
                self._nearness = _nearness(_digest_of(self._known.compared, threshold))

    def conflicts(self, rows: Sequence[Row], *, ahead: Iterable[Row] = ()) -> dict[Hashable, Conflict]:
        """The rows of the train and validation splits that cannot be there, by their key.

        Held out are the test rows of `rows` themselves, too. A row conflicts where it shows a held-out trace in any
        revision, is of the group of one, says the same as a held-out row, or where what it shows or says is `threshold`
        near to one. `ahead` are rows that may be asked about next: they are compared in the same go.
        """
        self._own |= {str(row.says[0]): row.words for row in rows if row.words}
        asked = [row for row in rows if row.split != TEST]
        found: dict[Hashable, Conflict] = {}
        if self._known.places:
            new = {row.key: row for row in asked if row.key not in self._compared}
            if new:
                new |= {row.key: row for row in ahead if row.key not in self._compared}
                self._compared |= dict.fromkeys(new)
                self._compared |= self._against(list(new.values()), self._known)
            found = {row.key: told for row in asked if (told := self._compared[row.key]) is not None}
            asked = [row for row in asked if row.key not in found]
        return found | self._against(asked, _here(rows))

    @property
    def holds(self) -> bool:
        """Whether anything is held out already."""
        return bool(self._known.places)

    def known(self, rows: Sequence[Row]) -> dict[Hashable, Conflict]:
        """Those of `rows` that what is held out already forbids to learn from, whatever their split; their groups may still
        change, so they are asked about again."""
        return self._against(rows, self._known)

    def _against(self, rows: Sequence[Row], held_out: Held) -> dict[Hashable, Conflict]:
        if not held_out.places:
            return {}
        places, groups, says = (set(one) for one in (held_out.places, held_out.groups, held_out.says))
        found = {
            row.key: told for row in rows
            # nearly all have nothing in common with what is held out, and sets say so at once
            if (row.group in groups or not places.isdisjoint(row.traces) or not says.isdisjoint(row.says))
            and (told := _exact(row, held_out) or _same(row, held_out)) is not None
        }  # fmt: skip
        return found | self._near([row for row in rows if row.key not in found], held_out)

    def _near(self, rows: Sequence[Row], held_out: Held) -> dict[Hashable, Conflict]:
        """The nearest held-out row of each row that has one."""
        self._own |= {str(row.says[0]): row.words for row in rows if row.words}
        shown: set[Key] = {revision for row in rows for revision in row.revisions}
        shown |= {str(row.says[0]) for row in rows if row.words}
        nearest = self._nearest(shown, held_out)
        found: dict[Hashable, Conflict] = {}
        for row in rows if nearest else ():
            if not row.words and nearest.keys().isdisjoint(row.revisions):
                continue
            for key, trace in row.compared:
                if key not in nearest:
                    continue
                other, similarity = nearest[key]
                earlier = found.get(row.key)
                if earlier is None or (earlier.similarity or 0) < similarity:
                    found[row.key] = Conflict(trace, *held_out.compared[other], similarity=similarity)
        return found

    def _nearest(self, shown: set[Key], held_out: Held) -> "dict[Key, tuple[Key, float]]":
        """What each of `shown` that is near enough to something held out is nearest to, and how near."""
        known = self._nearness if held_out is self._known and self._nearness is not None else _Nearness()
        asked = shown - known.seen
        if asked:
            mine, theirs = self._signed(asked), self._signed(held_out.compared)
            for first, second, estimated in near.pairs_between(
                [one for _, one in mine], [one for _, one in theirs], threshold=self._threshold
            ):
                key, similarity = mine[first][0], min(estimated, near.ALMOST)
                if key not in known.near or known.near[key][1] < similarity:
                    known.near[key] = theirs[second][0], similarity
            if len(known.seen) + len(asked) > MOST_KEPT:
                known.seen.clear()
            known.seen |= asked
        return known.near

    def _signed(self, keys: Iterable[Key]) -> list[tuple[Key, bytes]]:
        """(key, minhash) of those that can be compared, in order; what has no signature yet gets it now."""
        revisions = sorted(key for key in keys if isinstance(key, int))
        missing = [revision for revision in revisions if revision not in self._minhashes]
        if missing:
            self._minhashes |= dict.fromkeys(missing, b"") | _minhashes(missing)
        found: list[tuple[Key, bytes]] = [(key, one) for key in revisions if (one := self._minhashes[key])]
        own = sorted(key for key in keys if isinstance(key, str))
        return found + [(key, one) for key in own if (one := self._own.get(key, b""))]


@dataclass(slots=True)
class _Nearness:
    """What has been compared with all that is held out, and the nearest to each that is near, with how near."""

    seen: set[Key] = field(default_factory=set)
    near: "dict[Key, tuple[Key, float]]" = field(default_factory=dict)


@lru_cache(maxsize=4)
def _nearness(held_out: bytes) -> _Nearness:
    """Kept from one preview to the next while the same is held out: revisions and digests stand for what they say."""
    return _Nearness()


def _digest_of(compared: Iterable[Key], threshold: float) -> bytes:
    return hashlib.blake2b(f"{threshold} {sorted(map(str, compared))}".encode(), digest_size=16).digest()


def conflicts(*, project: Project, rows: Sequence[Row], **given: Any) -> dict[Hashable, Conflict]:
    """What a new Guard (its options are `given`) says of `rows`."""
    return Guard(project=project, **given).conflicts(rows)


def threshold_of(dedupe: str, near_threshold: float) -> float:
    """From which similarity on a row is too near to a held-out one: THRESHOLD, or less where the recipe takes near copies
    once and calls less near. A recipe that calls only equal rows near lets no near copy of a test row in."""
    return min(THRESHOLD, near_threshold) if dedupe == "near" else THRESHOLD


def said_by(digest: str, sameness: bytes | None, prompt: str | None) -> tuple[str | bytes, ...]:
    """Row.says of a stored row: `sameness` where it is that of its revision, `prompt` its messages as JSON where it is a
    prompt, whose digest holds what graders are given, too."""
    if messages := orjson.loads(prompt or "[]"):  # none where only a tombstone is left
        return digest, Example(messages=messages, tools=[], kind="prompt").sameness()
    return (digest, bytes(sameness)) if sameness else (digest,)


def _add_said(held_out: Held, asked: list[Any]) -> dict[str, bytes]:
    """Add what the rows say; returns the minhashes of what they say themselves. One statement, and own_words' for
    those that nobody read yet."""
    from curation.datasets.selecting import own_words

    own: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_HELD_SAYS, asked)
        for trace, name, number, position, row, digest, sameness, prompt in cursor:
            place = trace, f"{name}@{number}", position
            for said in said_by(digest, sameness, prompt):
                held_out.says.setdefault(said, place)
            if row is not None and own.setdefault(digest, row) == row:
                held_out.compared[digest] = place
    return own_words.of(own)


def _here(rows: Iterable[Row]) -> Held:
    """What the rows themselves hold out."""
    found = Held({}, {})
    for row in rows:
        if row.split == TEST:
            for trace in row.traces:
                found.places[trace] = row.group, "", 0
            found.groups.setdefault(row.group, row.traces[0])
            for said in row.says:
                found.says.setdefault(said, (row.traces[0], "", 0))
            found.compared |= {key: (trace, "", 0) for key, trace in row.compared}
    return found


def _exact(row: Row, held_out: Held) -> Conflict | None:
    for trace in row.traces:
        if trace in held_out.places:
            _, version, position = held_out.places[trace]
            return Conflict(trace, trace, version, position)
    if row.group in held_out.groups:
        other = held_out.groups[row.group]
        group, version, position = held_out.places[other]
        return Conflict(row.traces[0], other, version, position, group=group)
    return None


def _same(row: Row, held_out: Held) -> Conflict | None:
    for said in row.says:
        if said in held_out.says:
            return Conflict(row.traces[0], *held_out.says[said], similarity=1.0)
    return None


def _minhashes(revisions: list[int]) -> dict[int, bytes]:
    """By revision id, empty where it is too short to compare."""
    from curation.datasets.selecting import signatures
    from curation.datasets.selecting.candidates import array

    connection.ensure_connection()
    # the binary protocol: as text every byte would come as two
    with connection.wrap_database_errors, Cursor[Any](connection.connection) as cursor:
        cursor.execute(_SIGNATURES, [array(revisions)], binary=True)
        found = dict(cursor.fetchall())
    for made in signatures.fill(revision for revision in revisions if revision not in found):
        found |= {revision: one.minhash for revision, one in made.items()}
    return found
