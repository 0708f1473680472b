"""Models that judge the answers of a comparison: priced before, agreed to, asked once, and missing where they are missing."""

from collections import Counter
from decimal import Decimal

import pytest

from curation.models import BatchItem, Score
from curation.scoring import keep
from curation.scoring.refused import Refused as CannotGrade
from evaluation import tasks
from evaluation.compare import cancel, request
from evaluation.compare.ask import Refused, ask
from evaluation.judging import agree, calls, progress, work
from evaluation.models import AnswerScore, Comparison, JudgeCall, Judging, Suite
from tests import make
from tests.curation.grading import graders
from tests.evaluation import judged
from tests.evaluation.scripted import Judge, nonsense
from workspace.access import SYSTEM
from workspace.models import AuditEntry, Connection, Project

pytestmark = pytest.mark.django_db


def test_a_judge_is_priced_agreed_to_and_decides(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    wish = judged.wish(project, test=30)
    bill = judged.priced(project, wish)
    assert (bill.answers, bill.whole.items, bill.whole.calls, bill.whole.reused) == (60, 60, 60, 0)
    assert bill.whole.usd is not None and bill.whole.usd > 0
    assert not Suite.objects.exists() and not judge.asked, "a price makes nothing"
    with pytest.raises(Refused) as refused:
        ask(project=project, actor=SYSTEM, wish=wish)
    assert refused.value.where == "confirmed" and not Comparison.objects.exists()
    comparison = judged.start(project, wish)
    assert judged.of(comparison).agreed_usd == bill.whole.usd and judged.of(comparison).status == "waiting"
    request.settle(comparison)
    assert judged.of(comparison).status == "waiting", "first the answers, then their judges"
    judged.answer(comparison, worse=lambda n: n <= 20)
    done = judged.finish(comparison)
    assert (done.status, done.outcome) == ("done", "APPROVE"), done.sentence
    assert len(judge.asked) == 60 == sum(judge.asked.values())
    found = judged.metric(done)
    assert (found["n"], found["missing"], found["kind"]) == (30, 0, "score")
    assert found["candidate"] == pytest.approx(0.75) and found["baseline"] == pytest.approx(
        (20 * 0.25 + 10 * 0.75) / 30
    )
    row = JudgeCall.objects.order_by("id").first()
    assert row is not None and row.prompt["model"] == "judge-1" and row.reply["finish_reason"] == "stop"
    assert row.cost_usd == Decimal("0.000134") and row.latency_ms is not None
    score = AnswerScore.objects.filter(answer=row.answer).get()
    assert (score.grader, score.value, score.passed, score.reason) == ("helpful", 0.25, False, "It says so.")
    paid = judged.of(comparison)
    assert paid.cost_usd == 60 * Decimal("0.000134") == Connection.objects.get().spent_usd
    assert paid.cost_usd <= bill.whole.usd, "what was charged is within what was shown"
    assert not Score.objects.exists() and not BatchItem.objects.exists()
    assert "agreed_usd" in AuditEntry.objects.get(action="comparison.requested").detail


def test_what_was_judged_before_costs_nothing(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    wish = judged.wish(project, test=4)
    first = judged.start(project, wish)
    judged.answer(first)
    judged.finish(first)
    wish.rules, wish.confirmed = {"accuracy": 0.9}, ""
    bill = judged.priced(project, wish)
    assert (bill.whole.items, bill.whole.reused, bill.whole.is_free) == (0, 8, True)
    second = ask(project=project, actor=SYSTEM, wish=wish)
    assert second != first and judged.finish(second).status == "done"
    assert sum(judge.asked.values()) == 8 and judged.of(second).cost_usd == 0
    third = make.model(project, "other")
    wish.candidate, wish.baseline = "other", "support@2"
    bill = judged.priced(project, wish)
    assert (bill.whole.items, bill.whole.reused) == (4, 4), f"only {third} is judged"
    wish.candidate, wish.baseline = "support@2", "base"
    wish.suite, wish.dataset, wish.graders = str(second.suite.uid), "", None
    assert ask(project=project, actor=SYSTEM, wish=wish) == second


def test_only_what_both_models_answered_is_judged(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    wish = judged.wish(project, test=4)
    comparison = judged.start(project, wish)
    judged.answer(comparison)
    comparison.baseline.answers.filter(scenario__position=2).update(message=None, error="Timed out.")
    wish.rules = {"latency": None}
    assert judged.priced(project, wish).whole.items == 6
    done = judged.finish(comparison)
    assert sum(judge.asked.values()) == 6 and (judged.metric(done)["n"], judged.metric(done)["missing"]) == (3, 0)


def test_it_stops_at_the_agreed_sum_and_goes_on_for_a_new_price(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    comparison = judged.start(project, judged.wish(project, test=4))
    Judging.objects.update(agreed_usd=Decimal("0.0003"))
    judged.answer(comparison)
    stopped = judged.finish(comparison)
    assert sum(judge.asked.values()) == 3, "the third passed the sum, and nothing is asked after it"
    assert (stopped.status, judged.of(stopped).status) == ("failed", "stopped")
    assert "more than the $0.0003 that were agreed to" in stopped.status_reason and "5 answers" in stopped.status_reason
    bill = agree.price_of_rest(stopped)
    assert bill.whole.items == 5
    with pytest.raises(CannotGrade, match="may cost"):
        agree.resume(comparison=stopped, actor=SYSTEM)
    assert agree.resume(comparison=stopped, actor=SYSTEM, confirmed=bill.whole.text) == 5
    with pytest.raises(CannotGrade, match="at work"):
        agree.resume(comparison=Comparison.objects.get(), actor=SYSTEM, confirmed=bill.whole.text)
    done = judged.finish(stopped)
    assert (done.status, done.status_reason) == ("done", "") and set(judge.asked.values()) == {1}
    assert judged.of(done).cost_usd == 8 * Decimal("0.000134")


def test_a_few_missing_judgments_are_left_out_and_counted(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    comparison = judged.start(project, judged.wish(project, test=40))
    judged.answer(comparison, worse=lambda n: n <= 25)
    judge.broken = lambda text: nonsense(text) if text.endswith(" 40") else None
    done = judged.finish(comparison)
    found = judged.metric(done)
    assert (found["n"], found["missing"], done.outcome) == (39, 1, "APPROVE")
    assert "Without a judgment by helpful, and left out: 1 scenario." in done.result["further"]
    assert "1 of 40 scenarios have no judgment and are left out." in found["notes"]
    lost = JudgeCall.objects.filter(status="failed")
    assert {row.error.startswith("The judge's answer is not JSON") for row in lost} == {True} and lost.count() == 2
    assert AnswerScore.objects.count() == 78, "missing is missing, never 0"
    told = progress.of(done)
    assert told is not None and (told.judged, told.lost, told.failed, told.reasons[0][1]) == (78, 2, 2, 2)


def test_where_too_many_are_missing_nothing_is_measured(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    comparison = judged.start(project, judged.wish(project, test=30))
    judged.answer(comparison, worse=lambda n: True)
    judge.broken = lambda text: nonsense(text) if text.endswith(("8", "9")) else None
    done = judged.finish(comparison)
    found = judged.metric(done)
    assert (done.outcome, found["guard"], found["missing"], found["p"]) == ("INCONCLUSIVE", "unmeasured", 6, None)
    assert done.sentence == (
        "Nothing is decided by helpful. 6 of 30 scenarios have no judgment and are left out. More than 5 % missing decide "
        "nothing."
    )
    judge.broken = lambda text: None
    bill = agree.price_of_rest(done, again_failed=True)
    assert bill.whole.items == 12
    agree.resume(comparison=done, actor=SYSTEM, again_failed=True, confirmed=bill.whole.text)
    again = judged.finish(done)
    assert (again.outcome, judged.metric(again)["missing"]) == ("APPROVE", 0)
    entry = AuditEntry.objects.get(action="comparison.judged_on").detail
    assert entry["was"] == "INCONCLUSIVE", "what was concluded before is not forgotten"


def test_a_judge_beside_graders_in_code_is_only_named_where_it_is_not_measured(
    project: Project, judge: Judge, url: str
) -> None:
    judged.judge(project, url)
    similar = {"type": "similarity", "name": "similarity", "metric": "chrf"}
    comparison = judged.start(project, judged.wish(project, test=20, graders=[similar, "helpful"]))
    judged.answer(comparison)
    judge.broken = nonsense
    done = judged.finish(comparison)
    assert (judged.metric(done, "similarity")["n"], judged.metric(done)["guard"]) == (20, "unmeasured")
    assert "helpful (20 scenarios without a judgment)" in done.result["further"][0]


def test_a_multi_with_a_judge_in_it_asks_nobody_where_a_part_is_missing(
    project: Project, judge: Judge, url: str
) -> None:
    called = {"type": "tool_call", "name": "calls", "arguments": "equal"}
    both = {
        "type": "multi", "name": "both", "graders": {"kind": judged.JUDGE | {"range": [0, 5]}, "calls": called},
        "calculate_output": "kind * calls / 5",
    }  # fmt: skip
    graders.judge(graders.connect(project, url), both, name="Both")
    comparison = judged.start(project, judged.wish(project, test=4, graders=["both"]))
    judged.answer(comparison)
    judged.finish(comparison)
    assert not judge.asked
    score = AnswerScore.objects.first()
    assert score is not None and score.value is None and "calls no tool" in score.reason
    assert set(JudgeCall.objects.values_list("status", flat=True)) == {"done"}, "there was nothing to grade"


def test_a_budget_holds_the_whole_price_and_ends_it(project: Project, judge: Judge, url: str) -> None:
    version = judged.judge(project, url)
    wish = judged.wish(project, test=4)
    Connection.objects.update(budget_usd=Decimal("0.0001"))
    wish.confirmed = judged.priced(project, wish).whole.text
    with pytest.raises(Refused) as refused:
        ask(project=project, actor=SYSTEM, wish=wish)
    assert refused.value.where == "connection" and "budget" in str(refused.value) and not Comparison.objects.exists()
    Connection.objects.update(budget_usd=None)
    comparison = ask(project=project, actor=SYSTEM, wish=wish)
    judged.answer(comparison)
    Connection.objects.update(budget_usd=Decimal("0.0002"))
    stopped = judged.finish(comparison)
    assert stopped.status == "failed" and "The budget of Judges is used up" in stopped.status_reason
    assert sum(judge.asked.values()) == 2 and JudgeCall.objects.filter(status="waiting").count() == 6
    keep.archive(grader=version.grader, actor=SYSTEM)
    with pytest.raises(CannotGrade, match="archived"):
        agree.price_of_rest(stopped)


def test_an_unknown_price_is_agreed_to_by_its_name(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url, prices={})
    wish = judged.wish(project, test=2)
    bill = judged.priced(project, wish)
    assert (bill.whole.text, bill.whole.why_unknown) == ("unknown", "Judges has no price for judge-1.")
    comparison = judged.start(project, wish)
    judged.answer(comparison)
    assert judged.finish(comparison).status == "done" and judged.of(comparison).agreed_usd is None
    row = JudgeCall.objects.first()
    assert row is not None and row.cost_usd is None, "unknown is not 0"


def test_what_got_no_answer_is_unknown_and_not_asked_again(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    comparison = judged.start(project, judged.wish(project, test=20))
    judged.answer(comparison)
    judge.broken = lambda text: (504, {"error": {"message": "gave up"}}) if text.endswith(" 7") else None
    done = judged.finish(comparison)
    assert JudgeCall.objects.filter(status="unknown").count() == 2 and set(judge.asked.values()) == {1}
    assert (done.status, judged.metric(done)["missing"]) == ("done", 1)
    with pytest.raises(CannotGrade, match="The outcome of 2 is unknown"):
        agree.price_of_rest(done)
    judge.broken = lambda text: None
    bill = agree.price_of_rest(done, again_unknown=True)
    agree.resume(comparison=done, actor=SYSTEM, again_unknown=True, confirmed=bill.whole.text)
    assert judged.metric(judged.finish(done))["missing"] == 0
    assert Counter(judge.asked.values()) == {1: 38, 2: 2}


def test_cancelled_is_asked_no_more_and_doubled_messages_ask_nothing_twice(
    project: Project, judge: Judge, url: str
) -> None:
    judged.judge(project, url)
    comparison = judged.start(project, judged.wish(project, test=4))
    judged.answer(comparison)
    request.settle(comparison)
    (key,) = work.open_judgings()
    version = calls.judges_of(comparison.suite)["helpful"]
    held = Judging.objects.select_related("comparison__suite").get(pk=key)
    Judging.objects.update(lease_owner="another")
    assert calls.claim(held, version, "me", 5) == [], "whoever does not hold it takes nothing"
    Judging.objects.update(lease_owner="")
    assert cancel.cancel(comparison=Comparison.objects.get(), actor=SYSTEM)
    tasks.judge_answers(key)
    assert not judge.asked and work.open_judgings() == [] and judged.of(comparison).status == "cancelled"
    stopped = Comparison.objects.select_related("suite", "baseline", "candidate").get()
    agree.resume(comparison=stopped, actor=SYSTEM, confirmed=agree.price_of_rest(stopped).whole.text)
    tasks.judge_answers(key)
    tasks.judge_answers(key)
    tasks.reconcile()
    assert set(judge.asked.values()) == {1} and len(judge.asked) == 8
    assert Comparison.objects.get().status == "done"


def test_a_stranger_definition_that_asks_a_model_names_nobody(project: Project, url: str) -> None:
    judged.judge(project, url)
    with pytest.raises(Refused, match="Save it as a grader"):
        judged.priced(project, judged.wish(project, test=2, graders=[judged.JUDGE]))
