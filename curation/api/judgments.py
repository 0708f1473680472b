"""Judgments of a trace. Feedback and scores are in `curation.api.words`."""

import uuid
from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Path, Schema, Status

from curation.api.routing import router
from curation.models import Judgment, Trace
from curation.review import blind, judgments, naming
from curation.review.invalid import Invalid
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.problems import Problem


class JudgmentIn(Schema):
    """A verdict on a trace."""

    verdict: Literal["acceptable", "unacceptable", "unsure"]
    rating: int | None = Field(None, ge=1, le=5, description="1 to 5, 5 is best.")
    note: str = Field("", max_length=judgments.NOTE_LIMIT)
    revision: int | None = Field(None, ge=1, description="Number of the revision that was seen; the newest by default.")
    idempotency_key: str = Field("", max_length=judgments.KEY_LIMIT, description="The same key again changes nothing.")


class JudgmentMade(Schema):
    """A stored judgment and what all judgments of the trace come to."""

    id: uuid.UUID
    trace: uuid.UUID
    author: str
    verdict: str
    rating: int | None
    note: str
    revision: int
    created_at: datetime
    withdrawn_at: datetime | None
    effective: str | None = Field(description="The trace's effective judgment; null while it has none.")


class JudgmentList(Schema):
    """All judgments of a trace, newest first."""

    items: list[JudgmentMade]


PATH = "/traces/{trace_id}"


@router.post(f"{PATH}/judgments", response={201: JudgmentMade, 200: JudgmentMade}, summary="Judge a trace")
def create_judgment(request: HttpRequest, slug: Path[str], trace_id: Path[str], payload: JudgmentIn) -> Any:
    """Say that a trace is acceptable, unacceptable or unsure. `trace_id` is our id or the sender's. 201 for a new
    judgment, 200 where its idempotency key was seen before."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = find(entry, trace_id)
    try:
        done = judgments.record(
            project=entry.project, actor=entry.actor, trace_uid=trace.uid, verdict=payload.verdict,
            rating=payload.rating, note=payload.note, key=payload.idempotency_key, revision=payload.revision,
        )  # fmt: skip
    except Invalid as error:
        raise problem(error) from None
    made = Judgment.objects.select_related("revision").get(uid=done.uid)
    return Status(200 if done.repeated else 201, _judgment(made, trace.uid, done.effective))


@router.get(f"{PATH}/judgments", response=JudgmentList, summary="List the judgments of a trace")
def list_judgments(request: HttpRequest, slug: Path[str], trace_id: Path[str]) -> dict[str, Any]:
    """Everything people said of a trace, withdrawn judgments included. Only their own for a reviewer for whom the trace
    waits in a blind queue."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = find(entry, trace_id)
    user = entry.actor.user
    hidden = blind.hides(trace=trace, user=user, may_look=entry.may(Role.ENGINEER))
    rows = Judgment.objects.filter(trace=trace).select_related("revision").order_by("-id")
    rows = rows.filter(user=user) if hidden else rows
    return {"items": [_judgment(row, trace.uid, "" if hidden else trace.verdict) for row in rows]}


def find(entry: Entry, name: str) -> Trace:
    """The trace with this id (ours or its sender's) in the project that was entered; 404 where there is none."""
    try:
        trace = naming.find_trace(project=entry.project, name=name)
    except Trace.DoesNotExist:
        raise Http404("There is no such trace in this project.") from None
    trace.project = entry.project  # saves loading it again
    return trace


def _judgment(row: Judgment, trace: uuid.UUID, effective: str) -> dict[str, Any]:
    columns = ("author", "verdict", "rating", "note", "created_at", "withdrawn_at")
    return {name: getattr(row, name) for name in columns} | {
        "id": row.uid, "trace": trace, "revision": row.revision.number, "effective": effective or None,
    }  # fmt: skip


def problem(error: Invalid) -> Problem:
    """A 422 that names the field."""
    return Problem(422, "invalid", str(error), details=[{"where": error.field, "reason": error.reason}])
