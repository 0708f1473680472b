"""What a recipe leaves out, and the replay buffers that recipes name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema

from curation import filters
from curation.api.datasets import FreezeIn, problem
from curation.api.routing import router
from curation.datasets import build, read, reasons, recipe
from curation.datasets.selecting import replay_buffer
from curation.models import ReplayBuffer
from workspace.access import enter
from workspace.models import Project, Role
from workspace.problems import Problem

TAGS = ["datasets"]


class LeftIn(FreezeIn):
    """What would be frozen, and the reason whose traces are asked for."""

    name: str = Field("", description="The dataset that it would be frozen into: what that holds out counts.")
    reason: str = Field(description="A code of `by_reason`, such as gate or near_duplicate.")


class LeftTrace(Schema):
    """One trace and why. `facts` holds gate, operator, threshold and value (null: not measured) where a bound stopped it; `other` is the
    id of the trace that it is a copy of, or that is held out (null: itself, or erased)."""

    trace: UUID
    external_id: str
    detail: str
    facts: dict[str, Any]


class LeftOut(Schema):
    """A page of them, in the order of the recipe."""

    reason: str
    words: str
    total: int
    items: list[LeftTrace]
    next: str | None


class BufferOut(Schema):
    """A replay buffer."""

    name: str
    capacity: int
    filled: int
    seen: int = Field(description="Rows that have passed since it was cleared; each had the same chance to stay.")
    by_version: dict[str, int] = Field(description="How many of its rows came with which version.")
    cleared_at: datetime | None


class BufferRow(Schema):
    """What lies in one place."""

    slot: int
    trace: UUID
    external_id: str
    came_with: str


class BufferDetail(BufferOut):
    """A replay buffer with a page of its rows."""

    items: list[BufferRow]
    next: str | None


class ClearedOut(Schema):
    """How many rows were moved."""

    rows: int


@router.post("/datasets/preview/left", response=LeftOut, tags=TAGS, summary="What a recipe leaves out at one step")
def list_left(request: HttpRequest, slug: Path[str], body: LeftIn, cursor: str = ""):
    """The traces that freezing would decide about for this reason, 50 a page, each with why. For engineers, since it names
    what was said of each trace, and reviewers may have to judge it blind."""
    entry = enter(request, slug, Role.ENGINEER)
    if body.reason not in reasons.BY_CODE:
        raise Problem(
            422, "unknown_reason", f"There is no reason {body.reason!r}.",
            details=[{"where": "reason", "reason": f"must be one of {', '.join(reasons.BY_CODE)}"}],
        )  # fmt: skip
    try:
        chosen = recipe.parse(body.recipe.dict())
        found = build.left(
            project=entry.project,
            query_text=body.filter,
            recipe=chosen,
            reason=body.reason,
            name=body.name,
            cursor=cursor,
        )
    except (recipe.RecipeError, filters.FilterError) as error:
        raise problem(error) from None
    others = read.others(entry.project, [(trace.pk, one.facts) for trace, one in found.rows])
    items = [
        {
            "trace": trace.uid,
            "external_id": trace.external_id,
            "detail": one.detail,
            "facts": _outside(one.facts, others.get(trace.pk)),
        }
        for trace, one in found.rows
    ]
    words = reasons.BY_CODE[body.reason].words
    return {"reason": body.reason, "words": words, "total": found.total, "items": items, "next": found.next or None}


@router.get("/replay-buffers", response=list[BufferOut], tags=TAGS, summary="List replay buffers")
def list_buffers(request: HttpRequest, slug: Path[str]):
    """All buffers of the project by name."""
    entry = enter(request, slug, Role.REVIEWER)
    return [_buffer(look) for look in replay_buffer.look(project=entry.project)]


@router.get("/replay-buffers/{name}", response=BufferDetail, tags=TAGS, summary="What lies in a replay buffer")
def get_buffer(
    request: HttpRequest, slug: Path[str], name: str, cursor: str = "", size: int = Query(100, ge=1, le=500)
):
    """One buffer with a page of its rows, by place."""
    entry = enter(request, slug, Role.REVIEWER)
    look = next((one for one in replay_buffer.look(project=entry.project) if one.buffer.name == name), None)
    if look is None:
        raise _missing(entry.project, name)
    page = replay_buffer.rows(buffer=look.buffer, cursor=cursor, size=size)
    items = [
        {"slot": one.slot, "trace": one.trace.uid, "external_id": one.trace.external_id, "came_with": one.came_with}
        for one in page.rows
    ]
    return {**_buffer(look), "items": items, "next": page.older or None}


@router.post("/replay-buffers/{name}/clear", response=ClearedOut, tags=TAGS, summary="Empty a replay buffer")
def clear_buffer(request: HttpRequest, slug: Path[str], name: str):
    """It begins anew. What lay in it can be restored until rows pass again."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        return {"rows": replay_buffer.clear(project=entry.project, name=name, actor=entry.actor)}
    except ReplayBuffer.DoesNotExist:
        raise _missing(entry.project, name) from None


@router.post("/replay-buffers/{name}/restore", response=ClearedOut, tags=TAGS, summary="Take a clearing back")
def restore_buffer(request: HttpRequest, slug: Path[str], name: str):
    """409 where nothing is set aside, or rows have passed since."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        back = replay_buffer.restore(project=entry.project, name=name, actor=entry.actor)
    except ReplayBuffer.DoesNotExist:
        raise _missing(entry.project, name) from None
    if back is None:
        raise Problem(409, "nothing_to_restore", "Nothing is set aside, or rows have passed since it was cleared.")
    return {"rows": back}


def _missing(project: Project, name: str) -> Http404:
    return Http404(f"There is no replay buffer {name!r} in {project.slug}.")


def _buffer(look: replay_buffer.Look) -> dict[str, Any]:
    return {
        "name": look.buffer.name,
        "capacity": look.buffer.capacity,
        "filled": look.filled,
        "seen": look.seen,
        "by_version": look.by_version,
        "cleared_at": look.cleared_at,
    }


def _outside(facts: Mapping[str, Any], other: read.Other | None) -> dict[str, Any]:
    """Facts as others may know them: traces by their outside ids."""
    return dict(facts) | ({"other": str(other.trace.uid) if other else None} if "other" in facts else {})
