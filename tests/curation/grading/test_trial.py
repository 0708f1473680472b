"""Trials: begun once, worked off sample by sample, cancelled, and how sure they are: a share for what passes or fails, a mean
for numbers, and nothing claimed where nothing differs."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError

from curation.forget.person import Subject, forget
from curation.models import GraderVersion, Score, Trace, Trial, TrialItem
from curation.scoring import calling, trial
from curation.scoring.refused import Refused
from tests import make
from tests.curation.grading import graders
from tests.flows.fake_openai import fake_openai
from workspace.access import SYSTEM, Actor
from workspace.connections import client
from workspace.models import AuditEntry, Connection, Project, User

pytestmark = pytest.mark.django_db
CODE = {"type": "python", "name": "own", "range": [0, 10]}
Reply = tuple[int, dict[str, Any]]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    monkeypatch.setattr(client, "RETRIES", 0)


def _answered(project: Project, *answers: str) -> list[Trace]:
    return [make.trace(project, said=make.short_document(answer=answer)) for answer in answers]


def _tried(project: Project, definition: dict[str, Any], n: int = 5) -> trial.Summary:
    _answered(project, *["This morning."] * n)
    return graders.worked(graders.code(project, definition, confirmed=False))


def _judged(project: Project, script: Callable[[dict[str, Any]], Reply], **fields: Any) -> trial.Summary:
    with fake_openai(script) as url:
        return graders.worked(graders.judge(graders.connect(project, url, **fields), confirmed=False))


def test_five_of_five_passed_is_not_certain(project: Project) -> None:
    told = _tried(project, graders.LATE)
    assert (told.trial.status, told.states, told.settled, told.is_open) == ("done", "ddddd", 5, False)
    assert (told.mean, told.half_width, told.interval, told.cost) == (1.0, None, "wilson", 0)
    assert told.low == pytest.approx(0.5655, abs=1e-4) and told.high == pytest.approx(1.0)
    assert told.plain()["low"] == told.low and len(told.plain()["rows"]) == 5
    one = graders.worked(graders.code(project, name="Again"), n=1)
    assert one.low == pytest.approx(0.2065, abs=1e-4)
    assert not Score.objects.exists(), "a trial is no score"


@pytest.mark.parametrize("value", ["7.5", "1.0"])
def test_numbers_that_are_all_alike_have_no_interval(project: Project, value: str) -> None:
    told = _tried(project, CODE | {"source": f"def grade(sample, item):\n    return {value}\n"}, n=2)
    assert (told.mean, told.half_width, told.low, told.high, told.interval) == (float(value), None, None, None, "")


def test_numbers_that_differ_have_students(project: Project) -> None:
    _answered(project, "aa", "aaaaa", "aaaaaaaaa")
    source = "def grade(sample, item):\n    return float(len(sample['output_text']))\n"
    told = graders.worked(graders.code(project, CODE | {"source": source}))
    assert told.interval == "student" and told.half_width is not None and told.mean == pytest.approx(16 / 3)
    assert told.low == pytest.approx(16 / 3 - told.half_width) and told.half_width == pytest.approx(8.7235, abs=1e-3)


def test_the_same_key_of_the_same_person_is_one_trial(project: Project, alice: User, rita: User) -> None:
    _answered(project, "This morning.", "No idea.")
    version = graders.code(project, confirmed=False)
    how: dict[str, Any] = {"version": version, "query": "", "seed": 1, "key": "k"}
    first = trial.start(**how, actor=Actor(user=alice))
    assert trial.start(**how | {"seed": 2}, actor=Actor(user=alice)) == first
    assert trial.start(**how, actor=Actor(user=rita)) != first, "another person's form"
    assert trial.start(**how | {"version": graders.code(project, name="Other")}, actor=Actor(user=alice)) != first
    with pytest.raises(Refused, match="key"):
        trial.start(**how | {"key": " "}, actor=Actor(user=alice))
    with pytest.raises(Refused, match="nothing to try it on"):
        trial.start(**how | {"key": "n", "query": "agent:nobody"}, actor=SYSTEM)
    told = AuditEntry.objects.filter(action="grader.tried", user=alice).order_by("id").first()
    assert told is not None and told.detail["trial"] == str(first.uid) and told.detail["samples"] == 2


def test_what_asks_nobody_is_there_at_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    _answered(project, "This morning.", "No idea.")
    version = graders.code(project, confirmed=False)
    how: dict[str, Any] = {"query": "", "seed": 1, "n": 5, "actor": SYSTEM}
    made, goes_on = trial.begin(version=version, key="a", **how)
    assert (made.status, goes_on, trial.read(made).states) == ("done", False, "dd")
    monkeypatch.setattr(trial, "AT_ONCE", 0.0)  # it takes longer than a page may
    made, goes_on = trial.begin(version=version, key="b", **how)
    assert (made.status, goes_on) == ("running", True) and trial.open_trials() == [made.pk]
    judge = graders.judge(graders.connect(project), confirmed=False)
    price = trial.priced(version=judge, query="", seed=1, n=5)[1].text
    made, goes_on = trial.begin(version=judge, key="c", confirmed=price, **how)
    assert (made.status, goes_on) == ("queued", True), "a model is never asked while a page waits"


def test_a_price_that_nobody_agreed_to_begins_nothing(project: Project) -> None:
    _answered(project, "This morning.")
    line = graders.connect(project)
    version = graders.judge(line, confirmed=False)
    how: dict[str, Any] = {"version": version, "query": "", "seed": 1, "actor": SYSTEM, "key": "k"}
    with pytest.raises(Refused, match="may cost"):
        trial.start(**how)
    with pytest.raises(Refused, match="another one than was shown"):
        trial.start(**how, confirmed="0.000001")
    Connection.objects.update(budget_usd="0.00001")
    version.connection.refresh_from_db()  # type: ignore[union-attr]
    with pytest.raises(Refused, match="budget"):
        trial.start(**how, confirmed=trial.priced(version=version, query="", seed=1, n=5)[1].text)
    assert not Trial.objects.exists()


def test_a_judge_tells_each_sample_with_its_cost(project: Project) -> None:
    _answered(project, "One.", "Two.", "Three.")
    replies = iter([graders.verdict, lambda asked: (200, {"choices": []}), graders.verdict])
    told = _judged(project, lambda asked: next(replies)(asked))
    assert (told.trial.status, told.n, told.unscored, told.mean) == ("done", 2, 1, pytest.approx(0.8))
    assert [bool(one.error) for one in told.items] == [False, True, False]
    good = [one for one in told.items if not one.error]
    assert all(one.reason == "It says so." and one.passed and one.cost_usd and one.ms is not None for one in good)
    assert told.trial.cost_usd == sum((one.cost_usd or 0 for one in good), Decimal(0)) <= (told.trial.agreed_usd or 0)


def test_what_was_sent_and_not_answered_is_unknown(project: Project) -> None:
    _answered(project, "One.", "Two.")
    replies = iter([lambda asked: (504, {"error": {"message": "late"}}), graders.verdict])
    told = _judged(project, lambda asked: next(replies)(asked))
    assert (told.states, told.n, told.cost, told.trial.status) == ("ud", 1, None, "done")
    assert "may have been paid for" in told.items[0].error


def test_a_connection_that_refuses_ends_it(project: Project) -> None:
    _answered(project, "One.", "Two.", "Three.")
    told = _judged(project, lambda asked: (401, {"error": {"message": "no such key"}}))
    assert (told.states, told.trial.status, told.n, told.mean) == ("dcc", "failed", 0, None)
    assert "no such key" in told.trial.error and "not asked" in told.items[1].error


@pytest.mark.parametrize(
    ("status", "most", "why"), [(503, 5, "5 requests in a row failed"), (400, 20, "20 requests in a row were refused")]
)
def test_a_connection_that_fails_again_and_again_ends_it(project: Project, status: int, most: int, why: str) -> None:
    _answered(project, *(f"Answer {number}." for number in range(most + 3)))
    seen: list[Any] = []
    with fake_openai(lambda asked: (status, {"error": {"message": "the context is too long"}}), seen) as url:
        told = graders.worked(graders.judge(graders.connect(project, url), confirmed=False), n=most + 3)
    assert (told.states, told.trial.status, len(seen)) == ("d" * most + "ccc", "failed", most), "nothing is asked twice"
    assert why in told.trial.error and "too long" in told.items[0].error and told.n == 0


def test_failures_in_a_row_are_counted_past_the_end_of_a_turn(project: Project) -> None:
    _answered(project, *(f"Answer {number}." for number in range(8)))
    seen: list[Any] = []

    def slowly(asked: dict[str, Any]) -> Reply:
        time.sleep(0.1)
        return 503, {"error": {"message": "later"}}

    with fake_openai(slowly, seen) as url:
        made = graders.tried(graders.judge(graders.connect(project, url), confirmed=False), n=8)
        while not trial.work(made.pk, 0.05):
            pass
    told = trial.read(trial.find(made.version, made.uid))
    assert (told.states, told.trial.status, len(seen)) == ("dddddccc", "failed", 5)


def test_what_waits_when_a_trial_has_ended_is_not_asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    _answered(project, "One.", "Two.")
    version = graders.judge(graders.connect(project), confirmed=False)
    made = graders.tried(version)

    def ends(*given: Any, **named: Any) -> None:
        trial.cancel(made, SYSTEM)
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(client, "check_budget", ends)
    assert trial.work(made.pk, 60)
    told = trial.read(trial.find(version, made.uid))
    assert (told.states, told.trial.status, told.is_open) == ("cc", "cancelled", False)


def test_a_first_question_counts_although_the_second_is_lost(project: Project) -> None:
    _answered(project, "One.")
    with fake_openai(
        lambda asked: (504, {"error": {"message": "late"}}) if asked["model"] == "judge-2" else graders.verdict(asked)
    ) as url:
        line = graders.connect(project, url)
        told = graders.worked(graders.judge(line, graders.TWO, confirmed=False))
    assert (told.states, told.cost, told.items[0].cost_usd) == ("u", None, None), "what the second cost is not known"
    assert told.trial.cost_usd == Decimal("0.000134") == Project.objects.get().spent_usd


@pytest.mark.parametrize("answered", [0, 1, 2])
def test_a_database_that_is_away_for_a_moment_has_nobody_asked_twice(
    project: Project, monkeypatch: pytest.MonkeyPatch, answered: int
) -> None:
    _answered(project, "One.", "Two.")
    seen: list[Any] = []
    check, failed = client.check_budget, []

    def fails_once(*given: Any, **named: Any) -> None:
        if len(seen) == answered and not failed:
            failed.append(1)
            raise OperationalError("the server closed the connection")
        check(*given, **named)

    with fake_openai(graders.verdict, seen) as url:
        version = graders.judge(graders.connect(project, url), graders.TWO, confirmed=False)
        made = graders.tried(version)
        monkeypatch.setattr(client, "check_budget", fails_once)
        assert trial.work(made.pk, 60)
    told = trial.read(trial.find(version, made.uid))
    assert failed and told.states == "dd" and told.trial.status == "done"
    if answered == 1:  # amid a sample: the rest of it is not asked, and it is not begun again
        assert told.n == 1 and len(seen) == 3 and "database was away" in told.items[0].error
    else:
        assert told.n == 2 and len(seen) == 4
    assert told.trial.cost_usd == len(seen) * Decimal("0.000134")


def test_it_stops_where_it_costs_more_than_was_agreed_to(project: Project) -> None:
    _answered(project, "One.", "Two.", "Three.")

    def dear(asked: dict[str, Any]) -> Reply:
        status, said = graders.verdict(asked)
        return status, said | {"usage": {"prompt_tokens": 900_000, "completion_tokens": 9, "total_tokens": 900_009}}

    told = _judged(project, dear)
    assert (told.states, told.trial.status) == ("dcc", "failed") and "more than the" in told.trial.error


def test_cancelling_asks_no_more_and_keeps_what_is_under_way(project: Project) -> None:
    _answered(project, "One.", "Two.", "Three.")
    seen: list[Trial] = []

    def script(asked: dict[str, Any]) -> Reply:
        return graders.verdict(asked)

    def cancels(asker: Any, request: Any) -> Any:
        trial.cancel(seen[0], SYSTEM)
        told = trial.read(seen[0])
        assert (told.states, told.is_open) == ("acc", True), "an answer is under way"
        return ask(asker, request)

    from curation.scoring import asking

    ask = asking.Asker.__call__
    with fake_openai(script) as url, pytest.MonkeyPatch.context() as patch:
        version = graders.judge(graders.connect(project, url), confirmed=False)
        seen.append(graders.tried(version))
        patch.setattr(asking.Asker, "__call__", cancels)
        assert trial.work(seen[0].pk, 60)
    told = trial.read(trial.find(version, seen[0].uid))
    assert (told.states, told.trial.status, told.n, told.is_open) == ("dcc", "cancelled", 1, False)
    assert not trial.cancel(seen[0], SYSTEM) and trial.open_trials() == []


def test_what_a_dead_process_had_taken_is_told(project: Project) -> None:
    _answered(project, "One.", "Two.")
    version = graders.judge(graders.connect(project), confirmed=False)
    made = graders.tried(version)
    dead = '["another boot", 1, "1", "x"]'
    TrialItem.objects.filter(trial=made, ordinal=0).update(status="asking")
    Trial.objects.filter(pk=made.pk).update(lease_owner=dead, lease_until="2020-01-01T00:00:00Z")
    trial.cancel(made, SYSTEM)
    assert trial.open_trials() == []
    told = trial.read(trial.find(version, made.uid))
    assert (told.states, told.is_open) == ("uc", False) and "paid for" in told.items[0].error


def test_a_connection_that_was_removed_ends_it(project: Project) -> None:
    _answered(project, "One.")
    version = graders.judge(graders.connect(project), confirmed=False)
    made = graders.tried(version)
    Connection.objects.all().delete()
    assert trial.work(made.pk, 60)
    told = trial.read(trial.find(version, made.uid))
    assert (told.states, told.trial.status) == ("c", "failed") and "was removed" in told.trial.error


def test_forgetting_takes_a_trial_whole(project: Project) -> None:
    traces = _answered(project, "This morning.", "Later.")
    version: GraderVersion = graders.code(project, confirmed=False)
    told = graders.worked(version)
    TrialItem.objects.filter(trial=told.trial, trace=traces[1]).update(reason="It names Ann Lee.")
    forget(project=project, actor=SYSTEM, subject=Subject(texts=("Ann Lee",)))
    assert not Trial.objects.exists() and not TrialItem.objects.exists()
    assert list(Trace.objects.all()) == [traces[0]]
