"""Traces that say alike: cosine of TF-IDF vectors over the index of words.

The vector of a trace is read off its index entry: 1 + ln(times) for each word, times its rarity ln((1 + n) / (1 + d)) + 1,
where d of the newest n = SAMPLE traces of the project hold the word (kept per process for some minutes). Comparing with
every trace would read them all; those that share a rare word are fetched by the index, ranked by the rarity of what they
share, and the best SHORT of them are compared in full. A trace of nothing but frequent words is compared with the newest
ones. So the list is exact in its scores, and may miss a trace that shares no rare word.
"""

import math
import uuid
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from curation.models import TraceText

SAMPLE = 500
KEPT_SECONDS = 300.0
# how many traces the rare words may stand in together, as far as the sample tells
MOST_CANDIDATES = 6_000
NEWEST = 1_000
SHORT = 300
MOST_WORDS = 24
FLOOR = 0.15
MOST_FOUND = 100
# a word that stands in nothing of the sample is taken to stand in this share of a trace of it
_UNSEEN = 0.3

_SAMPLE = """
SELECT lexeme, count(*) FROM (
    SELECT words FROM curation_tracetext WHERE project_id = %s ORDER BY received_at DESC, trace_id DESC LIMIT %s
) newest, LATERAL unnest(newest.words) GROUP BY lexeme
"""
_VECTORS = """
SELECT w.trace_id, array_agg(u.lexeme::text), array_agg(coalesce(cardinality(u.positions), 1))
FROM curation_tracetext w, LATERAL unnest(w.words) u WHERE w.trace_id = ANY(%s) GROUP BY w.trace_id
"""


@dataclass(frozen=True, slots=True)
class Similar:
    """A trace (its id inside) and the cosine, 0 to 1."""

    trace_id: int
    score: float


@dataclass(frozen=True, slots=True)
class _Rarity:
    """In how many of `n` traces each word stands; made at `at`."""

    n: int
    words: dict[str, int]
    at: float

    def of(self, word: str) -> float:
        """The weight of a word."""
        return math.log((1 + self.n) / (1 + self.words.get(word, 0))) + 1


_rarities: dict[int, _Rarity] = {}


def nearest(*, trace_id: int, most: int = 12) -> list[Similar] | None:
    """The traces of the same project that say most alike, the nearest first, all at FLOOR and above; at most `most`. None
    where the trace is not in the index yet. Five queries at most."""
    entry = TraceText.objects.filter(pk=trace_id).values_list("project_id", flat=True).first()
    own = _vectors([trace_id]).get(trace_id)
    if entry is None or own is None:
        return None
    rarity = _rarity(entry)
    weights = _weights(own, rarity)
    short = _candidates(entry, trace_id, weights, rarity)
    scored = _compare(weights, _vectors(short), rarity)
    return sorted((one for one in scored if one.score >= FLOOR), key=lambda one: (-one.score, -one.trace_id))[:most]


def ids_like(uid: str) -> list[int]:
    """Ids inside of at most MOST_FOUND traces that are like the one with this outside id, that one among them; none where
    there is no such trace in the index."""
    try:
        found = TraceText.objects.filter(trace__uid=uuid.UUID(uid)).values_list("pk", flat=True).first()
    except ValueError:
        return []
    if found is None:
        return []
    return [found, *(one.trace_id for one in nearest(trace_id=found, most=MOST_FOUND) or [])]


def _rarity(project_id: int) -> _Rarity:
    known = _rarities.get(project_id)
    if known is not None and monotonic() - known.at < KEPT_SECONDS:
        return known
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, [project_id, SAMPLE])
        words = dict(cursor.fetchall())
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM curation_tracetext WHERE project_id = %s LIMIT %s) one",
            [project_id, SAMPLE],
        )
        (n,) = cursor.fetchone()
    if len(_rarities) > 20:  # a process serves few projects; many would fill its memory
        _rarities.clear()
    # a small project grows quickly: look again at the next question
    made = _Rarity(n, words, monotonic() if n == SAMPLE else -math.inf)
    _rarities[project_id] = made
    return made


def _weights(vector: tuple[list[str], list[int]], rarity: _Rarity) -> dict[str, float]:
    return {word: (1 + math.log(times)) * rarity.of(word) for word, times in zip(*vector, strict=True)}


def _candidates(project_id: int, trace_id: int, weights: dict[str, float], rarity: _Rarity) -> list[int]:
    """Ids of the traces worth comparing with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(reltuples, 0) FROM pg_class WHERE relname = 'curation_tracetext'")
        (entries,) = cursor.fetchone()
        chosen = _rare(weights, rarity, max(float(entries), float(rarity.n)))
        if not chosen:
            cursor.execute(
                "SELECT trace_id FROM curation_tracetext WHERE project_id = %s AND trace_id <> %s "
                "ORDER BY received_at DESC, trace_id DESC LIMIT %s",
                [project_id, trace_id, NEWEST],
            )
            return [found for (found,) in cursor.fetchall()]
        # what a word is worth where it is shared; words are letters and digits, so quotes need no care
        worth = " + ".join(["(words @@ %s::tsquery)::int * %s::float8"] * len(chosen))
        cursor.execute(
            f"WITH near AS MATERIALIZED (SELECT trace_id, words FROM curation_tracetext WHERE words @@ %s::tsquery "  # noqa: S608
            f"AND project_id = %s AND trace_id <> %s LIMIT %s) SELECT trace_id FROM near ORDER BY {worth} DESC, trace_id DESC LIMIT %s",
            [
                " | ".join(f"'{word}'" for word in chosen), project_id, trace_id, 3 * MOST_CANDIDATES,
                *(value for word in chosen for value in (f"'{word}'", weights[word])), SHORT,
            ],
        )  # fmt: skip
        return [found for (found,) in cursor.fetchall()]


def _rare(weights: dict[str, float], rarity: _Rarity, entries: float) -> list[str]:
    """The rarest words of a trace, as long as they stand in few traces together; none where each stands in too many."""
    chosen: list[str] = []
    total = 0.0
    # among equally rare ones words before numbers: those are ids, which nobody shares
    order = sorted(
        weights, key=lambda word: (rarity.words.get(word, 0), any(map(str.isdigit, word)), -weights[word], word)
    )
    for word in order:
        total += max(rarity.words.get(word, 0), _UNSEEN) / max(rarity.n, 1) * entries
        if total > MOST_CANDIDATES or len(chosen) == MOST_WORDS:
            break
        chosen.append(word)
    return chosen


def _vectors(ids: list[int]) -> dict[int, tuple[list[str], list[int]]]:
    """Trace id -> its words and how often each comes (to 256). One query."""
    with connection.cursor() as cursor:
        cursor.execute(_VECTORS, [ids])
        return {found: (words, times) for found, words, times in cursor.fetchall()}


def _compare(
    weights: dict[str, float], vectors: dict[int, tuple[list[str], list[int]]], rarity: _Rarity
) -> list[Similar]:
    """Cosine with each of `vectors`."""
    if not vectors:
        return []
    words = [word for found, _ in vectors.values() for word in found]
    times = np.array([count for _, counts in vectors.values() for count in counts], dtype=float)
    where = np.repeat(np.arange(len(vectors)), [len(found) for found, _ in vectors.values()])
    weight: npt.NDArray[Any] = (1 + np.log(times)) * np.array([rarity.of(word) for word in words])
    dot = np.bincount(where, weight * np.array([weights.get(word, 0.0) for word in words]), len(vectors))
    norms = np.sqrt(np.bincount(where, weight**2, len(vectors))) * math.sqrt(sum(one**2 for one in weights.values()))
    return [Similar(found, float(score)) for found, score in zip(vectors, dot / np.maximum(norms, 1e-12), strict=True)]
