"""Topics that a clustering proposes: asked for, worked off behind, seen, cancelled, kept until the next one.

The row is the queue (`Clustering`). What is found is written in one guarded statement together with its end, so there is
one result or none, whatever ends or comes twice.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Max, Q
from django.utils import timezone

from curation import filters
from curation.datasets import topic_clusters, topics, watching
from curation.datasets.topic_clusters import RULE, Asked, Clustered
from curation.datasets.watching import MOST_ATTEMPTS, Stopped, Watch, may_still, mine
from curation.models import Clustering, Topic, Trace
from workspace import audit, leases
from workspace.access import Actor
from workspace.models import Project

log = logging.getLogger(__name__)
Status, Stage = Clustering.Status, Clustering.Stage
OPEN = watching.OPEN
AT_ONCE = 2_000  # traces that are clustered while the person waits: less than a second
SHOWN_SECONDS = 24 * 3600
QUERY, NUMBER, SEED = "-topic:*", 8, 0
Refusals = (topics.BadTopic, filters.FilterError)


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
    which topics they were `before`: first those that would lose them, largest first."""

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
    those with a signature). `stale`: rules of topics changed since, so `before` is as it was then."""

    clusters: tuple[Cluster, ...]
    matching: int
    looked_at: int
    without: int
    stale: bool


def ask(*, project: Project, actor: Actor, query: str = QUERY, number: int = NUMBER, seed: int = SEED) -> Clustering:
    """Ask for clusters. A small project has them at once; else a worker goes on with the row. The same thing asked for while
    it is worked out is the same row. Raises BadTopic (also where another is being worked out) and FilterError."""
    query = query.strip()
    topic_clusters.check(query, number, seed)
    under_way = _under_way(project, query, number, seed)
    if under_way is not None:
        return under_way
    until = Trace.objects.filter(project=project).aggregate(last=Max("pk"))["last"] or 0
    pool = topic_clusters.matching(project, Asked(query, number, seed, until, timezone.now())).order_by().values("pk")
    is_small = pool[: AT_ONCE + 1].count() <= AT_ONCE
    try:
        with transaction.atomic():
            made = Clustering.objects.create(
                project=project, query=query, number=number, seed=seed, until=until, user=actor.user, token=actor.token,
                author=actor.label[:200],
            )  # fmt: skip
    except IntegrityError:  # somebody asked at the same moment
        under_way = _under_way(project, query, number, seed)
        if under_way is None:
            raise
        return under_way
    if is_small:
        _at_once(made)
    return made


def cancel(asked: Clustering, actor: Actor) -> bool:
    """Propose nothing. False where it had ended: what was found then stands."""
    with transaction.atomic():
        done = Clustering.objects.filter(pk=asked.pk, status__in=OPEN).update(
            status=Status.CANCELLED, ended_at=timezone.now()
        )
        if done:
            audit.record(
                project=asked.project,
                actor=actor,
                action="topics.clustering_cancelled",
                target=f"clustering:{asked.uid}",
            )
    asked.refresh_from_db(fields=["status", "ended_at"])
    return bool(done)


def work(clustering_id: int) -> None:
    """Work a clustering off. A second call for the same one, in whatever process, finds it taken or ended."""
    name = leases.owner()
    rows = Clustering.objects.filter(pk=clustering_id)
    try:
        if not leases.take(rows.filter(status__in=OPEN), name, status=Status.WORKING):
            return
        try:
            asked = rows.select_related("project", "user", "token__project").first()
            if asked is not None:
                _work(asked, name)
        finally:
            leases.give_back(rows, name)
    except (OperationalError, InterfaceError):  # the lease runs out, and the sweep goes on with it
        log.warning("The clustering %s waits for the database.", clustering_id, exc_info=True)


def open_clusterings() -> list[int]:
    """Keys of those that wait for a worker, oldest first."""
    return leases.free(Clustering.objects.filter(status__in=OPEN))


def find(project: Project, uid: UUID) -> Clustering | None:
    """One of a project, without its members."""
    return Clustering.objects.defer("members").select_related("project").filter(project=project, uid=uid).first()


def recent(project: Project) -> list[Clustering]:
    """What the page of topics tells of, newest first: the one under way, the one that is kept and of which nothing was
    accepted, and where the newest of these could not be worked out, within the last day, that one. One query."""
    since = timezone.now() - timedelta(seconds=SHOWN_SECONDS)
    wanted = Q(status__in=OPEN) | Q(status=Status.DONE) | Q(status=Status.FAILED, ended_at__gt=since)
    found = list(Clustering.objects.defer("members").filter(wanted, project=project).order_by("-pk")[:10])
    told = found[:1] + [one for one in found[1:] if one.status != Status.FAILED]
    return [one for one in told if one.accepted_at is None]


def kept(project: Project) -> Clustering | None:
    """The one whose clusters are kept."""
    return Clustering.objects.defer("members").filter(project=project, status=Status.DONE).first()


def asked_of(asked: Clustering) -> Asked:
    """What it clusters."""
    return Asked(asked.query, asked.number, asked.seed, asked.until, asked.created_at)


def read(asked: Clustering, known: Sequence[Topic]) -> Proposal:
    """What was found. `known` are all topics of the project. One query."""
    told: dict[str, Any] = asked.found or {}
    uids = [uid for one in told["clusters"] for uid in one["examples"]]
    said = {
        str(uid): (uid, text)
        for uid, text in Trace.objects.filter(project=asked.project_id, uid__in=uids).values_list("uid", "preview")
    }
    of = {topic.pk: topic for topic in known}
    total = sum(one["size"] for one in told["clusters"])
    clusters = tuple(
        Cluster(
            index, one["name"], tuple(one["words"]), one["size"], one["size"] / total,
            tuple(said[uid] for uid in one["examples"] if uid in said),
            summed(Before(of[topic], how, traces) for topic, how, traces in one["before"] if topic in of),
        )
        for index, one in enumerate(told["clusters"])
    )  # fmt: skip
    stale = topic_clusters.tree_digest(known) != told["tree"]
    return Proposal(clusters, told["matching"], total, told["without"], stale)


def members(asked: Clustering) -> tuple[Any, Any]:
    """int64 (n,) ids of traces, rising, and uint8 (n,) the number of the cluster of each."""
    import numpy as np

    held = bytes(asked.members)
    number = len(held) // 9
    return np.frombuffer(held, "<i8", number), np.frombuffer(held, "u1", number, offset=8 * number)


def summed(found: Any) -> tuple[Before, ...]:
    """First those that lose traces, largest first."""
    return tuple(sorted(found, key=lambda one: (not one.moves, -one.traces, one.topic.name)))


def forget(*, project: Project, ids: Sequence[int]) -> None:
    """What is kept of clusters with one of these traces goes, since its words may quote them; what is being worked out is
    begun anew. Call it in the transaction that deletes the traces."""
    rows = Clustering.objects.filter(project=project)
    rows.filter(status__in=OPEN).update(status=Status.WAITING, lease_owner="", lease_until=None, attempts=0)
    held = rows.filter(status=Status.DONE).first()
    if held is not None and not set(ids).isdisjoint(members(held)[0].tolist()):
        held.delete()


def _under_way(project: Project, query: str, number: int, seed: int) -> Clustering | None:
    found = Clustering.objects.filter(project=project, status__in=OPEN).first()
    if found is not None and (found.query, found.number, found.seed) != (query, number, seed):
        raise topics.BadTopic(
            "query", f"Other clusters are being worked out, asked for by {found.author}: wait for them, or cancel them."
        )
    return found


def _at_once(made: Clustering) -> None:
    """Work it off here. What is refused leaves no row behind; what this process does not end another goes on with."""
    name = leases.owner()
    rows = Clustering.objects.filter(pk=made.pk)
    if leases.take(rows.filter(status=Status.WAITING), name, status=Status.WORKING):
        try:
            _keep(made, name, topic_clusters.cluster(project=made.project, asked=asked_of(made)))
        except Refusals:
            mine(made, name).delete()
            raise
        except Stopped:
            pass
        finally:
            leases.give_back(rows, name)
    made.refresh_from_db()


def _work(asked: Clustering, name: str) -> None:
    if not may_still(asked):
        _fail(asked, name, f"{asked.author} may not propose topics in this project any more. Ask for it again.")
        return
    if asked.attempts >= MOST_ATTEMPTS:
        _fail(asked, name, watching.GIVEN_UP)
        return
    mine(asked, name).update(attempts=asked.attempts + 1, stage=Stage.READING, done=0, total=0)
    try:
        with Watch(asked, name) as watch:
            found = topic_clusters.cluster(project=asked.project, asked=asked_of(asked), tell=watch.tell)
        _keep(asked, name, found)
    except Stopped:
        return
    except Refusals as error:
        _fail(asked, name, str(error))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # it must not be tried for ever, and says why
        log.exception("The clustering %s was given up.", asked.uid)
        _fail(asked, name, f"{type(error).__name__}: {error}"[:2_000])


def _keep(asked: Clustering, name: str, found: Clustered) -> None:
    """Its end, with what was found, in the place of what was kept before. Raises Stopped where it was cancelled, or is
    another's: whoever deletes traces meanwhile takes it away from here (see `forget`)."""
    with transaction.atomic():
        if not mine(asked, name).select_for_update().values_list("pk"):  # first its own row, as `forget` does
            raise Stopped
        Clustering.objects.filter(project=asked.project_id, status=Status.DONE).update(
            status=Status.REPLACED, found=None, members=b""
        )
        mine(asked, name).update(
            status=Status.DONE, ended_at=timezone.now(), found=found.told,
            members=found.ids.astype("<i8").tobytes() + found.labels.tobytes(),
        )  # fmt: skip


def _fail(asked: Clustering, name: str, error: str) -> None:
    mine(asked, name).update(status=Status.FAILED, error=error, ended_at=timezone.now())
