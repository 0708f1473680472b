"""Queues of traces that wait for a person. The row is the lock: one statement hands an item out, so that no two people
get the same one, and a lease that ran out frees it by itself."""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.text import slugify

from curation import filters
from curation.models import QueueItem, ReviewQueue, Trace
from curation.models.traces import TraceQuerySet
from curation.review import picking, questions
from curation.review.invalid import Invalid, check_text
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor
from workspace.models import Project, User

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=15)
KEPT_DELETED = timedelta(days=1)
RULES_LIMIT = 20_000
DEFAULT_SLUG = "unjudged"
DEFAULT_QUERY = "judged:no,stale"
CHANGED = "Changed after it was judged"
# items that were in the queue and are not any more
AWAY = (QueueItem.Status.OUT, QueueItem.Status.DROPPED)

# an own item first (a reload, or the one that was leased ahead), else the first that nobody holds. `coalesce` looks for
# the second only where there is no first; the second walks the partial index queue_next. SKIP LOCKED passes over rows
# that somebody else is being handed at this moment.
_GIVES = "(SELECT closed_at IS NULL FROM curation_reviewqueue WHERE id = %(queue)s)"
_FIRST = """(
            SELECT id FROM curation_queueitem
            WHERE queue_id = %(queue)s AND status = 'open' AND {whose} AND {place}
            -- a closed queue hands nothing out; whoever is on an item of it may end it (`itself` below)
            AND {gives}
            ORDER BY skips, priority DESC, id FOR UPDATE SKIP LOCKED LIMIT 1
        )"""
_OWN = "leased_by_id = %(user)s AND leased_until > %(now)s"
_FREE = "(leased_until IS NULL OR leased_until <= %(now)s)"
_BEHIND = """id <> %(item)s AND (skips > %(skips)s OR skips = %(skips)s
                 AND (priority < %(priority)s OR priority = %(priority)s AND id > %(item)s))"""
_OTHER = "id <> %(item)s"
_LEASE = """
    UPDATE curation_queueitem SET leased_by_id = %(user)s, leased_until = %(until)s
    WHERE id = coalesce({candidates}) {itself}
    RETURNING id, uid
"""
LEASE_NEXT = _LEASE.format(
    candidates=",".join(_FIRST.format(whose=whose, place="true", gives=_GIVES) for whose in (_OWN, _FREE)), itself=""
)
# the item that is looked at, and the one behind it; past the end of the queue the first one before it
LEASE_PAIR = _LEASE.format(
    candidates=",".join(
        _FIRST.format(whose=whose, place=place, gives=_GIVES) for place in (_BEHIND, _OTHER) for whose in (_OWN, _FREE)
    ),
    itself=f"OR id = %(item)s AND status = 'open' AND (leased_by_id = %(user)s OR {_FREE} AND {_GIVES})",
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of one queue: all its items, those that are open, flagged or done, those done by one person, open ones that
    somebody else holds, and those that were taken out, which are not in `total`."""

    total: int = 0
    open: int = 0
    flagged: int = 0
    done: int = 0
    mine: int = 0
    held: int = 0
    out: int = 0

    @property
    def waiting(self) -> int:
        """Open items that nobody else holds."""
        return self.open - self.held


def default_queue(*, project: Project) -> ReviewQueue:
    """The queue of everything that nobody has judged; made and filled at the first call."""
    queue, made = ReviewQueue.objects.get_or_create(
        project=project, slug=DEFAULT_SLUG, defaults={"name": "All unjudged", "query": DEFAULT_QUERY}
    )
    if made:
        refill(queue=queue)
    return queue


def create(
    *,
    project: Project,
    actor: Actor,
    name: str,
    query: str,
    instructions: str = "",
    is_blind: bool = False,
    asks: str = "",
) -> ReviewQueue:
    """A queue of all traces that match the filter `query`, filled at once; in a blind one a reviewer answers before they
    see what others said and measured. `asks` is a set of questions (questions.SETS). Raises Invalid for a name that is
    empty or taken, and filters.FilterError for a filter that cannot be read."""
    name = named(name)
    if slugify(name) in (DEFAULT_SLUG, picking.SLUG):
        raise Invalid("name", "is taken by a queue that every project has")
    check_text("instructions", instructions, most=RULES_LIMIT)
    questions.check_set(asks)
    filters.parse(query)
    made = ReviewQueue(
        project=project, name=name, query=query.strip(), instructions=instructions.strip(), is_blind=is_blind,
        questions=asks,
    )  # fmt: skip
    with transaction.atomic():
        _insert(made)
        added = refill(queue=made)
        audit.record(
            project=project, actor=actor, action="queue.created", target=f"queue:{made.slug}", query=query, items=added
        )
    return made


def _insert(made: ReviewQueue) -> None:
    """Store a queue under a free address. Where somebody takes that at this very moment, the database waits for them and
    refuses: then it is looked again, and their queue is seen. Raises Invalid for a name that is taken."""
    for _ in range(5):
        check_name(project=made.project, name=made.name)
        made.slug = _free_slug(made.project, made.name)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
            return
        except IntegrityError:
            continue
    raise Invalid("name", "is being given to other queues again and again at this moment: try once more")


def named(name: str) -> str:
    """A queue's name as it is kept. Raises Invalid."""
    name = " ".join(name.split())
    if not slugify(name):
        raise Invalid("name", "needs at least one letter or digit")
    check_text("name", name, most=120)
    return name


def check_name(*, project: Project, name: str, but: int | None = None) -> None:
    """Two queues of one name could not be told apart: raises Invalid where another than `but` (its id) has it."""
    same = ReviewQueue.objects.listed().filter(project=project, name__iexact=name)
    if same.exclude(pk=but or 0).exists():
        raise Invalid("name", "is taken by another queue of this project")


def free_name(*, project: Project, name: str, but: int) -> str:
    """The name for the queue with the id `but`, with a number behind it where another queue has it by now."""
    others = ReviewQueue.objects.listed().filter(project=project).exclude(pk=but)
    taken = {one.casefold() for one in others.values_list("name", flat=True)}
    numbered = (f"{name[:110]} {number}" for number in count(2))
    return name if name.casefold() not in taken else next(one for one in numbered if one.casefold() not in taken)


def _free_slug(project: Project, name: str) -> str:
    """What stands in the queue's address from now on, whatever its name becomes."""
    begun = slugify(name)[:55]
    taken = {DEFAULT_SLUG, picking.SLUG}
    taken |= set(ReviewQueue.objects.filter(project=project, slug__startswith=begun).values_list("slug", flat=True))
    numbered = (f"{begun}-{number}" for number in count(2))
    return begun if begun not in taken else next(slug for slug in numbered if slug not in taken)


def refill(*, queue: ReviewQueue, at: datetime | None = None) -> int:
    """Add the traces that match the queue's filter and are not in it; open items again whose trace changed after it was
    judged, or which an earlier filter left out; take out open ones that were archived. What somebody took out stays out.
    Does nothing with a closed queue, and a second call at once does nothing. What is new carries the moment `at` (now), by
    which a change of the filter can be taken back. Returns how many were added or opened again."""
    with transaction.atomic():
        # held so that a filter which is being changed at this moment fills nothing any more
        held = ReviewQueue.objects.handed_out().filter(pk=queue.pk).select_for_update(no_key=True).first()
        if held is None:
            return 0
        matching = matched(queue=held)
        QueueItem.objects.filter(
            queue=held, status=QueueItem.Status.OPEN, leased_by=None, trace__archived_at__isnull=False
        ).delete()
        changed = QueueItem.objects.filter(
            queue=held, status=QueueItem.Status.DONE, trace__verdict_stale=True, trace__in=matching
        ).update(status=QueueItem.Status.OPEN, done_by=None, done_at=None, reason=CHANGED)
        # what an earlier filter left out comes as if it were new
        QueueItem.objects.filter(queue=held, status=QueueItem.Status.DROPPED, trace__in=matching).delete()
        return changed + _add(held, matching, at or timezone.now())


def matched(*, queue: ReviewQueue) -> TraceQuerySet:
    """The traces that the queue's filter finds now, in no order. Raises filters.FilterError."""
    traces = Trace.objects.filter(project_id=queue.project_id)
    return filters.apply(traces, filters.parse(queue.query), search=planned(queue.project_id)).order_by()


def _add(queue: ReviewQueue, matching: TraceQuerySet, at: datetime) -> int:
    """New items for what matches and has none, those that came in first in front."""
    try:
        sql, parameters = matching.order_by("received_at", "id").values("id").query.sql_with_params()
    except EmptyResultSet:  # a filter that can match nothing
        return 0
    with connection.cursor() as cursor:
        # the uid's clock part comes from the database here: it only has to be unique
        cursor.execute(
            f"""
            INSERT INTO curation_queueitem (uid, queue_id, trace_id, status, priority, reason, skips, flag_note, created_at)
            SELECT gen_random_uuid(), %s, found.id, 'open', 0, '', 0, '', %s FROM ({sql}) AS found
            WHERE NOT EXISTS (SELECT FROM curation_queueitem i WHERE i.queue_id = %s AND i.trace_id = found.id)
            ON CONFLICT DO NOTHING
            """,  # noqa: S608 (made by the ORM from a parsed filter)
            [queue.pk, at, *parameters, queue.pk],
        )
        added: int = cursor.rowcount
    return added


def refill_all() -> int:
    """Refill every open queue but the one that people fill; returns how many items were added. For the periodic sweep: a
    queue that cannot be filled (its filter names a field that is gone, the database gives up on it) is left as it is and
    logged."""
    _forget_deleted()
    added = 0
    for queue in ReviewQueue.objects.handed_out().exclude(slug=picking.SLUG):
        try:
            added += refill(queue=queue)
        except filters.FilterError as error:
            log.warning("The queue %s was not refilled: %s", queue.slug, error)
        except Exception:  # one queue's trouble must not leave the others unfilled
            log.exception("The queue %s was not refilled.", queue.slug)
    return added


def said_in() -> Q:
    """Of items: somebody judged or flagged it in this queue."""
    return Q(status__in=[QueueItem.Status.DONE, QueueItem.Status.FLAGGED]) | Q(reason=CHANGED)


def _forget_deleted() -> None:
    """Queues that were deleted a day ago go for good; one in which somebody judged after all stays as a closed one."""
    gone = ReviewQueue.objects.filter(deleted_at__lt=timezone.now() - KEPT_DELETED)
    said = Exists(QueueItem.objects.filter(said_in(), queue=OuterRef("pk")))
    gone.filter(said).update(deleted_at=None)
    gone.exclude(said).delete()


def lease_next(*, queue: ReviewQueue, user: User) -> uuid.UUID | None:
    """Hand out the next open item to this person for 15 minutes: the one they hold already, else the first that is free.
    Looks for new matches of the queue's filter where nothing is left. None where there is nothing to do, or the queue is
    closed."""
    found = _lease(LEASE_NEXT, queue.pk, user)
    if not found and queue.slug != picking.SLUG and refill(queue=queue):
        found = _lease(LEASE_NEXT, queue.pk, user)
    return next(iter(found.values()), None)


def hold(*, item: QueueItem, user: User) -> bool:
    """Lease this very item, or renew its lease; False where somebody else holds it, it is not open, or its queue is closed
    and it was not held before."""
    now = timezone.now()
    gives = Exists(ReviewQueue.objects.filter(pk=OuterRef("queue_id"), closed_at=None))
    free = Q(leased_by=user) | (Q(leased_until=None) | Q(leased_until__lte=now)) & Q(gives)
    held = QueueItem.objects.filter(free, pk=item.pk, status=QueueItem.Status.OPEN).update(
        leased_by=user, leased_until=now + LEASE
    )
    if held:
        item.leased_by, item.leased_until = user, now + LEASE
    return bool(held)


def hold_and_lease_ahead(*, item: QueueItem, user: User) -> tuple[bool, uuid.UUID | None]:
    """Lease this very item, or renew its lease, and lease the one that comes behind it too, so that it can be loaded
    before it is needed. Returns whether the item is held now (not where somebody else holds it or it is not open), and
    the outside id of the one behind it, None where it is the last."""
    found = _lease(LEASE_PAIR, item.queue_id, user, item=item.pk, skips=item.skips, priority=item.priority)
    held = found.pop(item.pk, None) is not None
    if held:
        item.leased_by, item.leased_until = user, timezone.now() + LEASE
    return held, next(iter(found.values()), None)


def _lease(statement: str, queue: int, user: User, **place: float) -> dict[int, uuid.UUID]:
    now = timezone.now()
    values: dict[str, int | float | datetime] = {
        "user": user.pk,
        "queue": queue,
        "now": now,
        "until": now + LEASE,
        **place,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return dict(cursor.fetchall())


def renew(*, queue: ReviewQueue, user: User) -> datetime:
    """Push back the end of all leases this person holds in the queue; returns the new end."""
    until = timezone.now() + LEASE
    QueueItem.objects.filter(
        queue=queue, status=QueueItem.Status.OPEN, leased_by=user, leased_until__gt=timezone.now()
    ).update(leased_until=until)
    return until


def skip(*, item: QueueItem, user: User) -> bool:
    """Put the item behind all others and let go of it. A doubled call skips once: the second finds no lease to end."""
    return bool(
        QueueItem.objects.filter(pk=item.pk, status=QueueItem.Status.OPEN, leased_by=user).update(
            skips=F("skips") + 1, leased_by=None, leased_until=None
        )
    )


def flag(*, item: QueueItem, actor: Actor, note: str) -> bool:
    """Take the item out of the line for somebody to look at, with a note that says why."""
    if len(note) > 2000:
        raise Invalid("flag_note", f"has {len(note):,} characters; at most 2,000 are kept")
    with transaction.atomic():
        changed = (
            QueueItem.objects.filter(pk=item.pk)
            .exclude(status=QueueItem.Status.DONE)
            .update(status=QueueItem.Status.FLAGGED, flag_note=note, leased_by=None, leased_until=None)
        )
        if changed:
            audit.record(
                project=item.queue.project, actor=actor, action="queue_item.flagged",
                target=f"trace:{item.trace.uid}", queue=item.queue.slug, note=note,
            )  # fmt: skip
    return bool(changed)


def unflag(*, item: QueueItem, actor: Actor) -> bool:
    """Put a flagged item back in line."""
    with transaction.atomic():
        changed = QueueItem.objects.filter(pk=item.pk, status=QueueItem.Status.FLAGGED).update(
            status=QueueItem.Status.OPEN
        )
        if changed:
            audit.record(
                project=item.queue.project, actor=actor, action="queue_item.unflagged",
                target=f"trace:{item.trace.uid}", queue=item.queue.slug,
            )  # fmt: skip
    return bool(changed)


def counts(user: User | None) -> dict[str, Count]:
    """Aggregates over queue items, under the names of Progress."""
    status = QueueItem.Status
    return {
        "total": Count("id", filter=~Q(status__in=AWAY)),
        "open": Count("id", filter=Q(status=status.OPEN)),
        "flagged": Count("id", filter=Q(status=status.FLAGGED)),
        "done": Count("id", filter=Q(status=status.DONE)),
        "mine": Count("id", filter=Q(status=status.DONE, done_by=user)),
        "held": Count("id", filter=Q(status=status.OPEN, leased_until__gt=timezone.now()) & ~Q(leased_by=user)),
        "out": Count("id", filter=Q(status__in=AWAY)),
    }


def progress(*, queue: ReviewQueue, user: User | None) -> Progress:
    """How far one queue is."""
    return Progress(**QueueItem.objects.filter(queue=queue).aggregate(**counts(user)))


def progress_of_all(*, project: Project, user: User | None) -> dict[int, Progress]:
    """How far every queue of the project is, by the queue's id."""
    rows = QueueItem.objects.filter(queue__project=project).values("queue_id").annotate(**counts(user))
    names = Progress.__dataclass_fields__
    return {row["queue_id"]: Progress(**{name: row[name] for name in names}) for row in rows}  # type: ignore[literal-required]
