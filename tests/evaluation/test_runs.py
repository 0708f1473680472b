"""Runs: answers stored once, resumed, never 0 for what is missing; by a process and through a connection."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from curation.messages.form import message
from evaluation.models import Answer, AnswerScore, EvaluationAttempt, EvaluationRun, Suite
from evaluation.runs import answers, local, remote
from evaluation.runs.request import CannotAsk, read_settings, request_run
from tests import make
from tests.workspace.test_connections import Endpoint, connect
from training import rundir
from training.launchers import local as processes
from workspace import leases
from workspace.models import Project

pytestmark = pytest.mark.django_db

DEFAULTS = read_settings({})


@pytest.fixture
def suite(project: Project) -> Suite:
    return make.suite(project, scenarios=4)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()


# --- asking


def test_equal_requests_are_one_run_and_other_settings_another(project: Project, suite: Suite) -> None:
    model = make.model(project)
    run = request_run(suite=suite, model=model, settings=DEFAULTS)
    assert request_run(suite=suite, model=model, settings=DEFAULTS) == run
    assert request_run(suite=suite, model=model, settings=read_settings({"temperature": 0.7})) != run
    answers.fail(run, "gone")
    assert request_run(suite=suite, model=model, settings=DEFAULTS) != run


def test_nothing_simulated_is_asked(project: Project, suite: Suite) -> None:
    with pytest.raises(CannotAsk, match="made up for the demo"):
        request_run(suite=suite, model=make.model(project, is_simulated=True), settings=DEFAULTS)


def test_a_model_of_another_project_is_not_asked(suite: Suite) -> None:
    other = Project.objects.create(slug="elsewhere", name="Elsewhere")
    with pytest.raises(CannotAsk, match="another project"):
        request_run(suite=suite, model=make.model(other), settings=DEFAULTS)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"temperature": 3}, "settings.temperature"),
        ({"temperature": True}, "settings.temperature"),
        ({"max_new_tokens": 0}, "settings.max_new_tokens"),
        ({"max_new_tokens": 1.5}, "settings.max_new_tokens"),
        ({"top_k": 5}, "settings.top_k"),
        ("cold", "settings"),
    ],
)
def test_senseless_settings_are_refused(given: Any, where: str) -> None:
    with pytest.raises(CannotAsk) as caught:
        read_settings(given)
    assert caught.value.where == where


# --- storing


def test_an_answer_is_stored_and_graded_once(project: Project, suite: Suite) -> None:
    run = request_run(suite=suite, model=make.model(project), settings=DEFAULTS)
    scenario = suite.scenarios.order_by("position").first()
    assert scenario is not None
    said = answers.Said(scenario, scenario.reference, latency_ms=5)
    assert answers.store(run=run, said=[said, said]) == 1
    assert answers.store(run=run, said=[answers.Said(scenario, None, error="late")]) == 0
    assert Answer.objects.get().error == ""
    assert set(AnswerScore.objects.values_list("grader", "value", "passed")) == {
        ("tool calls", 1.0, True),
        ("arguments valid", 1.0, True),
    }


def test_an_error_is_an_answer_without_scores_of_0(project: Project, suite: Suite) -> None:
    run = make.answered(suite, make.model(project), lambda position: None if position == 1 else True)
    broken = run.answers.get(scenario__position=1)
    assert (broken.message, broken.error) == (None, "Timed out.")
    assert list(broken.scores.values_list("value", "passed")) == [(None, None), (None, None)]
    assert run.status == "succeeded"


def test_a_run_of_nothing_but_errors_failed(project: Project, suite: Suite) -> None:
    run = make.answered(suite, make.model(project), lambda position: None)
    assert (run.status, "Timed out." in run.status_reason) == ("failed", True)


def test_hostile_text_of_a_model_is_stored(project: Project, suite: Suite) -> None:
    run = request_run(suite=suite, model=make.model(project), settings=DEFAULTS)
    scenario = suite.scenarios.order_by("position").first()
    assert scenario is not None
    said = message("assistant", "a\x00b\ud800", tool_calls=[make.call("f\x00", '{"x": "\ud800"}')])
    assert answers.store(run=run, said=[answers.Said(scenario, said)]) == 1


def test_answers_are_graded_again_when_a_grader_changed(project: Project, suite: Suite) -> None:
    run = make.answered(suite, make.model(project), lambda position: True)
    assert answers.regrade(run=run) == 0
    AnswerScore.objects.filter(grader="tool calls").update(version="older", value=0.0)
    assert answers.regrade(run=run) == 4
    assert set(AnswerScore.objects.filter(grader="tool calls").values_list("value", flat=True)) == {1.0}
    assert AnswerScore.objects.count() == 8


# --- a process of this machine (its files written by hand here; the real one is in test_real_answers.py)


@pytest.fixture
def attempt(project: Project, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> EvaluationAttempt:
    begun: list[Any] = []
    monkeypatch.setattr(processes, "begin", lambda process, **job: begun.append(job))
    monkeypatch.setattr(local.training, "waiting_reason", lambda: "")
    monkeypatch.setattr(local.bases, "for_worker", lambda model: {"source": "tiny"})
    request_run(suite=suite, model=make.model(project), settings=DEFAULTS)
    started = local.start_next()
    assert started is not None
    assert begun[0]["job"]["settings"] == DEFAULTS
    return started


def line(position: int, **fields: Any) -> str:
    said = {"id": str(position), "message": message("assistant", f"answer {position}"), "error": "", "latency_ms": 7}
    return json.dumps({**said, **fields}) + "\n"


def test_prompts_hold_messages_and_tools_and_no_reference(attempt: EvaluationAttempt) -> None:
    prompts = [json.loads(text) for text in Path(attempt.folder, "prompts.jsonl").read_text().splitlines()]
    assert [prompt["id"] for prompt in prompts] == ["1", "2", "3", "4"]
    assert [entry["role"] for entry in prompts[0]["messages"]] == ["system", "user"]
    assert "tool_calls" not in json.dumps(prompts)


def test_lines_count_once_and_a_torn_line_waits_for_its_end(attempt: EvaluationAttempt) -> None:
    path = Path(attempt.folder, "answers.jsonl")
    whole = line(2)
    path.write_text(line(1) + whole[:20])
    assert local.read_answers(attempt) == 1
    assert local.read_answers(attempt) == 0
    path.write_text(line(1) + whole + "no json\n[]\n" + line(99) + line(2, message={"text": "odd"}))
    assert local.read_answers(attempt) == 1
    assert list(attempt.run.answers.values_list("scenario__position", "latency_ms")) == [(1, 7), (2, 7)]


def test_a_message_that_cannot_be_read_is_an_error(attempt: EvaluationAttempt) -> None:
    Path(attempt.folder, "answers.jsonl").write_text(line(1, message={"content": "?"}, latency_ms=-4))
    local.read_answers(attempt)
    answer = attempt.run.answers.get()
    assert (answer.message, "cannot be read" in answer.error, answer.latency_ms) == (None, True, None)


def _end(attempt: EvaluationAttempt, result: dict[str, Any]) -> EvaluationRun:
    rundir.write_json(Path(attempt.folder) / rundir.RESULT, result)
    local.look_after(EvaluationAttempt.objects.get(pk=attempt.pk))
    return EvaluationRun.objects.get(pk=attempt.run_id)


def test_a_process_that_answered_everything_ends_the_run(attempt: EvaluationAttempt) -> None:
    Path(attempt.folder, "answers.jsonl").write_text("".join(line(n) for n in range(1, 5)))
    assert _end(attempt, {"exit_code": 0}).status == "succeeded"


def test_a_killed_process_is_started_again_for_the_rest_at_most_twice(attempt: EvaluationAttempt) -> None:
    Path(attempt.folder, "answers.jsonl").write_text(line(1) + line(2)[:9])
    run = _end(attempt, {"exit_code": None, "signal": 9})
    assert run.status == "running"
    for number in (2, 3):
        again = local.start_next()
        assert again is not None
        assert again.number == number
        prompts = Path(again.folder, "prompts.jsonl").read_text().splitlines()
        assert [json.loads(text)["id"] for text in prompts] == ["2", "3", "4"]
        run = _end(again, {"exit_code": None, "signal": 9})
    assert run.status == "failed"
    assert "attempt 3" in run.status_reason
    assert local.start_next() is None
    assert run.answers.count() == 1


def test_a_process_that_failed_for_a_reason_is_not_started_again(attempt: EvaluationAttempt) -> None:
    Path(attempt.folder, rundir.EVENTS).write_text(
        json.dumps({"seq": 1, "kind": "failed", "class": "config", "message": "The folder holds no model."}) + "\n"
    )
    run = _end(attempt, {"exit_code": rundir.BAD_CONFIG, "signal": None})
    assert (run.status, run.status_reason) == ("failed", "The folder holds no model.")
    assert local.start_next() is None


def test_one_process_at_a_time(attempt: EvaluationAttempt, project: Project, suite: Suite) -> None:
    request_run(suite=suite, model=make.model(project, name="other"), settings=DEFAULTS)
    assert local.start_next() is None
    Path(attempt.folder, "answers.jsonl").write_text("".join(line(n) for n in range(1, 5)))
    _end(attempt, {"exit_code": 0})
    assert local.start_next() is not None


def test_one_that_was_never_begun_gives_the_slot_back(attempt: EvaluationAttempt) -> None:
    # kill -9 between the claim and the process: there is a row, and nothing else
    assert attempt.pid is None
    local.reconcile()
    attempt.refresh_from_db()
    assert attempt.status == "starting"
    EvaluationAttempt.objects.filter(pk=attempt.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    local.reconcile()
    attempt.refresh_from_db()
    assert attempt.status == "lost"
    assert [one.number for one in EvaluationAttempt.objects.order_by("number")] == [1, 2]


def test_looking_does_not_lengthen_the_lease_of_one_that_was_never_begun(attempt: EvaluationAttempt) -> None:
    until = timezone.now() + timedelta(seconds=5)
    EvaluationAttempt.objects.filter(pk=attempt.pk).update(lease_until=until)
    local.reconcile()
    assert EvaluationAttempt.objects.get(pk=attempt.pk).lease_until == until


def test_a_run_that_breaks_the_sweep_does_not_stop_the_others(
    attempt: EvaluationAttempt, project: Project, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(attempt: EvaluationAttempt) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(local, "look_after", broken)
    EvaluationAttempt.objects.filter(pk=attempt.pk).update(status="running")
    started: list[bool] = []
    monkeypatch.setattr(local, "start_next", lambda: started.append(True))
    local.reconcile()
    assert started == [True]


def test_without_torch_the_run_says_what_to_do(project: Project, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.training, "waiting_reason", lambda: "Training is not installed here. Run: make train.")
    run = request_run(suite=suite, model=make.model(project), settings=DEFAULTS)
    local.reconcile()
    run.refresh_from_db()
    assert (run.status, "make train" in run.status_reason) == ("queued", True)


# --- a connection


@pytest.fixture
def remote_run(project: Project, suite: Suite, endpoint: Endpoint) -> EvaluationRun:
    connection = connect(project, endpoint.url, prices={"m": {"input": 1, "output": 2}})
    model = make.model(project, source="connection", connection=connection, reference="m")
    return request_run(suite=suite, model=model, settings=DEFAULTS)


def test_a_connection_answers_each_scenario_once(remote_run: EvaluationRun, endpoint: Endpoint) -> None:
    assert remote.open_runs() == [remote_run.pk]
    assert remote.answer(remote_run) == 4
    assert remote.answer(remote_run) == 0
    remote_run.refresh_from_db()
    assert (remote_run.status, len(endpoint.seen), remote.open_runs()) == ("succeeded", 4, [])
    asked = endpoint.seen[0]
    assert [entry["role"] for entry in asked["messages"]] == ["system", "user"]
    assert asked["tools"][0]["function"]["parameters"]["required"] == ["order_id"]
    assert (asked["temperature"], asked["seed"]) == (0.0, 0)
    answer = remote_run.answers.order_by("id").first()
    assert answer is not None
    assert (answer.message["parts"][0]["text"], answer.cost_usd) == ("Hello", Decimal("0.002000"))


def test_an_interrupted_run_goes_on_where_it_stopped(remote_run: EvaluationRun, endpoint: Endpoint) -> None:
    assert remote.answer(remote_run, most=1) == 1
    assert remote.answer(remote_run) == 3
    assert len(endpoint.seen) == 4


def test_a_slow_endpoint_does_not_keep_the_worker(remote_run: EvaluationRun, endpoint: Endpoint) -> None:
    assert [remote.answer(remote_run, seconds=0) for _ in range(4)] == [1, 1, 1, 1]
    assert remote.open_runs() == [remote_run.pk]
    assert remote.answer(remote_run, seconds=0) == 0
    remote_run.refresh_from_db()
    assert (remote_run.status, len(endpoint.seen)) == ("succeeded", 4)


def test_a_run_that_somebody_holds_is_left_alone_until_they_are_dead(
    remote_run: EvaluationRun, endpoint: Endpoint
) -> None:
    later = timezone.now() + remote.LEASE
    EvaluationRun.objects.update(lease_owner=leases.owner(), lease_until=later)
    assert remote.open_runs() == []
    assert remote.answer(remote_run) == 0
    boot = json.loads(leases.owner())[0]
    dead = json.dumps([boot, 2**22 + 1, "1", "x"])
    EvaluationRun.objects.update(lease_owner=dead, lease_until=later)
    assert remote.open_runs() == [remote_run.pk]


def test_one_error_is_kept_with_its_scenario_and_the_rest_goes_on(
    remote_run: EvaluationRun, endpoint: Endpoint
) -> None:
    endpoint.status = [200, 400]
    assert remote.answer(remote_run) == 4
    remote_run.refresh_from_db()
    assert remote_run.status == "succeeded"
    broken = remote_run.answers.get(message__isnull=True)
    assert "400" in broken.error
    assert "sk-very" not in broken.error
    assert set(broken.scores.values_list("value", flat=True)) == {None}


def test_an_endpoint_that_is_down_ends_the_run_with_its_reason(project: Project, endpoint: Endpoint) -> None:
    suite = make.suite(project, scenarios=9)
    model = make.model(project, source="connection", connection=connect(project, endpoint.url), reference="m")
    run = request_run(suite=suite, model=model, settings=DEFAULTS)
    endpoint.status = [401] * 20
    remote.answer(run)
    run.refresh_from_db()
    assert (run.status, len(endpoint.seen)) == ("failed", remote.MOST_FAILURES)
    assert "5 requests in a row failed" in run.status_reason


def test_failures_in_a_row_are_counted_over_the_parts_of_a_run(project: Project, endpoint: Endpoint) -> None:
    suite = make.suite(project, scenarios=9)
    model = make.model(project, source="connection", connection=connect(project, endpoint.url), reference="m")
    run = request_run(suite=suite, model=model, settings=DEFAULTS)
    endpoint.status = [401] * 20
    for _ in range(9):
        remote.answer(run, seconds=0)
    run.refresh_from_db()
    assert (run.status, len(endpoint.seen)) == ("failed", remote.MOST_FAILURES)


@pytest.mark.parametrize("working", [0, 2, 3])
def test_a_connection_that_fails_for_the_last_few_leaves_them_open_and_the_run_resumes(
    remote_run: EvaluationRun, endpoint: Endpoint, working: int
) -> None:
    endpoint.status = [200] * working + [401] * 20
    remote.answer(remote_run)
    remote_run.refresh_from_db()
    assert remote_run.status == "failed"
    assert "can be asked again" in remote_run.status_reason and "401" in remote_run.status_reason
    assert remote_run.answers.count() == working
    endpoint.status = []
    again = request_run(suite=remote_run.suite, model=remote_run.model, settings=DEFAULTS)
    assert (again.pk, again.status, again.status_reason) == (remote_run.pk, "queued", "")
    assert remote.answer(again) == 4 - working
    again.refresh_from_db()
    assert (again.status, again.answers.filter(message__isnull=True).count()) == ("succeeded", 0)


def test_a_budget_that_is_used_up_is_no_error_of_the_model(remote_run: EvaluationRun, endpoint: Endpoint) -> None:
    connection = remote_run.model.connection
    assert connection is not None
    connection.budget_usd = Decimal("0.003")  # an answer costs 0.002: the third is not asked
    connection.save(update_fields=["budget_usd"])
    remote.answer(remote_run)
    remote_run.refresh_from_db()
    assert (remote_run.status, remote_run.answers.count(), len(endpoint.seen)) == ("failed", 2, 2)
    assert "budget" in remote_run.status_reason


def test_a_short_outage_is_asked_again_by_the_same_run(remote_run: EvaluationRun, endpoint: Endpoint) -> None:
    endpoint.status = [200, 401, 200, 200]
    remote.answer(remote_run)
    assert remote.open_runs() == [remote_run.pk]
    assert remote.answer(remote_run) == 1
    remote_run.refresh_from_db()
    assert (remote_run.status, remote_run.answers.filter(message__isnull=True).count()) == ("succeeded", 0)


def test_a_lease_outlasts_the_slowest_call() -> None:
    assert timedelta(minutes=20) <= remote.LEASE


# --- graders, and when they run


def test_graders_run_outside_of_the_transaction_that_stores(
    project: Project, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curation.scoring import graders as grading

    inside = len(connection.savepoint_ids)
    depths: list[int] = []
    real = grading.grade

    def grade(*given: Any, **named: Any) -> Any:
        depths.append(len(connection.savepoint_ids))
        return real(*given, **named)

    monkeypatch.setattr(grading, "grade", grade)
    run = make.answered(suite, make.model(project), lambda position: True)
    AnswerScore.objects.update(version="older")
    assert answers.regrade(run=run) == 4
    assert set(depths) == {inside} and len(depths) == 16
    assert AnswerScore.objects.count() == 8 and not AnswerScore.objects.filter(version="older").exists()


def test_answers_that_were_stored_while_these_were_graded_stay(project: Project, suite: Suite) -> None:
    run = request_run(suite=suite, model=make.model(project), settings=DEFAULTS)
    scenario = suite.scenarios.order_by("position")[0]
    late = answers.grade(run=run, said=[answers.Said(scenario, scenario.reference, latency_ms=9)])
    assert answers.store(run=run, said=[answers.Said(scenario, scenario.reference, latency_ms=5)]) == 1
    assert answers.keep(run=run, graded=late) == 0
    assert (run.answers.get().latency_ms, AnswerScore.objects.count()) == (5, 2)


def test_scores_of_another_range_are_kept_from_0_to_1(project: Project) -> None:
    code = "def grade(sample, item):\n    return 4.0\n"
    definition = {"type": "python", "name": "points", "source": code, "range": [1, 5], "pass_threshold": 4}
    suite = make.suite(project, graders=[definition])
    run = make.answered(suite, make.model(project), lambda position: True)
    assert set(AnswerScore.objects.values_list("value", "passed")) == {(0.75, True)}
    assert answers.regrade(run=run) == 0
