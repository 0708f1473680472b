"""Personal data in the rows of a version: how much, of which kinds, in which rows, and what an export does about it.

Rows are looked through once per version (versions never change) and generation of the rules; what the signature of a
revision says is free of it is not read again. Names of people are not looked for: nothing here finds them reliably.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

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
        super().__init__(
            f"{self.rows:,} rows of {version} hold personal data: {words(self.kinds)}. Put pseudonyms in its place "
            "(personal=replace), or export it as it is with a written reason (personal_reason), which the audit log keeps."
            + ("" if names.is_plugged_in() else " Names of people are not looked for.")
        )


@dataclass(frozen=True, slots=True)
class Personal:
    """What was found. `kinds`: split -> kind -> pieces; `rows`: split -> rows; `positions` of those rows."""

    kinds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    positions: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.positions)

    def in_split(self, split: str | None = None) -> int:
        """Rows of one split, or of all."""
        return self.rows.get(split, 0) if split else sum(self.rows.values())

    def pieces(self, split: str | None = None) -> dict[str, int]:
        """Pieces per kind in one split, or in all; most first."""
        total: Counter[str] = Counter()
        for name, kinds in self.kinds.items():
            if split in (None, "", name):
                total.update(kinds)
        return dict(total.most_common())

    def may_hold(self, position: int) -> bool:
        """Whether personal data was found in this row."""
        return position in self.positions


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
    kinds: dict[str, Counter[str]] = {}
    rows: Counter[str] = Counter()
    positions: set[int] = set()
    for row in read_rows(version, only=doubtful):
        if found := gate.find_in(row.example.plain()):
            kinds.setdefault(row.split, Counter()).update(found)
            rows[row.split] += 1
            positions.add(row.position)
    return Personal({name: dict(one) for name, one in kinds.items()}, dict(rows), frozenset(positions))


def replaced(row: Example, counts: Counter[str]) -> Example:
    """The row with pseudonyms in the place of personal data: the same value has the same one within the row. `counts` gets
    how many pieces of each kind were replaced."""
    plain, found = gate.replace_in(row.plain())
    counts.update(found)
    return stored(row.kind, plain)
