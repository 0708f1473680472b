"""Clusters of traces that say alike things, with the words that tell them from the rest.

k-means on the signatures' vectors (Sculley 2010, mini-batch), so it needs no model and no service. The same traces and the
same seed give the same clusters. Who asked, and what is kept of it: `topic_proposals`.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg import Cursor

from curation import filters
from curation.datasets import topics
from curation.datasets.selecting.candidates import array
from curation.models import Clustering, Topic, Trace
from curation.models.traces import TraceQuerySet
from curation.search.conditions import planned
from workspace.models import Project

MOST = 50_000  # of the newest traces; others are left out, and it says so
FITTED = 20_000
LEAST_CLUSTERS, MOST_CLUSTERS = 2, 40
EXAMPLES = 3
NAMED_BY, TOLD = 3, 8
CHUNK = 2_500  # how many traces are read, grouped and searched for words before it is told
RULE = "rule"
Stage = Clustering.Stage
# told of each stage: its name, how many traces are done, of how many; it may raise to end it
Told = Callable[[str, int, int], None]
_WORD = re.compile(r"[^\W\d_]{3,40}")
_NO_WORDS = re.compile(
    r"\S+@\S+|(?:https?://|www\.)\S+|\S+\.(?:com|net|org|io|dev|example)\b\S*|\S*\d\S*", re.IGNORECASE
)
STOCK = 0.5  # a word in more than this share of all traces names none of several clusters
_SIGNED = """
    FROM curation_trace t JOIN curation_revisionsignature s ON s.revision_id = t.revision_id
    WHERE t.id = ANY(%s::bigint[]) AND length(s.vector) > 0 ORDER BY t.id
"""
_REVISIONS = f"SELECT t.id, t.revision_id {_SIGNED}"
_VECTORS = f"SELECT t.id, t.revision_id, s.vector {_SIGNED}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is clustered: the listed traces that `query` matches, up to trace `until` (id inside). Relative times in it count
    from `at`."""

    query: str
    number: int
    seed: int
    until: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Clustered:
    """Which trace is in which cluster: `ids` int64 (n,), rising, and `labels` uint8 (n,), 0 for the largest; and what is told
    of it (JSON): `clusters` (name, words, size, examples: ids outside, before: [id of a topic, how, traces]), `matching` traces
    fit the filter, `without` of the newest MOST have no signature yet, `digest` and `tree` as below."""

    ids: Any
    labels: Any
    told: dict[str, Any]


def check(query: str, number: int, seed: int) -> None:
    """Raises topics.BadTopic and filters.FilterError."""
    if not LEAST_CLUSTERS <= number <= MOST_CLUSTERS:
        raise topics.BadTopic("number", f"Between {LEAST_CLUSTERS} and {MOST_CLUSTERS} clusters can be made.")
    if not 0 <= seed < 2**32:
        raise topics.BadTopic("seed", f"A seed is a whole number from 0 to {2**32 - 1:,}.")
    filters.parse(query)


def matching(project: Project, asked: Asked) -> TraceQuerySet:
    """The traces that would be clustered, unordered and without a bound on their number. Raises filters.FilterError."""
    listed = Trace.objects.filter(project=project, pk__lte=asked.until).listed()
    return filters.apply(listed, filters.parse(asked.query), now=asked.at, search=planned(project.pk))


def cluster(*, project: Project, asked: Asked, tell: Told = lambda stage, done, total: None) -> Clustered:
    """Cluster. Raises filters.FilterError, and topics.BadTopic where there are too few traces."""
    import numpy as np

    newest, total = _newest(project, asked)
    if not total:
        every = (
            " Each has a topic: leave the filter empty to cluster them all."
            if asked.query.strip() == "-topic:*"
            else ""
        )
        raise topics.BadTopic("query", f"No trace matches this filter.{every}")
    ids, revisions, vectors = _read(newest, tell)
    if len(ids) < asked.number:
        told = f" ({len(newest) - len(ids):,} have no signature yet)" if len(newest) > len(ids) else ""
        raise topics.BadTopic("query", f"{len(ids):,} traces are too few for {asked.number} clusters{told}.")
    labels, distances = _group(vectors, asked, tell)
    sizes = np.bincount(labels).tolist()
    telling = telling_words(_counted(ids, labels, len(sizes), tell), sizes)
    known = topics.of_project(project)
    before = _before(topic_of(project, known, ids.tolist()), ids, labels, len(sizes))
    near = [
        ids[labels == index][np.argsort(distances[labels == index], kind="stable")][:EXAMPLES].tolist()
        for index in range(len(sizes))
    ]
    uids = dict(Trace.objects.filter(pk__in=[pk for found in near for pk in found]).values_list("pk", "uid"))
    clusters = [
        {
            "name": " ".join(words[:NAMED_BY]).capitalize() or f"Cluster {index + 1}", "words": words, "size": sizes[index],
            "examples": [str(uids[pk]) for pk in near[index] if pk in uids], "before": before[index],
        }
        for index, words in enumerate(telling)
    ]  # fmt: skip
    return Clustered(
        ids, labels,
        {"clusters": clusters, "matching": total, "without": len(newest) - len(ids), "digest": _digest(ids, revisions),
         "tree": tree_digest(known)},
    )  # fmt: skip


def digest_now(*, project: Project, asked: Asked) -> str:
    """Equal to the `digest` of a clustering where the same traces would be clustered, and say the same as then."""
    import numpy as np

    newest, _ = _newest(project, asked)
    with connection.cursor() as cursor:
        cursor.execute(_REVISIONS, [array(newest)])
        found = np.asarray(cursor.fetchall(), dtype=np.int64).reshape(-1, 2)
    return _digest(found[:, 0], found[:, 1])


def tree_digest(known: Sequence[Topic]) -> str:
    """Equal where the topics have the same rules in the same places."""
    rules = sorted((topic.pk, topic.parent_id or 0, topic.position, topic.query) for topic in known)
    return hashlib.blake2b(repr(rules).encode(), digest_size=16).hexdigest()


def topic_of(project: Project, known: Sequence[Topic], ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    """The topic (its id) of each of these traces that has one, and how it came to it: rule, hand or cluster. `known` are all
    topics of the project. One query."""
    if not known:
        return {}
    of_these = {topic.pk for topic in known}
    found = topics.with_topic(Trace.objects.filter(project=project, pk__in=ids), project, known)
    listed = found.values_list("pk", "about", "given_topic__source")
    return {pk: (about, how or RULE) for pk, about, how in listed if about in of_these}


def telling_words(counted: Sequence[Counter[str]], sizes: Sequence[int]) -> list[list[str]]:
    """The words that tell each cluster from the rest, most telling first: p log(p / q), with p the share of its traces
    that hold the word and q that of all (a word's part of the Kullback-Leibler divergence). `counted`: how many traces of a
    cluster hold a word. What more than STOCK of all traces hold tells nothing."""
    everywhere: Counter[str] = Counter()
    for found in counted:
        everywhere.update(found)
    total = sum(sizes)
    result = []
    for size, found in zip(sizes, counted, strict=True):
        least = 1 if size < 4 else 2
        weighed = {
            word: (count / size) * math.log((count / size) / (everywhere[word] / total))
            for word, count in found.items() if count >= least and (everywhere[word] <= STOCK * total or len(sizes) < 3)
        }  # fmt: skip
        telling = sorted((word for word in weighed if weighed[word] > 0), key=lambda word: (-weighed[word], word))
        result.append(telling[:TOLD])
    return result


def words_in(text: str) -> set[str]:
    """The words of a text that may name something. Mail addresses, URLs and what holds digits are no words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    found = set(_WORD.findall(_NO_WORDS.sub(" ", text.lower())))
    return {word for word in found if word not in ENGLISH_STOP_WORDS}


def _newest(project: Project, asked: Asked) -> tuple[list[int], int]:
    """Ids of the newest MOST, rising, and how many there are in all."""
    found = matching(project, asked)
    newest = list(found.order_by("-pk").values_list("pk", flat=True)[:MOST])
    return newest[::-1], len(newest) if len(newest) < MOST else found.count()


def _read(newest: Sequence[int], tell: Told) -> tuple[Any, Any, Any]:
    """int64 (n,) ids that have a vector, rising, their revisions, and their vectors, float32 (n, dimensions)."""
    import numpy as np

    rows: list[tuple[int, int, bytes]] = []
    connection.ensure_connection()
    for start in range(0, len(newest), CHUNK):
        tell(Stage.READING, start, len(newest))
        # the binary protocol: as text every byte would come as two
        with connection.wrap_database_errors, Cursor[Any](connection.connection) as cursor:
            cursor.execute(_VECTORS, [array(newest[start : start + CHUNK])], binary=True)
            rows += cursor.fetchall()
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros((0, 1), dtype=np.float32)
    ids, revisions = (np.fromiter((row[place] for row in rows), dtype=np.int64, count=len(rows)) for place in (0, 1))
    flat = np.frombuffer(b"".join(row[2] for row in rows), dtype="<f2")
    return ids, revisions, flat.reshape(len(rows), -1).astype(np.float32)


def _group(vectors: Any, asked: Asked, tell: Told) -> tuple[Any, Any]:
    """Label (uint8, 0 for the largest cluster) and distance to the middle of each vector; fitted on a sample that the seed
    draws."""
    tell(Stage.GROUPING, 0, len(vectors))
    import numpy as np
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    drawn = np.random.default_rng(asked.seed)
    sample = vectors if len(vectors) <= FITTED else vectors[drawn.choice(len(vectors), FITTED, replace=False)]
    fitted = MiniBatchKMeans(n_clusters=asked.number, random_state=asked.seed % 2**32, n_init=3, batch_size=2_048)
    labels, distances = [], []
    with threadpool_limits(
        1
    ):  # the steps are small: beside other work several threads wait for each other most of the time
        fitted.fit(sample)
        for start in range(0, len(vectors), CHUNK):
            tell(Stage.GROUPING, start, len(vectors))
            some = vectors[start : start + CHUNK]
            labels.append(fitted.predict(some))
            distances.append(np.linalg.norm(some - fitted.cluster_centers_[labels[-1]], axis=1))
    found = np.concatenate(labels)
    sizes = Counter(found.tolist())
    order = {old: new for new, (old, _) in enumerate(sorted(sizes.items(), key=lambda one: (-one[1], one[0])))}
    return np.asarray([order[label] for label in found.tolist()], dtype=np.uint8), np.concatenate(distances)


def _counted(ids: Any, labels: Any, number: int, tell: Told) -> list[Counter[str]]:
    """Of each cluster, how many of its traces hold a word."""
    counted: list[Counter[str]] = [Counter() for _ in range(number)]
    for start in range(0, len(ids), CHUNK):
        tell(Stage.NAMING, start, len(ids))
        some = dict(zip(ids[start : start + CHUNK].tolist(), labels[start : start + CHUNK].tolist(), strict=True))
        for pk, text in Trace.objects.filter(pk__in=list(some)).values_list("pk", "preview"):
            counted[some[pk]].update(words_in(text))
    tell(Stage.NAMING, len(ids), len(ids))
    return counted


def _before(known: dict[int, tuple[int, str]], ids: Any, labels: Any, number: int) -> list[list[list[Any]]]:
    """Of each cluster: of which topics its traces are already, how they came to it, and how many."""
    counted: list[Counter[tuple[int, str]]] = [Counter() for _ in range(number)]
    for pk, label in zip(ids.tolist(), labels.tolist(), strict=True):
        if pk in known:
            counted[label][known[pk]] += 1
    return [[[topic, how, traces] for (topic, how), traces in found.items()] for found in counted]


def _digest(ids: Any, revisions: Any) -> str:
    return hashlib.blake2b(ids.tobytes() + revisions.tobytes(), digest_size=16).hexdigest()
