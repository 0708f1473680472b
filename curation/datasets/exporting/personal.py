"""Personal data in the rows of a version: how much, of which kinds, in which rows, and what an export does about it.

Rows are looked through once per version (versions never change) and generation of the rules; what the signature of a
revision says is free of it is not read again. Names of people are not looked for: nothing here finds them reliably.
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection

from curation.datasets.example import Example, stored
from curation.datasets.exporting.stored import read_rows
from curation.datasets.selecting import signatures
from curation.models import DatasetVersion
from curation.privacy import gate, names
from curation.privacy.patterns import KINDS

_IN_DOUBT = """
    SELECT r.position FROM curation_datasetrow r
    LEFT JOIN curation_revisionsignature s
      ON s.revision_id = r.revision_id AND s.rules = %s AND s.conversation = r.conversation AND s.stopped = ''
    WHERE r.version_id = %s
      AND NOT coalesce(r.content IS NULL AND r.correction_id IS NULL AND s.personal = 0, false)
    ORDER BY r.position
"""


class PersonalRows(ValueError):
    """Rows of an export hold personal data, and nobody said what to do about it. `kinds`: pieces per kind."""

    def __init__(self, version: DatasetVersion, found: "Personal", split: str | None) -> None:
        self.rows, self.kinds = found.in_split(split), found.pieces(split)
        rows = "1 row holds" if self.rows == 1 else f"{self.rows:,} rows hold"
        super().__init__(
            f"{version}: {rows} personal data: {words(self.kinds)}. Put pseudonyms in its place "
            "(personal=replace), or export it as it is with a written reason (personal_reason), which the audit log keeps."
            + ("" if names.is_plugged_in() else " Names of people are not looked for.")
        )


_ID = "external_id"
Held = tuple[str, tuple[tuple[str, int], ...]]  # the split of a row, and pieces per kind


@dataclass(frozen=True, slots=True)
class Personal:
    """What was found: `rows` that hold some, by position."""

    rows: Mapping[int, Held] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows)

    def in_split(self, split: str | None = None) -> int:
        """Rows of one split, or of all."""
        return sum(1 for _ in self._of(split))

    def pieces(self, split: str | None = None) -> dict[str, int]:
        """Pieces per kind in one split, or in all; most first."""
        total: Counter[str] = Counter()
        for kinds in self._of(split):
            total.update(dict(kinds))
        return dict(total.most_common())

    def may_hold(self, position: int) -> bool:
        """Whether personal data was found in this row."""
        return position in self.rows

    def among(self, positions: Container[int]) -> "Personal":
        """What was found in the rows at `positions`."""
        return Personal({position: held for position, held in self.rows.items() if position in positions})

    def _of(self, split: str | None) -> Iterator[tuple[tuple[str, int], ...]]:
        return (kinds for name, kinds in self.rows.values() if split in (None, "", name))


def words(kinds: Mapping[str, int]) -> str:
    """ "3 email addresses, 1 phone numbers"."""
    return ", ".join(f"{count:,} {KINDS.get(kind, kind)}" for kind, count in kinds.items())


def look(version: DatasetVersion) -> Personal:
    """What the rows of a version hold. Kept in memory: the second look costs nothing."""
    found = known(version)
    if found is None:
        found = _look(version)
        cache.set(_key(version), found, None)
    return found


def known(version: DatasetVersion) -> Personal | None:
    """The same where it is at hand; None where nobody looked yet."""
    found: Personal | None = cache.get(_key(version))
    return found


def _key(version: DatasetVersion) -> str:
    return f"dataset.personal.{version.uid}.{signatures.rules()}"


def _look(version: DatasetVersion) -> Personal:
    with connection.cursor() as cursor:
        cursor.execute(_IN_DOUBT, [signatures.rules(), version.pk])
        doubtful = [row[0] for row in cursor.fetchall()]
    if not doubtful:
        return Personal()
    shared: dict[Held, Held] = {}  # few combinations, many rows
    rows: dict[int, Held] = {}
    for row in read_rows(version, only=doubtful, origin=False):
        if found := gate.find_in(row.example.plain()):
            held = row.split, tuple(sorted(found.items()))
            rows[row.position] = shared.setdefault(held, held)
    return Personal(rows)


def replaced(row: Example, counts: Counter[str]) -> Example:
    """The row with pseudonyms in the place of personal data: the same value has the same one within the row. `counts` gets
    how many pieces of each kind were replaced."""
    plain, found = gate.replace_in(row.plain())
    counts.update(found)
    return stored(row.kind, plain)


def told(origin: dict[str, Any], row: Example, asked: str) -> dict[str, Any]:
    """Where a row comes from, as it may stand beside it on a line: as it is where somebody answers for personal data
    (`asked` keep), else with the row's pseudonyms in its senders' ids, and without the reviewer where data is replaced."""
    if asked == "keep":
        return origin
    made = {**origin, "judged_by": None if asked == "replace" else origin["judged_by"]}
    names: gate.Pseudonyms | None = None
    for held in (made, made.get("other", {})):
        said = held.get("external_id") or ""
        if gate.Pseudonyms().text(said, key=_ID) == said:
            continue
        if names is None:  # rare, so only now: the same value is the same pseudonym as in the row
            names = gate.Pseudonyms()
            names.reserve(row.plain())
            names.row(row.plain())
        held["external_id"] = names.text(said, key=_ID)
    return made
