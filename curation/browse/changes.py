"""What one batch of an act changes, and how it is taken back. Every function works inside the caller's transaction."""

from collections.abc import Sequence

from django.db.models import F, Func, Q, TextField, Value

from curation.dirty import mark_traces
from curation.models import BulkAct, BulkChange, QueueItem, ReviewQueue, Topic, Trace, TraceTopic
from curation.review import picking
from curation.review.queues import AWAY

Kind = BulkAct.Kind
Source = TraceTopic.Source


def make(*, act: BulkAct, ids: Sequence[int]) -> tuple[int, int]:
    """Do the act to the traces with these ids. Returns how many were changed, and how many are there at all."""
    # locked in one order, so that two acts cannot wait for each other
    present = list(
        Trace.objects.filter(project_id=act.project_id, pk__in=ids)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    if act.kind == Kind.QUEUE:
        changed = _queue(act, present)
    elif act.kind == Kind.TOPIC:
        changed = _topic(act, present)
    else:
        found = Trace.objects.filter(_needs(act), pk__in=present)
        changed = dict.fromkeys(found.values_list("pk", flat=True), "")
        Trace.objects.filter(pk__in=list(changed)).update(**_put(act))
    BulkChange.objects.bulk_create([BulkChange(act=act, trace_id=key, former=changed[key]) for key in sorted(changed)])
    _mark(act, sorted(changed))
    return len(changed), len(present)


def take_back(*, act: BulkAct, most: int) -> tuple[int, int]:
    """Undo the next `most` changes of the act. Returns how many were looked at, and how many of them were taken back: not
    those that were changed again since, nor queue items that somebody has begun."""
    changes = list(
        BulkChange.objects.filter(act=act).order_by("trace_id").values_list("pk", "trace_id", "former")[:most]
    )
    ids = [trace for _, trace, _ in changes]
    if act.kind == Kind.QUEUE:
        waiting = QueueItem.objects.filter(
            queue__project=act.project_id, queue__slug=act.argument, trace__in=ids, created_at=act.created_at,
            status=QueueItem.Status.OPEN, leased_by=None, done_at=None, skips=0,
        )  # fmt: skip
        # what was not waiting in the queue before is again as it was: taken out for good, or till a filter finds it
        taken = 0
        for status in AWAY:
            away = [trace for _, trace, former in changes if former == status]
            taken += waiting.filter(trace__in=away).update(status=status)
        # an act from before `former` was kept
        taken += waiting.filter(out_at__isnull=False).update(status=QueueItem.Status.OUT)
        taken += waiting.delete()[0]
    elif act.kind == Kind.TOPIC:
        taken = _topic_back(act, {trace: former for _, trace, former in changes})
    else:
        locked = Trace.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
        found = [row.pk for row in locked.filter(_still(act)).only("pk")]
        taken = Trace.objects.filter(pk__in=found).update(**_put_back(act))
        _mark(act, found)
    BulkChange.objects.filter(pk__in=[key for key, _, _ in changes]).delete()
    return len(changes), taken


def _needs(act: BulkAct) -> Q:
    """Which traces the act would change: not those that are so already."""
    match act.kind:
        case Kind.ARCHIVE:
            return Q(archived_at=None)
        case Kind.RESTORE:
            return ~Q(archived_at=None) & Q(erased_at=None)  # a tombstone is in no list
        case Kind.TAG:
            return ~Q(tags__contains=[act.argument])
        case _:
            return Q(tags__contains=[act.argument])


def _put(act: BulkAct) -> dict[str, object]:
    tag = Value(act.argument, output_field=TextField())
    match act.kind:
        case Kind.ARCHIVE:
            return {"archived_at": act.created_at}
        case Kind.RESTORE:
            return {"archived_at": None}
        case Kind.TAG:
            return {"tags": Func(F("tags"), tag, function="array_append")}
        case _:
            return {"tags": Func(F("tags"), tag, function="array_remove")}


def _still(act: BulkAct) -> Q:
    """Which traces are as the act left them."""
    match act.kind:
        case Kind.ARCHIVE:
            return Q(archived_at=act.created_at)
        case Kind.RESTORE:
            return Q(archived_at=None)
        case Kind.TAG:
            return Q(tags__contains=[act.argument])
        case _:
            return ~Q(tags__contains=[act.argument])


def _put_back(act: BulkAct) -> dict[str, object]:
    tag = Value(act.argument, output_field=TextField())
    match act.kind:
        case Kind.ARCHIVE:
            return {"archived_at": None}
        case Kind.RESTORE:
            return {"archived_at": act.created_at}
        case Kind.TAG:
            return {"tags": Func(F("tags"), tag, function="array_remove")}
        case _:
            return {"tags": Func(F("tags"), tag, function="array_append")}


def _queue(act: BulkAct, present: list[int]) -> dict[int, str]:
    """Put the traces into the queue, before those that a filter put there; those in it already stay as they are, those
    that were taken out wait again. Returns the former status of what was changed by the trace's id, "" for new items."""
    queue = ReviewQueue.objects.get(project_id=act.project_id, slug=act.argument)
    reason = f"{picking.BY}{act.author}"[:200]
    known = QueueItem.objects.filter(queue=queue, trace_id__in=present)
    out = known.filter(status__in=AWAY)
    # locked, so that nobody takes one out for good between reading its status and changing it
    again = dict(out.order_by("pk").select_for_update(no_key=True).values_list("trace_id", "status"))
    out.filter(trace_id__in=list(again)).update(
        status=QueueItem.Status.OPEN, priority=1, reason=reason, skips=0, created_at=act.created_at
    )
    inside = set(known.values_list("trace_id", flat=True))
    items = [QueueItem(queue=queue, trace_id=key, priority=1, reason=reason) for key in present if key not in inside]
    QueueItem.objects.bulk_create(items, batch_size=1_000, ignore_conflicts=True)
    # the column fills itself with the clock of each row: the act's own moment is what undoing needs. An item that
    # somebody else put in meanwhile is not one of these uids
    mine = QueueItem.objects.filter(queue=queue, uid__in=[item.uid for item in items])
    mine.update(created_at=act.created_at)
    return again | dict.fromkeys(mine.values_list("trace_id", flat=True), "")


def _topic(act: BulkAct, present: list[int]) -> dict[int, str]:
    """Give the topic by hand, or take away what was given. Returns the former topic of what was changed by the trace's id."""
    given = _given(act, present)
    if not act.argument:
        TraceTopic.objects.filter(trace__in=list(given)).delete()
        return given
    changed = {key: given.get(key, "") for key in present if given.get(key) != f"{Source.HAND}:{act.argument}"}
    _give(act, Topic.objects.get(project_id=act.project_id, slug=act.argument), Source.HAND, list(changed), act.author)
    return changed


def _topic_back(act: BulkAct, former: dict[int, str]) -> int:
    """The topics as they were, of traces that nobody gave another since. A topic that is gone by now leaves none."""
    given = _given(act, list(former))
    if act.argument:
        mine = TraceTopic.objects.filter(trace__in=list(former), source=Source.HAND, created_at=act.created_at)
        still = [
            key for key in mine.values_list("trace_id", flat=True) if given[key] == f"{Source.HAND}:{act.argument}"
        ]
    else:
        still = [key for key in former if key not in given]
    TraceTopic.objects.filter(trace__in=still).delete()
    by_topic: dict[str, list[int]] = {}
    for key in still:
        if former[key]:
            by_topic.setdefault(former[key], []).append(key)
    for said, keys in by_topic.items():
        source, _, slug = said.partition(":")
        if topic := Topic.objects.filter(project_id=act.project_id, slug=slug).first():
            _give(act, topic, source, keys, f"{act.author}, undone")
    return len(still)


def _given(act: BulkAct, ids: list[int]) -> dict[int, str]:
    """The topics that traces were given, as source:slug, held until the end of the transaction."""
    rows = TraceTopic.objects.filter(project_id=act.project_id, trace__in=ids).order_by("pk")
    held = rows.select_for_update(of=("self",)).values_list("trace_id", "source", "topic__slug")
    return {trace: f"{source}:{slug}" for trace, source, slug in held}


def _give(act: BulkAct, topic: Topic, source: str, ids: list[int], author: str) -> None:
    rows = [
        TraceTopic(project_id=act.project_id, trace_id=key, topic=topic, source=source, author=author[:200])
        for key in ids
    ]
    TraceTopic.objects.bulk_create(
        rows,
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["trace"],
        update_fields=["topic", "source", "author"],
    )
    # the act's own moment is what undoing needs
    TraceTopic.objects.filter(trace__in=ids).update(created_at=act.created_at)


def _mark(act: BulkAct, ids: Sequence[int]) -> None:
    """The sums by hour do not count archived traces."""
    if act.kind in (Kind.ARCHIVE, Kind.RESTORE):
        mark_traces(ids=ids)
