"""Acts on all traces that a filter finds at one moment, any number of them.

`begin` writes the act down; `work` does it in batches, each one transaction that holds the act's row, so two workers
cannot do the same batch and a crash loses none: the first batch writes the ids that the filter finds now into the act,
the others go through them. What was really changed stands in BulkChange, and that is what `take_back` and `work` undo:
nothing else, and nothing that was changed again since. All moments that an act writes are its own `created_at`.
"""

import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from curation import filters
from curation.browse import changes
from curation.browse.patience import TooSlow, patience
from curation.models import BulkAct, ReviewQueue, Topic, Trace
from curation.models.traces import TraceQuerySet
from curation.review import blind, picking
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor, role_of
from workspace.models import Project, Role

log = logging.getLogger(__name__)
BATCH = 2_000
# so many are done while the person waits: no more than some tenths of a second
AT_ONCE = 1_000
MOST_TAG = 100
MOST_ERROR = 300
Kind, Status = BulkAct.Kind, BulkAct.Status
LIVE = (Status.RUNNING, Status.UNDOING)
_AUDIT = {
    Kind.ARCHIVE: "traces.archived",
    Kind.RESTORE: "traces.restored",
    Kind.TAG: "traces.tagged",
    Kind.UNTAG: "traces.untagged",
    Kind.QUEUE: "queue.filled",
    Kind.TOPIC: "traces.topic_given",
}


class BadAct(ValueError):
    """An act that cannot be begun; the message says why, `field` what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Choice:
    """Which traces: those with these outside ids, or (`query` given) all that match it and came in until `until`."""

    uids: Sequence[uuid.UUID] = ()
    query: filters.Query | None = None
    until: datetime | None = None


def begin(*, project: Project, actor: Actor, kind: str, argument: str = "", choice: Choice) -> BulkAct:
    """Write an act down. `argument` is the tag, the slug of the queue ("": the one for traces picked by hand) or that of
    the topic ("": take away what was given).
    Raises BadAct. Whoever is small enough may be done at once by `work_now`."""
    if kind not in Kind.values:
        raise BadAct("kind", f"“{kind}” is none of {', '.join(Kind.values)}.")
    argument = _argument(project, kind, argument)
    until = choice.until or timezone.now()
    ids: list[int] = []
    if choice.query is None:
        found = Trace.objects.filter(project=project, uid__in=choice.uids)
        ids = list(found.order_by("pk").values_list("pk", flat=True))
        if not choice.uids:
            raise BadAct("traces", "No trace was chosen: tick some first.")
    query = choice.query
    return BulkAct.objects.create(
        project=project, user=actor.user, author=actor.label[:200], kind=kind, argument=argument,
        query=query.typed if query else "", resolved_query=str(filters.resolve(query, now=until)) if query else "",
        traces=ids, until=until, total=len(ids) if query is None else None, by_hand=query is None,
    )  # fmt: skip


def _argument(project: Project, kind: str, argument: str) -> str:
    if kind in (Kind.TAG, Kind.UNTAG):
        tag = " ".join(argument.split())
        if not tag or len(tag) > MOST_TAG or "\0" in tag:
            raise BadAct("argument", f"A tag has 1 to {MOST_TAG} characters.")
        return tag
    if kind == Kind.QUEUE:
        if argument in ("", picking.SLUG):
            queue: ReviewQueue | None = picking.hand_queue(project=project)
        else:
            queue = ReviewQueue.objects.listed().filter(project=project, slug=argument).first()
        if queue is None:
            raise BadAct("argument", f"There is no queue “{argument}”.")
        if queue.closed_at:
            raise BadAct("argument", f"The queue “{queue.name}” is closed: reopen it first.")
        return queue.slug
    if kind == Kind.TOPIC:
        if argument == "?":
            raise BadAct("argument", "Choose a topic first.")
        if argument and not Topic.objects.filter(project=project, slug=argument).exists():
            raise BadAct("argument", f"There is no topic “{argument}”.")
        return argument
    if argument:
        raise BadAct("argument", f"“{kind}” takes no argument.")
    return ""


def is_small(act: BulkAct) -> bool:
    """Whether it is done while the person waits: at most AT_ONCE traces, found without delay."""
    if act.total is not None:
        return act.total <= AT_ONCE
    try:
        with patience(1.0):
            return len(_matching(act).order_by("pk").values("pk")[: AT_ONCE + 1]) <= AT_ONCE
    except TooSlow:
        return False


def work(*, act_id: int, seconds: float) -> bool:
    """Go on with an act for about so long. Returns whether it has come to its end; True too where another worker is at
    it, or it was stopped."""
    deadline = time.monotonic() + seconds
    while True:
        with transaction.atomic():
            act = _held(act_id)
            if act is None:
                return True
            done = _undo_batch(act) if act.status == Status.UNDOING else _batch(act)
        if done:
            return True
        if time.monotonic() > deadline:
            return False


def work_all(*, seconds: float, only: int | None = None) -> bool:
    """Go on with every act that is not at its end (or with `only` this one), each for about so long. Returns whether all
    of them have come to their end."""
    waiting = BulkAct.objects.filter(status__in=LIVE).order_by("pk")
    waiting = waiting.filter(pk=only) if only is not None else waiting
    ended = True
    for act_id in list(waiting.values_list("pk", flat=True)):
        try:
            ended &= work(act_id=act_id, seconds=seconds)
        except (OperationalError, InterfaceError):  # the database is away or busy: the next sweep goes on
            log.warning("The act %s on many traces waits for the database.", act_id, exc_info=True)
        except Exception as error:  # an act that cannot go on must not hold up the others, and says so
            log.exception("The act %s on many traces was stopped.", act_id)
            fail(act_id=act_id, reason=f"{type(error).__name__}: {error}")
    return ended


def fail(*, act_id: int, reason: str) -> None:
    """End an act that cannot go on; what it changed stays and can be taken back."""
    BulkAct.objects.filter(pk=act_id, status__in=LIVE).update(
        status=Status.STOPPED, error=reason[:MOST_ERROR], ended_at=timezone.now()
    )


def stop(*, act: BulkAct, actor: Actor) -> bool:
    """End a running act after the batch it is at. Returns whether it was running."""
    with transaction.atomic():
        stopped = BulkAct.objects.filter(pk=act.pk, status=Status.RUNNING).update(
            status=Status.STOPPED, ended_at=timezone.now()
        )
        if stopped:
            _record(act, actor, "traces.act_stopped")
    return bool(stopped)


def take_back(*, act: BulkAct, actor: Actor) -> bool:
    """Begin to undo an act, running or ended. Returns whether there was something to undo."""
    with transaction.atomic():
        begun = BulkAct.objects.filter(
            pk=act.pk, status__in=[Status.RUNNING, Status.DONE, Status.STOPPED], changed__gt=0
        ).update(status=Status.UNDOING, undone=0, kept=0, ended_at=None, error="")
        if begun:
            _record(act, actor, "traces.act_undone")
    return bool(begun)


def _held(act_id: int) -> BulkAct | None:
    """The act, held for one batch; None where it is at its end or somebody else holds it. Its ids stay in the database."""
    return (
        BulkAct.objects.filter(pk=act_id, status__in=LIVE)
        .defer("traces")
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("project")
        .first()
    )


def _matching(act: BulkAct) -> TraceQuerySet:
    """Exactly what the list showed whoever began it."""
    query = filters.parse(act.resolved_query)
    role = role_of(project=act.project, user=act.user) if act.user else None
    reader = None if role and role.covers(Role.ENGINEER) else act.user
    traces = blind.among(project=act.project, query=query, reader=reader)
    found = filters.apply(traces, query, now=act.until, search=planned(act.project_id))
    return found.filter(received_at__lte=act.until)


def _find(act: BulkAct) -> None:
    """Write the ids of all traces that match into the act: what it acts on, whatever changes meanwhile."""
    ids = _matching(act).order_by("pk").values_list("pk", flat=True)
    with connection.cursor() as cursor:
        try:
            sql, parameters = ids.query.sql_with_params()
        except EmptyResultSet:  # a filter that can match nothing
            sql, parameters = "SELECT NULL::bigint WHERE false", ()
        cursor.execute(
            f"UPDATE curation_bulkact SET traces = ARRAY({sql}) WHERE id = %s RETURNING cardinality(traces)",  # noqa: S608
            [*parameters, act.pk],
        )
        (act.total,) = cursor.fetchone()
    act.save(update_fields=["total"])


def _batch(act: BulkAct) -> bool:
    """The next BATCH of an act; True at its end."""
    if act.total is None:
        _find(act)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT traces[%s:%s] FROM curation_bulkact WHERE id = %s", [act.reached + 1, act.reached + BATCH, act.pk]
        )
        (ids,) = cursor.fetchone()
    if ids:
        changed, present = changes.make(act=act, ids=ids)
        act.reached += len(ids)
        act.changed += changed
        act.already += present - changed
    done = act.reached >= (act.total or 0)
    if done:
        act.status, act.ended_at = Status.DONE, timezone.now()
        _record(act, Actor(user=act.user), _AUDIT[Kind(act.kind)])
    act.save(update_fields=["reached", "changed", "already", "status", "ended_at"])
    return done


def _undo_batch(act: BulkAct) -> bool:
    """Take back the next BATCH of what an act changed; True at its end."""
    looked, taken = changes.take_back(act=act, most=BATCH)
    act.undone += looked
    act.kept += looked - taken
    done = looked < BATCH
    if done:
        act.status, act.ended_at = Status.UNDONE, timezone.now()
    act.save(update_fields=["undone", "kept", "status", "ended_at"])
    return done


def _record(act: BulkAct, actor: Actor, action: str) -> None:
    chosen = f"{act.total} by hand" if act.by_hand else f"all that match “{act.query}”"
    audit.record(
        project=act.project, actor=actor, action=action, target=f"act:{act.uid}", kind=act.kind,
        argument=act.argument, traces=act.changed, already=act.already, chosen=chosen, by=act.author,
    )  # fmt: skip


def recent(*, project: Project, actor: Actor, since: datetime) -> list[BulkAct]:
    """Acts that are going on, anybody's, and this person's own that ended since then; newest first."""
    acts = BulkAct.objects.filter(project=project).defer("traces").order_by("-pk")
    live = acts.filter(status__in=LIVE)[:10]
    own = acts.filter(user=actor.user, ended_at__gte=since, total__gt=AT_ONCE)[:3] if actor.user else []
    return sorted({*live, *own}, key=lambda act: -act.pk)
