"""Topics by clustering: groups of traces that say alike things, proposed with their telling words, kept when accepted.

k-means on the signatures' vectors (Sculley 2010, mini-batch), so it needs no model and no service. A proposal is not
stored: it is worked out again when it is accepted, from the same traces and the same seed, and must come out the same.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import Count, Max
from django.utils import timezone
from psycopg import Cursor

from curation import filters
from curation.datasets import topics
from curation.datasets.selecting.candidates import array
from curation.models import Topic, Trace, TraceTopic
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

MOST = 50_000  # of the newest traces; others are left out, and it says so
FITTED = 20_000
LEAST_CLUSTERS, MOST_CLUSTERS = 2, 40
STANDING = 20  # acceptances that are listed, the newest
EXAMPLES = 3
NAMED_BY, TOLD = 3, 8
AUTHOR, RULE = "k-means", "rule"
_ACCEPTED = f"{AUTHOR}, accepted by "
_WORD = re.compile(r"[^\W\d_]{3,40}")
_NO_WORDS = re.compile(
    r"\S+@\S+|(?:https?://|www\.)\S+|\S+\.(?:com|net|org|io|dev|example)\b\S*|\S*\d\S*", re.IGNORECASE
)
STOCK = 0.5  # a word in more than this share of all traces names none of several clusters
_VECTORS = """
    SELECT t.id, s.vector FROM curation_trace t JOIN curation_revisionsignature s ON s.revision_id = t.revision_id
    WHERE t.id = ANY(%s::bigint[]) AND length(s.vector) > 0 ORDER BY t.id
"""
_GIVE = """
    INSERT INTO curation_tracetopic (project_id, trace_id, topic_id, source, author, created_at)
    SELECT %s, trace, topic, 'cluster', %s, %s FROM unnest(%s::bigint[], %s::bigint[]) AS given (trace, topic)
    ON CONFLICT (trace_id) DO NOTHING
"""


class Moved(ValueError):
    """What is to be accepted is not what comes out now: traces changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is clustered: the listed traces that `query` matches, up to trace `until` (id inside; 0: all)."""

    query: str = "-topic:*"
    number: int = 8
    seed: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class Before:
    """That `traces` are of a topic already, and how they came to it: rule, hand or cluster."""

    topic: Topic
    how: str
    traces: int

    @property
    def moves(self) -> bool:
        """Whether they leave it when their cluster is accepted: what was given counts before a rule, and is kept."""
        return self.how == RULE


@dataclass(frozen=True, slots=True)
class Cluster:
    """Traces that belong together: proposed name, telling words, how many there are, those nearest to the middle, and of
    which topics they are `before`: first those that would lose them, largest first."""

    index: int
    name: str
    words: tuple[str, ...]
    size: int
    share: float
    examples: tuple[tuple[UUID, str], ...]
    before: tuple[Before, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """Clusters, largest first. `matching` traces fit the filter; `looked_at` of them were clustered (the newest MOST of
    those with a signature). `digest` is equal where every trace is in the same cluster."""

    asked: Asked
    clusters: tuple[Cluster, ...]
    matching: int
    looked_at: int
    without: int
    digest: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accepting made: topics, how many traces got one, how many had been given one before and keep it, and how many
    `moved` from which topic, since a rule had put them there."""

    topics: tuple[Topic, ...]
    given: int
    kept: int
    moved: tuple[Before, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """An acceptance that can still be taken back: `traces` have what it gave them, in the topics `slugs`; `author` who
    accepted."""

    at: datetime
    author: str
    traces: int
    slugs: tuple[str, ...]
    names: tuple[str, ...]


def propose(*, project: Project, asked: Asked) -> Proposal:
    """Cluster. Raises filters.FilterError, and topics.BadTopic where there are too few traces."""
    proposal, _ = _propose(project, asked)
    return proposal


def accept(
    *, project: Project, actor: Actor, asked: Asked, digest: str, names: Mapping[int, str], parent: str = ""
) -> Accepted:
    """Make a topic of each cluster in `names` (index -> name) and give it to its traces, apart from those that were given
    one before. Raises Moved, topics.BadTopic and filters.FilterError."""
    proposal, members = _propose(project, asked)
    if proposal.digest != digest:
        raise Moved("Traces changed since this was proposed, so the clusters are others now: look at them again.")
    if not names:
        raise topics.BadTopic("names", "No cluster was chosen: tick some first.")
    at = timezone.now()
    with transaction.atomic():
        made: list[Topic] = []
        ids: list[int] = []
        about: list[int] = []
        for cluster in proposal.clusters:
            if cluster.index not in names:
                continue
            topic = topics.create(
                project=project, actor=actor, name=names[cluster.index], parent=parent, words=cluster.words
            )
            made.append(topic)
            ids += members[cluster.index]
            about += [topic.pk] * len(members[cluster.index])
        moved = _moved([cluster for cluster in proposal.clusters if cluster.index in names])
        with connection.cursor() as cursor:
            cursor.execute(_GIVE, [project.pk, f"{_ACCEPTED}{actor.label}"[:200], at, ids, about])
            given = cursor.rowcount
        audit.record(
            project=project, actor=actor, action="topics.clustered", target=f"project:{project.slug}",
            topics=[topic.slug for topic in made], traces=given, query=asked.query, seed=asked.seed,
            moved={one.topic.slug: one.traces for one in moved},
        )  # fmt: skip
    return Accepted(tuple(made), given, len(ids) - given, moved, at)


def standing(project: Project) -> list[Standing]:
    """What was accepted and can be taken back, newest first, the last STANDING of them. Two queries."""
    given = TraceTopic.objects.filter(project=project, source="cluster", author__startswith=_ACCEPTED)
    grouped = given.values("created_at", "author").annotate(traces=Count("pk"), of=ArrayAgg("topic_id", distinct=True))
    found = list(grouped.order_by("-created_at")[:STANDING])
    if not found:
        return []
    known = {topic.pk: topic for topic in topics.of_project(project)}
    made = []
    for one in found:
        about = sorted((known[key] for key in one["of"] if key in known), key=lambda topic: topic.name)
        made.append(
            Standing(
                one["created_at"], one["author"].removeprefix(_ACCEPTED), one["traces"],
                tuple(topic.slug for topic in about), tuple(topic.name for topic in about),
            )
        )  # fmt: skip
    return made


def take_back(*, project: Project, actor: Actor, slugs: Sequence[str], at: datetime) -> int:
    """Undo an acceptance: what it gave is taken away, and its topics go where nothing else was made of them since.
    Returns how many traces it was taken from."""
    with transaction.atomic():
        found = list(Topic.objects.filter(project=project, slug__in=slugs))
        given = TraceTopic.objects.filter(project=project, topic__in=found, source="cluster", created_at=at)
        taken, _ = given.delete()
        free = Topic.objects.filter(pk__in=[topic.pk for topic in found], children=None, given=None, query="")
        free.delete()
        audit.record(
            project=project, actor=actor, action="topics.clustering_undone", target=f"project:{project.slug}",
            topics=list(slugs), traces=taken,
        )  # fmt: skip
    return taken


def _propose(project: Project, asked: Asked) -> tuple[Proposal, dict[int, list[int]]]:
    import numpy as np

    if not LEAST_CLUSTERS <= asked.number <= MOST_CLUSTERS:
        raise topics.BadTopic("number", f"Between {LEAST_CLUSTERS} and {MOST_CLUSTERS} clusters can be made.")
    until = asked.until or Trace.objects.filter(project=project).aggregate(last=Max("pk"))["last"] or 0
    listed = Trace.objects.filter(project=project, pk__lte=until).listed()
    matching = filters.apply(listed, filters.parse(asked.query), search=planned(project.pk))
    total = matching.count()
    newest = list(matching.order_by("-pk").values_list("pk", flat=True)[:MOST])
    ids, vectors = _vectors(newest)
    if len(ids) < asked.number:
        told = f" ({len(newest) - len(ids):,} have no signature yet)" if len(newest) > len(ids) else ""
        raise topics.BadTopic("query", f"{len(ids):,} traces are too few for {asked.number} clusters{told}.")
    labels, distances = _cluster(vectors, asked)
    sizes = Counter(labels.tolist())
    order = {old: new for new, (old, _) in enumerate(sorted(sizes.items(), key=lambda one: (-one[1], one[0])))}
    labels = np.asarray([order[label] for label in labels.tolist()])
    members = {index: ids[labels == index].tolist() for index in range(len(order))}
    said = {pk: (uid, text) for pk, uid, text in Trace.objects.filter(project=project, pk__in=ids.tolist()).values_list(
        "pk", "uid", "preview")}  # fmt: skip
    known = _topics_of(project, ids.tolist())
    telling = _telling([[said[pk][1] for pk in members[index]] for index in range(len(order))])
    clusters = []
    for index in range(len(order)):
        near = ids[labels == index][np.argsort(distances[labels == index], kind="stable")][:EXAMPLES]
        words = telling[index]
        clusters.append(
            Cluster(
                index=index,
                name=" ".join(words[:NAMED_BY]).capitalize() or f"Cluster {index + 1}",
                words=tuple(words[:TOLD]),
                size=len(members[index]),
                share=len(members[index]) / len(ids),
                examples=tuple(said[pk] for pk in near.tolist()),
                before=_summed(Counter(known[pk] for pk in members[index] if pk in known)),
            )
        )
    fixed = Asked(asked.query, asked.number, asked.seed, until)
    proposal = Proposal(
        fixed, tuple(clusters), total, len(ids), len(newest) - len(ids),
        hashlib.blake2b(ids.tobytes() + labels.astype("<i4").tobytes(), digest_size=16).hexdigest(),
    )  # fmt: skip
    return proposal, members


def _topics_of(project: Project, ids: Sequence[int]) -> dict[int, tuple[Topic, str]]:
    """The topic of each of these traces that has one, and how it came to it. Two queries."""
    known = {topic.pk: topic for topic in topics.of_project(project)}
    if not known:
        return {}
    found = topics.with_topic(Trace.objects.filter(project=project, pk__in=ids), project, list(known.values()))
    listed = found.values_list("pk", "about", "given_topic__source")
    return {pk: (known[about], how or RULE) for pk, about, how in listed if about in known}


def _summed(counted: Counter[tuple[Topic, str]]) -> tuple[Before, ...]:
    found = [Before(topic, how, traces) for (topic, how), traces in counted.items()]
    return tuple(sorted(found, key=lambda one: (not one.moves, -one.traces, one.topic.name)))


def _moved(clusters: Sequence[Cluster]) -> tuple[Before, ...]:
    """What leaves which topic when these clusters are accepted."""
    total: Counter[tuple[Topic, str]] = Counter()
    for one in (before for cluster in clusters for before in cluster.before if before.moves):
        total[one.topic, one.how] += one.traces
    return _summed(total)


def _vectors(ids: Sequence[int]) -> tuple[Any, Any]:
    """int64 (n,) ids that have a vector, rising, and their vectors, float32 (n, dimensions)."""
    import numpy as np

    connection.ensure_connection()
    # the binary protocol: as text every byte would come as two
    with connection.wrap_database_errors, Cursor[Any](connection.connection) as cursor:
        cursor.execute(_VECTORS, [array(ids)], binary=True)
        rows = cursor.fetchall()
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 1), dtype=np.float32)
    found = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    flat = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f2")
    return found, flat.reshape(len(rows), -1).astype(np.float32)


def _cluster(vectors: Any, asked: Asked) -> tuple[Any, Any]:
    """Label and distance to the middle of each vector; fitted on a sample that the seed draws."""
    import numpy as np
    from sklearn.cluster import MiniBatchKMeans

    drawn = np.random.default_rng(asked.seed)
    sample = vectors if len(vectors) <= FITTED else vectors[drawn.choice(len(vectors), FITTED, replace=False)]
    fitted = MiniBatchKMeans(n_clusters=asked.number, random_state=asked.seed % 2**32, n_init=3, batch_size=2_048)
    fitted.fit(sample)
    labels = fitted.predict(vectors)
    return labels, np.linalg.norm(vectors - fitted.cluster_centers_[labels], axis=1)


def _telling(said: Sequence[Sequence[str]]) -> list[list[str]]:
    """The words that tell each cluster from the rest, most telling first: p log(p / q), with p the share of its traces
    that hold the word and q that of all (a word's part of the Kullback-Leibler divergence). Mail addresses, URLs and what
    holds digits are no words; what more than STOCK of all traces hold tells nothing."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    counted = [
        Counter(
            word for text in texts for word in set(_WORD.findall(_NO_WORDS.sub(" ", text.lower()))) - ENGLISH_STOP_WORDS
        )
        for texts in said
    ]
    everywhere: Counter[str] = Counter()
    for found in counted:
        everywhere.update(found)
    total = sum(len(texts) for texts in said)
    result = []
    for texts, found in zip(said, counted, strict=True):
        least = 1 if len(texts) < 4 else 2
        weighed = {
            word: (count / len(texts)) * math.log((count / len(texts)) / (everywhere[word] / total))
            for word, count in found.items() if count >= least and (everywhere[word] <= STOCK * total or len(said) < 3)
        }  # fmt: skip
        telling = sorted((word for word in weighed if weighed[word] > 0), key=lambda word: (-weighed[word], word))
        result.append(telling[:TOLD])
    return result
