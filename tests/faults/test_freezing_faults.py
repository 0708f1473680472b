"""kill -9, cut connections and doubled messages amid a freezing: one version or none, never half of one, and it goes on by
itself."""

from collections.abc import Iterator

import pytest

from curation import tasks
from curation.datasets import build, freezing
from curation.models import DatasetDecision, DatasetRow, DatasetVersion, Freezing, RevisionSignature
from tests.curation.datasets import rows
from tests.faults.worker import Worker, cut_connections, wait_for
from workspace.access import SYSTEM
from workspace.models import Project, User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
TRACES = 40
# slow enough to be seen at each stage
IMPORTS = """
import time
from curation.datasets import freezing, watching, writing
from curation.datasets.selecting import signatures
signatures.CHUNK, writing.TOLD_EVERY, watching.TOLD_SECONDS = 5, 4, 0.02
tell = freezing.Watch.tell
def slowly(self, *told):
    time.sleep(0.15)
    tell(self, *told)
freezing.Watch.tell = slowly
"""
WORKER = "while not freezing.work(int(sys.argv[1]), 1): pass"


@pytest.fixture
def asked(project: Project, rita: User, monkeypatch: pytest.MonkeyPatch) -> Freezing:
    monkeypatch.setattr(freezing, "TRACES_AT_ONCE", 3)
    for number in range(TRACES):
        rows.trace(project, judged="acceptable", by=rita, task_id=f"t{number}")
    made = freezing.ask(project=project, name="support", query_text="", actor=SYSTEM)
    assert isinstance(made, Freezing)
    return made


@pytest.fixture
def workers(asked: Freezing) -> Iterator[list[Worker]]:
    started = [Worker(IMPORTS, WORKER, asked.pk) for _ in range(2)]
    yield started
    for one in started:
        one.kill()


def stage(asked: Freezing) -> str:
    asked.refresh_from_db()
    return asked.stage if asked.status == "working" else asked.status


def whole(asked: Freezing) -> DatasetVersion:
    """The one version, with all that belongs to it."""
    asked.refresh_from_db()
    (version,) = DatasetVersion.objects.all()
    assert (asked.status, asked.error, version.uid) == ("done", "", asked.uid)
    kept = DatasetRow.objects.filter(version=version).order_by("position").values_list("digest", "split")
    assert len(kept) == TRACES == DatasetDecision.objects.filter(version=version).count()
    assert build.content_hash(iter(kept)) == version.content_hash
    return version


@pytest.mark.parametrize("when", ["reading", "writing"])
def test_kill_9_leaves_nothing_half_and_the_sweep_goes_on(asked: Freezing, workers: list[Worker], when: str) -> None:
    first, second = workers
    first.go()
    wait_for(lambda: stage(asked) == when and asked.done > 0)
    first.kill()
    assert not DatasetVersion.objects.exists() and not DatasetRow.objects.exists()
    read = RevisionSignature.objects.count()
    assert read > 0
    assert freezing.open_freezings() == [asked.pk], "the lease of a dead process is free at once"
    second.go()
    second.end()
    whole(asked)
    assert RevisionSignature.objects.count() == TRACES


def test_connections_cut_amid_the_transaction_leave_nothing_half(asked: Freezing, workers: list[Worker]) -> None:
    first, _ = workers
    first.go()
    wait_for(lambda: stage(asked) == "writing" and asked.done > 0)
    cut_connections()
    first.end()
    assert not DatasetRow.objects.exists()
    assert freezing.open_freezings() == [asked.pk]
    tasks.sweep_freezings()
    while not freezing.work(asked.pk, 20):
        pass
    whole(asked)


def test_two_workers_and_doubled_messages_make_one_version(
    asked: Freezing, workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks.freeze, "apply_async", lambda arguments, **options: sent.append(arguments[0]))
    for one in workers:
        one.go()
    wait_for(lambda: stage(asked) == "reading" and asked.done > 0)
    tasks.sweep_freezings()
    assert sent == [], "somebody holds it"
    for one in workers:
        one.end()
    whole(asked)
    tasks.freeze(asked.pk)
    assert sent == [] and DatasetVersion.objects.count() == 1


def test_whoever_lost_its_lease_writes_no_second_version(asked: Freezing, workers: list[Worker]) -> None:
    first, _ = workers
    first.go()
    wait_for(lambda: stage(asked) == "writing" and asked.done > 0)
    # as if it had slept for longer than its lease, and another had taken it
    Freezing.objects.filter(pk=asked.pk).update(lease_owner="another")
    first.end()
    assert not DatasetVersion.objects.exists()
    Freezing.objects.filter(pk=asked.pk).update(lease_owner="")
    while not freezing.work(asked.pk, 20):
        pass
    whole(asked)
