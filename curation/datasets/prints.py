"""What two rows have in common, as numbers: MinHash signatures for near copies, vectors for distance and coverage.

Both are stateless, so a row's numbers do not depend on what else there is, and are the same on every machine.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from curation.datasets.example import Example
from curation.messages.form import Message, text_of

if TYPE_CHECKING:
    import numpy as np

PERMUTATIONS = 128
SHINGLE = 5
DIMENSIONS = 256
MOST_WORDS = 20_000
_HASH_SEED = 20_260_501
# a letter of a script that writes no spaces is a word of its own
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_ASCII = "".join(chr(code).lower() if chr(code).isalnum() or code == ord("_") else " " for code in range(128))
_SAID = ("user", "assistant")
# odd multipliers of a multiply-add hash (Dietzfelbinger et al. 1997)
_PLACES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
_MOST_KNOWN = 400_000


class _Hashes(dict[str, int]):
    """Word -> 64-bit BLAKE2b, worked out when first seen."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        found = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
        self[word] = found
        return found


_HASHES = _Hashes()


def words(row: Example) -> list[str]:
    """The words that make two rows alike: what users and assistants say, and what is called with what. System messages
    and tool results are left aside: the former are equal on most rows, the latter differ in times and ids."""
    return words_in(_texts([*row.messages, *row.chosen, *row.rejected]))


def words_in(texts: Iterable[str]) -> list[str]:
    """Words in small letters, at most MOST_WORDS."""
    found: list[str] = []
    for text in texts:
        found += text.translate(_ASCII).split() if text.isascii() else _WORD.findall(text.lower())
        if len(found) >= MOST_WORDS:
            return found[:MOST_WORDS]
    return found


def _texts(messages: Iterable[Message]) -> Iterable[str]:
    for message in messages:
        if message["role"] in _SAID:
            yield text_of(message)
            for call in message.get("tool_calls") or []:
                yield f"{call['name']} {call['arguments']}"


def minhashes(rows: Sequence[Sequence[str]]) -> list[bytes]:
    """The signature of each row of words: PERMUTATIONS uint32, little-endian, of its 5-word shingles (Broder 1997, by
    rensa). Empty for rows of fewer than SHINGLE words."""
    import numpy as np
    import rensa

    flat, starts, lengths = _flat(rows)
    counts = np.maximum(lengths - SHINGLE + 1, 0)
    if not counts.sum():
        return [b""] * len(rows)
    where = np.repeat(starts, counts) + _ramps(counts)
    shingles = np.zeros(len(where), dtype=np.uint64)
    for place, factor in enumerate(_PLACES):
        shingles = (shingles ^ flat[where + place]) * np.uint64(factor)
        shingles ^= shingles >> np.uint64(29)
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        np.ascontiguousarray(shingles), ends.astype(np.uint64), PERMUTATIONS, _HASH_SEED
    )
    table = np.array(matrix.to_rows(), dtype="<u4")
    return [row.tobytes() if count else b"" for row, count in zip(table, counts, strict=True)]


def vectors(rows: Sequence[Sequence[str]]) -> "np.ndarray[Any, Any]":
    """float16 (rows, DIMENSIONS), each of length 1 (0 for a row without words): words and pairs of words, counted as
    1 + ln n, each added to four signed places (feature hashing, Weinberger et al. 2009)."""
    import numpy as np

    flat, starts, lengths = _flat(rows)
    found = np.zeros((len(rows), DIMENSIONS), dtype=np.float64)
    owners = np.repeat(np.arange(len(rows)), lengths)
    pairs = np.maximum(lengths - 1, 0)
    where = np.repeat(starts, pairs) + _ramps(pairs)
    two = (flat[where] * np.uint64(_PLACES[0])) ^ (flat[where + 1] * np.uint64(_PLACES[1]))
    terms = np.concatenate([flat, two])
    owners = np.concatenate([owners, np.repeat(np.arange(len(rows)), pairs)])
    if len(terms):
        order = np.lexsort((terms, owners))
        terms, owners = terms[order], owners[order]
        first = np.flatnonzero(np.r_[True, (terms[1:] != terms[:-1]) | (owners[1:] != owners[:-1])])
        weights = 1 + np.log(np.diff(np.r_[first, len(terms)]))
        terms, owners = terms[first], owners[first]
        for factor in _PLACES[:4]:
            mixed = terms * np.uint64(factor)
            column = (mixed >> np.uint64(40)).astype(np.int64) % DIMENSIONS
            sign = np.where(mixed & np.uint64(1 << 39), 1.0, -1.0)
            sums = np.bincount(owners * DIMENSIONS + column, weights * sign, minlength=found.size)
            found += sums.reshape(found.shape)
    length = np.sqrt((found * found).sum(axis=1, keepdims=True))
    result: np.ndarray[Any, Any] = (found / np.where(length == 0, 1, length)).astype("<f2")
    return result


def _flat(rows: Sequence[Sequence[str]]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The hashes of all words one after the other, where each row starts, and how many words it has."""
    import numpy as np

    lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
    known = map(_HASHES.__getitem__, chain.from_iterable(rows))
    flat = np.fromiter(known, dtype=np.uint64, count=int(lengths.sum()))
    return flat, np.cumsum(lengths) - lengths, lengths


def _ramps(counts: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """0 .. count-1 for each count, one after the other."""
    import numpy as np

    starts = np.cumsum(counts) - counts
    result: np.ndarray[Any, Any] = np.arange(int(counts.sum())) - np.repeat(starts, counts)
    return result
