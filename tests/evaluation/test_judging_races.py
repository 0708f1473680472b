"""Judging beside what happens at the same moment: another comparison, a person who is forgotten, a process that leaves, and
a verdict that stands already."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, connection

from config.forget import forget_person
from curation.forget.person import Subject
from curation.models import GraderVersion, Trace
from curation.scoring.calling import Result, TakenAway
from curation.scoring.graders.grades import Grade
from evaluation.compare import cancel, request
from evaluation.compare.ask import ask
from evaluation.judging import agree, calls, work
from evaluation.judging.calls import Claimed
from evaluation.models import Answer, AnswerScore, Comparison, JudgeCall, Judging
from tests.evaluation import judged
from tests.evaluation.scripted import Judge, nonsense
from workspace import leases
from workspace.access import SYSTEM
from workspace.models import AuditEntry, Project

pytestmark = pytest.mark.django_db
SAID = "what only Ann would say"
PAID = Decimal("0.0002")


def begun(project: Project, version: GraderVersion, *, test: int = 3) -> tuple[Judging, Comparison]:
    """A judging that is at work, held by this process."""
    comparison = judged.start(project, judged.wish(project, test=test))
    judged.answer(comparison)
    request.settle(comparison)
    judging = Judging.objects.select_related(
        "comparison__suite", "comparison__baseline", "comparison__candidate"
    ).get(comparison=comparison)  # fmt: skip
    assert leases.take(Judging.objects.filter(pk=judging.pk), "me")
    return judging, comparison


def another(project: Project, comparison: Comparison) -> Comparison:
    """The same models on the same scenarios by another limit."""
    wish = judged.wish_of(comparison)
    wish.rules = {"accuracy": 0.9}
    wish.confirmed = judged.priced(project, wish).whole.text
    made = ask(project=project, actor=SYSTEM, wish=wish)
    assert made != comparison
    return made


def forget(one: Claimed) -> None:
    answer = Answer.objects.select_related("scenario__row", "run__project").get(pk=one.answer_id)
    assert answer.scenario.row is not None
    Trace.objects.filter(pk=answer.scenario.row.trace_id).update(user_id="ann")
    forget_person(project=answer.run.project, actor=SYSTEM, subject=Subject(user_id="ann"))


def test_what_another_comparison_takes_meanwhile_is_not_asked_twice(project: Project, judge: Judge, url: str) -> None:
    version = judged.judge(project, url)
    judging, comparison = begun(project, version)
    second = another(project, comparison)
    request.settle(second)
    assert cancel.cancel(comparison=second, actor=SYSTEM)
    second.refresh_from_db()
    taken: list[Claimed] = []
    called = []

    def meanwhile(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith('UPDATE "evaluation_judgecall"') and not called:
            called.append(sql)
            taken.extend(calls.claim(judging, version, "me", 1))
        return execute(sql, *rest)

    told = agree.price_of_rest(second).whole.text
    with connection.execute_wrapper(meanwhile):
        assert agree.resume(comparison=second, actor=SYSTEM, confirmed=told) == 5
    (one,) = taken
    assert JudgeCall.objects.get(pk=one.id).status == "asking"
    assert one.id not in [row.id for row in calls.claim(judging, version, "me", 10)]


def test_an_answer_that_is_erased_while_it_is_judged_stays_erased(project: Project, judge: Judge, url: str) -> None:
    version = judged.judge(project, url)
    judging, comparison = begun(project, version)
    one, other = calls.claim(judging, version, "me", 2)
    assert JudgeCall.objects.filter(status="waiting").count() == 4
    forget(one)
    came = {"prompt": {"messages": [SAID]}, "answer": {"message": SAID}, "cost_usd": PAID}
    with pytest.raises(TakenAway):
        calls.keep(one, judging=judging, spent=PAID, **came)
    row = JudgeCall.objects.get(pk=one.id)
    assert (row.prompt, row.reply, row.cost_usd) == (None, None, PAID)
    result = Result(other, "done", **came, spent=PAID, grade=Grade(4.0, True, reason=SAID))
    for _ in range(2):
        calls.settle(judging, "helpful", version.definition, result)
    row = JudgeCall.objects.get(pk=other.id)
    assert (row.status, row.prompt, row.reply, row.error) == ("failed", None, None, "The answer was erased.")
    assert row.cost_usd == PAID and judged.of(comparison).cost_usd == 2 * PAID, "it was paid for, once"
    assert not AnswerScore.objects.exists()
    assert not JudgeCall.objects.filter(answer__message__isnull=True, status__in=["waiting", "done"]).exists()
    leases.give_back(Judging.objects.all(), "me")
    done = judged.finish(comparison)
    assert (done.status, done.status_reason) == ("done", "")
    assert sum(judge.asked.values()) == 4


def test_what_was_to_be_judged_of_an_erased_answer_waits_no_more(project: Project, judge: Judge, url: str) -> None:
    version = judged.judge(project, url)
    judging, _ = begun(project, version)
    (one,) = calls.claim(judging, version, "me", 1)
    forget(one)
    rows = JudgeCall.objects.filter(answer__message__isnull=True)
    assert sorted(rows.values_list("status", "error")) == [("asking", ""), ("failed", "The answer was erased.")]


def test_whoever_leaves_a_judging_that_ended_leaves_nothing_under_way(
    project: Project, judge: Judge, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = judged.judge(project, url)
    judging, comparison = begun(project, version)
    leases.give_back(Judging.objects.all(), "me")
    second = another(project, comparison)
    request.settle(second)

    def lost(*given: Any) -> None:
        assert cancel.cancel(comparison=comparison, actor=SYSTEM)
        raise DataError("it cannot be kept")

    with monkeypatch.context() as patched:
        patched.setattr(calls, "settle", lost)
        with pytest.raises(DataError):
            work.work(judging.pk, 30)
    judging.refresh_from_db()
    assert (judging.status, judging.lease_owner) == ("cancelled", "")
    done = judged.finish(second)
    assert done.status == "done" and JudgeCall.objects.filter(status="unknown").count() == 1
    assert set(judge.asked.values()) == {1}


def test_nobody_waits_for_what_a_judging_had_taken_that_is_gone(project: Project, judge: Judge, url: str) -> None:
    version = judged.judge(project, url)
    judging, comparison = begun(project, version)
    (one,) = calls.claim(judging, version, "me", 1)
    leases.give_back(Judging.objects.all(), "me")
    JudgeCall.objects.filter(pk=one.id).update(judging=None)
    done = judged.finish(comparison)
    assert done.status == "done" and JudgeCall.objects.get(pk=one.id).status == "unknown"


def test_a_verdict_stands_where_judges_that_go_on_stop(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    comparison = judged.start(project, judged.wish(project, test=30))
    judged.answer(comparison, worse=lambda n: n <= 20)
    judge.broken = lambda text: nonsense(text) if "support@2" in text and text.endswith(" 7") else None
    before = judged.finish(comparison)
    assert (before.outcome, judged.metric(before)["missing"]) == ("APPROVE", 1)

    def go_on(**again: bool) -> None:
        told = agree.price_of_rest(Comparison.objects.get(), **again).whole.text
        agree.resume(comparison=Comparison.objects.get(), actor=SYSTEM, confirmed=told, **again)

    def stands(found: Comparison) -> None:
        same = ("status", "outcome", "sentence", "result", "decided_at")
        assert [getattr(found, name) for name in same] == [getattr(before, name) for name in same]

    judge.broken = lambda text: (401, {"error": {"message": "bad key"}})
    go_on(again_failed=True)
    under_way = Comparison.objects.get()
    assert under_way.status == "running" and not under_way.is_concluded
    stopped = judged.finish(before)
    stands(stopped)
    assert stopped.status_reason.startswith("Judging stopped.") and "bad key" in stopped.status_reason
    assert stopped.status_reason.endswith("What was concluded before stands.")
    entry = AuditEntry.objects.filter(action="comparison.decided").order_by("-id").first()
    assert entry is not None and (entry.detail["outcome"], entry.detail["sentence"]) == (
        "APPROVE",
        stopped.status_reason,
    )
    go_on()
    assert cancel.cancel(comparison=before, actor=SYSTEM)
    stopped = Comparison.objects.get()
    stands(stopped)
    assert stopped.status_reason == f"Stopped by {SYSTEM.label}. What was concluded before stands."
    judge.broken = lambda text: None
    go_on()
    again = judged.finish(before)
    assert (again.status, again.status_reason, judged.metric(again)["missing"]) == ("done", "", 0)
    assert again.decided_at is not None and before.decided_at is not None and again.decided_at > before.decided_at


def test_the_price_of_the_rest_makes_nothing(project: Project, judge: Judge, url: str) -> None:
    judged.judge(project, url)
    comparison = judged.start(project, judged.wish(project, test=4))
    judged.answer(comparison)
    assert cancel.cancel(comparison=comparison, actor=SYSTEM)
    comparison.refresh_from_db()
    bill = agree.price_of_rest(comparison)
    assert (bill.whole.items, bill.whole.calls) == (8, 8) and not JudgeCall.objects.exists()
    assert agree.resume(comparison=comparison, actor=SYSTEM, confirmed=bill.whole.text) == 8
    assert judged.finish(comparison).status == "done" and set(judge.asked.values()) == {1}


def test_near_the_agreed_sum_no_more_are_asked_at_once_than_it_holds(project: Project, judge: Judge, url: str) -> None:
    version = judged.judge(project, url)
    judging, _ = begun(project, version, test=10)
    Judging.objects.update(agreed_usd=10 * PAID)
    first = calls.claim(judging, version, "me", 4)
    assert len(first) == 4, "what one costs is not known yet"
    for one in first:
        done = Result(one, "done", cost_usd=PAID, spent=PAID, grade=Grade(4.0, True))
        calls.settle(judging, "helpful", version.definition, done)
    assert len(calls.claim(judging, version, "me", 4)) == 4
    more = calls.claim(judging, version, "me", 8, under_way=4)
    assert len(more) == 3, "4 were paid for and 4 are under way: 2 fill the sum, and one may pass it"
    assert calls.claim(judging, version, "me", 8, under_way=7) == []
    Judging.objects.update(cost_usd=10 * PAID)
    assert len(calls.claim(judging, version, "me", 8)) == 1
