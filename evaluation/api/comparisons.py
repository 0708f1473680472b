"""Comparisons: list, price, make, see and stop them."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Path, Status

from evaluation import tasks
from evaluation.api.routing import router
from evaluation.api.shapes import ComparisonConfirmed, ComparisonIn, ComparisonList, ComparisonOut, JudgesPriceOut
from evaluation.compare import ask as asking
from evaluation.compare import cancel, read
from evaluation.judging import progress
from evaluation.judging.price import Bill
from evaluation.models import Comparison, EvaluationRun
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.paging import paginate
from workspace.problems import Problem

SIZE = 50


@router.get("/comparisons", response=ComparisonList, summary="List comparisons")
def list_comparisons(request: HttpRequest, slug: Path[str], cursor: str = ""):
    """Comparisons, newest first, 50 a page."""
    entry = enter(request, slug, Role.REVIEWER)
    query = Comparison.objects.filter(project=entry.project).select_related(
        "suite", "baseline__model", "candidate__model"
    )
    page = paginate(query, order=["-id"], cursor=cursor, size=SIZE)
    return {"items": [_summary(one) for one in page.rows], "next": page.older or None}


@router.post("/comparisons/price", response=JudgesPriceOut, summary="Price the judges of a comparison")
def price_comparison(request: HttpRequest, slug: Path[str], body: ComparisonIn):
    """An estimate. Send `price` back as `confirmed` to start it. Free where no grader asks a model."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        return priced(asking.price(project=entry.project, actor=entry.actor, wish=_wish(body)))
    except asking.Refused as error:
        raise problem(error.where, error) from None


@router.post("/comparisons", response={201: ComparisonOut}, summary="Compare two models")
def create_comparison(request: HttpRequest, slug: Path[str], body: ComparisonConfirmed):
    """Ask both models the same held-out questions. Answers that exist are used again, and asking for the same
    comparison twice gives the one that stands."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        made = asking.ask(project=entry.project, actor=entry.actor, wish=_wish(body))
    except asking.Refused as error:
        raise problem(error.where, error) from None
    nudge(tasks.reconcile)
    return Status(201, whole(made))


@router.get("/comparisons/{uid}", response=ComparisonOut, summary="One comparison")
def get_comparison(request: HttpRequest, slug: Path[str], uid: Path[UUID]):
    """Status, verdict, sentence and metrics."""
    entry = enter(request, slug, Role.REVIEWER)
    return whole(find(entry, uid))


@router.post("/comparisons/{uid}/cancel", response=ComparisonOut, summary="Stop a comparison")
def cancel_comparison(request: HttpRequest, slug: Path[str], uid: Path[UUID]):
    """Nothing more is asked, and no more is judged; what came stays."""
    entry = enter(request, slug, Role.ENGINEER)
    if not cancel.cancel(comparison=find(entry, uid), actor=entry.actor):
        raise Problem(409, "not_running", "The comparison is over.")
    return whole(find(entry, uid))


def find(entry: Entry, uid: UUID) -> Comparison:
    query = Comparison.objects.select_related("project", "suite", "baseline__model", "candidate__model")
    found = query.filter(project=entry.project, uid=uid).first()
    if found is None:
        raise Http404("There is no such comparison.")
    return found


def _wish(body: ComparisonIn) -> asking.Wish:
    given = body.dict()
    other = given.pop("candidate_settings")
    if other is not None:
        other = {key: value for key, value in other.items() if value is not None}
    return asking.Wish(**given, candidate_settings=other)


def problem(where: str, error: Exception) -> Problem:
    return Problem(422, "invalid", str(error), details=[{"where": where, "reason": str(error)}])


def priced(bill: Bill | None) -> dict[str, Any]:
    bill = bill or Bill((), 0)
    whole = bill.whole
    return {
        "price": whole.text, "is_free": whole.is_free, "why_unknown": whole.why_unknown, "answers": bill.answers,
        "reused": whole.reused, "items": whole.items, "calls": whole.calls, "input_tokens": whole.input,
        "output_tokens": whole.output, "looked_at": whole.looked_at,
        "judges": [
            {
                "grader": str(line.version), "connection": str(line.version.connection), "models": line.models,
                "price": line.price.text, "items": line.price.items, "calls": line.price.calls,
            }
            for line in bill.lines
        ],
    }  # fmt: skip


def _judging(found: Comparison) -> dict[str, Any] | None:
    done = progress.of(found)
    if done is None:
        return None
    agreed = done.judging.agreed_usd
    return {
        "status": done.judging.status, "error": done.judging.error, "counts": done.counts,
        "agreed_usd": None if agreed is None else f"{agreed:f}", "cost_usd": f"{done.cost_usd:f}",
    }  # fmt: skip


def _summary(found: Comparison) -> dict[str, Any]:
    return {
        "id": found.uid,
        "name": found.name,
        "status": found.status,
        "verdict": found.outcome if found.is_concluded else None,
        "sentence": found.sentence if found.is_concluded else "",
        "baseline": str(found.baseline.model),
        "candidate": str(found.candidate.model),
        "suite": str(found.suite),
        "requested_by": found.author,
        "created_at": found.created_at,
        "decided_at": None if found.status == Comparison.Status.RUNNING else found.decided_at,
    }


def whole(found: Comparison) -> dict[str, Any]:
    result = found.result if found.is_concluded else {}
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
        "metrics": result.get("metrics", []),
        "further": result.get("further", []),
        "judging": _judging(found),
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
