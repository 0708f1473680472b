"""A run of 3,000 steps on the trace page: there at once, still while it scrolls, every step and word within reach."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser_fixtures import Server, axe_violations, shoot
from tests.curation.review import documents, test_timeline
from workspace.models import Project, User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
SignIn = Callable[[User], Page]
# what moves without anybody's doing, the outline aside: its rows follow what was typed, however late the answer comes
SHIFT = """() => { window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((one) => {
  if (!one.hadRecentInput && one.sources.some((from) => !from.node?.closest?.(".outline"))) window.shift += one.value;
})).observe({ type: "layout-shift", buffered: true }); }"""


def settled(page: Page) -> None:
    page.wait_for_timeout(250)
    page.wait_for_load_state("networkidle")


def test_a_long_run(project: Project, rita: User, server: Server, sign_in: SignIn, complaints: list[str]) -> None:
    trace = make.trace(project, said=documents.long(3000), name="Count every line of 1,500 files")
    page = sign_in(rita)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.add_init_script(f"({SHIFT})()")
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/")
    settled(page)
    drawn = page.locator(".call").count()
    assert drawn < 120 and page.locator(".tree li").count() < 500, "only the beginning and the end"
    # the outline: scrolled far down, its rows come; a click brings the step
    page.evaluate("document.querySelector('.tree').scrollTop = document.querySelector('.tree').scrollHeight / 2")
    settled(page)
    row = page.locator(".tree a:has-text('750 read_file')")
    row.click()
    step = page.locator(".call", has_text="f749.txt")
    expect(step).to_have_attribute("aria-current", "step")
    expect(step).to_be_in_viewport()
    # words of parts that are not there: counted in the whole run, Enter goes from one to the next
    page.keyboard.press("Control+f")
    expect(page.locator("#found")).to_contain_text("Ctrl+F once more")
    page.keyboard.type("not found")
    expect(page.locator("#found")).to_have_text("30 times in 30 of 3,002 blocks, the whole run; Enter goes on")
    assert page.locator(".tree li:not([hidden])").count() <= 30
    for number in (49, 99, 149):
        page.keyboard.press("Enter")
        expect(page.locator(f".call:has-text('f{number}.txt')")).to_be_in_viewport()
    expect(page.locator("#found")).to_have_text("3 of 30 blocks with it")
    page.locator("#find").fill("")
    page.keyboard.press("Escape")
    page.locator(".talk").focus()
    page.wait_for_timeout(300)  # a person's hand takes as long
    page.keyboard.press("}")
    expect(page.locator(".call:has-text('f199.txt')")).to_have_attribute("aria-current", "step")
    # the errors alone: the outline keeps room for them and brings them
    page.locator("[data-show=errors]").click()
    settled(page)
    page.evaluate("document.querySelector('.tree').scrollTop = 1e6")
    settled(page)
    expect(page.locator(".tree a:has-text('1500 read_file')")).to_be_visible()
    assert page.evaluate("window.shift") < 0.02, "what is read stands still"
    # a link to a step that is not there yet
    page.goto("about:blank")
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/#b1501")
    expect(page.locator("#b1501")).to_be_in_viewport()
    assert not complaints


def test_pictures(project: Project, ada: User, server: Server, sign_in: SignIn, complaints: list[str]) -> None:
    good = make.trace(project, said=documents.rich(), name="Fix VAT of three lines", task_id="vat", latency_ms=21_000)
    other = documents.rich()
    messages = other["conversations"][0]["messages"]
    del messages[6:8]
    messages[-1]["parts"][0]["text"] = "The cause was in **billing/vat.py**. I could not run the tests."
    bad = make.trace(project, said=other, name="Fix VAT of three lines", task_id="vat", latency_ms=9_400)
    make.judgment(good, ada)
    make.judgment(bad, ada, verdict="unacceptable")
    short = make.trace(project)
    timed = make.trace(project, said=test_timeline.timed(), name="Look around")
    make.dataset_version(project, train=1)
    replay = make.replay(short, ada)
    page = sign_in(ada)
    page.set_viewport_size({"width": 1440, "height": 900})
    base = f"{server.url}/p/acme"
    problems = []
    for name, address in {
        "trace-diff": f"{base}/traces/diff/?left={good.uid}&right={bad.uid}",
        "trace-becomes": f"{base}/traces/{good.uid}/becomes/",
        "trace-becomes-tab": f"{base}/traces/{good.uid}/?tab=becomes",
        "trace-timeline": f"{base}/traces/{timed.uid}/timeline/?gaps=out",
        "trace-timeline-tab": f"{base}/traces/{timed.uid}/?tab=timeline",
        "tool-views": f"{base}/settings/tools/?tool=search_code&view=table&headline=pattern",
        "trace-replay": f"{base}/traces/{short.uid}/replay/?step={replay.step_key}",
        "replay": f"{base}/replays/{replay.uid}/",
    }.items():
        page.goto(address)
        settled(page)
        shoot(page, name)
        problems += [f"{name}: {line}" for line in axe_violations(page)]
    page.goto(f"{base}/traces/{short.uid}/replay/?step={replay.step_key}")
    page.get_by_role("button", name="Show the price").click()
    expect(page.get_by_text("Unknown", exact=True)).to_be_visible()
    shoot(page, "trace-replay-price")
    assert not problems and not complaints, "\n".join(problems)
