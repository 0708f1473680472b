"""What judges said of the answers of a comparison, and going on with them."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Path

from curation.scoring.refused import Refused
from evaluation import tasks
from evaluation.api.comparisons import find, priced, problem, whole
from evaluation.api.routing import router
from evaluation.api.shapes import ComparisonOut, JudgedAnswers, JudgeOnIn, JudgeRestIn, JudgesPriceOut
from evaluation.compare import read
from evaluation.judging import agree
from evaluation.models import Comparison, JudgeCall
from workspace.access import enter
from workspace.models import Role
from workspace.nudge import nudge

SIZE = 50


@router.get("/comparisons/{uid}/judgments", response=JudgedAnswers, summary="List what judges said")
def list_judgments(request: HttpRequest, slug: Path[str], uid: Path[UUID], cursor: str = ""):
    """Each answer before each judge, with its prompt and reply; those without a judgment too."""
    entry = enter(request, slug, Role.REVIEWER)
    found = find(entry, uid)
    page = read.judgments(found, cursor=cursor, size=SIZE)
    return {"items": [_judgment(found, one) for one in page.rows], "next": page.older or None}


@router.post("/comparisons/{uid}/judging/price", response=JudgesPriceOut, summary="Price what is left to be judged")
def price_judging(request: HttpRequest, slug: Path[str], uid: Path[UUID], body: JudgeRestIn):
    """An estimate of what going on would cost from now on. Send `price` back as `confirmed` to go on."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        return priced(agree.price_of_rest(find(entry, uid), **body.dict()))
    except Refused as error:
        raise problem(error.field, error) from None


@router.post("/comparisons/{uid}/judging", response=ComparisonOut, summary="Go on with judging")
def resume_judging(request: HttpRequest, slug: Path[str], uid: Path[UUID], body: JudgeOnIn):
    """Of a comparison whose judges stopped, or left something out. It is concluded anew when they are done."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        agree.resume(comparison=find(entry, uid), actor=entry.actor, **body.dict())
    except Refused as error:
        raise problem(error.field, error) from None
    nudge(tasks.reconcile)
    return whole(find(entry, uid))


def _judgment(found: Comparison, one: JudgeCall) -> dict[str, Any]:
    score = next((score for score in one.answer.scores.all() if score.grader == one.version.grader.slug), None)
    same = ("status", "error", "prompt", "reply", "input_tokens", "output_tokens", "latency_ms")
    return {name: getattr(one, name) for name in same} | {
        "scenario": one.answer.scenario.position, "grader": str(one.version),
        "side": "baseline" if one.answer.run_id == found.baseline_id else "candidate",
        "value": score.value if score else None, "passed": score.passed if score else None,
        "reason": score.reason if score else "", "cost_usd": None if one.cost_usd is None else f"{one.cost_usd:f}",
    }  # fmt: skip
