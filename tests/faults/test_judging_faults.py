"""kill -9, cut connections and doubled messages while a model judges the answers of a comparison: nobody is asked twice,
and what may have been paid for is said to be unknown."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from evaluation import tasks
from evaluation.compare import cancel, request
from evaluation.judging import agree, work
from evaluation.models import AnswerScore, Comparison, JudgeCall, Judging
from tests.curation.grading.graders import verdict
from tests.evaluation import judged
from tests.flows.fake_openai import fake_openai
from workspace.access import SYSTEM
from workspace.models import Connection, Project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = 12
ANSWERS = 2 * SCENARIOS
WORKER = """
import sys, django
django.setup()
from evaluation.judging import work
print("ready", flush=True)
sys.stdin.readline()
while not work.work(int(sys.argv[1]), 120): pass
"""


class Judge:
    """Counts how often each question was put to it; an answer takes a moment."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.answered = 0
        self.lock = threading.Lock()

    def __call__(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.asked[asked["messages"][-1]["content"]] += 1
        time.sleep(0.15)
        with self.lock:
            self.answered += 1
        return verdict(asked, 4)


class Process:
    """A worker of its own on the test's database, waiting for its start."""

    def __init__(self, judging: Judging) -> None:
        known = connection.get_connection_params()
        names = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "dbname"}
        address = " ".join(f"{name}={known[key]}" for key, name in names.items() if known.get(key))
        environment = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": address,
            "SECRET_KEY": settings.SECRET_KEY,
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(judging.pk)], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def comparison(project: Project, judge: Judge) -> Iterator[Comparison]:
    with fake_openai(judge) as url:
        judged.judge(project, url, max_concurrency=4)
        made = judged.start(project, judged.wish(project, test=SCENARIOS))
        judged.answer(made)
        request.settle(made)
        yield made


@pytest.fixture
def processes(comparison: Comparison) -> Iterator[list[Process]]:
    started = [Process(judged.of(comparison)) for _ in range(2)]
    yield started
    for one in started:
        if one.process.poll() is None:
            one.kill()


def wait_for(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_kill_9_amid_judging_asks_nobody_twice(comparison: Comparison, judge: Judge, processes: list[Process]) -> None:
    first, _ = processes
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
    comparison: Comparison, judge: Judge, processes: list[Process]
) -> None:
    first, _ = processes
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
    comparison: Comparison, judge: Judge, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in processes:
        one.go()
    wait_for(lambda: judge.answered >= 2)
    key = judged.of(comparison).pk
    before = judge.answered
    tasks.judge_answers(key)
    assert work.open_judgings() == [], "another has it"
    assert judge.answered - before <= 4, "the message came back at once"
    for one in processes:
        assert one.process.wait(60) == 0
    request.settle(comparison)
    assert Comparison.objects.get().status == "done"
    assert set(judge.asked.values()) == {1} and len(judge.asked) == ANSWERS == AnswerScore.objects.count()


def test_cut_connections_to_the_database_lose_no_judgment(
    comparison: Comparison, judge: Judge, processes: list[Process]
) -> None:
    first, _ = processes
    first.go()
    for count in (4, 12):
        wait_for(lambda least=count: judge.answered >= least)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
    assert first.process.wait(120) == 0
    judged.finish(comparison)
    assert set(judge.asked.values()) == {1}, "nobody was asked twice"
    counts = Counter(JudgeCall.objects.values_list("status", flat=True))
    # a claim whose commit was cut off from its answer may be unknown; it was never asked then
    assert counts["done"] + counts["unknown"] == ANSWERS and counts["done"] == len(judge.asked)
    assert AnswerScore.objects.count() == counts["done"] and counts["unknown"] <= 2 * 4
