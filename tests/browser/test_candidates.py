"""Candidates for pairs and questions of error recovery in a real browser: by keyboard, priced before anything is sent."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from curation.models import Batch, Score
from curation.review import questions, queues
from tests import make
from tests.browser_fixtures import Server, shoot
from tests.curation.grading import graders
from workspace.access import SYSTEM
from workspace.models import Project, User

SignIn = Callable[[User], Page]


@pytest.fixture
def filled(server: Server, project: Project) -> Project:
    """Eight traces, a connection and two graders, one of which asks a model."""
    for number in range(8):
        make.trace(project, said=make.short_document(question=f"Where is order {number}?"))
    graders.code(project)
    graders.judge(graders.connect(project))
    return project


def test_price_is_seen_and_agreed_to_before_anything_is_sent(
    filled: Project, server: Server, alice: User, sign_in: SignIn, axe: Callable[[], None], complaints: list[str]
) -> None:
    page = sign_in(alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/datasets/")
    page.get_by_role("link", name="Generate candidates").click()
    expect(page.get_by_label("Temperatures")).to_have_value("0.3, 0.7, 1")
    expect(page.get_by_role("table")).to_contain_text("3 generations + 3 scorings for each trace")
    axe()
    page.get_by_label("Filter", exact=True).fill("agent:support")
    page.get_by_label(re.compile("Helpful")).check()
    page.get_by_label("Temperatures").fill("0.2, hot")
    page.get_by_label("Temperatures").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("'hot' is no number.")
    expect(page.get_by_label("Temperatures")).to_have_attribute("aria-invalid", "true")
    axe()
    page.get_by_label("Temperatures").fill("0.2, 0.6, 1.1")
    page.get_by_role("button", name="Show the price").click()
    price = page.get_by_role("region", name="Price")
    expect(price).to_contain_text("At most about $")
    expect(price.get_by_role("row", name=re.compile("Generations"))).to_contain_text("24")
    expect(price.get_by_role("row", name=re.compile("Calls to models"))).to_contain_text("48")
    expect(page).to_have_url(re.compile("temperatures=0.2"))
    shoot(page, "candidates")
    axe()
    assert not Batch.objects.exists(), "a price makes nothing"
    page.get_by_role("button", name="Generate 24 candidates at this price").press("Enter")
    expect(page).to_have_url(re.compile("/batches/[0-9a-f-]{36}/"))
    batch = Batch.objects.get()
    assert (batch.total, batch.settings["temperatures"]) == (24, [0.2, 0.6, 1.1])
    assert [line for line in complaints if "422" not in line] == []


def test_the_questions_are_answered_by_keyboard(
    filled: Project, server: Server, rita: User, sign_in: SignIn, axe: Callable[[], None], complaints: list[str]
) -> None:
    queues.create(project=filled, actor=SYSTEM, name="Failed tools", query="", asks=questions.RECOVERY)
    page = sign_in(rita)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/review/failed-tools/")
    strategy = page.get_by_role("radio", name="Another way")
    page.wait_for_load_state("networkidle")  # the bench listens once its scripts are there
    page.keyboard.press("8")
    expect(strategy).to_be_checked()
    page.keyboard.press("8")
    expect(strategy).not_to_be_checked()
    page.keyboard.press("8")
    page.keyboard.press("y")
    expect(page.get_by_label("What failed")).to_be_focused()
    page.keyboard.type("timeout")
    shoot(page, "recovery")
    axe()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.get_by_text("2 of 8").or_(page.get_by_text("1 judged")).first).to_be_visible()
    expect(page.get_by_role("radio", name="Another way")).not_to_be_checked()
    _until(page, 2)
    said = dict(Score.objects.values_list("name", "category"))
    assert said == {"recovery_strategy": "fallback", "error_type": "timeout"}
    page.keyboard.press("z")
    _until(page, 0)
    assert complaints == []


def _until(page: Page, scores: int) -> None:
    """Waits for what is sent behind the page's back."""
    for _ in range(60):
        if Score.objects.count() == scores:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"{Score.objects.count()} scores instead of {scores}")
