"""Graders in a real browser, by mouse and by keyboard: made, tried, confirmed, put beside people, and a batch that runs."""

import re
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from curation.models import Batch, BatchItem, GraderVersion, Score, Trace
from curation.scoring import batches, trial
from tests import make
from tests.browser_fixtures import Server, shoot
from tests.curation.grading import graders
from tests.curation.scoring_agreement.test_against_people import a_score, a_version
from tests.flows.fake_openai import fake_openai
from workspace.models import Connection, Project, User

SignIn = Callable[[User], Page]
ANSWERS = [
    "It left the depot this morning and arrives on Monday.", "I cannot say.", "It is at the depot in Hamburg.",
    "Your order is on its way, have a nice day!", "The depot lost it; a new one leaves today.", "Ask the carrier.",
]  # fmt: skip


@pytest.fixture
def traces(server: Server, project: Project) -> list[Trace]:
    """Twelve traces; half of the answers name a depot."""
    return [make.trace(project, said=make.short_document(answer=ANSWERS[n % 6])) for n in range(12)]


def test_made_tried_and_confirmed(
    traces: list[Trace], server: Server, project: Project, alice: User, sign_in: SignIn, axe: Callable[[], None],
    complaints: list[str],
) -> None:  # fmt: skip
    Connection.objects.create(
        project=project, name="Models", base_url="https://models.example/v1", default_model="judge-1",
        prices={"judge-1": {"input": 1, "output": 4}},
    )  # fmt: skip
    page = sign_in(alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/traces/")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="No grader yet")).to_be_visible()
    axe()
    page.keyboard.press("n")
    expect(page.get_by_label("Accuracy")).to_be_focused()
    page.keyboard.type("It says where the order is, and nothing that no tool result shows.")

    page.get_by_role("radio", name="Judge with a number").check()
    expect(page.get_by_label("System message")).to_have_value("")  # nothing is made up
    page.get_by_role("button", name="Start from my words above").click()
    expect(page.get_by_label("System message")).to_have_value(re.compile("- Accuracy: It says where the order is"))
    said = page.get_by_label("User message")
    said.fill("Read this: ")
    page.get_by_role("button", name=re.compile("item.system_prompt")).focus()  # by keyboard, at the cursor
    page.keyboard.press("Enter")
    expect(said).to_be_focused()
    expect(said).to_have_value("Read this: {{ item.system_prompt }}")
    expect(page.get_by_label("Connection")).to_contain_text("Models, judge-1")
    shoot(page, "grader-edit")
    axe()
    page.get_by_role("button", name="JSON", exact=True).click()
    expect(page.get_by_label("Definition")).to_have_value(re.compile('"type": "score_model"'))
    axe()
    page.get_by_role("button", name="Form", exact=True).click()
    expect(said).to_have_value("Read this: {{ item.system_prompt }}")

    page.get_by_role("radio", name="Text check").focus()
    page.keyboard.press("Space")
    page.get_by_label("What is looked at").fill("{{ sample.output_text }}")
    page.get_by_label("Passes where it").select_option("ilike")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_label("What it is compared with")).to_be_focused()
    refused = page.get_by_role("alert").filter(has_text="2 things to mend")
    expect(refused).to_contain_text("What it is compared with: This is needed.")
    expect(refused).to_contain_text("A name is needed.")
    axe()
    page.get_by_label("What it is compared with").fill("depot")
    page.get_by_label("Name", exact=True).fill("Says where it is")
    page.keyboard.press("Enter")  # Enter keeps it, and does not press another of the form's buttons

    expect(page.get_by_role("heading", name="Try it on 5 traces")).to_be_visible()
    expect(page.get_by_role("button", name="Use it")).to_have_count(0)
    first = page.locator(".sample h3 a").first.get_attribute("href")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile("seed=2"))
    assert first is not None
    page.get_by_role("button", name="Try it on these 5").click()
    expect(page.get_by_role("heading", name="What it says of 5 traces")).to_be_visible()
    expect(page.get_by_role("group", name="Average")).to_contain_text("5 are few")
    assert not Score.objects.exists()
    shoot(page, "grader-trial")
    axe()
    page.reload()
    expect(page.get_by_role("heading", name="What it says of 5 traces")).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator(".head .lead")).to_contain_text("by Alice Engineer")
    assert GraderVersion.objects.get().confirmed_by == "Alice Engineer"

    page.get_by_label("Filter", exact=True).fill("agent:support")
    page.get_by_role("button", name="Show the price").click()
    expect(page.get_by_text("Free")).to_be_visible()
    axe()
    page.get_by_role("button", name="Score 12 traces").click()
    expect(page.locator("#batch-live")).to_contain_text("0 of 12")
    batch = Batch.objects.get()
    assert batches.work(batch.pk, 20)
    expect(page.locator("#batch-live")).to_contain_text("12 of 12", timeout=6000)
    expect(page.locator("#state-title")).to_contain_text("Finished 12 of 12")
    expect(page.locator("#call-tabs")).to_contain_text("Done 12")
    expect(page.locator(".calls .mark.good")).to_have_count(12)  # the list came again by itself
    axe()
    assert [line for line in complaints if "422" not in line] == []


PLACES = """async () => {
  await document.fonts.ready;
  return [...document.querySelectorAll('.sample, .sample .result, #trial-acts')]
    .map((one) => Math.round(one.getBoundingClientRect().top + scrollY));
}"""


def test_what_is_typed_before_the_answer_to_a_choice_is_kept(
    server: Server, project: Project, alice: User, sign_in: SignIn, complaints: list[str]
) -> None:
    for name, model in (("Models", "judge-1"), ("Others", "judge-2")):
        Connection.objects.create(project=project, name=name, base_url="https://models.example/v1", default_model=model)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/graders/new/")
    page.get_by_role("radio", name="Judge with a number").check()
    page.get_by_label("User message").fill("Read this.")
    held: list[Route] = []
    page.route("**/graders/new/", lambda route: held.append(route))
    page.get_by_label("Connection").select_option(label="Models, judge-1")
    page.wait_for_timeout(100)
    page.get_by_label("Passes from").fill("0.7")
    page.get_by_label("User message").press_sequentially(" And")
    assert len(held) == 1
    held[0].continue_()
    expect(page.get_by_label("Model", exact=True)).to_have_value("judge-1")
    expect(page.get_by_label("Passes from")).to_have_value("0.7")
    page.keyboard.type(" that.")
    expect(page.get_by_label("User message")).to_have_value("Read this. And that.")
    page.get_by_role("radio", name="Pattern").check()
    page.wait_for_timeout(100)
    page.get_by_label("User message").press_sequentially(" Now.")
    held[1].continue_()
    expect(page.get_by_label("User message")).to_have_count(0)
    page.unroute("**/graders/new/")
    page.get_by_role("radio", name="Judge with a number").check()
    expect(page.get_by_label("User message")).to_have_value("Read this. And that. Now.")
    assert complaints == []


@pytest.mark.parametrize("width", [1440, 390])
def test_samples_of_a_trial_come_one_by_one_and_nothing_moves(
    traces: list[Trace], server: Server, project: Project, alice: User, sign_in: SignIn, axe: Callable[[], None],
    complaints: list[str], width: int,
) -> None:  # fmt: skip
    may_answer = threading.Semaphore(0)
    long = "It names the depot, and the day on which the order arrives, as the tool said. " * 6

    def slow(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        may_answer.acquire(timeout=60)
        return graders.verdict(asked, reason=long)

    def work() -> None:
        try:
            trial.work(trial.open_trials()[0], 60)
        finally:
            connection.close()

    with fake_openai(slow) as url:
        graders.judge(graders.connect(project, url, name="Judges"), confirmed=False)
        page = sign_in(alice)
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{server.url}/p/acme/graders/helpful/1/")
        page.get_by_role("button", name="Try it on these 5").click()
        expect(page.get_by_role("group", name="Progress")).to_contain_text("0 of 5")
        expect(page).to_have_url(re.compile(r"\?trial="))
        worker = threading.Thread(target=work)
        worker.start()
        expect(page.locator(".sample").first).to_contain_text("Asking")
        before = page.evaluate(PLACES)
        axe()
        may_answer.release()
        expect(page.locator(".sample").first).to_contain_text("It names the depot")
        expect(page.locator(".sample").nth(1)).to_contain_text("Asking")
        expect(page.locator("#trial-live")).to_contain_text("1 of 5")
        expect(page.locator("#trial-live")).to_contain_text("3 waiting")
        assert page.evaluate(PLACES) == before
        shoot(page, f"grader-trial-comes-{width}")
        page.reload()  # how far it is does not hang on the page
        expect(page.locator("#trial-live")).to_contain_text("1 of 5")
        may_answer.release()
        expect(page.locator("#trial-live")).to_contain_text("2 of 5")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("#trial-live")).to_contain_text("what is under way still comes")
        assert page.evaluate(PLACES) == before
        may_answer.release()
        average = page.get_by_role("group", name="Average")
        expect(average).to_contain_text("Average of 3 of 5")
        expect(average).to_contain_text("2 were not asked")
        expect(page.locator(".sample").last).to_contain_text("Not asked")
        assert page.evaluate(PLACES) == before
        worker.join()
    shoot(page, f"grader-trial-cancelled-{width}")
    axe()
    page.get_by_role("button", name="Use it").click()
    expect(page.locator(".head .lead")).to_contain_text("by Alice Engineer")
    assert GraderVersion.objects.get().tried["n"] == 3
    assert complaints == []


@pytest.fixture
def compared(project: Project, rita: User) -> GraderVersion:
    """A judge with scores on 90 traces, 70 of them judged; ratings beside; a draft after it."""
    line = Connection.objects.create(
        project=project, name="Models", base_url="https://models.example/v1", default_model="m"
    )
    version = a_version(
        project, "says_where", connection=line, definition={
            "type": "score_model", "name": "Says where", "model": "judge-1", "pass_threshold": 0.5, "range": [0, 1],
            "input": [{"role": "system", "content": "A good answer says where the order is."},
                      {"role": "user", "content": "Asked:\n{{ item.last_user_message }}\n\nAnswered:\n{{ sample.output_text }}"}],
        }, tried={"n": 5, "mean": 0.776, "half_width": 0.23, "cost_usd": "0.004", "rows": []},
    )  # fmt: skip
    for number in range(90):
        trace = make.trace(
            project, said=make.short_document(question=f"Where is order {number}?", answer=ANSWERS[number % 6])
        )
        good = number % 4 != 0
        wrong = number % 11 == 0
        a_score(trace, version, good != wrong, 0.8 + (number % 3) / 10 if good != wrong else 0.1 + (number % 4) / 10)
        if number < 70:
            make.judgment(
                trace, rita, verdict="acceptable" if good else "unacceptable", rating=4 + number % 2 if good else 2
            )
    a_version(
        project, "says_where", confirmed=False, connection=line,
        definition={**version.definition, "pass_threshold": 0.7},
    )  # fmt: skip
    return version


def test_beside_people(
    server: Server, project: Project, compared: GraderVersion, alice: User, sign_in: SignIn, axe: Callable[[], None],
    complaints: list[str],
) -> None:  # fmt: skip
    page = sign_in(alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/graders/")
    expect(page.get_by_role("row", name=re.compile("Says_Where|Says where"))).to_contain_text("AC1")
    shoot(page, "graders")
    axe()
    page.get_by_role("link", name=re.compile("Says")).first.click()
    expect(page.get_by_role("heading", name="v1 beside people")).to_be_visible()
    expect(page.get_by_role("region", name="Agreement with people")).to_contain_text(
        "its numbers and reviewers’ ratings"
    )
    expect(page.get_by_role("region", name="Share accepted")).to_contain_text("Both together")
    expect(page.get_by_role("heading", name="It passed what people rejected")).to_be_visible()
    expect(page.locator(".diff-lines")).to_have_count(0)
    shoot(page, "grader")
    axe()
    page.get_by_label("To", exact=True).select_option("2")
    page.get_by_label("From", exact=True).select_option("1")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".diff-lines")).to_contain_text("pass_threshold: 0.5 → 0.7")
    expect(page.get_by_text("It scored nothing yet.")).to_be_visible()
    axe()
    page.get_by_label("Score traces as they arrive, by v1").check()
    page.get_by_label("Share of them, %").fill("20")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Price not known")).to_be_visible()
    axe()
    page.get_by_role("button", name="Score what arrives at this price").click()
    expect(page.locator(".toast")).to_contain_text("Traces are scored as they arrive")
    assert complaints == []


def test_a_batch_in_all_its_states(
    server: Server, project: Project, compared: GraderVersion, alice: User, sign_in: SignIn, axe: Callable[[], None],
    complaints: list[str],
) -> None:  # fmt: skip
    batch = _batch(project, compared)
    page = sign_in(alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/graders/batches/")
    axe()
    page.get_by_role("link", name=re.compile("Says")).first.click()
    live = page.locator("#batch-live")
    expect(live).to_contain_text("28 of 40")
    shoot(page, "batch")
    axe()
    page.set_viewport_size({"width": 390, "height": 844})
    price = live.get_by_text("stops when it passes $0.240")
    assert price.evaluate(
        "it => it.scrollWidth <= it.clientWidth && it.parentElement.scrollWidth <= it.parentElement.clientWidth"
    )
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Waiting").click()
    item = batch.items.filter(status="waiting").earliest("id")
    row = page.locator(f"#row-{item.pk}")
    row.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#call-{item.pk}")).to_contain_text("Nothing was sent")
    BatchItem.objects.filter(pk=item.pk).update(status="asking")
    expect(row).to_contain_text("Asking", timeout=6000)
    expect(row).to_be_focused()
    expect(page.locator(f"#call-{item.pk}")).to_be_visible()
    BatchItem.objects.filter(pk=item.pk).update(status="waiting")
    live.get_by_role("button", name="Cancel").click()
    expect(live).to_contain_text("were not asked: resume it")
    page.get_by_role("link", name="Failed").click()
    expect(page).to_have_url(re.compile(r"\?status=failed"))
    page.locator(".calls summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Came back").first).to_contain_text("not JSON")
    expect(page.get_by_role("region", name="Sent").first).to_contain_text("A good answer")
    axe()
    live.get_by_role("button", name="Resume").click()
    price = page.get_by_role("region", name="Go on with this batch")
    expect(price).to_contain_text("has no price for judge-1")
    shoot(page, "batch-resume")
    axe()
    price.get_by_role("button", name="Go on").click()
    expect(live.get_by_role("button", name="Cancel")).to_be_visible()
    batch.refresh_from_db()
    assert batch.status == "queued"
    assert complaints == []


def _batch(project: Project, version: GraderVersion) -> Batch:
    batch = Batch.objects.create(
        project=project, kind="grade", grader_version=version, connection=version.connection, status="running", total=40,
        reused=50, done=22, failed=4, estimate_usd=Decimal("0.24"), cost_usd=Decimal("0.071"), author="Alice Engineer",
        query="agent:support", started_at=timezone.now(),
    )  # fmt: skip
    states = ["done"] * 22 + ["failed"] * 4 + ["unknown"] * 2 + ["waiting"] * 12
    prompt: dict[str, Any] = {"model": "judge-1", "messages": version.definition["input"]}
    for trace, status in zip(Trace.objects.order_by("id")[:40], states, strict=True):
        asked = status != "waiting"
        BatchItem.objects.create(
            batch=batch, trace=trace, revision=trace.revision, status=status, attempts=int(asked),
            prompt=prompt if asked else None, asked_at=timezone.now() if asked else None,
            answer={"message": {"content": "This is not JSON"}} if status in ("done", "failed") else None,
            error="The judge's answer is not JSON (Expecting value): This is not JSON" if status == "failed" else "",
            cost_usd=Decimal("0.0031") if status in ("done", "failed") else None, latency_ms=820 if asked else None,
            input_tokens=410 if asked else None, output_tokens=38 if asked else None,
        )  # fmt: skip
    return batch
