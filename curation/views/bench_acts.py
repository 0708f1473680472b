"""What the forms of the bench say of an item or a trace: judge, undo, skip, flag, rate a step, correct."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from curation.models import QueueItem, ReviewQueue, Trace
from curation.review import bench, corrections, judgments, questions, queues, steps
from curation.review.invalid import Invalid
from workspace.access import Entry
from workspace.models import User

TAKEN_BACK = "Judgment taken back."
EDIT_TAKEN_BACK = "The edited answer is taken back."
NOTHING_TO_TAKE_BACK = "There is no judgment of yours to take back here."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a form was sent from: an item of a queue, or a trace."""

    slug: str
    queue: str = ""
    item: uuid.UUID | None = None
    trace: uuid.UUID | None = None

    @property
    def url(self) -> str:
        if self.item is not None:
            return reverse("curation:review-item", args=[self.slug, self.queue, self.item])
        return reverse("curation:trace", args=[self.slug, self.trace])

    @property
    def next_url(self) -> str:
        return reverse("curation:review-next", args=[self.slug, self.queue]) if self.item is not None else self.url


def _judge(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    rating = request.POST.get("rating", "")
    if rating and not rating.isdecimal():
        raise Invalid("rating", f"must be a whole number from 1 to 5; got {rating[:20]!r}")
    answers = questions.read(request.POST.dict())
    try:
        done = judgments.record(
            project=entry.project, actor=entry.actor, trace_uid=place.trace, item_uid=place.item,
            verdict=request.POST.get("verdict", ""), rating=int(rating) if rating else None,
            note=request.POST.get("note", "").replace("\r\n", "\n").strip(), key=request.POST.get("key", ""),
            revision=number(request.POST.get("revision"), 0) or None, seconds=_seconds(request.POST.get("seconds", "")),
        )  # fmt: skip
    except Trace.DoesNotExist:
        raise Http404("There is no such item in this project.") from None
    if answers:
        where = trace_at(entry, place)
        questions.keep(project=entry.project, actor=entry.actor, judgment=done.uid, trace=where, answers=answers)
    return place.next_url, {"judgment": str(done.uid), "effective": done.effective}


def _undo(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    key = request.POST.get("undo_key", "")
    queue = queue_at(entry, place.queue) if place.item is not None else None
    uid = None
    if not key:
        # what was done last goes first: the answer may have been edited since the newest judgment
        uid = judgments.latest(
            project=entry.project, actor=entry.actor, queue=queue.pk if queue else None, trace=place.trace
        )
        shown_uid = trace_at(entry, place)
        if corrections.take_back_newest(project=entry.project, actor=entry.actor, trace_uid=shown_uid, judgment=uid):
            return f"{place.url}#answer", {"message": EDIT_TAKEN_BACK, "undone": True, "answer": True}
    if queue is not None:
        return undo_in(entry, queue, key, uid)
    gone = judgments.withdraw(project=entry.project, actor=entry.actor, key=key, uid=uid) if key or uid else None
    return place.url, {"message": TAKEN_BACK if gone else NOTHING_TO_TAKE_BACK, "undone": gone is not None}


def undo_in(
    entry: Entry, queue: ReviewQueue, key: str = "", uid: uuid.UUID | None = None
) -> tuple[str, dict[str, Any]]:
    """Undo in a queue: the judgment with this key or outside id; the address is that of its item."""
    gone = judgments.withdraw(project=entry.project, actor=entry.actor, key=key, uid=uid) if key or uid else None
    slug = entry.project.slug
    if gone is None:
        return reverse("curation:review-next", args=[slug, queue.slug]), {
            "message": NOTHING_TO_TAKE_BACK,
            "undone": False,
        }
    item = QueueItem.objects.filter(queue=queue, trace_id=gone.trace_id).values_list("uid", flat=True).first()
    url = (
        reverse("curation:review-item", args=[slug, queue.slug, item])
        if item
        else reverse("curation:review", args=[slug])
    )
    return url, {"message": TAKEN_BACK, "undone": True, "url": url}


def _skip(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    skipped = queues.skip(item=_item_at(entry, place), user=person_of(entry))
    return place.next_url, {"skipped": skipped}


def _flag(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    note = request.POST.get("flag_note", "").strip()
    flagged = queues.flag(item=_item_at(entry, place), actor=entry.actor, note=note)
    return place.next_url, {"flagged": flagged}


def _step(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    # a button carries "good:<key>", a script the two apart
    value, _, key = request.POST.get("step", "").partition(":")
    stands = steps.judge(
        project=entry.project, actor=entry.actor, trace_uid=trace_at(entry, place), step_key=key, value=value,
        revision=number(request.POST.get("revision"), 0) or None,
    )  # fmt: skip
    return place.url, {"value": stands}


def _correct(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    made = corrections.correct(
        project=entry.project, actor=entry.actor, trace_uid=trace_at(entry, place), text=request.POST.get("answer", ""),
        revision=number(request.POST.get("revision"), 0) or None,
    )  # fmt: skip
    return f"{place.url}#answer", {"edited": made is not None}


def _reset(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    gone = corrections.reset(project=entry.project, actor=entry.actor, trace_uid=trace_at(entry, place))
    return f"{place.url}#answer", {"edited": False, "reset": gone}


def _heartbeat(request: HttpRequest, entry: Entry, place: Place) -> tuple[str, dict[str, Any]]:
    queue = queue_at(entry, place.queue)
    queues.renew(queue=queue, user=person_of(entry))
    return place.url, {"seconds": int(queues.LEASE.total_seconds())}


ACTS = {
    "judge": _judge,
    "undo": _undo,
    "skip": _skip,
    "flag": _flag,
    "step": _step,
    "correct": _correct,
    "reset": _reset,
    "heartbeat": _heartbeat,
}


def queue_at(entry: Entry, slug: str) -> ReviewQueue:
    try:
        return bench.queue_named(project=entry.project, slug=slug)
    except ReviewQueue.DoesNotExist:
        raise Http404("There is no such queue in this project.") from None


def item_named(entry: Entry, queue: str, uid: str) -> QueueItem:
    try:
        return QueueItem.objects.select_related("queue__project", "trace").get(
            queue__project=entry.project, queue__slug=queue, uid=uuid.UUID(uid)
        )
    except (QueueItem.DoesNotExist, ValueError):
        raise Http404("There is no such item in this project.") from None


def _item_at(entry: Entry, place: Place) -> QueueItem:
    if place.item is None:
        raise Invalid("act", "needs a queue; this page shows a trace by itself")
    return item_named(entry, place.queue, str(place.item))


def trace_at(entry: Entry, place: Place) -> uuid.UUID:
    return place.trace if place.trace is not None else _item_at(entry, place).trace.uid


def person_of(entry: Entry) -> User:
    if entry.actor.user is None:
        raise Http404("Only people review.")
    return entry.actor.user


def number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else otherwise


def _seconds(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
