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
MOST_BYTES = 200_000
_HASH_SEED = 20_260_501
# a letter of a script that writes no spaces is a word of its own
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_ASCII = "".join(chr(code).lower() if chr(code).isalnum() or code == ord("_") else " " for code in range(128))
_SAID = ("user", "assistant")
# odd multipliers of a multiply-add hash (Dietzfelbinger et al. 1997)
_PLACES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
_BASE = 0xBF58476D1CE4E5B9  # of the polynomial; odd, so that it has an inverse
_TURN = 1 << 64
_AT_ONCE = 400_000


def words(row: Example) -> bytes:
    """The words that make two rows alike: what users and assistants say, and what is called with what. System messages
    and tool results are left aside: the former are equal on most rows, the latter differ in times and ids."""
    return words_in(_texts([*row.messages, *row.chosen, *row.rejected]))


def words_in(texts: Iterable[str]) -> bytes:
    """Words in small letters as UTF-8 with spaces between them, about the first MOST_BYTES."""
    found: list[bytes] = []
    size = 0
    for text in texts:
        plain = text.translate(_ASCII) if text.isascii() else " ".join(_WORD.findall(text.lower()))
        found.append(plain.encode("utf-8", "replace"))
        size += len(found[-1])
        if size >= MOST_BYTES:
            break
    return b" ".join(found)[:MOST_BYTES]


def _texts(messages: Iterable[Message]) -> Iterable[str]:
    for message in messages:
        if message["role"] in _SAID:
            yield text_of(message)
            for call in message.get("tool_calls") or []:
                yield f"{call['name']} {call['arguments']}"


def minhashes(rows: Sequence[bytes]) -> list[bytes]:
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
    places = chain.from_iterable(matrix.to_rows())
    table = np.fromiter(places, dtype="<u4", count=PERMUTATIONS * len(rows)).tobytes()
    wide = 4 * PERMUTATIONS
    return [table[wide * row : wide * (row + 1)] if count else b"" for row, count in enumerate(counts.tolist())]


def vectors(rows: Sequence[bytes]) -> "np.ndarray[Any, Any]":
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


def _flat(rows: Sequence[bytes]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The hashes of all words one after the other, where each row starts, and how many words it has. Rows are taken some
    at a time, as many as hold about _AT_ONCE bytes."""
    import numpy as np

    hashes: list[Any] = [np.zeros(0, dtype=np.uint64)]
    lengths: list[Any] = [np.zeros(0, dtype=np.int64)]
    some: list[bytes] = []
    size = 0
    for number, row in enumerate(rows, start=1):
        some.append(row)
        size += len(row) + 1
        if size >= _AT_ONCE or number == len(rows):
            found, counts = _hashed(some)
            hashes.append(found)
            lengths.append(counts)
            some, size = [], 0
    per_row = np.concatenate(lengths)
    return np.concatenate(hashes), np.cumsum(per_row) - per_row, per_row


def _hashed(rows: Sequence[bytes]) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The polynomial hash of each word (Karp and Rabin 1987, over mixed bytes, modulo 2^64), and how many words each row
    has. A word's hash is the difference of two prefix sums, times the inverse of the power that it starts at."""
    import numpy as np

    data = np.frombuffer(b" ".join([*rows, b""]), dtype=np.uint8)
    bytes_of, powers, inverses = _tables(len(data))
    is_word = data != 32
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_word, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    sums = np.zeros(len(data) + 1, dtype=np.uint64)
    np.cumsum(bytes_of[data] * powers[: len(data)], out=sums[1:])
    found = (sums[ends] - sums[starts]) * inverses[starts]
    found ^= found >> np.uint64(32)
    found *= np.uint64(_PLACES[0])
    row_ends = np.cumsum([len(row) + 1 for row in rows])
    return found, np.diff(np.searchsorted(starts, row_ends), prepend=0)


_KNOWN: "dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]]" = {}


def _tables(size: int) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """A 64-bit number for each byte, and at least `size` powers of _BASE and of its inverse modulo 2^64."""
    import numpy as np

    known = _KNOWN.get("tables")
    if known is None or len(known[1]) < size:
        mixed = (hashlib.blake2b(bytes([code]), digest_size=8).digest() for code in range(256))
        length = max(size, 1 << 16)
        bases = (_BASE, pow(_BASE, -1, _TURN))
        powers = []
        for base in bases:
            row = np.full(length, base, dtype=np.uint64)
            row[0] = 1
            powers.append(np.multiply.accumulate(row))
        known = (np.frombuffer(b"".join(mixed), dtype="<u8"), powers[0], powers[1])
        _KNOWN["tables"] = known
    return known


def _ramps(counts: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """0 .. count-1 for each count, one after the other."""
    import numpy as np

    starts = np.cumsum(counts) - counts
    result: np.ndarray[Any, Any] = np.arange(int(counts.sum())) - np.repeat(starts, counts)
    return result
