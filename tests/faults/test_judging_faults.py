"""kill -9, cut connections and doubled messages while a model judges the answers of a comparison: nobody is asked twice,
and what may have been paid for is said to be unknown."""

from collections import Counter
from collections.abc import Iterator

import pytest

from evaluation import tasks
from evaluation.compare import cancel, request
from evaluation.judging import agree, work
from evaluation.models import AnswerScore, Comparison, JudgeCall
from tests.evaluation import judged
from tests.faults.slow import SlowJudge
from tests.faults.worker import Worker, cut_connections, wait_for
from tests.flows.fake_openai import fake_openai
from workspace.access import SYSTEM
from workspace.models import Connection, Project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
SCENARIOS = 12
ANSWERS = 2 * SCENARIOS
WORK = "while not work.work(int(sys.argv[1]), 120): pass"


@pytest.fixture
def judge() -> SlowJudge:
    return SlowJudge()


@pytest.fixture
def comparison(project: Project, judge: SlowJudge) -> Iterator[Comparison]:
    with fake_openai(judge) as url:
        judged.judge(project, url, max_concurrency=4)
        made = judged.start(project, judged.wish(project, test=SCENARIOS))
        judged.answer(made)
        request.settle(made)
        yield made


@pytest.fixture
def workers(comparison: Comparison) -> Iterator[list[Worker]]:
    key = judged.of(comparison).pk
    started = [Worker("from evaluation.judging import work", WORK, key) for _ in range(2)]
    yield started
    for one in started:
        one.kill()


def test_kill_9_amid_judging_asks_nobody_twice(comparison: Comparison, judge: SlowJudge, workers: list[Worker]) -> None:
    first, _ = workers
    first.go()
    wait_for(lambda: judge.answered >= 6)
    first.kill()
    wait_for(lambda: judge.answered == sum(judge.asked.values()))
    under_way = JudgeCall.objects.filter(status="asking").count()
    assert 1 <= under_way <= 4
    done = judged.finish(comparison)  # the lease of a dead process is free at once
    assert set(judge.asked.values()) == {1} and len(judge.asked) >= ANSWERS - under_way
    lost = JudgeCall.objects.filter(status="unknown")
    assert lost.count() == under_way and {"may have been paid for" in one.error for one in lost} == {True}
    assert AnswerScore.objects.count() == ANSWERS - under_way, "what is unknown has no score"
    found = judged.metric(done)
    assert done.status == "done" and 1 <= found["missing"] <= under_way and found["n"] == SCENARIOS - found["missing"]
    bill = agree.price_of_rest(done, again_unknown=True)
    agree.resume(comparison=done, actor=SYSTEM, again_unknown=True, confirmed=bill.whole.text)
    again = judged.finish(done)
    assert judged.metric(again)["missing"] == 0 and max(judge.asked.values()) <= 2
    assert judged.of(again).cost_usd <= Connection.objects.get().spent_usd == Project.objects.get().spent_usd


def test_killed_after_it_was_cancelled_leaves_nothing_for_others_to_wait_for(
    comparison: Comparison, judge: SlowJudge, workers: list[Worker]
) -> None:
    first, _ = workers
    first.go()
    wait_for(lambda: judge.answered >= 4)
    assert cancel.cancel(comparison=comparison, actor=SYSTEM)
    first.kill()
    under_way = JudgeCall.objects.filter(status="asking").count()
    again = judged.wish_of(comparison)
    second = judged.start(comparison.project, again)
    assert second != comparison
    done = judged.finish(second)
    done = judged.finish(done)
    assert done.status == "done" and set(judge.asked.values()) == {1}
    assert JudgeCall.objects.filter(status="unknown").count() == under_way


def test_two_workers_and_doubled_messages_are_one_judging(
    comparison: Comparison, judge: SlowJudge, workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in workers:
        one.go()
    wait_for(lambda: judge.answered >= 2)
    key = judged.of(comparison).pk
    before = judge.answered
    tasks.judge_answers(key)
    assert work.open_judgings() == [], "another has it"
    assert judge.answered - before <= 4, "the message came back at once"
    for one in workers:
        one.end()
    request.settle(comparison)
    assert Comparison.objects.get().status == "done"
    assert set(judge.asked.values()) == {1} and len(judge.asked) == ANSWERS == AnswerScore.objects.count()


def test_cut_connections_to_the_database_lose_no_judgment(
    comparison: Comparison, judge: SlowJudge, workers: list[Worker]
) -> None:
    first, _ = workers
    first.go()
    for count in (4, 12):
        wait_for(lambda least=count: judge.answered >= least)
        cut_connections()
    first.end(120)
    judged.finish(comparison)
    assert set(judge.asked.values()) == {1}, "nobody was asked twice"
    counts = Counter(JudgeCall.objects.values_list("status", flat=True))
    # a claim whose commit was cut off from its answer may be unknown; it was never asked then
    assert counts["done"] + counts["unknown"] == ANSWERS and counts["done"] == len(judge.asked)
    assert AnswerScore.objects.count() == counts["done"] and counts["unknown"] <= 2 * 4
