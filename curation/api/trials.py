"""Trials of graders: priced before, begun, seen while samples come, and cancelled."""

import uuid
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Path, Schema, Status

from curation import filters, tasks
from curation.api.graders import ONE, find, find_version, problem
from curation.api.routing import router
from curation.models import Trial
from curation.scoring import trial
from curation.scoring.refused import Refused
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.problems import Problem
from workspace.uuid7 import uuid7


class TrialIn(Schema):
    """Which traces to try it on."""

    q: str = ""
    n: int = Field(5, ge=1, le=trial.MOST)
    seed: int = Field(1, ge=0, le=2**31 - 1, description="The same seed draws the same traces.")
    key: str = Field("", max_length=64, description="Of your choice: the same key again is the same trial.")
    confirmed: str = Field(
        "",
        max_length=40,
        description="The price that was seen, as `price` tells it; needed where it may cost something.",
    )
    only_price: bool = Field(False, description="Tell the price and try nothing.")


class TrialRow(Schema):
    """One sample: score and passed are null where it could not be graded, ms and cost where they are not known."""

    trace: uuid.UUID
    status: str = Field(
        description="waiting, asking, done, unknown (it may have been paid for) or cancelled (not asked)"
    )
    score: float | None
    passed: bool | None
    reason: str
    error: str
    ms: int | None
    cost_usd: str | None


class TrialMade(Schema):
    """A trial; nothing of it is stored as a score. The true mean of all traces lies between `low` and `high` in 95 of 100."""

    id: uuid.UUID | None = Field(description="Null where only the price was asked for.")
    status: str = Field(description='queued, running, done, failed or cancelled; "" where only the price was asked for')
    is_open: bool = Field(description="Whether more may come.")
    error: str = Field("", description="Why the rest was not asked.")
    price: str = Field(description='US dollars at most, or "unknown".')
    total: int = Field(description="Samples.")
    settled: int = Field(description="Samples of which nothing more comes.")
    n: int = Field(description="Samples that have a score so far; the average is over these.")
    mean: float | None
    half_width: float | None = Field(description="Of Student's interval; null where there is none.")
    low: float | None = None
    high: float | None = None
    interval: str = Field("", description='"wilson" where each score is 0 or 1, "student", or "" where there is none.')
    cost_usd: str | None = Field(description="Null where that of a sample is not known.")
    rows: list[TrialRow]


NOT_BEGUN: dict[str, Any] = {
    "id": None, "status": "", "is_open": False, "total": 0, "settled": 0, "n": 0, "mean": None, "half_width": None,
    "cost_usd": None, "rows": [],
}  # fmt: skip
TRIAL = f"{ONE}/versions/{{number}}/trial"


@router.post(TRIAL, response={201: TrialMade, 200: TrialMade}, summary="Try a grader on some traces")
def try_version(request: HttpRequest, slug: Path[str], grader: Path[str], number: Path[int], body: TrialIn) -> Any:
    """Real grades of traces drawn at random, confirmed or not; none is stored as a score. What may cost something needs
    the price in `confirmed`, and comes bit by bit: ask for the trial by its id. 200 where only the price was asked for."""
    entry = enter(request, slug, Role.ENGINEER)
    version = find_version(find(entry, grader), number)
    try:
        if body.only_price:
            _, price = trial.priced(version=version, query=body.q, seed=body.seed, n=body.n)
            return Status(200, NOT_BEGUN | {"price": price.text})
        made, goes_on = trial.begin(
            version=version, query=body.q, seed=body.seed, n=body.n, actor=entry.actor, confirmed=body.confirmed,
            key=body.key or uuid7().hex,
        )  # fmt: skip
    except (Refused, filters.FilterError) as error:
        raise problem(error) from None
    if goes_on:
        nudge(tasks.work_on_trial, made.pk)
    return Status(201, _made(made))


@router.get(f"{TRIAL}/{{trial_id}}", response=TrialMade, summary="Read a trial of a grader")
def read_trial(
    request: HttpRequest, slug: Path[str], grader: Path[str], number: Path[int], trial_id: Path[uuid.UUID]
) -> dict[str, Any]:
    """How far it is, and what came so far."""
    entry = enter(request, slug, Role.ENGINEER)
    return _made(_find(entry, grader, number, trial_id))


@router.post(f"{TRIAL}/{{trial_id}}/cancel", response=TrialMade, summary="Cancel a trial of a grader")
def cancel_trial(
    request: HttpRequest, slug: Path[str], grader: Path[str], number: Path[int], trial_id: Path[uuid.UUID]
) -> dict[str, Any]:
    """Nothing more is asked; what is under way still comes and is kept."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, grader, number, trial_id)
    if not trial.cancel(found, entry.actor):
        raise Problem(409, "not_running", f"The trial is {found.status}.")
    return _made(found)


def _find(entry: Entry, grader: str, number: int, uid: uuid.UUID) -> Trial:
    version = find_version(find(entry, grader), number)
    try:
        return trial.find(version, uid)
    except Trial.DoesNotExist:
        raise Http404(f"{version} has no such trial.") from None


def _made(found: Trial) -> dict[str, Any]:
    told = trial.read(found)
    names = ("is_open", "settled", "n", "mean", "half_width", "low", "high", "interval")
    same = ("status", "score", "passed", "reason", "error", "ms")
    return {name: getattr(told, name) for name in names} | {
        "id": found.uid, "status": found.status, "error": found.error, "total": found.total,
        "price": "unknown" if found.agreed_usd is None else f"{found.agreed_usd:f}", "cost_usd": _usd(told.cost),
        "rows": [
            {name: getattr(one, name) for name in same} | {"trace": one.trace.uid, "cost_usd": _usd(one.cost_usd)}
            for one in told.items
        ],
    }  # fmt: skip


def _usd(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
