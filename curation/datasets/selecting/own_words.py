"""The MinHash of what stored rows say themselves: where a person or a model said something anew, that of no revision is."""

from collections.abc import Mapping

from curation.datasets.read import example_of_row
from curation.datasets.selecting import prints
from curation.models import DatasetRow

CHUNK = 200
MOST = 100_000
_known: dict[str, bytes] = {}  # digest of a row -> minhash; rows never change


def of(rows: Mapping[str, int]) -> dict[str, bytes]:
    """By digest, of rows given as digest -> id; empty where they are too short to compare. Those that were worked out are
    kept in memory; of others one statement for each CHUNK."""
    if len(_known) > MOST:
        _known.clear()
    missing = [pk for digest, pk in rows.items() if digest not in _known]
    found = {digest: _known[digest] for digest in rows if digest in _known}
    for start in range(0, len(missing), CHUNK):
        chunk = list(
            DatasetRow.objects.filter(pk__in=missing[start : start + CHUNK]).select_related("revision", "correction")
        )
        words = [prints.words(example_of_row(row)) for row in chunk]
        found |= {row.digest: one for row, one in zip(chunk, prints.minhashes(words), strict=True)}
    _known.update(found)
    return found
