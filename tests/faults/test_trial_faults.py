"""kill -9, cut connections to the database and doubled messages amid a trial of a grader: nobody is asked twice, what came
stays, and the rest is asked."""

from collections.abc import Iterator

import pytest

from curation import tasks
from curation.models import Score, Trial
from curation.scoring import trial
from tests import make
from tests.curation.grading import graders
from tests.faults.slow import SlowJudge
from tests.faults.worker import Worker, cut_connections, wait_for
from tests.flows.fake_openai import fake_openai
from workspace.access import SYSTEM
from workspace.models import Connection, Project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
SAMPLES = 20
WORK = "while not trial.work(int(sys.argv[1]), 120): pass"


@pytest.fixture
def judge() -> SlowJudge:
    return SlowJudge(0.8)


@pytest.fixture
def tried(project: Project, judge: SlowJudge) -> Iterator[Trial]:
    with fake_openai(judge) as url:
        version = graders.judge(graders.connect(project, url, max_concurrency=4), confirmed=False)
        for number in range(SAMPLES):
            make.trace(project, said=make.short_document(answer=f"Answer {number}."))
        yield graders.tried(version, n=SAMPLES)


@pytest.fixture
def workers(tried: Trial) -> Iterator[list[Worker]]:
    started = [Worker("from curation.scoring import trial", WORK, tried.pk) for _ in range(2)]
    yield started
    for one in started:
        one.kill()


def told(tried: Trial) -> trial.Summary:
    return trial.read(trial.find(tried.version, tried.uid))


def go_on(tried: Trial) -> trial.Summary:
    for pk in trial.open_trials():
        trial.work(pk, 120)
    return told(tried)


def test_kill_9_amid_a_trial_asks_nobody_twice(tried: Trial, judge: SlowJudge, workers: list[Worker]) -> None:
    workers[0].go()
    wait_for(lambda: judge.answered >= 6)
    workers[0].kill()
    wait_for(lambda: judge.answered == sum(judge.asked.values()))
    before = told(tried)
    under_way = before.counts["asking"]
    came = {one.pk: (one.score, one.reason) for one in before.items if one.status == "done"}
    assert 1 <= under_way <= 4 and before.is_open and len(came) >= 2
    after = go_on(tried)  # the lease of a dead process is free at once
    assert set(judge.asked.values()) == {1} and len(judge.asked) >= SAMPLES - under_way
    assert (after.trial.status, after.n, after.counts["unknown"]) == ("done", SAMPLES - under_way, under_way)
    assert came.items() <= {one.pk: (one.score, one.reason) for one in after.items}.items(), "what came stays"
    assert all("may have been paid for" in one.error for one in after.items if one.status == "unknown")
    assert after.cost is None and after.trial.cost_usd <= Connection.objects.get().spent_usd
    assert go_on(tried).counts == after.counts and set(judge.asked.values()) == {1}
    assert not Score.objects.exists()


def test_cut_connections_to_the_database_ask_nobody_twice(
    tried: Trial, judge: SlowJudge, workers: list[Worker]
) -> None:
    workers[0].go()
    for count in (4, 10, 16):
        wait_for(lambda least=count: judge.answered >= least)
        cut_connections()
    workers[0].end()
    after = go_on(tried)
    assert set(judge.asked.values()) == {1} and after.trial.status == "done"
    # a claim whose commit was cut off from its answer may be unknown; it was never asked then
    assert after.n + after.counts["unknown"] == SAMPLES and after.n == len(judge.asked)


def test_two_workers_and_doubled_messages_are_one_trial(
    tried: Trial, judge: SlowJudge, workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks.work_on_trial, "apply_async", lambda arguments, **options: sent.append(arguments[0]))
    for one in workers:
        one.go()
    wait_for(lambda: judge.answered >= 2)
    tasks.work_on_trial(tried.pk)
    tasks.work_on_trial(tried.pk)
    tasks.sweep_trials()
    assert sent == [], "another has it: nothing to do, and no message in its place"
    for worker in workers:
        worker.end()
    after = told(tried)
    assert (after.trial.status, after.n) == ("done", SAMPLES)
    assert set(judge.asked.values()) == {1} and len(judge.asked) == SAMPLES


def test_what_was_cancelled_before_a_kill_is_told_and_not_asked(
    tried: Trial, judge: SlowJudge, workers: list[Worker]
) -> None:
    workers[0].go()
    wait_for(lambda: judge.answered >= 4)
    trial.cancel(tried, SYSTEM)
    workers[0].kill()
    wait_for(lambda: judge.answered == sum(judge.asked.values()))
    after = go_on(tried)
    assert after.trial.status == "cancelled" and not after.is_open and after.counts["asking"] == 0
    assert after.n + after.counts["unknown"] + after.counts["cancelled"] == SAMPLES and after.counts["cancelled"] >= 8
    assert set(judge.asked.values()) == {1}
