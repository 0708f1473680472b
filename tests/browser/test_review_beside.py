"""Reviewing otherwise than alone in a queue: from the list, in two tabs, without a network and without a next item."""

import itertools
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from curation.models import Judgment, QueueItem, Trace
from tests import make
from tests.browser.test_review import open_queue, settled
from tests.browser_fixtures import Server
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]


def _ready(page: Page) -> None:
    """As a person: the tab in front, the item painted (in a tab behind nothing is, and no key counts before it)."""
    page.bring_to_front()
    page.wait_for_function("() => !document.querySelector('#bench').hasAttribute('aria-busy')")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")


def _standing(user: User) -> list[tuple[str, str]]:
    """(trace, verdict) of the judgments that stand, oldest first."""
    return list(
        Judgment.objects.filter(user=user, withdrawn_at=None).order_by("id").values_list("trace__name", "verdict")
    )


def test_from_the_list_to_the_next_and_back_and_undo(
    project: Project, rita: User, server: Server, sign_in: SignIn, complaints: list[str]
) -> None:
    for number in range(3):
        make.trace(project, name=f"Trace {number}", tags=["walk"])
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/?q=tag:walk")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#bench h1")).to_have_text("Trace 2")
    expect(page.locator("[data-list-at]")).to_have_text("1 of 3")
    expect(page.locator("[data-beside='-1']")).to_be_hidden()
    page.wait_for_load_state("networkidle")
    page.keyboard.press("j")
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    _ready(page)
    page.keyboard.press("a")
    settled(page)
    assert _standing(rita) == [("Trace 1", "acceptable")]
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_have_text("Judgment taken back")
    settled(page)
    assert _standing(rita) == []
    _ready(page)
    page.keyboard.press("j")
    expect(page.locator("#bench h1")).to_have_text("Trace 0")
    expect(page.locator("[data-list-at]")).to_have_text("3 of 3")
    _ready(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    page.reload()
    expect(page.locator("[data-list-at]")).to_have_text("2 of 3")
    page.locator(".topbar .name").click()
    expect(page).to_have_url(f"{server.url}/p/acme/traces/?q=tag:walk")
    assert complaints == []


def test_enter_in_the_field_for_a_tag_adds_it(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    trace = make.trace(project)
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/")
    page.locator("[name=trace]").check()
    page.locator("[name=tag]").fill("vip")
    page.keyboard.press("Enter")
    expect(page.locator("text=1 trace tagged “vip”.")).to_be_visible()
    trace.refresh_from_db()
    assert trace.tags == ["vip"] and not QueueItem.objects.filter(queue__slug="picked").exists()


def test_without_a_network_and_a_next_item_the_newest_word_counts_once(
    project: Project, rita: User, server: Server, sign_in: SignIn
) -> None:
    for number in range(8):
        make.trace(project, name=f"Trace {number}")
    page = sign_in(rita)
    open_queue(page, server)
    page.wait_for_timeout(700)  # until what comes next is here
    page.context.set_offline(True)
    for key in "aru":  # the item that is shown and the two that were loaded
        page.keyboard.press(key)
        page.wait_for_timeout(200)
    expect(page.locator(".toast", has_text="not loaded yet")).to_be_visible()
    stuck = page.locator("#bench h1").inner_text()
    page.keyboard.press("r")
    page.wait_for_timeout(200)
    expect(page.locator(".judge [value=unacceptable]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("a")
    expect(page.locator("[data-saved]")).to_contain_text("3 waiting")
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    settled(page)
    found = _standing(rita)
    assert len(found) == 3 and found[-1] == (stuck, "acceptable")
    assert Judgment.objects.count() == 3


def test_two_tabs_share_the_work_and_swallow_nothing(
    project: Project, rita: User, server: Server, sign_in: SignIn
) -> None:
    for number in range(12):
        make.trace(project, name=f"Trace {number}")
    first = sign_in(rita)
    open_queue(first, server)
    second = first.context.new_page()
    open_queue(second, server)
    wanted: dict[str, str] = {}
    for page, (key, verdict) in itertools.islice(
        zip(itertools.cycle([first, second]), itertools.cycle([("a", "acceptable"), ("r", "unacceptable")])), 8
    ):
        _ready(page)
        shown = page.locator("#bench h1").inner_text()
        assert shown not in wanted, f"{shown} is shown again, although the other tab judged it"
        page.keyboard.press(key)
        wanted[shown] = verdict
        expect(page.locator("#bench h1")).not_to_have_text(shown)
        other = second if page is first else first
        expect(other.locator("#bench h1")).not_to_have_text(shown)
    settled(first)
    settled(second)
    assert dict(_standing(rita)) == wanted and Judgment.objects.count() == len(wanted) == 8


def test_a_slow_network_loses_no_key_in_two_tabs(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    """The tabs send one after the other: while one waits for the other it must not take a key and forget it."""
    for number in range(12):
        make.trace(project, name=f"Trace {number}")
    first = sign_in(rita)

    def slowly(route: Route) -> None:
        if route.request.method == "POST":
            first.wait_for_timeout(150)
        route.fallback()

    first.context.route("**/p/acme/review/**", slowly)
    open_queue(first, server)
    second = first.context.new_page()
    open_queue(second, server)
    judged = 0
    for page, other in ((first, second), (second, first)) * 2:
        _ready(page)
        shown = page.locator("#bench h1").inner_text()
        page.keyboard.press("a")
        expect(page.locator("#bench h1")).not_to_have_text(shown)
        expect(other.locator("#bench h1")).not_to_have_text(shown)  # a key that meets a page in change does nothing
        judged += 1
    settled(first)
    settled(second)
    assert Judgment.objects.count() == judged and Trace.objects.filter(verdict="acceptable").count() == judged
