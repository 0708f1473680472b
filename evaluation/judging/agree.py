"""A person's word that judging may cost something: at the start, and when it goes on after it ended early."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import F

from curation.scoring import pricing
from curation.scoring.refused import Refused
from evaluation.judging import calls, price
from evaluation.judging.price import Bill
from evaluation.models import Comparison, EvaluationRun, JudgeCall, Judging
from workspace import audit
from workspace.access import Actor

OVER = (Judging.Status.DONE, Judging.Status.STOPPED, Judging.Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Agreed:
    """The sum that judging may cost; None where nobody knows the price, and somebody agreed to that."""

    usd: Decimal | None


def agree(bill: Bill, confirmed: str) -> Agreed:
    """`confirmed` is the price that was seen (`Price.text`), or a higher sum. Raises Refused where nobody agreed to this
    price, or a budget does not hold it."""
    limit = pricing.agreed(bill.whole, confirmed)
    pricing.affordable(bill.whole)
    return Agreed(limit)


def price_of_rest(comparison: Comparison, *, again_unknown: bool = False, again_failed: bool = False) -> Bill:
    """What `resume` with the same words is estimated to cost. Raises Refused where there is nothing to go on with."""
    _check(comparison)
    return price.of_rest(comparison, again_unknown=again_unknown, again_failed=again_failed)


def resume(
    *,
    comparison: Comparison,
    actor: Actor,
    again_unknown: bool = False,
    again_failed: bool = False,
    confirmed: str = "",
) -> int:
    """Go on with judging that stopped, was cancelled, or left something out. The comparison is concluded anew after it; what
    was judged stays, and so does a verdict of before where the judges stop. Answers whose judgment may have been paid for
    are put before the judge again only where somebody says so; those that failed too. Returns how many wait. Raises
    Refused."""
    bill = price_of_rest(comparison, again_unknown=again_unknown, again_failed=again_failed)
    agreed = agree(bill, confirmed)
    with transaction.atomic():
        held = Comparison.objects.select_for_update(of=("self",)).get(pk=comparison.pk)
        if held.status == Comparison.Status.RUNNING:
            raise Refused("comparison", "It is at work already.")
        calls.write(comparison)  # one that was stopped before it began has no rows yet
        statuses = price.again(again_unknown, again_failed)
        keys = list(calls.rows(comparison).filter(status__in=statuses).values_list("pk", flat=True))
        # another comparison of the same answers may have taken one since, or its judgment came after all; `attempts` goes
        # on: whoever asked before must not take it for its own
        waiting = JudgeCall.objects.filter(pk__in=keys, status__in=statuses).update(
            status=JudgeCall.Status.WAITING, error="", ended_at=None
        )
        if not waiting:
            raise Refused("comparison", "Nothing is left to be judged in this comparison.")
        Judging.objects.filter(comparison=held).update(
            status=Judging.Status.RUNNING, error="", ended_at=None,
            agreed_usd=None if agreed.usd is None else F("cost_usd") + agreed.usd,
        )  # fmt: skip
        audit.record(
            project=comparison.project, actor=actor, action="comparison.judged_on",
            target=f"comparison:{comparison.uid}", waiting=waiting, again_unknown=again_unknown,
            again_failed=again_failed, agreed_usd=None if agreed.usd is None else str(agreed.usd),
            was=held.outcome or held.status, sentence=held.sentence or held.status_reason,
        )  # fmt: skip
        # a verdict that stands already stays with its numbers until there is another one
        Comparison.objects.filter(pk=held.pk).update(status=Comparison.Status.RUNNING, status_reason="")
    return waiting


def may_go_on(comparison: Comparison) -> bool:
    """Whether judging it is over, and there is something that could be judged: both models answered."""
    return comparison.status != Comparison.Status.RUNNING and _both_answered(comparison)


def _both_answered(comparison: Comparison) -> bool:
    return all(run.status == EvaluationRun.Status.SUCCEEDED for run in (comparison.baseline, comparison.candidate))


def _check(comparison: Comparison) -> None:
    if not comparison.suite.judges:
        raise Refused("comparison", "Nobody is asked to judge in this comparison.")
    if comparison.status == Comparison.Status.RUNNING:
        raise Refused("comparison", "It is at work already.")
    if not _both_answered(comparison):
        raise Refused("comparison", "Not both models have answered, so there is nothing to judge: compare them again.")
