"""kill -9, cut connections to the database and doubled messages amid a batch of judgments: nobody is asked twice, and
what is left is finished."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from curation import tasks
from curation.models import Batch, BatchItem, Score
from curation.scoring import batches
from tests import make
from tests.curation.grading import graders
from tests.faults.slow import SlowJudge
from tests.faults.worker import Worker, cut_connections, wait_for
from tests.flows.fake_openai import fake_openai
from workspace.access import SYSTEM
from workspace.models import Connection, Project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
TRACES = 24
WORKER = "while not batches.work(int(sys.argv[1]), 120): pass"


@pytest.fixture
def judge() -> SlowJudge:
    return SlowJudge(0.8)


@pytest.fixture
def batch(project: Project, judge: SlowJudge) -> Iterator[Batch]:
    with fake_openai(judge) as url:
        version = graders.judge(graders.connect(project, url, max_concurrency=4))
        for _ in range(TRACES):
            make.trace(project)
        told = batches.price(project=project, version=version, query="")
        yield batches.start(
            project=project, version=version, query="", actor=SYSTEM, confirmed=told.text, key="k", until=told.until
        )


@pytest.fixture
def processes(batch: Batch) -> Iterator[list[Worker]]:
    started = [Worker("from curation.scoring import batches", WORKER, batch.pk) for _ in range(2)]
    yield started
    for one in started:
        one.kill()


def work(batch: Batch) -> None:
    for pk in batches.open_batches():
        batches.work(pk, 120)
    batch.refresh_from_db()


def test_kill_9_amid_a_batch_asks_nobody_twice(batch: Batch, judge: SlowJudge, processes: list[Worker]) -> None:
    first, _ = processes
    first.go()
    wait_for(lambda: judge.answered >= 6)
    first.kill()
    wait_for(lambda: judge.answered == sum(judge.asked.values()))
    under_way = BatchItem.objects.filter(status="asking").count()
    assert 1 <= under_way <= 4 == judge.most, "several at once, and never more than the connection allows"
    work(batch)  # the lease of a dead process is free at once
    assert set(judge.asked.values()) == {1} and len(judge.asked) >= TRACES - under_way
    assert (batch.status, batch.done) == ("done", TRACES - under_way)
    assert BatchItem.objects.filter(status="unknown").count() == under_way and "unknown" in batch.error
    assert Score.objects.count() == TRACES - under_way, "what is unknown has no score"
    graders.resume(batch, again_unknown=True)
    work(batch)
    assert (batch.status, batch.done, batch.error, Score.objects.count()) == ("done", TRACES, "", TRACES)
    assert max(judge.asked.values()) <= 2 and sum(judge.asked.values()) <= TRACES + under_way
    line = Connection.objects.get()
    assert batch.cost_usd <= line.spent_usd == Project.objects.get().spent_usd


def test_cut_connections_to_the_database_lose_no_answer(
    batch: Batch, judge: SlowJudge, processes: list[Worker]
) -> None:
    first, _ = processes
    first.go()
    for count in (4, 10, 16):
        wait_for(lambda least=count: judge.answered >= least)
        cut_connections()
    first.end()
    work(batch)
    assert set(judge.asked.values()) == {1}, "nobody was asked twice"
    counts = Counter(BatchItem.objects.values_list("status", flat=True))
    # a claim whose commit was cut off from its answer may be unknown; it was never asked then
    assert counts["done"] + counts["unknown"] == TRACES and counts["done"] == len(judge.asked) == batch.done
    assert Score.objects.count() == counts["done"] and counts["unknown"] <= 3 * 4


def test_two_workers_and_doubled_messages_are_one_batch(
    batch: Batch, judge: SlowJudge, processes: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks.work_on_batch, "apply_async", lambda arguments, **options: sent.append(arguments[0]))
    for one in processes:
        one.go()
    wait_for(lambda: judge.answered >= 2)
    tasks.work_on_batch(batch.pk)
    tasks.work_on_batch(batch.pk)
    assert sent == [], "another has it: nothing to do, and no message in its place"
    tasks.sweep_batches()
    assert sent == []
    for one in processes:
        one.end()
    batch.refresh_from_db()
    assert (batch.status, batch.done, batch.error) == ("done", TRACES, "")
    assert set(judge.asked.values()) == {1} and len(judge.asked) == TRACES == Score.objects.count()


def test_code_graders_begin_again_after_a_kill(project: Project) -> None:
    from curation.scoring import claims, working
    from workspace import identity

    version = graders.code(project)
    for _ in range(5):
        make.trace(project)
    batch = batches.start(project=project, version=version, query="", actor=SYSTEM, key="c")
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = json.dumps([*identity.of_process(gone.pid).values(), "x"])
    assert working.take(batch.pk, name) and len(claims.claim(batch.pk, name, 3)) == 3
    assert batches.open_batches() == [], "its process lives"
    gone.kill()
    gone.wait()
    work(batch)
    assert (batch.status, batch.done, Score.objects.count()) == ("done", 5, 5), "they cost nothing and are done again"
