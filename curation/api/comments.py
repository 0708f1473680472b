"""Comments on traces, and where the caller was called in one."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Path, Schema, Status

from curation.api.routing import router
from curation.models import Comment, Trace
from curation.review import blind, comments, naming
from curation.review.invalid import Invalid
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.problems import Problem


class CommentIn(Schema):
    """A word on a trace, on one of its steps, or on a range of a step's text. `@` and a name calls a member."""

    text: str = Field(min_length=1, max_length=comments.TEXT_LIMIT)
    step: str = Field("", max_length=200, description="The step's key; empty for the whole trace.")
    start: int | None = Field(None, ge=0, description="First character of the range in the step's shown text.")
    end: int | None = Field(None, ge=1, description="The character behind the range.")
    quote: str = Field("", max_length=comments.QUOTE_LIMIT, description="How the range reads.")
    revision: int | None = Field(None, ge=1, description="Number of the revision that was seen; the newest by default.")
    idempotency_key: str = Field("", max_length=comments.KEY_LIMIT, description="The same key again changes nothing.")


class CommentChange(Schema):
    """What to change; what is absent stays."""

    text: str | None = Field(None, min_length=1, max_length=comments.TEXT_LIMIT, description="Only the author may.")
    resolved: bool | None = Field(None, description="Whether it is dealt with. Anybody may.")
    withdrawn: bool | None = Field(None, description="Whether it is taken back. Only the author may.")


class CommentMade(Schema):
    """A stored comment."""

    id: uuid.UUID
    author: str
    text: str
    step: str
    start: int | None
    end: int | None
    quote: str
    created_at: datetime
    edited_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str
    withdrawn_at: datetime | None


class CommentList(Schema):
    """The standing comments of a trace, oldest first."""

    items: list[CommentMade]


class MentionMade(Schema):
    """Where the caller was called."""

    comment: CommentMade
    trace: uuid.UUID
    seen_at: datetime | None


class MentionList(Schema):
    """Unseen ones first, then the newest; `more` says how many are not listed."""

    items: list[MentionMade]
    unseen: int
    more: int


@router.get("/traces/{trace_id}/comments", response=CommentList, summary="List the comments of a trace")
def list_comments(request: HttpRequest, slug: Path[str], trace_id: Path[str]) -> dict[str, Any]:
    """Comments that stand. A reviewer who has not judged a trace of a blind queue sees only their own."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = _trace(entry, trace_id)
    user = entry.actor.user
    hidden = blind.hides(trace=trace, user=user, may_look=entry.may(Role.ENGINEER))
    return {"items": [_made(one) for one in comments.of_trace(trace=trace, user=user, only_own=hidden)]}


@router.post("/traces/{trace_id}/comments", response={201: CommentMade, 200: CommentMade}, summary="Comment on a trace")
def create_comment(request: HttpRequest, slug: Path[str], trace_id: Path[str], payload: CommentIn) -> Any:
    """Store a comment. 201 for a new one, 200 where its idempotency key was seen before."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = _trace(entry, trace_id)
    anchor = comments.Anchor(payload.step, payload.start, payload.end, payload.quote)
    try:
        made, new = comments.add(
            project=entry.project, actor=entry.actor, trace_uid=trace.uid, text=payload.text, anchor=anchor,
            revision=payload.revision, key=payload.idempotency_key,
        )  # fmt: skip
    except Invalid as error:
        raise _problem(error) from None
    return Status(201 if new else 200, _made(made))


@router.patch("/comments/{comment_id}", response=CommentMade, summary="Change a comment")
def change_comment(request: HttpRequest, slug: Path[str], comment_id: Path[uuid.UUID], payload: CommentChange) -> Any:
    """Edit, resolve, or take back a comment."""
    entry = enter(request, slug, Role.REVIEWER)
    who: dict[str, Any] = {"project": entry.project, "actor": entry.actor, "uid": comment_id}
    try:
        if payload.withdrawn is not None:
            (comments.withdraw if payload.withdrawn else comments.restore)(**who)
        if payload.text is not None:
            comments.edit(**who, text=payload.text)
        if payload.resolved is not None:
            comments.resolve(**who, resolved=payload.resolved)
        found = Comment.objects.get(project=entry.project, uid=comment_id)
    except Comment.DoesNotExist:
        raise Http404("There is no such comment, or it is not yours to change.") from None
    except Invalid as error:
        raise _problem(error) from None
    return _made(found)


@router.get("/mentions", response=MentionList, summary="List where you were called")
def list_mentions(request: HttpRequest, slug: Path[str]) -> dict[str, Any]:
    """Comments that call the signed-in person. A token is nobody: its list is empty."""
    entry = enter(request, slug, Role.REVIEWER)
    user = entry.actor.user
    if user is None:
        return {"items": [], "unseen": 0, "more": 0}
    rows, more = comments.mentions(project=entry.project, user=user, may_look=entry.may(Role.ENGINEER))
    items = [{"comment": _made(one.comment), "trace": one.comment.trace.uid, "seen_at": one.seen_at} for one in rows]
    return {"items": items, "unseen": comments.unseen(project=entry.project, user=user), "more": more}


def _trace(entry: Entry, name: str) -> Trace:
    try:
        return naming.find_trace(project=entry.project, name=name)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None


def _made(one: Comment) -> dict[str, Any]:
    columns = (
        "author", "text", "start", "end", "quote", "created_at", "edited_at", "resolved_at", "resolved_by", "withdrawn_at",
    )  # fmt: skip
    return {name: getattr(one, name) for name in columns} | {"id": one.uid, "step": one.step_key}


def _problem(error: Invalid) -> Problem:
    return Problem(422, "invalid", str(error), details=[{"where": error.field, "reason": error.reason}])
