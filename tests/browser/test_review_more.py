"""The rest of a reviewer's day: comments on what is selected, own keys, hours without a network in two tabs, a phone."""

# ruff: noqa: E501 (scripts for the browser)

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from curation.models import Comment, Judgment, Mention, StepVerdict
from tests import make
from tests.browser.test_review import open_queue, settled
from tests.browser_fixtures import Server
from tests.curation.review import documents
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]
SELECT = """(words) => { const walk = document.createTreeWalker(document.querySelector('.talk'), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) { const at = node.data.indexOf(words); if (at < 0) continue;
    const range = new Range(); range.setStart(node, at); range.setEnd(node, at + words.length);
    node.parentElement.scrollIntoView({block: 'center'});
    return new Promise((done) => setTimeout(() => { getSelection().removeAllRanges(); getSelection().addRange(range); document.dispatchEvent(new MouseEvent('mouseup')); done(true); }, 150)); } }"""


def test_comments_on_a_selection_call_somebody_and_come_back(
    project: Project, rita: User, alice: User, server: Server, sign_in: SignIn, complaints: list[str]
) -> None:
    trace = make.trace(project, said=documents.rich(), name="Rich")
    page = sign_in(rita)
    open_queue(page, server)
    assert page.evaluate(SELECT, "VAT is rounded on each line")
    expect(page.locator(".bubble")).to_be_visible()
    page.locator(".bubble [data-pick=comment]").click()
    expect(page.locator("#comment-about")).to_contain_text("VAT is rounded on each line")
    page.keyboard.type("is that so? @al")
    expect(page.locator("#comment-people [role=option]")).to_have_text("Alice Engineeralice@example.com")
    page.keyboard.press("Enter")
    page.keyboard.type("please look")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comment .pre")).to_have_text("is that so? @Alice Engineer please look")
    made = Comment.objects.get()
    assert (made.quote, made.step_key) == ("VAT is rounded on each line", "c0m5") and made.end - made.start == 27  # type: ignore[operator]
    assert Mention.objects.get().user == alice
    expect(page.locator("[data-talked]")).to_have_text("1 comment")
    # mark wrong: a comment and a bad step; use in note: the words
    page.evaluate(SELECT, "I will round the sum once")
    page.locator(".bubble [data-pick=wrong]").click()
    expect(page.locator("[data-talks]")).to_have_text("2")
    settled(page)
    assert StepVerdict.objects.get().value == "bad"
    page.evaluate(SELECT, "now charges 17.09")
    page.locator(".bubble [data-pick=note]").click()
    expect(page.locator("#note")).to_have_value("“now charges 17.09” ")
    page.keyboard.press("Escape")
    # taken back, with an undo
    page.keyboard.press("c")
    page.keyboard.type("half a com")
    page.reload()
    page.wait_for_selector(".judge")
    expect(page.locator("#comment-text")).to_have_value("half a com")
    expect(page.locator("#note")).to_have_value("“now charges 17.09” ")
    page.locator(".comment [value=withdraw]").first.click()
    expect(page.locator("[data-talks]")).to_have_text("1")
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator("[data-talks]")).to_have_text("2")
    page.locator("[data-to]").first.click()
    assert page.evaluate("CSS.highlights.get('commented').size") == 2
    # and Alice gets there from the navigation
    hers = sign_in(alice)
    hers.goto(f"{server.url}/p/acme/traces/")
    expect(hers.locator("[data-count='curation:mentions']")).to_have_text("1")
    hers.goto(f"{server.url}/p/acme/mentions/")
    hers.locator(".calls a").click()
    expect(hers.locator(f"#c-{made.uid}")).to_be_visible()
    assert (
        hers.url.startswith(f"{server.url}/p/acme/traces/{trace.uid}/?tab=discussion") and Mention.objects.get().seen_at
    )
    assert not complaints


def test_one_may_stay_on_an_item_after_judging_it(
    project: Project, rita: User, server: Server, sign_in: SignIn
) -> None:
    for number in range(2):
        make.trace(project, said=documents.rich(), name=f"Trace {number}")
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/keys/")
    page.get_by_label("After a judgment the next item comes at once").uncheck()
    open_queue(page, server)
    page.keyboard.press("a")
    expect(page.locator(".judge [value=acceptable][aria-pressed=true]")).to_be_visible()
    settled(page)
    expect(page.locator("#bench h1")).to_have_text("Trace 0")
    expect(page.locator(".topbar .state").filter(has_text="Judged")).to_be_visible()  # what one sees only afterwards
    page.keyboard.press("r")  # another mind
    settled(page)
    page.keyboard.press("j")
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    assert [one.verdict for one in Judgment.objects.order_by("id")] == ["acceptable", "unacceptable"]
    page.goto(f"{server.url}/p/acme/keys/")
    page.get_by_label("After a judgment the next item comes at once").check()


def test_own_keys_work_and_are_shown_and_altgr_writes_brackets(
    project: Project, rita: User, server: Server, sign_in: SignIn
) -> None:
    for number in range(3):
        make.trace(project, said=documents.rich(), name=f"Trace {number}")
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/keys/")
    page.fill("#key-acceptable", "q")
    page.fill("#key-step_after", "q")
    expect(page.locator("#why-acceptable")).to_contain_text("Step after")
    page.fill("#key-step_after", "v")
    expect(page.locator("#why-acceptable")).to_be_empty()
    page.locator("#keys-form [type=submit]").first.click()
    expect(page.locator("#key-acceptable")).to_have_value("q")
    open_queue(page, server)
    expect(page.locator(".judge [value=acceptable] kbd")).to_have_text("q")
    page.keyboard.press("v")
    expect(page.locator("[data-step][aria-current]")).to_have_count(1)
    page.keyboard.press("a")  # no longer a key
    page.wait_for_timeout(200)
    expect(page.locator("#bench h1")).to_have_text("Trace 0")
    page.keyboard.press("q")
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    settled(page)
    assert Judgment.objects.get().verdict == "acceptable"
    # on many keyboards { and } are AltGr or Option with a letter's key; Alt with an arrow is the browser's
    fire = (
        "(how) => document.body.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, cancelable: true, ...how}))"
    )
    assert page.evaluate(fire, {"key": "}", "altKey": True, "ctrlKey": True, "modifierAltGraph": True}) is False
    expect(page.locator(".call.failed[aria-current]")).to_have_count(1)
    assert page.evaluate(fire, {"key": "ArrowLeft", "altKey": True}) is True
    page.keyboard.press("?")
    assert "v" in page.locator("#keys-list").inner_text().split()


def test_hours_offline_in_two_tabs_lose_and_double_nothing(
    project: Project, rita: User, server: Server, sign_in: SignIn
) -> None:
    for number in range(6):
        make.trace(project, name=f"Trace {number}")
    page = sign_in(rita)
    cut: dict[str, Any] = {"off": True, "posts": []}

    def block(route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        if cut["off"]:
            return route.abort("internetdisconnected")
        cut["posts"].append(route.request.post_data or "")
        return route.fallback()

    page.context.route("**/p/acme/**", block)
    open_queue(page, server)
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Checked.")
    page.locator(".judge [value=acceptable]").click()  # what was being written goes first
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    page.wait_for_timeout(200)
    page.keyboard.press("c")
    expect(page.locator("#comment-text")).to_be_focused()
    page.keyboard.type("said without a network")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("#bench h1")).to_have_text("Trace 2")
    expect(page.locator("[data-saved]")).to_contain_text("4 waiting")
    # hours pass: leases are long over, the page is loaded again, and a second tab is opened
    page.evaluate(
        """() => { for (const name of Object.keys(localStorage).filter((one) => one.startsWith('whetstone.outbox')))
          localStorage.setItem(name, JSON.stringify(JSON.parse(localStorage.getItem(name)).map((op) => ({...op, at: op.at - 5 * 3600e3})))); }"""
    )
    from curation.models import QueueItem

    QueueItem.objects.update(leased_until="2020-01-01T00:00:00Z")
    page.reload()
    page.wait_for_selector(".judge")
    other = page.context.new_page()
    open_queue(other, server)
    expect(other.locator("[data-saved]")).to_contain_text("4 waiting")
    cut["off"] = False
    for one in (page, other):
        one.evaluate("dispatchEvent(new Event('online'))")
    settled(page)
    said = Judgment.objects.order_by("id").values_list("trace__name", "verdict", "withdrawn_at")
    assert list(said) == [("Trace 0", "acceptable", None), ("Trace 1", "unacceptable", None)]
    assert Comment.objects.get().text == "said without a network" and Comment.objects.get().trace.name == "Trace 1"
    assert Judgment.objects.first().trace.corrections.get().messages[-1]["parts"][0]["text"].endswith("Checked.")  # type: ignore[union-attr]
    # a browser may show one tab's storage to the other a moment late: then one is sent again, word for word
    sent = [body for body in cut["posts"] if "act=heartbeat" not in body]
    assert len(set(sent)) == 4 and len(sent) <= 5, "one tab sends for both"


def test_a_phone_swipes_and_opens_the_sheet(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    for number in range(3):
        make.trace(project, name=f"Trace {number}")
    cookies = sign_in(rita).context.cookies()
    browser = sign_in(rita).context.browser
    assert browser is not None
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.add_cookies(cookies)  # type: ignore[arg-type]
    page = phone.new_page()
    open_queue(page, server)
    swipe = """([from, to]) => { const talk = document.querySelector('.talk'), touch = (x) => new Touch({identifier: 1, target: talk, clientX: x, clientY: 300});
      talk.dispatchEvent(new TouchEvent('touchstart', {bubbles: true, touches: [touch(from)], changedTouches: [touch(from)]}));
      talk.dispatchEvent(new TouchEvent('touchend', {bubbles: true, touches: [], changedTouches: [touch(to)]})); }"""
    page.wait_for_timeout(300)
    page.evaluate(swipe, [300, 120])
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    page.wait_for_timeout(300)
    page.evaluate(swipe, [100, 290])
    expect(page.locator("#bench h1")).to_have_text("Trace 0")
    page.evaluate(swipe, [5, 300])  # from the edge: the browser's
    page.wait_for_timeout(200)
    expect(page.locator("#bench h1")).to_have_text("Trace 0")
    page.locator(".grip:not(.shut)").click()
    expect(page.locator("#tab-discussion")).to_be_visible()
    small = page.evaluate(
        "[...document.querySelectorAll('.judge .button, .form .tabs a, .form .options label, .grip')].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44).map((one) => one.outerHTML.slice(0, 80))"
    )
    assert small == [], "targets are 44 px high"
    phone.close()
