"""Topics that a clustering proposes: asked for, seen while they are worked out, cancelled, accepted."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Path, Schema, Status

from curation import filters, tasks
from curation.api.routing import router
from curation.api.topics_told import TAGS, TopicOut, problem, topic_out
from curation.datasets import topic_accepting, topic_clusters, topic_proposals, topics
from curation.datasets.topic_accepting import Moved
from curation.datasets.topics import BadTopic
from curation.models import Clustering
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.problems import Problem


class ClusterIn(Schema):
    """What to cluster."""

    q: str = Field(topic_proposals.QUERY, description="Which traces.")
    clusters: int = Field(topic_proposals.NUMBER, ge=topic_clusters.LEAST_CLUSTERS, le=topic_clusters.MOST_CLUSTERS)
    seed: int = Field(topic_proposals.SEED, ge=0, lt=2**32)


class ClusterAccept(Schema):
    """Which clusters of a proposal become topics."""

    names: dict[int, str] = Field(description="Number of a cluster -> name of its topic.")
    parent: str = Field("", description="Slug of the topic that they stand below; empty: at the top.")


class BeforeOut(Schema):
    """A topic that traces of a cluster are of already. By rule: they move when the cluster is accepted; by hand or by an
    earlier cluster: they keep it."""

    topic: str
    how: Literal["rule", "hand", "cluster"]
    traces: int


class ClusterOut(Schema):
    """A proposed topic."""

    cluster: int
    name: str
    words: list[str]
    traces: int
    share: float
    examples: list[uuid.UUID]
    before: list[BeforeOut]


class ProposalOut(Schema):
    """Clusters that were asked for, the largest first. No trace has a topic of them until they are accepted."""

    id: uuid.UUID
    status: str = Field(
        description="waiting, working, done, replaced (a newer proposal took its place), failed or cancelled"
    )
    stage: str = Field(description="While it works: reading, grouping, naming.")
    done: int = Field(description="Of the stage.")
    total: int = Field(description="Of the stage; 0: not known.")
    error: str = Field(description="Why nothing was proposed.")
    q: str
    clusters: int
    seed: int
    asked_by: str
    created_at: datetime
    ended_at: datetime | None
    accepted_at: datetime | None = Field(description="When topics were last made of it.")
    items: list[ClusterOut] = Field(description="Empty until it is done.")
    matching: int | None = Field(description="Traces that the filter matches; null until it is done.")
    looked_at: int | None = Field(description="At most the newest 50,000 that have a signature.")


class AcceptedOut(Schema):
    """What accepting made."""

    topics: list[TopicOut]
    given: int
    kept: int = Field(description="Traces that were given a topic before and keep it.")
    moved: list[BeforeOut] = Field(description="Topics that lost traces, which a rule had put there.")


@router.post(
    "/topics/clusters", response={201: ProposalOut, 202: ProposalOut}, tags=TAGS, summary="Propose topics by clustering"
)
def propose_clusters(request: HttpRequest, slug: Path[str], body: ClusterIn):
    """k-means on the signatures' vectors, with the words that tell each cluster from the rest. What takes longer than about a
    second is answered with 202 and how far it is: ask `GET /topics/clusters/{id}` until its status is done. A project keeps one
    proposal: the next one takes its place."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        made = topic_proposals.ask(
            project=entry.project, actor=entry.actor, query=body.q, number=body.clusters, seed=body.seed
        )
    except (BadTopic, filters.FilterError) as error:
        raise problem(error) from None
    if made.status not in topic_proposals.OPEN:
        return Status(201, _proposal(made))
    nudge(tasks.propose_topics, made.pk)
    return Status(202, _proposal(made))


@router.get("/topics/clusters/{clustering_id}", response=ProposalOut, tags=TAGS, summary="See how far clusters are")
def read_clusters(request: HttpRequest, slug: Path[str], clustering_id: Path[uuid.UUID]):
    """Its stage while it is under way, the clusters once it is done, else why there are none."""
    entry = enter(request, slug, Role.ENGINEER)
    return _proposal(_find(entry, clustering_id))


@router.post("/topics/clusters/{clustering_id}/cancel", response=ProposalOut, tags=TAGS, summary="Cancel a clustering")
def cancel_clusters(request: HttpRequest, slug: Path[str], clustering_id: Path[uuid.UUID]):
    """Nothing is proposed."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, clustering_id)
    if not topic_proposals.cancel(found, entry.actor):
        raise Problem(409, "not_running", f"The clustering is {found.status}.")
    return _proposal(found)


@router.post(
    "/topics/clusters/{clustering_id}/accept", response={201: AcceptedOut}, tags=TAGS, summary="Make topics of clusters"
)
def accept_clusters(request: HttpRequest, slug: Path[str], clustering_id: Path[uuid.UUID], body: ClusterAccept):
    """Make topics of a proposal's clusters and give them to their traces. 409 where the traces changed since, or the clusters
    are not kept (any more)."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, clustering_id)
    if found.status in topic_proposals.OPEN:
        raise Problem(409, "not_done", f"The clustering is {found.status}.")
    try:
        done = topic_accepting.accept(proposed=found, actor=entry.actor, names=body.names, parent=body.parent)
    except Moved as error:
        raise Problem(409, "traces_changed" if found.found else "not_kept", str(error)) from None
    except (BadTopic, filters.FilterError) as error:
        raise problem(error) from None
    return Status(201, {"topics": [topic_out(one) for one in done.topics], "given": done.given, "kept": done.kept,
                        "moved": _before(done.moved)})  # fmt: skip


def _find(entry: Entry, uid: uuid.UUID) -> Clustering:
    found = topic_proposals.find(entry.project, uid)
    if found is None:
        raise Http404("There is no such clustering in this project.")
    return found


def _proposal(found: Clustering) -> dict[str, Any]:
    same = ("status", "stage", "done", "total", "error", "seed", "created_at", "ended_at", "accepted_at")
    told: dict[str, Any] = {name: getattr(found, name) for name in same} | {
        "id": found.uid, "q": found.query, "clusters": found.number, "asked_by": found.author, "items": [],
        "matching": None, "looked_at": None,
    }  # fmt: skip
    if found.status != Clustering.Status.DONE:
        return told
    seen = topic_proposals.read(found, topics.of_project(found.project))
    items = [
        {"cluster": one.index, "name": one.name, "words": list(one.words), "traces": one.size, "share": one.share,
         "examples": [uid for uid, _ in one.examples], "before": _before(one.before)}
        for one in seen.clusters
    ]  # fmt: skip
    return told | {"items": items, "matching": seen.matching, "looked_at": seen.looked_at}


def _before(listed: Sequence[topic_proposals.Before]) -> list[dict[str, Any]]:
    return [{"topic": one.topic.slug, "how": one.how, "traces": one.traces} for one in listed]
