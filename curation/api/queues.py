"""Review queues: how far each is, making and changing them, and taking traces out."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema, Status

from curation import filters
from curation.api.routing import router
from curation.browse.patience import TooSlow, patience
from curation.models import ReviewQueue
from curation.review import bench, blind, queue_changes, queue_items, queues
from curation.review.invalid import Invalid
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.problems import Problem

MOST_TRACES = 10_000
FIELDS = {"query": "q", "is_blind": "blind"}  # as fields of the work are called here


class QueueIn(Schema):
    """A new queue: filled at once with all traces that match its filter."""

    name: str = Field(max_length=120)
    q: str = Field("", description="Filter; an empty text is every trace that is listed.")
    instructions: str = Field("", max_length=queues.RULES_LIMIT, description="Rules for reviewers, one a line.")
    blind: bool = Field(False, description="Reviewers answer before they see scores, suggestions and words of others.")
    questions: str = Field("", description="Asked beside the verdict: error_recovery, or nothing.")


class QueueChange(Schema):
    """What to change; what is absent stays. The slug always stays."""

    name: str | None = Field(None, max_length=120)
    q: str | None = None
    instructions: str | None = Field(None, max_length=queues.RULES_LIMIT)
    blind: bool | None = None
    questions: str | None = None
    closed: bool | None = Field(None, description="A closed queue is neither filled nor handed out.")
    unmatched: str = Field(
        "keep", pattern="^(keep|out)$",
        description="keep or out: what becomes of items that wait and that another filter does not match.",
    )  # fmt: skip


class QueueMade(Schema):
    """A queue and how far it is; items that were taken out count nowhere else."""

    slug: str
    name: str
    q: str | None = Field(
        description="Null: hidden from reviewers, because the queue is blind and asks what others said."
    )
    instructions: str
    blind: bool
    questions: str
    closed_at: datetime | None
    created_at: datetime
    waiting: int = Field(description="Items that wait, those that somebody is on among them.")
    held: int = Field(description="Of these, items that somebody is on.")
    flagged: int
    judged: int
    out: int


class QueueChanged(QueueMade):
    """What changing the filter did."""

    added: int
    taken_out: int
    left_to_others: int = Field(description="Items that no longer match and stayed because somebody is on them.")


class QueueList(Schema):
    """All queues, closed ones too, the oldest first."""

    items: list[QueueMade]


class QueueForeseen(Schema):
    """What another filter would do."""

    new: int = Field(description="Traces that would come in.")
    unmatched: int = Field(description="Items that wait and would not match any more.")
    held: int = Field(description="Of these, items that somebody is on: they stay.")


class TakeOutIn(Schema):
    """Which items: those of `traces`, or all that wait."""

    traces: list[uuid.UUID] = Field([], max_length=MOST_TRACES)
    all: bool = False


class TakeOutOut(Schema):
    """What taking out did; `at` names these items for putting them back."""

    taken_out: int
    left_to_others: int
    at: datetime


class PutBackIn(Schema):
    """Which items wait again: those of `traces`, or those taken out at the moment `at`."""

    traces: list[uuid.UUID] = Field([], max_length=MOST_TRACES)
    at: datetime | None = None


class PutBackOut(Schema):
    """What putting back did."""

    put_back: int
    judged: int = Field(description="Left out, because they were judged meanwhile.")


@router.get("/queues", response=QueueList, summary="List queues")
def list_queues(request: HttpRequest, slug: Path[str]) -> dict[str, Any]:
    """All queues of the project and how far they are."""
    entry = enter(request, slug, Role.REVIEWER)
    queues.default_queue(project=entry.project)
    found = ReviewQueue.objects.listed().filter(project=entry.project).order_by("id")
    progress = queues.progress_of_all(project=entry.project, user=None)
    made = [_made(one, progress.get(one.pk, queues.Progress())) for one in found]
    for one, told in zip(found, made, strict=True):
        if blind.hides_filter(queue=one, may_look=entry.may(Role.ENGINEER)):
            told["q"] = None
    return {"items": made}


@router.post("/queues", response={201: QueueMade}, summary="Make a queue")
def create_queue(request: HttpRequest, slug: Path[str], body: QueueIn) -> Any:
    """Make a queue of all traces that match a filter."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        made = queues.create(
            project=entry.project, actor=entry.actor, name=body.name, query=body.q, instructions=body.instructions,
            is_blind=body.blind, asks=body.questions,
        )  # fmt: skip
    except (Invalid, filters.FilterError) as error:
        raise _problem(error) from None
    return Status(201, _made(made, queues.progress(queue=made, user=None)))


@router.patch("/queues/{queue}", response=QueueChanged, summary="Change a queue")
def change_queue(request: HttpRequest, slug: Path[str], queue: Path[str], body: QueueChange) -> dict[str, Any]:
    """Change its name, filter, rules or blindness, close it or open it again."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, queue)
    wanted = queue_changes.Part(body.name, body.q, body.instructions, body.blind, body.questions)
    try:
        done = queue_changes.edit(queue=found, actor=entry.actor, wanted=wanted, keep=body.unmatched == "keep")
    except (Invalid, filters.FilterError) as error:
        raise _problem(error) from None
    added = done.added
    if body.closed is True:
        queue_changes.close(queue=found, actor=entry.actor)
    elif body.closed is False:
        added += queue_changes.reopen(queue=found, actor=entry.actor) or 0
    found = _find(entry, queue)
    counts = {"added": added, "taken_out": done.dropped, "left_to_others": done.held}
    return _made(found, queues.progress(queue=found, user=None)) | counts


@router.get("/queues/{queue}/change", response=QueueForeseen, summary="See what another filter would do")
def foresee_change(request: HttpRequest, slug: Path[str], queue: Path[str], q: Query[str] = "") -> dict[str, int]:
    """Counts only; nothing is changed."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, queue)
    try:
        with patience():
            seen = queue_changes.foresee(queue=found, query=q, actor=entry.actor)
    except filters.FilterError as error:
        raise _problem(error) from None
    except TooSlow as error:
        raise Problem(503, "too_slow", str(error), details=[{"where": "q", "reason": str(error)}]) from None
    return {"new": seen.new, "unmatched": seen.gone, "held": seen.held}


@router.delete("/queues/{queue}", response={204: None}, summary="Delete a queue")
def delete_queue(request: HttpRequest, slug: Path[str], queue: Path[str]) -> Any:
    """Only one in which nobody judged or flagged; close the others."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        queue_changes.delete(queue=_find(entry, queue), actor=entry.actor)
    except Invalid as error:
        raise Problem(409, "conflict", f"The queue {error.reason}.") from None
    return Status(204, None)


@router.post("/queues/{queue}/take-out", response=TakeOutOut, summary="Take traces out of a queue")
def take_out(request: HttpRequest, slug: Path[str], queue: Path[str], body: TakeOutIn) -> dict[str, Any]:
    """Items that wait; what somebody is on, flagged or judged stays. A reviewer takes out what they put in by hand."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, queue)
    if body.all == bool(body.traces):
        raise _choose("all, traces", "Send either all or ids in traces.")
    done = queue_items.take_out(
        queue=found, actor=entry.actor, traces=None if body.all else body.traces, only_own=not entry.may(Role.ENGINEER)
    )
    return {"taken_out": done.taken, "left_to_others": done.held, "at": done.at}


@router.post("/queues/{queue}/put-back", response=PutBackOut, summary="Put traces back into a queue")
def put_back(request: HttpRequest, slug: Path[str], queue: Path[str], body: PutBackIn) -> dict[str, int]:
    """What was taken out waits again. A reviewer puts back what they took out."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, queue)
    if (body.at is None) == (not body.traces):
        raise _choose("at, traces", "Send either at or ids in traces.")
    done = queue_items.put_back(
        queue=found, actor=entry.actor, traces=body.traces or None, at=body.at, only_own=not entry.may(Role.ENGINEER)
    )
    return {"put_back": done.back, "judged": done.judged}


def _find(entry: Entry, slug: str) -> ReviewQueue:
    try:
        return bench.queue_named(project=entry.project, slug=slug)
    except ReviewQueue.DoesNotExist:
        raise Http404("There is no such queue in this project.") from None


def _made(one: ReviewQueue, done: queues.Progress) -> dict[str, Any]:
    same = {
        name: getattr(one, name) for name in ("slug", "name", "instructions", "questions", "closed_at", "created_at")
    }
    counts = {"waiting": done.open, "held": done.held, "flagged": done.flagged, "judged": done.done, "out": done.out}
    return same | counts | {"q": one.query, "blind": one.is_blind}


def _choose(where: str, said: str) -> Problem:
    return Problem(422, "invalid", said, details=[{"where": where, "reason": said}])


def _problem(error: Invalid | filters.FilterError) -> Problem:
    if isinstance(error, Invalid):
        where = FIELDS.get(error.field, error.field)
        return Problem(422, "invalid", str(error), details=[{"where": where, "reason": error.reason}])
    where = f"q, character {error.position + 1}"
    return Problem(400, "bad_filter", error.message, details=[{"where": where, "reason": error.message}])
