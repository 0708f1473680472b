"""kill -9, cut connections and doubled messages amid a clustering: one result or none, and it goes on by itself."""

from collections.abc import Iterator

import pytest

from curation import tasks
from curation.datasets import topic_proposals, watching
from curation.datasets.selecting import signatures
from curation.models import Clustering
from tests import make
from tests.curation.datasets import rows
from tests.faults.worker import Worker, cut_connections, wait_for
from workspace.access import SYSTEM
from workspace.models import Project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
TRACES = 40
ABOUT = ("my money back for the broken lamp", "the password of my login is forgotten")
# slow enough to be seen at each stage
IMPORTS = """
import time
from curation.datasets import topic_clusters, topic_proposals, watching
topic_clusters.CHUNK, watching.TOLD_SECONDS = 4, 0.02
tell = watching.Watch.tell
def slowly(self, *told):
    time.sleep(0.1)
    tell(self, *told)
watching.Watch.tell = slowly
"""
WORKER = "topic_proposals.work(int(sys.argv[1]))"


@pytest.fixture
def asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Clustering:
    monkeypatch.setattr(topic_proposals, "AT_ONCE", 3)
    made = [
        rows.trace(project, make.short_document(question=f"{ABOUT[number % 2]} w{number}")) for number in range(TRACES)
    ]
    list(signatures.fill(trace.revision_id or 0 for trace in made))
    return topic_proposals.ask(project=project, actor=SYSTEM, number=2)


@pytest.fixture
def workers(asked: Clustering) -> Iterator[list[Worker]]:
    started = [Worker(IMPORTS, WORKER, asked.pk) for _ in range(2)]
    yield started
    for one in started:
        one.kill()


def stage(asked: Clustering) -> str:
    asked.refresh_from_db()
    return asked.stage if asked.status == "working" else asked.status


def whole(asked: Clustering) -> None:
    """The one result, with all that belongs to it."""
    assert stage(asked) == "done" and asked.error == "" and asked.lease_owner == ""
    assert asked.found is not None and [one["size"] for one in asked.found["clusters"]] == [20, 20]
    ids, labels = topic_proposals.members(asked)
    assert len(ids) == len(labels) == TRACES and Clustering.objects.count() == 1


@pytest.mark.parametrize("when", ["reading", "grouping", "naming"])
def test_kill_9_leaves_nothing_half_and_the_sweep_goes_on(
    asked: Clustering, workers: list[Worker], when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = workers
    first.go()
    wait_for(lambda: stage(asked) == when and asked.done > 0)
    first.kill()
    assert stage(asked) == when and asked.found is None and bytes(asked.members) == b""
    sent: list[int] = []
    monkeypatch.setattr(tasks.propose_topics, "apply_async", lambda arguments, **options: sent.append(arguments[0]))
    tasks.sweep_clusterings()
    assert sent == [asked.pk], "the lease of a dead process is free at once"
    second.go()
    second.end()
    whole(asked)
    assert asked.attempts == 2


def test_what_kills_its_worker_each_time_is_given_up_with_the_reason(asked: Clustering, workers: list[Worker]) -> None:
    first, _ = workers
    Clustering.objects.filter(pk=asked.pk).update(attempts=watching.MOST_ATTEMPTS - 1)
    first.go()
    wait_for(lambda: stage(asked) == "reading" and asked.done > 0)
    first.kill()
    for pk in topic_proposals.open_clusterings():
        topic_proposals.work(pk)
    assert stage(asked) == "failed" and "begun 3 times" in asked.error
    assert topic_proposals.open_clusterings() == []


def test_cut_connections_leave_nothing_half(asked: Clustering, workers: list[Worker]) -> None:
    first, _ = workers
    first.go()
    wait_for(lambda: stage(asked) == "naming" and asked.done > 0)
    cut_connections()
    first.end()
    assert topic_proposals.open_clusterings() == [asked.pk] or stage(asked) == "done"
    topic_proposals.work(asked.pk)
    whole(asked)


def test_two_workers_and_doubled_messages_find_one_result(
    asked: Clustering, workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks.propose_topics, "apply_async", lambda arguments, **options: sent.append(arguments[0]))
    for one in workers:
        one.go()
    wait_for(lambda: stage(asked) == "grouping")
    tasks.propose_topics(asked.pk)
    tasks.sweep_clusterings()
    assert sent == [] and stage(asked) != "done", "somebody holds it"
    for one in workers:
        one.end()
    whole(asked)
    ended = asked.ended_at
    tasks.propose_topics(asked.pk)
    whole(asked)
    assert (asked.ended_at, asked.attempts) == (ended, 1)


def test_whoever_lost_its_lease_keeps_no_result(asked: Clustering, workers: list[Worker]) -> None:
    first, _ = workers
    first.go()
    wait_for(lambda: stage(asked) == "naming" and asked.done > 0)
    # as if it had slept for longer than its lease, and another had taken it
    Clustering.objects.filter(pk=asked.pk).update(lease_owner="another")
    first.end()
    assert stage(asked) == "naming" and asked.found is None and asked.lease_owner == "another"
    Clustering.objects.filter(pk=asked.pk).update(lease_owner="")
    topic_proposals.work(asked.pk)
    whole(asked)


def test_cancelled_amid_it_the_worker_ends_and_nothing_is_proposed(asked: Clustering, workers: list[Worker]) -> None:
    first, _ = workers
    first.go()
    wait_for(lambda: stage(asked) == "naming" and asked.done > 0)
    assert topic_proposals.cancel(asked, SYSTEM)
    first.end()
    assert stage(asked) == "cancelled" and asked.found is None and asked.lease_owner == ""
