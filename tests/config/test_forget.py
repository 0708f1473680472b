"""Forgetting on the floors above: scenarios, answers and the files that runs trained on; and the page for it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from config.forget import forget_person
from curation.forget.person import Subject
from curation.messages.form import message
from curation.models import DatasetRow, Erasure, IntakeRules, Trace
from evaluation.models import Answer, AnswerScore, JudgeCall, Scenario
from evaluation.runs import answers
from evaluation.runs.request import read_settings, request_run
from tests import make
from tests.browser_fixtures import Server, shoot
from tests.curation.grading import graders
from training.artifacts import checkpoints
from training.models.runs import RunStatus
from workspace.access import Actor
from workspace.models import Project, User


@pytest.mark.django_db
def test_scenarios_answers_and_files_of_ended_runs_go(
    project: Project, alice: User, settings: object, tmp_path: Path
) -> None:
    settings.RUNS_DIR = tmp_path  # type: ignore[attr-defined]
    suite = make.suite(project, scenarios=3)
    model = make.model(project)
    make.answered(suite, model, lambda n: True)
    first = suite.scenarios.order_by("position").first()
    assert first is not None and first.row is not None
    Trace.objects.filter(pk=first.row.trace_id).update(user_id="u-7")
    version = graders.judge(graders.connect(project))
    quoted = {
        "prompt": {"messages": ["in the answer"]},
        "reply": {"message": "as it says"},
        "error": "Not JSON: quoted",
    }
    JudgeCall.objects.bulk_create(
        JudgeCall(answer=answer, version=version, status="failed", **quoted) for answer in Answer.objects.all()
    )
    AnswerScore.objects.update(reason="It says so.")
    ended = make.run(project, version=suite.dataset_version, status=RunStatus.SUCCEEDED)
    live = make.run(project, version=suite.dataset_version, status=RunStatus.RUNNING)
    for run in (ended, live):
        (checkpoints.folder_of(run) / "data").mkdir(parents=True)
        (checkpoints.folder_of(run) / "data" / "train.jsonl").write_text("{}\n")
    erasure = forget_person(project=project, actor=Actor(user=alice), subject=Subject(user_id="u-7"))
    assert Scenario.objects.get(pk=first.pk).messages == []
    assert Answer.objects.get(scenario=first).message is None
    gone = JudgeCall.objects.get(answer__scenario=first)
    assert (gone.prompt, gone.reply, gone.error) == (None, None, ""), "what a judge was asked quotes the answer"
    assert JudgeCall.objects.filter(prompt__isnull=False).count() == 2
    assert set(AnswerScore.objects.filter(answer__scenario=first).values_list("reason", flat=True)) == {""}
    assert (
        Scenario.objects.exclude(messages=[]).count() == 2 and Answer.objects.filter(message__isnull=True).count() == 1
    )
    assert not (checkpoints.folder_of(ended) / "data").exists()
    assert (checkpoints.folder_of(live) / "data" / "train.jsonl").exists()
    assert {"kind": "live run", "id": str(live.uid), "name": ""} in erasure.touched
    with pytest.raises(Exception, match="a suite cannot be changed"):
        Scenario.objects.update(messages=[])


@pytest.mark.django_db
def test_an_answer_that_comes_after_its_scenario_was_erased_keeps_its_costs_alone(
    project: Project, alice: User
) -> None:
    suite = make.suite(project, scenarios=2)
    run = request_run(suite=suite, model=make.model(project), settings=read_settings({}))
    said = [
        answers.Said(one, message("assistant", "It is on its way."), latency_ms=7)
        for one in suite.scenarios.order_by("position")
    ]
    came = answers.grade(run=run, said=said)  # and meanwhile:
    assert said[0].scenario.row is not None
    Trace.objects.filter(pk=said[0].scenario.row.trace_id).update(user_id="u-7")
    forget_person(project=project, actor=Actor(user=alice), subject=Subject(user_id="u-7"))
    assert answers.keep(run=run, graded=came) == 2
    first, second = Answer.objects.order_by("scenario__position")
    assert (first.message, first.error, first.latency_ms) == (None, answers.ERASED, 7)
    assert second.message is not None and not second.error
    assert set(AnswerScore.objects.filter(answer=first).values_list("reason", flat=True)) <= {""}


@pytest.mark.django_db
def test_rules_that_delete_are_shown_first(project: Project, ada: User, as_user: Callable[[User], Client]) -> None:
    for number in range(3):
        make.row(project, external_id=f"n{number}")
    client = as_user(ada)
    answer = client.post("/p/acme/privacy/rules/", {"look": "on", "keep_most": "1", "redact": ["email"]})
    assert answer.status_code == 409 and b"These rules delete 2 traces" in answer.content
    assert not IntakeRules.objects.exists()
    agreed = re.search(r'name="confirmed" value="([^"]+)"', answer.content.decode())
    assert agreed is not None
    # the number was changed after it was asked about: it is asked about again
    other = {"look": "on", "redact": ["email"], "confirmed": agreed[1]}
    answer = client.post("/p/acme/privacy/rules/", {**other, "keep_most": "2"})
    assert answer.status_code == 409 and b"These rules delete 1 trace<" in answer.content
    assert not IntakeRules.objects.exists()
    answer = client.post("/p/acme/privacy/rules/", {**other, "keep_most": "1"})
    assert answer.status_code == 302
    row = IntakeRules.objects.get()
    assert (row.redact, row.keep_most, row.keep_days, row.look_for_personal_data) == (["email"], 1, None, True)
    answer = client.post("/p/acme/privacy/rules/", {"keep_days": "ten"})
    assert answer.status_code == 422 and "Days: &#x27;ten&#x27; is no whole number" in answer.content.decode()
    assert b'value="ten"' in answer.content, "what was typed stays"


@pytest.mark.django_db(transaction=True)
def test_a_person_is_looked_for_and_forgotten_by_keyboard(
    server: Server, sign_in: Callable[[User], Page], project: Project, ada: User, rita: User, axe: Callable[[], None]
) -> None:
    mail = "ann.lee@mail.example"
    held = make.trace(project, user_id="u-7", said=make.short_document(question=f"I am {mail}"))
    make.judgment(held, rita)
    make.dataset_version(project, train=2, validation=0, test=1)
    make.trace(project, user_id="u-7")
    page = sign_in(ada)
    page.goto(f"{server.url}/p/acme/settings/")
    page.get_by_role("link", name="Privacy").click()
    page.get_by_label("User id").fill("u-7")
    page.keyboard.press("Tab")
    page.keyboard.type(mail)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="2 traces")).to_be_visible()
    axe()
    shoot(page, "privacy")
    page.get_by_role("button", name="Forget for good").press("Enter")
    expect(page.get_by_text("Forgotten: ")).to_be_visible()
    expect(page.get_by_role("heading", name="Forgotten so far")).to_be_visible()
    assert Erasure.objects.count() == 1 and not Trace.objects.filter(user_id="u-7").exists()
    assert DatasetRow.objects.count() == 3
