"""Traces that arrive are scored once, by filter and share, within the budget, and nothing is skipped."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.utils import timezone

from curation.models import Batch, BatchItem, Grader, GraderVersion, Score, TraceRevision
from curation.scoring import arrivals, batches, calling, keep
from curation.scoring.refused import Refused
from tests import make
from tests.curation.grading import graders
from tests.curation.grading.graders import GOAL, JUDGE, LATE, verdict
from tests.flows.fake_openai import fake_openai
from workspace.access import SYSTEM
from workspace.models import AuditEntry, Connection, Project, User

Seen = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "LAG", timezone.timedelta(hours=-1))
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    monkeypatch.setattr("workspace.connections.client.RETRIES", 0)


def follow(version: GraderVersion, query: str = "", rate: float = 1.0) -> Grader:
    grader = version.grader
    price = arrivals.expected(grader=grader, version=version, query=query, rate=rate).each.text
    arrivals.follow(grader=grader, scores_new=True, query=query, rate=rate, actor=SYSTEM, confirmed=price)
    version.grader.refresh_from_db()
    return version.grader


def sweep() -> int:
    found = arrivals.sweep()
    for pk in batches.open_batches():
        batches.work(pk, 60)
    return len(found)


@pytest.mark.django_db
def test_what_arrives_is_scored_once_and_what_was_there_before_is_left_alone(project: Project) -> None:
    make.trace(project)
    grader = follow(graders.code(project), query="agent:support")
    assert sweep() == 0
    first = make.trace(project)
    make.trace(project, agent="other")
    assert sweep() == 1 and list(Score.objects.values_list("trace_id", flat=True)) == [first.pk]
    assert sweep() == 0 and arrivals.state(grader) == ""
    # more of the day join its batch; a trace that goes on is scored again, for its newest words
    make.trace(project, external_id=first.external_id, said=make.short_document(answer="This morning, at last."))
    make.trace(project)
    assert sweep() == 1
    batch = Batch.objects.get()
    assert (batch.status, batch.total, batch.done, batch.author) == ("done", 3, 3, "system")
    assert Score.objects.filter(trace=first).count() == 2
    other = Project.objects.create(slug="other", name="Other")
    make.trace(other)
    assert sweep() == 0
    grader.refresh_from_db()
    assert grader.seen_revision == TraceRevision.objects.order_by("-pk").first().pk
    arrivals.follow(grader=grader, scores_new=False, query="", rate=1.0, actor=SYSTEM)
    make.trace(project)
    assert sweep() == 0 and "not scored" in arrivals.state(grader)


@pytest.mark.django_db
def test_the_share_is_stable_and_a_higher_one_keeps_the_lower(project: Project) -> None:
    grader = Grader(project=project, slug="x", name="x", rate=0.3)
    ids = [f"trace-{n}" for n in range(4000)]
    low = {one for one in ids if arrivals.takes(grader, one)}
    grader.rate = 0.6
    high = {one for one in ids if arrivals.takes(grader, one)}
    assert low < high and 1080 < len(low) < 1320
    grader.rate = 1.0
    assert all(arrivals.takes(grader, one) for one in ids)
    grader.rate = 0.0
    assert not any(arrivals.takes(grader, one) for one in ids)


@pytest.mark.django_db
def test_a_judge_stops_visibly_when_the_budget_is_used_up_and_goes_on_when_it_is_raised(
    project: Project, ada: User, as_user: Callable[[User], Client]
) -> None:
    seen: Seen = []
    with fake_openai(verdict, seen) as url:
        line = graders.connect(project, url, budget_usd=Decimal("0.0002"))
        grader = follow(graders.judge(line))
        for _ in range(4):
            make.trace(project)
        sweep()
        assert len(seen) == 2 and "budget of Judges is used up" in arrivals.state(grader)
        page = as_user(ada).get("/p/acme/graders/helpful/").content.decode()
        assert "Held up" in page and "budget of Judges is used up" in page, "the reason is there to be read"
        make.trace(project)
        for _ in range(3):
            assert sweep() == 0
        assert len(seen) == 2 and Batch.objects.count() == 1
        type(line).objects.update(budget_usd=1)
        sweep()
        sweep()
    assert len(seen) == 5 == Score.objects.count() and arrivals.state(grader) == ""
    assert Batch.objects.get().done == 5, "nothing that came meanwhile is lost, nothing is asked twice"


@pytest.mark.django_db
def test_a_new_version_scores_what_comes_after_it(project: Project) -> None:
    grader = follow(graders.code(project))
    make.trace(project)
    sweep()
    second = keep.change(grader=grader, definition={**LATE, "operation": "ilike"}, goal=graders.GOAL, actor=SYSTEM)
    make.trace(project)
    sweep()
    assert set(Score.objects.values_list("grader_version", flat=True)) == {"late@1"}, "not before it is confirmed"
    keep.confirm(version=second, actor=SYSTEM, tried={})
    make.trace(project)
    sweep()
    assert Score.objects.filter(grader_version="late@2").count() == 1 and Batch.objects.count() == 2
    assert BatchItem.objects.filter(status="done").count() == 3


@pytest.mark.django_db(transaction=True)
def test_what_commits_late_is_not_passed_over(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision whose transaction ends after a later one's is found, since the sweep stops before it."""
    monkeypatch.setattr(arrivals, "LAG", timezone.timedelta(0))
    follow(graders.code(project))
    written, go_on = threading.Event(), threading.Event()
    late: list[int] = []

    def slow() -> None:
        with transaction.atomic():
            late.append(make.trace(project).pk)
            written.set()
            go_on.wait(20)
        database.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert written.wait(20)
    quick = make.trace(project)
    sweep()
    assert not Score.objects.filter(trace=quick.pk).exists(), "it waits for the one that is open"
    go_on.set()
    thread.join()
    sweep()
    assert set(Score.objects.values_list("trace_id", flat=True)) == {quick.pk, late[0]}


@pytest.mark.django_db
def test_a_judge_on_what_arrives_is_priced_and_agreed_to(project: Project) -> None:
    for _ in range(14):
        make.trace(project)
    version = graders.judge(graders.connect(project))
    grader = version.grader

    def follow(query: str = "", rate: float = 1.0, confirmed: str = "", on: bool = True) -> None:
        arrivals.follow(grader=grader, scores_new=on, query=query, rate=rate, actor=SYSTEM, confirmed=confirmed)

    told = arrivals.expected(grader=grader, version=version, query="", rate=0.5)
    assert "by the newest 14 that match; 1 a day" in told.words
    assert "14 of those 14 came on" in told.words, "an import is no measure of what comes"
    assert told.a_day == 1 and told.each.usd and told.usd_a_day == told.each.usd
    for confirmed in ("", "0.000000", "unknown"):
        with pytest.raises(Refused, match=r"a day, as were taken in over the last 7 days, would cost about \$"):
            follow(confirmed=confirmed)
    assert not Grader.objects.filter(scores_new=True).exists()
    follow(rate=0.5, confirmed=told.each.text)
    follow(rate=0.25)  # less than was agreed to
    for more in ({"rate": 1.0}, {"query": "agent:support", "rate": 0.25}):
        with pytest.raises(Refused, match="To agree"):
            follow(**more)
    follow(on=False)
    Connection.objects.update(prices={})
    version.connection.refresh_from_db()
    with pytest.raises(Refused, match="is not known"):
        follow(confirmed=told.each.text)
    follow(confirmed="unknown")
    assert AuditEntry.objects.filter(action="grader.arrivals_set").latest("id").detail["usd_each"] == "unknown"


@pytest.mark.django_db
def test_what_was_free_does_not_begin_to_cost_by_a_new_version(project: Project) -> None:
    grader = follow(graders.code(project))
    line = graders.connect(project)
    for definition in (JUDGE, JUDGE | {"model": "judge-2"}):
        version = keep.change(grader=grader, definition=definition, goal=GOAL, connection=line, actor=SYSTEM)
        keep.confirm(version=version, actor=SYSTEM, tried={})
        grader.refresh_from_db()
        assert grader.scores_new is (definition is not JUDGE)
        follow(version)
