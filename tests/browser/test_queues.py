"""An engineer changes a queue on its page: another filter foretold, items taken out, closed, deleted; each undone by z."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from curation.models import QueueItem, ReviewQueue
from curation.review import queues
from tests import make
from tests.browser_fixtures import Server, shoot
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]


def test_a_queue_is_changed_and_everything_comes_back(
    project: Project, alice: User, rita: User, server: Server, sign_in: SignIn, axe: Callable[[], None],
    complaints: list[str],
) -> None:  # fmt: skip
    for number in range(12):
        make.row(project, agent="support" if number % 3 else "billing")
    queue = queues.create(
        project=project, actor=Actor(user=alice), name="Hard ones", query="agent:support", instructions="Be kind."
    )
    queues.lease_next(queue=queue, user=rita)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/review/")
    page.get_by_role("link", name="Edit Hard ones").click()
    expect(page.locator(".items li")).to_have_count(8)
    expect(page.locator(".items li").first).to_contain_text("Rita Reviewer is on it")
    # another filter says what it does while it is typed
    page.fill("#queue-query", "agent:billing")
    expect(page.locator("#change")).to_contain_text("4 new matches come in, 8 that wait no longer match.")
    page.get_by_label("Take them out, but for 1 that somebody is on now").check()
    page.fill("#queue-name", "Money")
    axe()
    shoot(page, "queue-change")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("Money")
    expect(page.locator(".toast")).to_contain_text("Saved. 4 came in. 7 taken out. 1 stayed: somebody is on it.")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Waiting 5")
    page.keyboard.press("z")
    expect(page.locator("h1")).to_have_text("Hard ones")
    expect(page.locator(".tabs [aria-current]")).to_have_text("Waiting 8")
    # a filter that cannot be read says so at once and is not saved
    page.fill("#queue-query", "agnet:x")
    expect(page.locator("#change .error")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#change .error")).to_be_visible()
    expect(page.locator("#queue-query")).to_have_value("agnet:x")
    page.goto(f"{server.url}/p/acme/review/hard-ones/about/")
    # ticks: a range with shift, then out and back
    button = page.locator("[data-ticked]")
    expect(button).to_be_disabled()
    page.locator(".items [type=checkbox]").nth(1).click()
    page.locator(".items [type=checkbox]").nth(4).click(modifiers=["Shift"])
    expect(button).to_have_text("Take out 4")
    button.click()
    expect(page.locator(".tabs [aria-current]")).to_have_text("Waiting 4")
    page.get_by_role("link", name="Taken out 4").click()
    expect(page.locator(".items li").first).to_contain_text("Alice Engineer")
    page.locator("[data-all] input").check()
    button.click()
    expect(page.locator(".items li")).to_have_count(0)
    assert QueueItem.objects.filter(queue=queue, status="open").count() == 8
    # closed: listed apart, and back by z
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator(".lead")).to_contain_text("neither filled nor handed out")
    axe()
    shoot(page, "queue-closed")
    page.goto(f"{server.url}/p/acme/review/")
    page.get_by_text("1 closed queue").click()
    page.get_by_role("link", name="Edit Hard ones").click()
    page.locator("header.head").get_by_role("button", name="Reopen").click()
    expect(page.locator(".toast")).to_contain_text("Hard ones is open again.")
    # "Go to" finds it by its name
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-list [data-asked]")).to_have_count(2)
    expect(page.locator("#palette-list [data-asked]:visible")).to_have_count(0)
    page.keyboard.type("hard")
    expect(page.locator("#palette-list [aria-selected=true]")).to_contain_text("Hard ones")
    page.keyboard.press("Escape")
    # somebody is on an item: it cannot be deleted; then it can, and comes back
    QueueItem.objects.update(leased_by=None, leased_until=None)
    page.reload()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/review/")
    expect(page.get_by_role("link", name="Edit Hard ones")).to_have_count(0)
    page.keyboard.press("z")
    expect(page.get_by_role("link", name="Edit Hard ones")).to_be_visible()
    assert ReviewQueue.objects.get(slug="hard-ones").closed_at is None
    # the second line is what a refused form rightly answers
    assert [one for one in complaints if "422" not in one] == []


def test_a_queue_on_a_phone_and_without_script(
    project: Project, rita: User, alice: User, server: Server, sign_in: SignIn, browser: Any, axe: Callable[[], None]
) -> None:
    for _ in range(3):
        make.row(project, preview="A question that is long enough to need more than one line on a phone " * 3)
    queue = queues.create(project=project, actor=Actor(user=alice), name="Hard ones", query="")
    page = sign_in(rita)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/p/acme/review/hard-ones/about/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_role("heading", name="About this queue")).to_be_visible()
    expect(page.locator("#queue-form")).to_have_count(0)
    axe()
    # an engineer without script: told first, saved by the second press
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(sign_in(alice).context.cookies())
    plain = context.new_page()
    plain.goto(f"{server.url}/p/acme/review/hard-ones/about/")
    plain.fill("#queue-query", "agent:nobody")
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator("#change")).to_contain_text("3 that wait no longer match")
    plain.get_by_label("Take them out").check()
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator(".toast")).to_contain_text("3 taken out.")
    plain.locator(".toast button").click()
    expect(plain.locator(".tabs [aria-current]")).to_have_text("Waiting 3")
    context.close()
    queue.refresh_from_db()
    assert queue.query == ""
