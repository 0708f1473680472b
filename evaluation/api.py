"""Evaluation's operations of the API, below /api/projects/{slug}/."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Field, Path, Router, Schema, Status
from pydantic import ConfigDict

from evaluation import tasks
from evaluation.compare import read
from evaluation.compare.ask import Refused, Wish, ask
from evaluation.models import Comparison, EvaluationRun
from workspace.access import enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.paging import paginate
from workspace.problems import Problem

router = Router(tags=["comparisons"])
SIZE = 50


class SettingsIn(Schema):
    """How the models answer. What is left out has its default."""

    max_new_tokens: int = Field(default=256, description="Longest answer, in tokens.")
    temperature: float = Field(default=0.0, description="0 to 2; 0 gives the same answer each time.")
    seed: int = Field(default=0, description="For answers that are drawn.")

    model_config = ConfigDict(extra="forbid")


class CandidateSettingsIn(Schema):
    """What the candidate does differently."""

    max_new_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None

    model_config = ConfigDict(extra="forbid")


class RulesIn(Schema):
    """Limits as ratios of candidate to baseline; null only watches."""

    accuracy: float | None = Field(
        default=0.95, description="The primary grade keeps at least this share of the baseline's."
    )
    latency: float | None = Field(default=1.10, description="Latency stays under this multiple.")
    cost: float | None = Field(default=1.20, description="Cost stays under this multiple.")
    alpha: float = Field(default=0.05, description="Intervals are 1 - alpha wide.")

    model_config = ConfigDict(extra="forbid")


class ComparisonIn(Schema):
    """What to compare, on the held-out rows of a dataset version or on a suite that exists."""

    candidate: str = Field(description="A model's id, NAME@NUMBER, NAME, or connection:NAME/MODEL.")
    baseline: str = Field("base", description="The same, or `base`: what the candidate was tuned from.")
    dataset: str = Field("", description="NAME@VERSION (or NAME for the newest); only held-out rows are asked.")
    suite: str = Field("", description="Instead of a dataset: the id of a suite.")
    split: Literal["", "test", "validation"] = Field(
        "", description="Default: test where it has rows, else validation."
    )
    turns: Literal["last", "each"] = Field("last", description="Ask for the final answer, or for each answer.")
    most: int | None = Field(None, description="At most so many conversations, picked by their content.")
    settings: SettingsIn = SettingsIn()
    candidate_settings: CandidateSettingsIn | None = None
    rules: RulesIn = RulesIn()
    graders: list[dict[str, Any] | str] | None = Field(
        None,
        description="Definitions, or confirmed graders of the project as SLUG or SLUG@NUMBER; the first is the primary one. "
        "Default: chosen by what the references hold.",
    )
    name: str = Field("", max_length=200)

    model_config = ConfigDict(extra="forbid")


class SideOut(Schema):
    """One model and how far it is."""

    model: UUID
    name: str
    status: str = Field(description="queued, running, succeeded, failed or cancelled")
    status_reason: str
    settings: dict[str, Any]
    answered: int
    errors: int = Field(description="Of the answered: those with an error instead of an answer.")
    scenarios: int


class ComparisonSummary(Schema):
    """A comparison as lists show it."""

    id: UUID
    name: str
    status: str = Field(description="running, done or failed")
    verdict: str | None = Field(description="APPROVE, REJECT or INCONCLUSIVE once it is done.")
    sentence: str = Field(description="Why, in one sentence.")
    baseline: str
    candidate: str
    suite: str
    requested_by: str
    created_at: datetime
    decided_at: datetime | None


class ComparisonOut(ComparisonSummary):
    """One comparison with all that its verdict rests on. null is not known or has no end, never 0."""

    status_reason: str
    sides: dict[str, SideOut]
    suite_id: UUID
    suite_hash: str
    scenarios: int
    rules: dict[str, Any]
    primary: str = Field(description="Name of the primary grader.")
    metrics: list[dict[str, Any]] = Field(
        description="Per measure: name, kind, n, left_out, baseline, candidate, difference with low and high, "
        "ratio with its interval, limit, guard (pass, fail, open, watched, unmeasured), needed, p, p_holm, fixed, broke, method."
    )
    further: list[str] = Field(description="What else is to be known, in sentences.")


class ComparisonList(Schema):
    """A page of comparisons, newest first."""

    items: list[ComparisonSummary]
    next: str | None


@router.get("/comparisons", response=ComparisonList, summary="List comparisons")
def list_comparisons(request: HttpRequest, slug: Path[str], cursor: str = ""):
    """Comparisons, newest first, 50 a page."""
    entry = enter(request, slug, Role.REVIEWER)
    query = Comparison.objects.filter(project=entry.project).select_related(
        "suite", "baseline__model", "candidate__model"
    )
    page = paginate(query, order=["-id"], cursor=cursor, size=SIZE)
    return {"items": [_summary(one) for one in page.rows], "next": page.older or None}


@router.post("/comparisons", response={201: ComparisonOut}, summary="Compare two models")
def create_comparison(request: HttpRequest, slug: Path[str], body: ComparisonIn):
    """Ask both models the same held-out questions. Answers that exist are used again, and asking for the same
    comparison twice gives the one that stands."""
    entry = enter(request, slug, Role.ENGINEER)
    given = body.dict()
    other = given.pop("candidate_settings")
    if other is not None:
        other = {key: value for key, value in other.items() if value is not None}
    try:
        made = ask(project=entry.project, actor=entry.actor, wish=Wish(**given, candidate_settings=other))
    except Refused as error:
        details = [{"where": error.where, "reason": str(error)}]
        raise Problem(422, "invalid", str(error), details=details) from None
    nudge(tasks.reconcile)
    return Status(201, _whole(made))


@router.get("/comparisons/{uid}", response=ComparisonOut, summary="One comparison")
def get_comparison(request: HttpRequest, slug: Path[str], uid: Path[UUID]):
    """Status, verdict, sentence and metrics."""
    entry = enter(request, slug, Role.REVIEWER)
    query = Comparison.objects.select_related("suite", "baseline__model", "candidate__model")
    found = query.filter(project=entry.project, uid=uid).first()
    if found is None:
        raise Http404("There is no such comparison.")
    return _whole(found)


def _summary(found: Comparison) -> dict[str, Any]:
    return {
        "id": found.uid,
        "name": found.name,
        "status": found.status,
        "verdict": found.outcome or None,
        "sentence": found.sentence,
        "baseline": str(found.baseline.model),
        "candidate": str(found.candidate.model),
        "suite": str(found.suite),
        "requested_by": found.author,
        "created_at": found.created_at,
        "decided_at": found.decided_at,
    }


def _whole(found: Comparison) -> dict[str, Any]:
    sides = dict(zip(("baseline", "candidate"), read.progress(found), strict=True))
    return {
        **_summary(found),
        "status_reason": found.status_reason,
        "sides": {name: _side(run, done) for name, (run, done) in sides.items()},
        "suite_id": found.suite.uid,
        "suite_hash": found.suite.content_hash,
        "scenarios": found.suite.counts["scenarios"],
        "rules": found.rules,
        "primary": found.primary_grader,
        "metrics": found.result.get("metrics", []),
        "further": found.result.get("further", []),
    }


def _side(run: EvaluationRun, done: Any) -> dict[str, Any]:
    return {
        "model": run.model.uid,
        "name": str(run.model),
        "status": run.status,
        "status_reason": run.status_reason,
        "settings": run.settings,
        "answered": done.answered,
        "errors": done.failed,
        "scenarios": done.total,
    }
