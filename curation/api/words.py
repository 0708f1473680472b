"""Feedback and scores by others: on a trace that is there, or on one that may come later."""

import uuid
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Path, Schema, Status

from curation.api.judgments import find, problem
from curation.api.routing import router
from curation.known_scores import KNOWN
from curation.models import Feedback, Score
from curation.review import feedback, said, scores
from curation.review.feedback import Opinion
from curation.review.invalid import Invalid
from curation.review.said import About, Said
from curation.review.scores import Value
from workspace.access import Entry, enter
from workspace.models import Role

_KNOWN = "; ".join(
    f"{one.name} ({one.low:g} to {one.high:g})"
    if one.low is not None and one.high is not None
    else f"{one.name} (true or false)"
    for one in KNOWN.values()
)


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

    name: str = Field(min_length=1, max_length=100, description=f"Any name. With a meaning of their own: {_KNOWN}.")
    number: float | None = None
    boolean: bool | None = None
    category: str = Field("", max_length=100)
    low: float | None = Field(None, description="Lower end of the number's declared range.")
    high: float | None = Field(None, description="Upper end of the number's declared range.")
    passed: bool | None = Field(None, description="Whether it passed its gate; absent where there is none.")
    reason: str = Field("", max_length=scores.REASON_LIMIT)
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
    note: str = Field("", description="That a grader of the project has this name, so that the score decides nothing.")


class AboutIn(Schema):
    """Which trace a word is about: exactly one of trace and session."""

    trace: str = Field("", max_length=2_000, description="Our id of the trace, or its sender's.")
    session: str = Field("", max_length=2_000, description="Or a session: its newest trace.")


class FeedbackAboutIn(FeedbackIn, AboutIn):
    """Feedback with the trace or session it is about."""


class ScoreAboutIn(ScoreIn, AboutIn):
    """A score with the trace or session it is about."""


class Waits(Schema):
    """The trace has not come yet. The word is kept for 30 days and given to the trace when that comes."""

    outcome: Literal["waiting"] = "waiting"
    note: str = ""


PATH = "/traces/{trace_id}"


@router.post(f"{PATH}/feedback", response={201: FeedbackMade, 200: FeedbackMade}, summary="Add feedback")
def create_feedback(request: HttpRequest, slug: Path[str], trace_id: Path[str], payload: FeedbackIn) -> Any:
    """Store what a user of the agent said: a rating, aspects, comments, what should have been done. 200 where the same
    words of the same author are there already."""
    entry = enter(request, slug, Role.REVIEWER)
    find(entry, trace_id)
    return _feedback(entry, About(trace=trace_id), payload)


@router.post(f"{PATH}/scores", response={201: ScoreMade, 200: ScoreMade}, summary="Add a score")
def create_score(request: HttpRequest, slug: Path[str], trace_id: Path[str], payload: ScoreIn) -> Any:
    """Store one typed value. 201 for a new one, 200 where it replaced the one with the same external id or changed
    nothing."""
    entry = enter(request, slug, Role.REVIEWER)
    find(entry, trace_id)
    return _score(entry, About(trace=trace_id), payload)


@router.post(
    "/feedback",
    response={201: FeedbackMade, 200: FeedbackMade, 202: Waits},
    summary="Add feedback by trace or session",
)
def say_feedback(request: HttpRequest, slug: Path[str], payload: FeedbackAboutIn) -> Any:
    """As feedback on a trace; 202 where the trace has not come yet: the words wait for it."""
    entry = enter(request, slug, Role.REVIEWER)
    return _feedback(entry, About(payload.trace, payload.session), payload)


@router.post(
    "/scores", response={201: ScoreMade, 200: ScoreMade, 202: Waits}, summary="Add a score by trace or session"
)
def say_score(request: HttpRequest, slug: Path[str], payload: ScoreAboutIn) -> Any:
    """As a score of a trace; 202 where the trace has not come yet: the score waits for it."""
    entry = enter(request, slug, Role.REVIEWER)
    return _score(entry, About(payload.trace, payload.session), payload)


def _feedback(entry: Entry, about: About, payload: FeedbackIn) -> Any:
    values = payload.dict(include=set(FeedbackIn.model_fields))
    try:
        done = said.say_feedback(project=entry.project, actor=entry.actor, about=about, opinion=Opinion(**values))
    except Invalid as error:
        raise problem(error) from None
    if not isinstance(done.row, Feedback):
        return Status(202, {"outcome": "waiting"})
    columns = {name: getattr(done.row, name) for name in FeedbackIn.model_fields}
    return _told(done, {**columns, "id": done.row.uid, "created_at": done.row.created_at})


def _score(entry: Entry, about: About, payload: ScoreIn) -> Any:
    values = payload.dict(include=set(ScoreIn.model_fields))
    values["source"] = values["source"] or ""
    try:
        done = said.say_score(project=entry.project, actor=entry.actor, about=about, value=Value(**values))
    except Invalid as error:
        raise problem(error) from None
    if not isinstance(done.row, Score):
        return Status(202, {"outcome": "waiting", "note": done.note})
    columns = {name: getattr(done.row, name) for name in ScoreMade.model_fields if name not in ("trace", "note")}
    return _told(done, {**columns, "category": done.row.category or None, "note": done.note})


def _told(done: Said, values: dict[str, Any]) -> Any:
    assert done.trace is not None  # a row stands on one
    return Status(201 if done.outcome == "created" else 200, {**values, "trace": done.trace.uid})
