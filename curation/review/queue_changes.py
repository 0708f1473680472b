"""Changing a queue: its name, filter, rules and blindness; closing it, opening it again, deleting it."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from curation import filters
from curation.models import QueueItem, ReviewQueue
from curation.review import picking, questions, queues
from curation.review.invalid import Invalid, check_text
from curation.review.queue_items import held_by_others
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

# made by the project itself wherever they are missing
OWN = (queues.DEFAULT_SLUG, picking.SLUG)


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be said of a queue afterwards."""

    name: str
    query: str
    instructions: str = ""
    is_blind: bool = False
    questions: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a queue's settings: what is None stays as it is."""

    name: str | None = None
    query: str | None = None
    instructions: str | None = None
    is_blind: bool | None = None
    questions: str | None = None


class ChangedMeanwhile(Exception):
    """Somebody else changed one of the fields `names` since the settings were read that a change was made from; `stands`
    is what holds now, `wanted` the same with the change. Nothing was done."""

    def __init__(self, names: tuple[str, ...], stands: Settings, wanted: Settings) -> None:
        super().__init__(f"changed meanwhile: {', '.join(names)}")
        self.names, self.stands, self.wanted = names, stands, wanted


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What another filter would do: traces that come in (into a closed queue only when it is reopened), items that wait
    and would not match any more, and those of them that somebody else is on."""

    new: int
    gone: int
    held: int


@dataclass(frozen=True, slots=True)
class Edited:
    """What editing did. `before` and `at` are what `undo_edit` needs; `changed` are the names of fields, `meanwhile` those
    that somebody else changed since the settings were read, and that were left so."""

    before: Settings
    after: Settings
    changed: tuple[str, ...]
    added: int
    dropped: int
    held: int
    at: datetime
    meanwhile: tuple[str, ...] = ()


def settings_of(queue: ReviewQueue) -> Settings:
    """What stands now."""
    return Settings(queue.name, queue.query, queue.instructions, queue.is_blind, queue.questions)


def foresee(*, queue: ReviewQueue, query: str, actor: Actor) -> Foreseen:
    """What changing the filter to `query` would do now. Raises filters.FilterError."""
    wanted = ReviewQueue(pk=queue.pk, project_id=queue.project_id, query=query)
    matching = queues.matched(queue=wanted)
    inside = QueueItem.objects.filter(queue=queue, trace=OuterRef("pk")).exclude(status=QueueItem.Status.DROPPED)
    gone = _unmatched(wanted)
    new = matching.exclude(Exists(inside)).count()
    return Foreseen(new, gone.count(), gone.filter(held_by_others(actor.user)).count())


def _unmatched(queue: ReviewQueue) -> "QuerySet[QueueItem]":
    """Items that wait though the filter does not find their traces; not what somebody put in by hand."""
    fits = queues.matched(queue=queue).filter(pk=OuterRef("trace_id"))
    waiting = QueueItem.objects.filter(queue=queue.pk, status=QueueItem.Status.OPEN)
    return waiting.exclude(reason__startswith=picking.BY).exclude(Exists(fits))


def edit(
    *, queue: ReviewQueue, actor: Actor, wanted: Settings | Part, made_from: Settings | None = None, keep: bool = True
) -> Edited:
    """Make the queue so and fill it by its filter; what is not given, or is as in `made_from` (what the person had before
    their eyes), stays as it is by now. Where the filter changed, items that do not match any more wait on with `keep`,
    else they are taken out, but for those that somebody else is on. The address stays. Raises Invalid, filters.FilterError,
    and with `made_from` ChangedMeanwhile."""
    given = _checked(queue, wanted)
    if made_from is not None:
        given = {name: value for name, value in given.items() if value != getattr(made_from, name)}
    with transaction.atomic():
        row = ReviewQueue.objects.listed().select_for_update(no_key=True).select_related("project").get(pk=queue.pk)
        before, at = settings_of(row), timezone.now()
        after = replace(before, **given)
        others, changed = _moved(made_from or before, before), _moved(before, after)
        if clash := tuple(name for name in others if name in changed):
            raise ChangedMeanwhile(clash, before, after)
        meanwhile = tuple(name for name in others if name not in given)
        if not changed:
            return Edited(before, after, changed, 0, 0, 0, at, meanwhile)
        if "name" in changed:
            queues.check_name(project=row.project, name=after.name, but=row.pk)
        ReviewQueue.objects.filter(pk=row.pk).update(**{name: getattr(after, name) for name in changed})
        row.query = after.query
        dropped = held = added = 0
        if "query" in changed:
            if not keep:
                gone = _unmatched(row)
                dropped = gone.exclude(held_by_others(actor.user)).update(
                    status=QueueItem.Status.DROPPED, out_by=actor.user, out_at=at, leased_by=None, leased_until=None
                )
                held = gone.count()
            added = queues.refill(queue=row, at=at)
        told = {name: [getattr(before, name), getattr(after, name)] for name in changed}
        counts = {"added": added, "taken_out": dropped, "left_to_others": held} if "query" in changed else {}
        _record(row, actor, "queue.edited", changed=told, **counts)
    return Edited(before, after, changed, added, dropped, held, at, meanwhile)


def undo_edit(*, queue: ReviewQueue, actor: Actor, before: Settings, after: Settings, at: datetime) -> str | None:
    """Make the queue as it was before `edit`, with what that took out, and without what came in then and nobody began.
    Returns its name, with a number where another queue took the old one meanwhile. None where it was changed again since:
    then nothing is done."""
    with transaction.atomic():
        name = queues.free_name(project=queue.project, name=before.name, but=queue.pk)
        standing = ReviewQueue.objects.listed().filter(pk=queue.pk, **asdict(after))
        if not standing.update(**asdict(replace(before, name=name))):
            return None
        came, _ = QueueItem.objects.filter(
            queue=queue, created_at=at, status=QueueItem.Status.OPEN, leased_by=None, done_at=None, skips=0
        ).delete()
        back = QueueItem.objects.filter(queue=queue, status=QueueItem.Status.DROPPED, out_at=at).update(
            status=QueueItem.Status.OPEN, out_by=None, out_at=None
        )
        _record(queue, actor, "queue.edit_undone", name=name, put_back=back, taken_out=came)
    return name


def close(*, queue: ReviewQueue, actor: Actor) -> bool:
    """Fill it and hand it out no longer; whoever is on an item may end it. Returns whether it was open."""
    with transaction.atomic():
        closed = ReviewQueue.objects.handed_out().filter(pk=queue.pk).update(closed_at=timezone.now())
        if closed:
            _record(queue, actor, "queue.closed")
    return bool(closed)


def reopen(*, queue: ReviewQueue, actor: Actor) -> int | None:
    """Hand it out again, with what matches by now. Returns how many came in, None where it was not closed."""
    with transaction.atomic():
        if not ReviewQueue.objects.listed().filter(pk=queue.pk, closed_at__isnull=False).update(closed_at=None):
            return None
        added = queues.refill(queue=queue) if queue.slug != picking.SLUG else 0
        _record(queue, actor, "queue.reopened", items=added)
    return added


def why_kept(*, queue: ReviewQueue) -> str:
    """Why the queue cannot be deleted, "" where it can."""
    if queue.slug in OWN:
        return "belongs to the project: close it instead"
    items = QueueItem.objects.filter(queue=queue)
    if items.filter(queues.said_in()).exists():
        return "keeps what people judged or flagged in it: close it instead"
    if items.filter(held_by_others(None), status=QueueItem.Status.OPEN).exists():
        return "has an item that somebody is on at this moment: close it, or wait"
    return ""


def delete(*, queue: ReviewQueue, actor: Actor) -> None:
    """Delete a queue in which nobody judged or flagged; `restore` brings it back within a day. Raises Invalid."""
    with transaction.atomic():
        ReviewQueue.objects.select_for_update(no_key=True).get(pk=queue.pk)
        if why := why_kept(queue=queue):
            raise Invalid("queue", why)
        now = timezone.now()
        gone = ReviewQueue.objects.listed().filter(pk=queue.pk)
        if gone.update(deleted_at=now, closed_at=Coalesce(F("closed_at"), now)):
            _record(queue, actor, "queue.deleted", name=queue.name, query=queue.query)


def restore(*, project: Project, actor: Actor, slug: str) -> tuple[ReviewQueue, str]:
    """Bring back a queue that was deleted, as it was; its name gets a number where another queue took it meanwhile. Returns
    it, and the name it had. Raises ReviewQueue.DoesNotExist."""
    with transaction.atomic():
        found = ReviewQueue.objects.filter(project=project, slug=slug, deleted_at__isnull=False)
        queue = found.select_for_update(no_key=True).get()
        # deleting closed it where it was open
        was_open = queue.closed_at == queue.deleted_at
        name = queues.free_name(project=project, name=queue.name, but=queue.pk)
        found.update(name=name, deleted_at=None, closed_at=None if was_open else queue.closed_at)
        _record(queue, actor, "queue.restored", name=name)
    return ReviewQueue.objects.get(pk=queue.pk), queue.name


def _checked(queue: ReviewQueue, wanted: Settings | Part) -> dict[str, Any]:
    """What is given, as it is kept. Raises Invalid and filters.FilterError."""
    given: dict[str, Any] = {name: value for name, value in asdict(wanted).items() if value is not None}
    if "instructions" in given:
        given["instructions"] = given["instructions"].replace("\r\n", "\n").strip()
        check_text("instructions", given["instructions"], most=queues.RULES_LIMIT)
    if "questions" in given:
        questions.check_set(given["questions"])
    if "query" in given:
        given["query"] = given["query"].strip()
        if queue.slug == picking.SLUG and given["query"]:
            raise Invalid("query", "is not for this queue: people fill it; make another queue for a filter")
        filters.parse(given["query"])
    if "name" in given:
        given["name"] = queues.named(given["name"])
    return given


def _moved(before: Settings, after: Settings) -> tuple[str, ...]:
    """The names of the fields in which they differ."""
    return tuple(name for name, value in asdict(after).items() if value != getattr(before, name))


def _record(queue: ReviewQueue, actor: Actor, action: str, **detail: object) -> None:
    audit.record(project=queue.project, actor=actor, action=action, target=f"queue:{queue.slug}", **detail)
