"""Rows that say nearly the same, found by their MinHash signatures: LSH for candidates, every pair then verified.

The similarity is the estimated Jaccard similarity of the sets of 5-word shingles: the share of equal places of two
signatures (Broder 1997). With 128 places its standard error at 0.8 is 0.035. Candidates share one of 25 bands of 5 places
(Leskovec et al., Mining of Massive Datasets, 3.4): a pair at 0.8 is found with a chance of 0.9999, one at 0.5 with 0.55;
below a threshold of 0.7 bands of 4 are used (32 of them, 0.87 at 0.5).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from curation.datasets.selecting.prints import PERMUTATIONS

if TYPE_CHECKING:
    import numpy as np

NEIGHBOURS = 32
TABLE_BITS = 20
SEEN = (1 << TABLE_BITS) - 1
ALMOST = 0.9999  # at most so alike are two rows that differ, even where all places of their signatures are equal
_CHUNK = 200_000


class Like(NamedTuple):
    """That a row is like an earlier one that is kept (`row`, its index), and how much, 0 to 1."""

    row: int
    similarity: float


class Pair(NamedTuple):
    """Two rows (indexes: the earlier and the later one, or into the first and the second list) and how alike they are, 0
    to 1."""

    first: int
    second: int
    similarity: float


def pairs(signatures: Sequence[bytes], *, threshold: float) -> list[Pair]:
    """All found pairs (earlier, later, similarity) at or over the threshold, in order of the later row, the earlier ones
    in order."""
    import numpy as np

    table, places = _table(signatures)
    size = len(places)
    if size < 2:
        return []
    codes = np.concatenate([_candidates(keys, size) for keys in _bands(table, threshold)])
    codes = np.unique(codes)
    second, first = codes // size, codes % size
    similar = _similarity(table, first, table, second)
    near = similar >= threshold - 1e-9
    rows = zip(places[first[near]].tolist(), places[second[near]].tolist(), similar[near].tolist(), strict=True)
    return [Pair(*row) for row in rows]


def told(similarity: float) -> str:
    """ "87%"; "over 99%" for what rounds to 100 and is not known to say the same."""
    return "over 99%" if 0.995 <= similarity < 1 else f"{similarity:.0%}"


def kept(signatures: Sequence[bytes], *, threshold: float) -> list[Like | None]:
    """For each row None where it is kept, else which kept row before it it is like. Rows are taken in order; an empty
    signature (too short to compare) is kept."""
    result: list[Like | None] = [None] * len(signatures)
    for first, second, similarity in pairs(signatures, threshold=threshold):
        if result[second] is None and result[first] is None:
            result[second] = Like(first, similarity)
    return result


def groups(signatures: Sequence[bytes], *, threshold: float) -> list[int]:
    """For each row the index of the first row of its group: rows that are alike, and those alike to these, are one group.
    Give the oldest first: then a group keeps its first row while data grows, unless a new row joins two groups."""
    parent = list(range(len(signatures)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for first, second, _ in pairs(signatures, threshold=threshold):
        a, b = root(first), root(second)
        if a != b:
            parent[max(a, b)] = min(a, b)
    return [root(index) for index in range(len(signatures))]


def pairs_between(new: Sequence[bytes], held: Sequence[bytes], *, threshold: float) -> list[Pair]:
    """The pairs of a row of `new` and a row of `held` that are alike, by index; of several held ones all that share a
    band with it are told, at most NEIGHBOURS a band."""
    import numpy as np

    table, places = _table(new)
    other, others = _table(held)
    if not len(places) or not len(others):
        return []
    found: list[Any] = []
    for mine, theirs in zip(_bands(table, threshold), _bands(other, threshold), strict=True):
        order = np.argsort(theirs, kind="stable")
        ordered = theirs[order]
        # most are like none: a look into a table of the keys' last bits says so for nearly all of them
        seen = np.zeros(1 << TABLE_BITS, dtype=bool)
        seen[theirs & SEEN] = True
        likely = np.flatnonzero(seen[mine & SEEN])
        low, high = (np.searchsorted(ordered, mine[likely], side) for side in ("left", "right"))
        count = np.minimum(high - low, NEIGHBOURS)
        rows = np.repeat(likely, count)
        ramp = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        found.append(rows * len(theirs) + order[np.repeat(low, count) + ramp])
    codes = np.unique(np.concatenate(found))
    rows, columns = codes // len(others), codes % len(others)
    similar = _similarity(table, rows, other, columns)
    near = similar >= threshold - 1e-9
    return [
        Pair(int(places[a]), int(others[b]), float(s))
        for a, b, s in zip(rows[near], columns[near], similar[near], strict=True)
    ]


def _candidates(keys: "np.ndarray[Any, Any]", size: int) -> "np.ndarray[Any, Any]":
    """Pairs of rows with the same key, as later * size + earlier: each row with the NEIGHBOURS before it and with the
    first of its bucket."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
    if not len(shared):
        return np.zeros(0, dtype=np.int64)
    order, ordered = order[shared].astype(np.int64), ordered[shared]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    first = np.repeat(order[starts], np.diff(np.r_[starts, len(order)]))
    found = [(order * size + first)[order != first]]
    for step in range(1, NEIGHBOURS + 1):
        equal = ordered[step:] == ordered[:-step]
        if not equal.any():
            break
        found.append((order[step:] * size + order[:-step])[equal])
    return np.concatenate(found)


def _table(signatures: Sequence[bytes]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """uint32 (rows with a signature, PERMUTATIONS), and the index of each of them."""
    import numpy as np

    whole = 4 * PERMUTATIONS
    lengths = np.fromiter(map(len, signatures), dtype=np.int64, count=len(signatures))
    places = np.flatnonzero(lengths == whole)
    data = b"".join(signatures if len(places) == len(signatures) else [one for one in signatures if len(one) == whole])
    return np.frombuffer(data, dtype="<u4").reshape(-1, PERMUTATIONS), places


def _bands(table: "np.ndarray[Any, Any]", threshold: float) -> "list[np.ndarray[Any, Any]]":
    """One 64-bit key per row and band."""
    import numpy as np

    wide = 5 if threshold >= 0.7 else 4
    number = PERMUTATIONS // wide
    keys = []
    for band in range(number):
        key = np.full(len(table), band + 1, dtype=np.uint64)
        for column in range(band * wide, band * wide + wide):
            key = (key ^ table[:, column]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(31)
        keys.append(key)
    return keys


def _similarity(
    left: "np.ndarray[Any, Any]",
    rows: "np.ndarray[Any, Any]",
    right: "np.ndarray[Any, Any]",
    columns: "np.ndarray[Any, Any]",
) -> "np.ndarray[Any, Any]":
    """The share of equal places of each pair."""
    import numpy as np

    found = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[part] = (left[rows[part]] == right[columns[part]]).mean(axis=1)
    return found
