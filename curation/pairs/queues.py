"""Queues of pairs: made from the traces that a filter finds, handed out one by one like the items of a review queue.

A pair is two answers to one request: two candidates of one trace (n > 1), or two attempts at one task (the same task id,
else the same request). They are made among the newest WINDOW traces that match.
"""

import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, combinations, count, islice, product
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.text import slugify

from curation import filters
from curation.models import Pair, PairQueue, Trace
from curation.pairs import prefer
from curation.review.invalid import Invalid, check_text
from curation.review.queues import LEASE, Progress, named
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor
from workspace.models import Project, User

WINDOW = 10_000
MOST_CRITERIA = 9
MOST_PAIRS = 50
RULES_LIMIT = 20_000
PAUSE = timedelta(minutes=1)  # between two looks for new pairs that nobody asked for
CANDIDATES = "two answers to one request"
SAME_TASK = "two attempts at one task"
SAME_REQUEST = "the same request, asked twice"

# own first (a reload, or the one that was leased ahead), else the first that nobody holds; behind the pair that is looked at,
# past the end of the queue from its beginning. SKIP LOCKED passes over rows that somebody else is handed at this moment
_FIRST = """(
        SELECT id FROM curation_pair WHERE queue_id = %(queue)s AND status = 'open' AND {whose} AND {place}
        ORDER BY skips, id FOR UPDATE SKIP LOCKED LIMIT 1)"""
_OWN = "leased_by_id = %(user)s AND leased_until > %(now)s"
_FREE = """(leased_until IS NULL OR leased_until <= %(now)s)
            AND (SELECT closed_at IS NULL FROM curation_pairqueue WHERE id = %(queue)s)"""
_PLACES = ("(skips, id) > (%(skips)s, %(but)s)", "id <> %(but)s")
_LEASE = f"""
    UPDATE curation_pair SET leased_by_id = %(user)s, leased_until = %(until)s
    WHERE id = coalesce({",".join(_FIRST.format(whose=whose, place=place) for place in _PLACES for whose in (_OWN, _FREE))})
    RETURNING uid
"""  # noqa: S608 (made of the constants above)
# traces of which more than one answer came, with how many further ones
_CANDIDATES = """
    SELECT t.id, jsonb_array_length(r.document #> '{conversations,0,candidates}')
    FROM curation_trace t JOIN curation_tracerevision r ON r.id = t.revision_id
    WHERE t.id = ANY(%s) AND jsonb_typeof(r.document #> '{conversations,0,candidates}') = 'array'
"""


_COUNTED = ("total", "open", "flagged", "done", "mine", "held")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new queue should be. `criteria` are asked one by one before the choice."""

    name: str
    query: str = ""
    most: int = 3
    criteria: tuple[str, ...] = ()
    instructions: str = ""


class _End(NamedTuple):
    """One side: a trace and which of its endings."""

    trace: int
    candidate: int = 0


class _Row(NamedTuple):
    """What making pairs asks of a trace; `said` is the digest of its words, None or "" where unknown."""

    trace: int
    task: str
    request: str
    model: str
    said: str | None


def create(*, project: Project, actor: Actor, wanted: Wanted) -> tuple[PairQueue, int]:
    """A queue with its pairs; returns it with how many there are. Raises Invalid naming the field, and
    filters.FilterError."""
    name = named(wanted.name)
    criteria = [" ".join(one.split()) for one in wanted.criteria if one.strip()]
    if len(criteria) > MOST_CRITERIA:
        raise Invalid("criteria", f"are {len(criteria)}; at most {MOST_CRITERIA} are asked")
    if len({one.lower() for one in criteria}) < len(criteria):
        raise Invalid("criteria", "name the same thing twice")
    for one in criteria:
        check_text("criteria", one, most=80)
    check_text("instructions", wanted.instructions, most=RULES_LIMIT)
    if not 1 <= wanted.most <= MOST_PAIRS:
        raise Invalid("most", f"is a number from 1 to {MOST_PAIRS}")
    filters.parse(wanted.query)
    with transaction.atomic():
        if PairQueue.objects.filter(project=project, name__iexact=name).exists():
            raise Invalid("name", "is taken by another queue of pairs")
        begun = slugify(name)[:55]
        taken = set(PairQueue.objects.filter(project=project, slug__startswith=begun).values_list("slug", flat=True))
        slug = begun if begun not in taken else next(s for n in count(2) if (s := f"{begun}-{n}") not in taken)
        queue = PairQueue.objects.create(
            project=project, slug=slug, name=name, query=wanted.query.strip(), most=wanted.most, criteria=criteria,
            instructions=wanted.instructions.replace("\r\n", "\n").strip(),
        )  # fmt: skip
        added = refill(queue=queue)
        audit.record(
            project=project,
            actor=actor,
            action="pair_queue.created",
            target=f"pairs:{slug}",
            query=queue.query,
            pairs=added,
        )
    return queue, added


def refill(*, queue: PairQueue, every: timedelta = timedelta(0)) -> int:
    """Add pairs that are not in it, until there are `queue.most` for each request or task; open ones whose sides were
    archived go. Which side is shown as A is drawn by chance, once; those that say the same word for word are tied at once.
    Does nothing with a closed queue, nor where it was filled less than `every` ago. Returns how many were added."""
    with transaction.atomic():
        now = timezone.now()
        due = Q(filled_at=None) | Q(filled_at__lte=now - every)
        held = PairQueue.objects.select_for_update(no_key=True).filter(due, pk=queue.pk, closed_at=None).first()
        if held is None:
            return 0
        PairQueue.objects.filter(pk=held.pk).update(filled_at=now)
        gone = Q(left_trace__archived_at__isnull=False) | Q(right_trace__archived_at__isnull=False)
        free = Q(leased_until=None) | Q(leased_until__lte=now)
        Pair.objects.filter(gone, free, queue=held, status=Pair.Status.OPEN).delete()
        traces = Trace.objects.filter(project_id=held.project_id)
        found = filters.apply(traces, filters.parse(held.query), search=planned(held.project_id))
        columns = ("id", "task_id", "input_fingerprint", "model", "revision__said_digest")
        newest = [_Row(*row) for row in found.order_by("-received_at", "-id").values_list(*columns)[:WINDOW]]
        rows = [
            Pair(
                queue=held, left_trace_id=left.trace, left_candidate=left.candidate, right_trace_id=right.trace,
                right_candidate=right.candidate, is_flipped=random.random() < 0.5, reason=reason,  # noqa: S311
            )
            for left, right, reason in _pairs(newest, held)
        ]  # fmt: skip
        made = Pair.objects.bulk_create(rows, batch_size=1000)
        said = {row.trace: row.said for row in newest}
        same = [pair for pair in made if pair.left_trace_id != pair.right_trace_id and said[pair.left_trace_id]]
        same = [pair for pair in same if said[pair.left_trace_id] == said[pair.right_trace_id]]
        prefer.tie(pairs=same)
        return len(made)


def _pairs(newest: Sequence[_Row], queue: PairQueue) -> Iterator[tuple[_End, _End, str]]:
    """New pairs: candidates, then attempts, the oldest requests first; a pair is always named in the same order."""
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, [[row.trace for row in newest]])
        several = dict(cursor.fetchall())
    there, known = _known(queue)
    groups: dict[tuple[str, str], dict[str, list[int]]] = {}
    for row in reversed(newest):
        if several.get(row.trace):
            ends = [_End(row.trace, number) for number in range(several[row.trace] + 1)]
            fresh = (two for two in combinations(ends, 2) if two not in there)
            left = queue.most - known[CANDIDATES, str(row.trace)]
            yield from ((one, other, CANDIDATES) for one, other in islice(fresh, max(0, left)))
        key = (SAME_TASK, row.task) if row.task else (SAME_REQUEST, row.request)
        if key[1]:
            groups.setdefault(key, {}).setdefault(row.model, []).append(row.trace)
    for key, by_model in groups.items():
        fresh = (two for two in _ranked(by_model) if two not in there)
        yield from ((one, other, key[0]) for one, other in islice(fresh, max(0, queue.most - known[key])))


def _ranked(by_model: Mapping[str, Sequence[int]]) -> Iterator[tuple[_End, _End]]:
    """All pairs of one group, lazily (thousands may ask the same): two models tell more than one model twice."""
    across = (product(by_model[one], by_model[other]) for one, other in combinations(by_model, 2))
    within = (combinations(traces, 2) for traces in by_model.values())
    for one, other in chain.from_iterable(chain(across, within)):
        yield _End(min(one, other)), _End(max(one, other))


def _known(queue: PairQueue) -> tuple[set[tuple[_End, _End]], Counter[tuple[str, str]]]:
    """The pairs in the queue, and how many there are of each request or task."""
    there: set[tuple[_End, _End]] = set()
    counts: Counter[tuple[str, str]] = Counter()
    columns = ("left_trace", "left_candidate", "right_trace", "right_candidate", "reason")
    of_left = ("left_trace__task_id", "left_trace__input_fingerprint")
    for left, end, right, other, reason, task, request in Pair.objects.filter(queue=queue).values_list(
        *columns, *of_left
    ):
        there.add((_End(left, end), _End(right, other)))
        counts[reason, {CANDIDATES: str(left), SAME_TASK: task}.get(reason, request)] += 1
    return there, counts


def lease_next(*, queue: PairQueue, user: User, but: Pair | None = None) -> uuid.UUID | None:
    """Hand out the next open pair to this person for 15 minutes: the one they hold already, else the first that is free;
    never `but`. Looks for new pairs where nothing is left. None where there is nothing to do."""
    found = _lease(queue, user, but)
    if found is None and but is None and refill(queue=queue, every=PAUSE):
        found = _lease(queue, user, but)
    return found


def _lease(queue: PairQueue, user: User, but: Pair | None) -> uuid.UUID | None:
    now = timezone.now()
    values: dict[str, Any] = {
        "user": user.pk, "queue": queue.pk, "now": now, "until": now + LEASE, "but": but.pk if but else 0,
        "skips": but.skips if but else -1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LEASE, values)
        row = cursor.fetchone()
    return row[0] if row else None


def hold(*, pair: Pair, user: User) -> bool:
    """Lease this very pair, or renew its lease; False where somebody else holds it, it is not open, or its queue is closed
    and it was not held before."""
    now = timezone.now()
    gives = Exists(PairQueue.objects.filter(pk=OuterRef("queue_id"), closed_at=None))
    free = Q(leased_by=user, leased_until__gt=now) | (Q(leased_until=None) | Q(leased_until__lte=now)) & Q(gives)
    held = Pair.objects.filter(free, pk=pair.pk, status=Pair.Status.OPEN).update(
        leased_by=user, leased_until=now + LEASE
    )
    if held:
        pair.leased_by, pair.leased_until = user, now + LEASE
    return bool(held)


def renew(*, queue: PairQueue, user: User) -> datetime:
    """Push back the end of all leases this person holds in the queue; returns the new end."""
    until = timezone.now() + LEASE
    mine = Pair.objects.filter(queue=queue, status=Pair.Status.OPEN, leased_by=user, leased_until__gt=timezone.now())
    mine.update(leased_until=until)
    return until


def skip(*, pair: Pair, user: User) -> bool:
    """Put the pair behind all others and let go of it; a doubled call skips once."""
    mine = Pair.objects.filter(pk=pair.pk, status=Pair.Status.OPEN, leased_by=user)
    return bool(mine.update(skips=F("skips") + 1, leased_by=None, leased_until=None))


def flag(*, pair: Pair, actor: Actor, note: str) -> bool:
    """Take the pair out of the line for somebody to look at, with a note that says why. Raises Invalid."""
    check_text("flag_note", note, most=2000)
    return _move(pair, actor, "pair.flagged", Pair.Status.OPEN, Pair.Status.FLAGGED, note)


def unflag(*, pair: Pair, actor: Actor) -> bool:
    """Put a flagged pair back in line."""
    return _move(pair, actor, "pair.unflagged", Pair.Status.FLAGGED, Pair.Status.OPEN, pair.flag_note)


def _move(pair: Pair, actor: Actor, action: str, before: Pair.Status, after: Pair.Status, note: str) -> bool:
    with transaction.atomic():
        moved = Pair.objects.filter(pk=pair.pk, status=before).update(
            status=after, flag_note=note, leased_by=None, leased_until=None
        )
        if moved:
            audit.record(
                project=pair.queue.project, actor=actor, action=action, target=f"pair:{pair.uid}", queue=pair.queue.slug,
                note=note,
            )  # fmt: skip
    return bool(moved)


def close(*, queue: PairQueue, actor: Actor, closed: bool) -> bool:
    """Fill it and hand it out no longer, or again; whoever is on a pair may end it. Returns whether that changed."""
    with transaction.atomic():
        changed = PairQueue.objects.filter(pk=queue.pk, closed_at__isnull=closed).update(
            closed_at=timezone.now() if closed else None
        )
        if changed:
            action = "pair_queue.closed" if closed else "pair_queue.reopened"
            audit.record(project=queue.project, actor=actor, action=action, target=f"pairs:{queue.slug}")
    return bool(changed)


def progress_of_all(*, project: Project, user: User | None, queue: PairQueue | None = None) -> dict[int, Progress]:
    """How far every queue of pairs is (or only `queue`), by its id."""
    status = Pair.Status
    found = Pair.objects.filter(queue__project=project)
    rows = (
        (found.filter(queue=queue) if queue else found)
        .values("queue_id")
        .annotate(
            total=Count("id"),
            open=Count("id", filter=Q(status=status.OPEN)),
            flagged=Count("id", filter=Q(status=status.FLAGGED)),
            done=Count("id", filter=Q(status=status.DONE)),
            mine=Count("id", filter=Q(status=status.DONE, done_by=user)),
            held=Count("id", filter=Q(status=status.OPEN, leased_until__gt=timezone.now()) & ~Q(leased_by=user)),
        )
    )
    return {row["queue_id"]: Progress(**{name: row[name] for name in _COUNTED}) for row in rows}  # type: ignore[literal-required]
