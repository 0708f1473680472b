"""Making topics of proposed clusters, and taking that back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from curation.datasets import topic_clusters, topic_proposals, topics
from curation.datasets.topic_clusters import RULE
from curation.datasets.topic_proposals import Before
from curation.models import Clustering, Topic, TraceTopic
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

STANDING = 20  # acceptances that are listed, the newest
AUTHOR = "k-means"
_ACCEPTED = f"{AUTHOR}, accepted by "
_GIVE = """
    INSERT INTO curation_tracetopic (project_id, trace_id, topic_id, source, author, created_at)
    SELECT %s, trace, topic, 'cluster', %s, %s FROM unnest(%s::bigint[], %s::bigint[]) AS given (trace, topic)
    ON CONFLICT (trace_id) DO NOTHING
"""


class Moved(ValueError):
    """What is to be accepted is not there any more, or its traces changed meanwhile."""


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


def accept(*, proposed: Clustering, actor: Actor, names: Mapping[int, str], parent: str = "") -> Accepted:
    """Make a topic of each cluster in `names` (index -> name) and give it to its traces, apart from those that were given
    one before. Raises Moved, topics.BadTopic and filters.FilterError."""
    project = proposed.project
    if proposed.found is None:
        raise Moved("These clusters are not kept any more: a newer proposal took their place.")
    if not names:
        raise topics.BadTopic("names", "No cluster was chosen: tick some first.")
    now = topic_clusters.digest_now(project=project, asked=topic_proposals.asked_of(proposed))
    if now != proposed.found["digest"]:
        raise Moved("Traces changed since this was proposed, so the clusters are others now: propose again.")
    ids, labels = topic_proposals.members(proposed)
    at = timezone.now()
    with transaction.atomic():
        made: list[Topic] = []
        given: list[int] = []
        about: list[int] = []
        before = {topic.pk: topic for topic in topics.of_project(project)}
        for index, cluster in enumerate(proposed.found["clusters"]):
            if index not in names:
                continue
            topic = topics.create(
                project=project, actor=actor, name=names[index], parent=parent, words=cluster["words"]
            )
            made.append(topic)
            given += ids[labels == index].tolist()
            about += [topic.pk] * cluster["size"]
        moved = _moved(project, before, given)
        with connection.cursor() as cursor:
            cursor.execute(_GIVE, [project.pk, f"{_ACCEPTED}{actor.label}"[:200], at, given, about])
            number = cursor.rowcount
        Clustering.objects.filter(pk=proposed.pk, status=Clustering.Status.DONE).update(accepted_at=at)
        audit.record(
            project=project, actor=actor, action="topics.clustered", target=f"project:{project.slug}",
            topics=[topic.slug for topic in made], traces=number, query=proposed.query, seed=proposed.seed,
            moved={one.topic.slug: one.traces for one in moved},
        )  # fmt: skip
    return Accepted(tuple(made), number, len(given) - number, moved, at)


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


def _moved(project: Project, known: Mapping[int, Topic], ids: Sequence[int]) -> tuple[Before, ...]:
    """How many of these traces leave which topic, where a rule had put them."""
    of: Any = topic_clusters.topic_of(project, list(known.values()), ids).values()
    total = Counter(topic for topic, how in of if how == RULE)
    return topic_proposals.summed(Before(known[topic], RULE, traces) for topic, traces in total.items())
