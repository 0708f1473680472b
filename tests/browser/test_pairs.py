"""Choosing between two answers by keyboard: blind, fast, with a way back, and what is edited is kept."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from curation.models import Pair, Preference
from tests import make
from tests.browser.test_review import settled
from tests.browser_fixtures import Server, shoot
from tests.curation.pairs.test_pairs import attempt, queue_of, several
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "The retry slept in the request thread, so one slow partner call held a worker for up to 30 seconds. "


def test_pairs_by_keyboard(
    project: Project, rita: User, alice: User, server: Server, sign_in: Callable[[User], Page],
    complaints: list[str], axe: Callable[[], None],
) -> None:  # fmt: skip
    attempt(
        project,
        "retry",
        LONG + "I moved the retry to the job queue. All 112 tests pass.",
        "m-1",
        ("read", "edit", "test"),
    )
    attempt(
        project, "retry", "The retry slept in the request thread. I shortened the wait to 5.", "m-2", ("read", "test")
    )
    for number in range(5):
        make.trace(
            project, said=several(f"Question {number}", f"Answer {number} is short", f"Answer {number} is shorter")
        )
    queue_of(
        project, alice, name="Duels", criteria=("Fixes the cause", "Stays in scope"), instructions="Longer is no better"
    )
    Pair.objects.update(is_flipped=False)
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/pairs/")
    axe()
    shoot(page, "pairs")
    page.keyboard.press("Enter")
    expect(page.locator(".pair")).to_be_visible()
    page.wait_for_timeout(700)
    shoot(page, "pair")
    axe()
    # criteria and strength by mouse and key, word changes on and off
    page.keyboard.press("q")
    expect(page.locator("[name=c0]").first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[name=c0][value=tie]")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[name=c1]").first).to_be_focused()
    page.keyboard.press("2")
    expect(page.locator("[name=strength][value=clear]")).to_be_checked()
    marked = page.locator("[data-side=a] .marked-words")
    expect(marked).to_be_visible()
    page.keyboard.press("w")
    expect(marked).to_be_hidden()
    page.keyboard.press("w")
    expect(marked).to_be_visible()
    # the better one is edited, then chosen
    page.locator("[data-side=b] h2").click()
    page.keyboard.press("i")
    field = page.locator("#better")
    expect(field).to_be_focused()
    assert field.input_value().startswith(("The retry", "Other", "Answer"))
    page.keyboard.press("Control+End")
    page.keyboard.type(" b e x are letters here.")
    page.reload()  # what was begun is kept
    page.wait_for_timeout(700)
    assert field.input_value().endswith("b e x are letters here.")
    expect(page.locator("[name=edited_of][value=b]")).to_be_checked()
    expect(page.locator("[name=strength][value=clear]")).to_be_checked()
    page.keyboard.press("n")
    page.keyboard.type("clearer")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator(".toast", has_text="B is better")).to_be_visible()
    settled(page)
    first = Preference.objects.get()
    assert (first.choice, first.strength, first.note) == ("right", "clear", "clearer")
    assert first.edited.endswith("b e x are letters here.") and list(first.criteria.values()) == ["tie"]
    page.wait_for_timeout(100)
    page.keyboard.press("x")
    settled(page)
    page.wait_for_timeout(100)
    page.keyboard.press("z")
    expect(page.locator(".toast", has_text="Choice taken back")).to_be_visible()
    settled(page)
    assert Preference.objects.filter(withdrawn_at=None).count() == 1
    here = page.locator("#bench")
    for key in "aexab":
        page.wait_for_timeout(100)
        before = here.get_attribute("data-here")
        page.keyboard.press(key)
        expect(here).not_to_have_attribute("data-here", str(before))
    settled(page)
    expect(page.locator("h1", has_text="All done")).to_be_visible()
    standing = Preference.objects.filter(withdrawn_at=None).order_by("id").values_list("choice", flat=True)
    assert list(standing) == ["right", "left", "tie", "both_bad", "left", "right"]
    page.keyboard.press("z")
    expect(page.locator(".pair")).to_be_visible()
    settled(page)
    assert Pair.objects.filter(status="open").count() == 1 and complaints == []
