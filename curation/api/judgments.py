"""What people and graders say of a trace: judgments, feedback, scores."""

import uuid
from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Path, Schema, Status

from curation.api.routing import router
from curation.models import Judgment, Trace
from curation.review import feedback, judgments, naming, scores
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


class FeedbackIn(Schema):
    """What a user of the agent thought."""

    rating: int | None = Field(None, ge=1, le=5)
    aspects: dict[str, int] = Field({}, description="Name to 1..5, such as toolSelection, responseQuality, speed.")
    comments: str = Field("", max_length=feedback.TEXT_LIMIT)
    suggested_tools: list[str] = Field([], max_length=100)
    suggested_response: str = Field("", max_length=feedback.TEXT_LIMIT)
    author: str = Field("", max_length=200, description="Who said it, where a program passes it on.")


class FeedbackMade(FeedbackIn):
    """Stored feedback."""

    id: uuid.UUID
    trace: uuid.UUID
    created_at: datetime


class ScoreIn(Schema):
    """One measured value: exactly one of number, boolean and category."""

    name: str = Field(min_length=1, max_length=100)
    number: float | None = None
    boolean: bool | None = None
    category: str = Field("", max_length=100)
    low: float | None = Field(None, description="Lower end of the number's declared range.")
    high: float | None = Field(None, description="Upper end of the number's declared range.")
    passed: bool | None = Field(None, description="Whether it passed its gate; absent where there is none.")
    reason: str = Field("", max_length=20_000)
    source: Literal["human", "judge", "code", "imported", "worker"] | None = Field(
        None, description="By default human for a person, imported for a token."
    )
    grader_version: str = Field("", max_length=100)
    external_id: str = Field("", max_length=200, description="The same again under this id replaces the value.")


class ScoreMade(Schema):
    """A stored score."""

    trace: uuid.UUID
    name: str
    number: float | None
    boolean: bool | None
    category: str | None
    low: float | None
    high: float | None
    passed: bool | None
    reason: str
    source: str
    author: str
    grader_version: str
    external_id: str
    created_at: datetime


PATH = "/traces/{trace_id}"


@router.post(f"{PATH}/judgments", response={201: JudgmentMade, 200: JudgmentMade}, summary="Judge a trace")
def create_judgment(request: HttpRequest, slug: Path[str], trace_id: Path[str], payload: JudgmentIn) -> Any:
    """Say that a trace is acceptable, unacceptable or unsure. `trace_id` is our id or the sender's. 201 for a new
    judgment, 200 where its idempotency key was seen before."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = _trace(entry, trace_id)
    try:
        done = judgments.record(
            project=entry.project, actor=entry.actor, trace_uid=trace.uid, verdict=payload.verdict,
            rating=payload.rating, note=payload.note, key=payload.idempotency_key, revision=payload.revision,
        )  # fmt: skip
    except Invalid as error:
        raise _problem(error) from None
    made = Judgment.objects.select_related("revision").get(uid=done.uid)
    return Status(200 if done.repeated else 201, _judgment(made, trace.uid, done.effective))


@router.get(f"{PATH}/judgments", response=JudgmentList, summary="List the judgments of a trace")
def list_judgments(request: HttpRequest, slug: Path[str], trace_id: Path[str]) -> dict[str, Any]:
    """Everything people said of a trace, withdrawn judgments included."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = _trace(entry, trace_id)
    rows = Judgment.objects.filter(trace=trace).select_related("revision").order_by("-id")
    return {"items": [_judgment(row, trace.uid, trace.verdict) for row in rows]}


@router.post(f"{PATH}/feedback", response={201: FeedbackMade}, summary="Add feedback")
def create_feedback(request: HttpRequest, slug: Path[str], trace_id: Path[str], payload: FeedbackIn) -> Any:
    """Store what a user of the agent said: a rating, aspects, comments, what should have been done."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = _trace(entry, trace_id)
    try:
        made = feedback.add(trace=trace, actor=entry.actor, **payload.dict())
    except Invalid as error:
        raise _problem(error) from None
    columns = (name for name in FeedbackIn.model_fields)
    return Status(201, {name: getattr(made, name) for name in columns}
                  | {"id": made.uid, "trace": trace.uid, "created_at": made.created_at})  # fmt: skip


@router.post(f"{PATH}/scores", response={201: ScoreMade, 200: ScoreMade}, summary="Add a score")
def create_score(request: HttpRequest, slug: Path[str], trace_id: Path[str], payload: ScoreIn) -> Any:
    """Store one typed value. 201 for a new one, 200 where it replaced the one with the same external id."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = _trace(entry, trace_id)
    values = payload.dict()
    values["source"] = values["source"] or ""
    try:
        made, new = scores.add(trace=trace, actor=entry.actor, **values)
    except Invalid as error:
        raise _problem(error) from None
    columns = (name for name in ScoreMade.model_fields if name not in ("trace", "category"))
    return Status(201 if new else 200, {name: getattr(made, name) for name in columns}
                  | {"trace": trace.uid, "category": made.category or None})  # fmt: skip


def _trace(entry: Entry, name: str) -> Trace:
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


def _problem(error: Invalid) -> Problem:
    return Problem(422, "invalid", str(error), details=[{"where": error.field, "reason": error.reason}])
