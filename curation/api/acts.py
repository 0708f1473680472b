"""Acts on many traces: begin one on a filter or on given traces, see how far it is, stop it, undo it."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Path, Schema

from curation import filters, tasks
from curation.api.routing import router
from curation.browse import bulk
from curation.models import BulkAct
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.problems import Problem

MOST_TRACES = 10_000
SECONDS = 30.0
ENGINEERS = (BulkAct.Kind.ARCHIVE, BulkAct.Kind.RESTORE)


class ActIn(Schema):
    """What to do, and to which traces: either all that match `q`, or `traces`."""

    act: str = Field(description="archive, restore, tag, untag, queue or topic; the first two need the role engineer.")
    argument: str = Field(
        "",
        description="The tag, the slug of the queue (none: the queue of picked traces) or of the topic (none: take away what was given).",
    )
    q: str | None = Field(None, description="Filter; an empty text is every trace that is listed.")
    traces: list[uuid.UUID] = Field([], description="Ids of traces, instead of a filter.")


class ActOut(Schema):
    """How far an act is."""

    id: uuid.UUID
    act: str
    argument: str
    q: str = Field(description="The filter as it was sent.")
    status: str = Field(description="running, done, stopped, undoing or undone")
    total: int | None = Field(description="Traces that were found; null while they are looked for.")
    reached: int = Field(description="Traces looked at so far.")
    changed: int
    already: int = Field(description="Traces that were so already.")
    undone: int = Field(description="Changes that undoing has looked at.")
    kept: int = Field(description="Of these, left as they are: changed again since, or begun.")
    error: str
    created_at: datetime
    ended_at: datetime | None


@router.post("/traces/acts", response=ActOut, summary="Act on many traces")
def begin_act(request: HttpRequest, slug: Path[str], body: ActIn) -> dict[str, Any]:
    """Few traces are done when the answer comes; many are worked off behind it: ask again until `status` is done. What
    comes in later is not touched."""
    entry = enter(request, slug, Role.REVIEWER)
    _check_role(request, slug, body.act)
    if (body.q is None) == (not body.traces) or len(body.traces) > MOST_TRACES:
        said = f"Send either q or 1 to {MOST_TRACES:,} ids in traces."
        raise Problem(400, "bad_act", said, details=[{"where": "q, traces", "reason": said}])
    try:
        query = None if body.q is None else filters.parse(body.q)
        made = bulk.begin(
            project=entry.project,
            actor=entry.actor,
            kind=body.act,
            argument=body.argument,
            choice=bulk.Choice(uids=body.traces, query=query),
        )
    except filters.FilterError as error:
        where = f"q, character {error.position + 1}"
        raise Problem(400, "bad_filter", error.message, details=[{"where": where, "reason": error.message}]) from None
    except bulk.BadAct as error:
        where = "act" if error.field == "kind" else error.field
        raise Problem(400, "bad_act", str(error), details=[{"where": where, "reason": str(error)}]) from None
    _go_on(made, bulk.is_small(made))
    return _out(entry, made.uid)


@router.get("/traces/acts/{act_id}", response=ActOut, summary="See how far an act is")
def read_act(request: HttpRequest, slug: Path[str], act_id: Path[uuid.UUID]) -> dict[str, Any]:
    """The counts of one act."""
    entry = enter(request, slug, Role.REVIEWER)
    return _out(entry, act_id)


@router.post("/traces/acts/{act_id}/stop", response=ActOut, summary="Stop an act")
def stop_act(request: HttpRequest, slug: Path[str], act_id: Path[uuid.UUID]) -> dict[str, Any]:
    """End it after the batch it is at; what it changed stays and can be undone."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, act_id)
    _check_role(request, slug, found.kind)
    if not bulk.stop(act=found, actor=entry.actor):
        raise Problem(409, "not_running", f"The act is {found.status}.")
    return _out(entry, act_id)


@router.post("/traces/acts/{act_id}/undo", response=ActOut, summary="Undo an act")
def undo_act(request: HttpRequest, slug: Path[str], act_id: Path[uuid.UUID]) -> dict[str, Any]:
    """Take back what it changed, and nothing that was changed again since."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry, act_id)
    _check_role(request, slug, found.kind)
    if not bulk.take_back(act=found, actor=entry.actor):
        raise Problem(409, "nothing_to_undo", "There is nothing to undo any more.")
    _go_on(found, found.changed <= bulk.AT_ONCE)
    return _out(entry, act_id)


def _check_role(request: HttpRequest, slug: str, kind: str) -> None:
    if kind in ENGINEERS:
        enter(request, slug, Role.ENGINEER)


def _go_on(act: BulkAct, small: bool) -> None:
    if small:
        bulk.work(act_id=act.pk, seconds=SECONDS)
    else:
        nudge(tasks.work_on_act, act.pk)


def _find(entry: Entry, act_id: uuid.UUID) -> BulkAct:
    found = BulkAct.objects.filter(project=entry.project, uid=act_id).defer("traces").select_related("project").first()
    if found is None:
        raise Http404("There is no such act in this project.")
    return found


def _out(entry: Entry, act_id: uuid.UUID) -> dict[str, Any]:
    found = _find(entry, act_id)
    same = (
        "argument", "status", "total", "reached", "changed", "already", "undone", "kept", "error", "created_at",
        "ended_at",
    )  # fmt: skip
    return {name: getattr(found, name) for name in same} | {"id": found.uid, "act": found.kind, "q": found.query}
