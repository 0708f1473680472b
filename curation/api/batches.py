"""Batches: grade many traces, or generate candidates for them; priced before, seen, stopped and gone on with."""

import uuid
from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema, Status

from curation import filters, tasks
from curation.api.graders import connection_named, problem
from curation.api.routing import router
from curation.models import Batch, BatchItem
from curation.scoring import batches, generation, keep, read
from curation.scoring.pricing import Price
from curation.scoring.refused import Refused
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.problems import Problem

CONFIRMED = "The price that was seen, or a higher sum; not needed where it is 0. A batch that passes it stops, and can be resumed."


class Wish(Schema):
    """What is to be done. `grade`: by one grader, scores are stored. `generate`: several answers per trace."""

    kind: Literal["grade", "generate"] = "grade"
    q: str = Field("", description="Filter; an empty text is every trace that is listed.")
    sample: int | None = Field(None, ge=1, description="Only so many of them, drawn at random.")
    sample_seed: int = Field(0, ge=0, le=2**31 - 1)
    grader: str = Field("", max_length=80, description="grade: slug, or slug@version.")
    regrade: bool = Field(False, description="grade: ask again where there is a score by this version already.")
    connection: str = Field("", max_length=80, description="generate: name or id of the connection.")
    model: str = Field("", max_length=200, description="generate: by default the connection's.")
    candidates: int = Field(generation.CANDIDATES, description="generate: answers per trace; 2 are raised to 3.")
    temperatures: list[float] = Field(list(generation.TEMPERATURES), max_length=generation.MOST_CANDIDATES)
    max_tokens: int = generation.USUAL_TOKENS
    seed: int | None = Field(None, description="generate: sent with each request, plus the candidate's number.")
    graders: list[str] = Field([], max_length=20, description="generate: who grades the candidates.")
    until: datetime | None = Field(
        None, description="Traces that came later are left out; send what the price said, so that it is the same batch."
    )


class WishConfirmed(Wish):
    """The same, agreed to."""

    key: str = Field(min_length=1, max_length=64, description="Of your choice: the same key again is the same batch.")
    confirmed: str = Field("", max_length=40, description=CONFIRMED)


class PriceMade(Schema):
    """What it is estimated to cost. Nothing is started by asking."""

    price: str = Field(description='US dollars, or "unknown" where a model has no price in its connection.')
    is_free: bool
    traces: int = Field(description="That match.")
    reused: int = Field(description="Of these, with a score by this version already: they cost nothing.")
    items: int = Field(description="Gradings, or candidates.")
    calls: int = Field(description="Requests to models.")
    input_tokens: int = Field(description="Estimate, characters / 4.")
    output_tokens: int = Field(description="At most.")
    looked_at: int = Field(description="Of so many traces the prompt was really made; the rest is taken to be as long.")
    until: datetime
    warnings: list[str]


class BatchMade(Schema):
    """How far a batch is."""

    id: uuid.UUID
    kind: str
    grader: str | None
    q: str = Field(description="With absolute times.")
    settings: dict[str, Any]
    status: str = Field(description="queued, running, done, failed or cancelled")
    error: str
    total: int
    counts: dict[str, int] = Field(description="waiting, asking, done, failed, unknown, reused.")
    estimate_usd: str | None
    cost_usd: str
    author: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class BatchList(Schema):
    """A page of batches, newest first."""

    items: list[BatchMade]
    next: str | None


class ItemMade(Schema):
    """One call: what was sent and what came, as it was."""

    trace: uuid.UUID
    ordinal: int
    settings: dict[str, Any]
    status: str
    error: str
    attempts: int
    prompt: Any
    answer: Any
    grades: dict[str, Any]
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: str | None
    latency_ms: int | None


class ItemList(Schema):
    """A page of items, in the order in which they are asked."""

    items: list[ItemMade]
    next: str | None


class RestWish(Schema):
    """What is asked again besides what waits."""

    again_unknown: bool = Field(False, description="Also calls whose outcome is unknown: they may be paid for twice.")
    again_failed: bool = False


class ResumeIn(RestWish):
    """The same, agreed to."""

    confirmed: str = Field("", max_length=40, description=CONFIRMED)


@router.post("/batches/price", response=PriceMade, summary="Price a batch")
def price_batch(request: HttpRequest, slug: Path[str], body: Wish) -> dict[str, Any]:
    """An estimate. Send `price` and `until` back to start exactly this."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        return _priced(_price(entry, body))
    except (Refused, filters.FilterError) as error:
        raise problem(error) from None


@router.post("/batches", response={201: BatchMade}, summary="Start a batch")
def start_batch(request: HttpRequest, slug: Path[str], body: WishConfirmed) -> Any:
    """Refused where the price is higher than what was confirmed, or a budget does not hold it."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        made = _start(entry, body)
    except (Refused, filters.FilterError) as error:
        raise problem(error) from None
    nudge(tasks.work_on_batch, made.pk)
    return Status(201, _made(_find(entry, made.uid)))


@router.get("/batches", response=BatchList, summary="List batches")
def list_batches(request: HttpRequest, slug: Path[str], cursor: Query[str] = "") -> dict[str, Any]:
    """Newest first; their items are counted when one is read."""
    entry = enter(request, slug, Role.ENGINEER)
    page = read.batches(entry.project, cursor=cursor)
    return {"items": [_made(one, count=False) for one in page.rows], "next": page.older or None}


@router.get("/batches/{batch_id}", response=BatchMade, summary="See how far a batch is")
def read_batch(request: HttpRequest, slug: Path[str], batch_id: Path[uuid.UUID]) -> dict[str, Any]:
    """Its status and the counts of its items."""
    entry = enter(request, slug, Role.ENGINEER)
    return _made(_find(entry, batch_id))


@router.get("/batches/{batch_id}/items", response=ItemList, summary="List the calls of a batch")
def list_items(
    request: HttpRequest, slug: Path[str], batch_id: Path[uuid.UUID], status: Query[str] = "", cursor: Query[str] = ""
) -> dict[str, Any]:
    """Each with its prompt and answer, all or those with one status."""
    entry = enter(request, slug, Role.ENGINEER)
    if status and status not in BatchItem.Status.values:
        said = f"{status[:40]!r} is none of {', '.join(BatchItem.Status.values)}."
        raise Problem(422, "invalid", said, details=[{"where": "status", "reason": said}])
    page = read.items(_find(entry, batch_id), status=status, cursor=cursor)
    return {"items": [_item(one) for one in page.rows], "next": page.older or None}


@router.post("/batches/{batch_id}/cancel", response=BatchMade, summary="Cancel a batch")
def cancel_batch(request: HttpRequest, slug: Path[str], batch_id: Path[uuid.UUID]) -> dict[str, Any]:
    """Nothing more is asked; calls under way are finished and kept."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, batch_id)
    if not batches.cancel(found, entry.actor):
        raise Problem(409, "not_running", f"The batch is {found.status}.")
    return _made(found)


@router.post("/batches/{batch_id}/resume/price", response=PriceMade, summary="Price what is left of a batch")
def price_rest(request: HttpRequest, slug: Path[str], batch_id: Path[uuid.UUID], body: RestWish) -> dict[str, Any]:
    """An estimate of what going on would cost from now on. Send `price` back as `confirmed` to go on."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, batch_id)
    try:
        return _priced(batches.price_of_rest(found, **body.dict()))
    except Refused as error:
        raise _not_resumed(error) from None


@router.post("/batches/{batch_id}/resume", response=BatchMade, summary="Go on with a batch")
def resume_batch(request: HttpRequest, slug: Path[str], batch_id: Path[uuid.UUID], body: ResumeIn) -> dict[str, Any]:
    """What waits is asked; what has an unknown outcome only where `again_unknown` says so. Refused where the price is
    higher than what was confirmed, or a budget does not hold it."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, batch_id)
    try:
        batches.resume(found, entry.actor, **body.dict())
    except Refused as error:
        raise _not_resumed(error) from None
    nudge(tasks.work_on_batch, found.pk)
    return _made(found)


def _not_resumed(error: Refused) -> Problem:
    return Problem(409, "nothing_to_do", error.reason) if error.field == "batch" else problem(error)


def _priced(told: Price) -> dict[str, Any]:
    return {
        "price": told.text, "is_free": told.is_free, "traces": told.traces, "reused": told.reused, "items": told.items,
        "calls": told.calls, "input_tokens": told.input, "output_tokens": told.output, "looked_at": told.looked_at,
        "until": told.until, "warnings": list(told.warnings),
    }  # fmt: skip


def _price(entry: Entry, body: Wish) -> Price:
    if body.kind == "grade":
        version = keep.named(project=entry.project, label=body.grader)
        return batches.price(
            project=entry.project, version=version, query=body.q, regrade=body.regrade, sample=body.sample,
            seed=body.sample_seed, until=body.until,
        )  # fmt: skip
    return generation.price(project=entry.project, **_candidates(entry, body))


def _start(entry: Entry, body: WishConfirmed) -> Batch:
    said: dict[str, Any] = {"actor": entry.actor, "confirmed": body.confirmed, "key": body.key}
    if body.kind == "grade":
        version = keep.named(project=entry.project, label=body.grader)
        return batches.start(
            project=entry.project, version=version, query=body.q, regrade=body.regrade, sample=body.sample,
            seed=body.sample_seed, until=body.until, **said,
        )  # fmt: skip
    return generation.start(project=entry.project, **_candidates(entry, body), **said)


def _candidates(entry: Entry, body: Wish) -> dict[str, Any]:
    connection = connection_named(entry.project, body.connection)
    if connection is None:
        raise Refused("connection", "Choose a connection of this project.")
    graders = [keep.named(project=entry.project, label=label) for label in body.graders]
    same = ("model", "temperatures", "candidates", "max_tokens", "seed", "sample", "sample_seed", "until")
    chosen = {name: getattr(body, name) for name in same}
    return chosen | {"query": body.q, "connection": connection, "graders": graders}


def _find(entry: Entry, batch_id: uuid.UUID) -> Batch:
    try:
        return read.batch(entry.project, batch_id)
    except Batch.DoesNotExist:
        raise Http404("There is no such batch in this project.") from None


def _made(one: Batch, *, count: bool = True) -> dict[str, Any]:
    counts = {"done": one.done, "failed": one.failed, "reused": one.reused}
    same = ("kind", "settings", "status", "error", "total", "author", "created_at", "started_at", "ended_at")
    return {name: getattr(one, name) for name in same} | {
        "id": one.uid, "grader": str(one.grader_version) if one.grader_version else None, "q": one.query,
        "counts": read.progress(one).counts if count else counts,
        "estimate_usd": None if one.estimate_usd is None else f"{one.estimate_usd:f}", "cost_usd": f"{one.cost_usd:f}",
    }  # fmt: skip


def _item(one: BatchItem) -> dict[str, Any]:
    same = (
        "ordinal", "settings", "status", "error", "attempts", "prompt", "answer", "grades", "input_tokens",
        "output_tokens", "latency_ms",
    )  # fmt: skip
    return {name: getattr(one, name) for name in same} | {
        "trace": one.trace.uid, "cost_usd": None if one.cost_usd is None else f"{one.cost_usd:f}"
    }  # fmt: skip
