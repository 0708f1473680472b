"""A reviewer who uses only the keyboard: everything is stored, nothing is lost, and the next item is there at once."""

import json
import os
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from curation.models import Correction, Judgment, QueueItem, StepVerdict, Trace
from curation.review import queues
from tests import make
from tests.browser_fixtures import Server
from tests.curation.review import documents
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)
SignIn = Callable[[User], Page]
READY = "() => document.querySelector('#bench') && !document.querySelector('#bench').hasAttribute('aria-busy')"


def open_queue(page: Page, server: Server, queue: str = "unjudged") -> None:
    page.goto(f"{server.url}/p/acme/review/{queue}/")
    page.wait_for_selector(".judge")
    page.wait_for_load_state("networkidle")


def settled(page: Page) -> None:
    """Until the next item is here and the outbox is empty."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !Object.keys(localStorage).some((name) => name.startsWith('whetstone.outbox'))")


def title(page: Page) -> str:
    return page.locator("#bench h1").inner_text()


def measures(page: Page) -> list[float]:
    return page.evaluate("performance.getEntriesByName('key-to-painted').map((one) => one.duration)")


def test_twenty_items_by_keyboard(
    project: Project, rita: User, server: Server, sign_in: SignIn, complaints: list[str]
) -> None:
    for number in range(20):
        make.trace(
            project,
            said=documents.rich() if number % 4 == 1 else make.short_document(f"Question {number}?"),
            name=f"Trace {number}",
        )
    page = sign_in(rita)
    open_queue(page, server)
    keys, words = "arua" * 5, {"a": "acceptable", "r": "unacceptable", "u": "unsure"}
    for number, key in enumerate(keys):
        assert title(page) == f"Trace {number}"
        if number == 1:
            page.keyboard.press("!")
            page.keyboard.press("-")
            page.keyboard.press("]")
            page.keyboard.press("+")
            page.keyboard.press("+")  # again: taken back
            page.keyboard.press("e")
            page.keyboard.press("End")
            page.keyboard.press("Control+End")
            page.keyboard.type(" Checked.")
            expect(page.locator("#edit-count")).to_have_text("1 change")
            page.keyboard.press("Control+Enter")
            expect(page.locator("text=Edited by you")).to_be_visible()
        if number == 2:
            page.keyboard.press("n")
            page.keyboard.type("a r u z are letters here")
            page.keyboard.press("Escape")
            page.keyboard.press("4")
        if number == 5:
            page.keyboard.press("r")
            expect(page.locator("#bench h1")).to_have_text("Trace 6")
            page.keyboard.press("z")
            expect(page.locator("#bench h1")).to_have_text("Trace 5")
        settled(page)
        page.keyboard.press(key)
        if number < 19:
            expect(page.locator("#bench h1")).to_have_text(f"Trace {number + 1}")
            assert page.evaluate("document.activeElement.tagName") == "H1", "the focus is on what is new"
    page.wait_for_selector(".bench.done")
    settled(page)
    effective = dict(Trace.objects.values_list("name", "verdict"))
    assert [effective[f"Trace {number}"] for number in range(20)] == [words[key] for key in keys]
    assert Judgment.objects.filter(withdrawn_at=None).count() == 20
    assert Judgment.objects.exclude(withdrawn_at=None).count() == 1, "the one that was undone"
    third = Judgment.objects.get(trace__name="Trace 2")
    assert (third.note, third.rating) == ("a r u z are letters here", 4)
    assert third.seconds is not None and third.seconds > 0
    assert list(StepVerdict.objects.values_list("step_key", "value")) == [("c4", "bad")]
    assert Correction.objects.get().messages[-1]["parts"][0]["text"].endswith("17.09. Checked.")
    assert QueueItem.objects.filter(status="done").count() == 20
    # undo from the end leads back
    page.keyboard.press("z")
    expect(page.locator("#bench h1")).to_have_text("Trace 19")
    settled(page)
    assert Trace.objects.get(name="Trace 19").verdict == ""
    times = sorted(measures(page))
    assert len(times) >= 20
    p95 = statistics.quantiles(times[:-1], n=20)[-1]
    print(f"key to painted: median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms, worst {times[-1]:.0f} ms")
    # the last key asks the server for what is left, so it may take longer; the others have their item already.
    # A machine that is busy with other things says nothing about us: python -m benchmarks.judgment measures alone
    if os.getloadavg()[0] <= (os.cpu_count() or 1):
        assert statistics.median(times) <= 100, "the p95 is held to 100 ms by the benchmark, which runs alone"
    assert not complaints


def test_skip_flag_previous_next_and_sheet(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    for number in range(4):
        make.trace(project, name=f"Trace {number}")
    page = sign_in(rita)
    open_queue(page, server)
    page.keyboard.press("s")
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    settled(page)
    page.keyboard.press("f")
    page.keyboard.type("which rule?")
    page.keyboard.press("Enter")
    expect(page.locator("#bench h1")).to_have_text("Trace 2")
    settled(page)
    page.keyboard.press("j")
    expect(page.locator("#bench h1")).to_have_text("Trace 3")
    settled(page)
    page.keyboard.press("k")
    expect(page.locator("#bench h1")).to_have_text("Trace 2")
    settled(page)
    page.keyboard.press("?")
    sheet = page.locator("#keys").inner_text()
    for word in (
        "Acceptable",
        "Unsure",
        "Undo",
        "Skip",
        "Step before, after",
        "First error",
        "Edit the answer",
        "Note",
        "Next item",
    ):
        assert word in sheet
    assert sheet.count("Rating") == 1
    signs = page.locator("#keys dt + dd", has_text="Step is good").locator("xpath=preceding-sibling::dt[1]/kbd")
    assert signs.all_inner_texts() == ["+", "-", "="]
    page.keyboard.press("a")  # rests under the dialog
    page.keyboard.press("Escape")
    assert not Judgment.objects.exists()
    page.keyboard.press("a")
    expect(page.locator("#bench h1")).to_have_text("Trace 3")
    settled(page)
    page.keyboard.press("Control+z")
    expect(page.locator("#bench h1")).to_have_text("Trace 2")
    page.go_back()
    assert list(QueueItem.objects.order_by("id").values_list("status", "skips", "flag_note"))[:2] == [
        ("open", 1, ""),
        ("flagged", 0, "which rule?"),
    ]


@pytest.mark.parametrize("reloaded", [False, True])
def test_undo_after_an_edit_takes_the_edit_back(
    project: Project, rita: User, server: Server, sign_in: SignIn, reloaded: bool
) -> None:
    """With what this page remembers, and with what the server knows after a reload."""
    for number in range(3):
        make.trace(project, said=documents.rich(), name=f"Trace {number}")
    page = sign_in(rita)
    open_queue(page, server)
    page.keyboard.press("a")
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    settled(page)
    page.keyboard.press("e")
    expect(page.locator(".toast")).to_have_count(0)
    page.keyboard.press("Control+End")
    page.keyboard.type(" Checked.")
    save, bar = page.locator(".edit [type=submit]").bounding_box(), page.locator(".judge").bounding_box()
    assert save and bar and save["y"] + save["height"] <= bar["y"]  # not behind the bar below
    page.keyboard.press("Control+Enter")
    expect(page.locator("text=Edited by you")).to_be_visible()
    settled(page)
    if reloaded:
        page.reload()
        page.wait_for_load_state("networkidle")
    page.keyboard.press("z")
    expect(page.locator("text=Edited by you")).to_have_count(0)
    settled(page)
    assert title(page) == "Trace 1"
    assert Correction.objects.get().withdrawn_at is not None
    assert Trace.objects.get(name="Trace 0").verdict == "acceptable"
    page.keyboard.press("z")  # the act before that
    expect(page.locator("#bench h1")).to_have_text("Trace 0")
    settled(page)
    assert Trace.objects.get(name="Trace 0").verdict == ""


def test_keys_wait_for_the_paint(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    """Keys hit faster than items appear judge nothing that was not seen."""
    for number in range(6):
        make.trace(project, name=f"Trace {number}")
    page = sign_in(rita)
    open_queue(page, server)
    seen = page.evaluate(
        """() => { const out = [];
        for (let i = 0; i < 30; i += 1) document.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }));
        return document.querySelector('#bench h1').innerText; }"""
    )
    settled(page)
    assert seen in ("Trace 0", "Trace 1")
    assert Judgment.objects.count() == 1


def test_offline_outbox_survives_a_reload(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    for number in range(6):
        make.trace(project, name=f"Trace {number}")
    page = sign_in(rita)
    open_queue(page, server)
    cut = True

    def block(route: Route) -> None:
        if cut and route.request.method == "POST":
            route.abort("internetdisconnected")
        else:
            route.fallback()

    page.route("**/review/**", block)
    for number in range(3):
        page.keyboard.press("a")
        expect(page.locator("#bench h1")).to_have_text(f"Trace {number + 1}")
        page.wait_for_timeout(150)
    expect(page.locator("[data-saved]")).to_have_text("offline – 3 waiting")
    page.keyboard.press("z")  # never sent: never happened
    expect(page.locator("#bench h1")).to_have_text("Trace 2")
    page.wait_for_timeout(150)
    page.keyboard.press("u")
    expect(page.locator("#bench h1")).to_have_text("Trace 3")
    assert Judgment.objects.count() == 0
    kept = json.loads(
        page.evaluate("localStorage.getItem(Object.keys(localStorage).find((n) => n.startsWith('whetstone.outbox')))")
    )
    assert len(kept) == 3
    page.reload()
    page.wait_for_selector(".judge")
    expect(page.locator("[data-saved]")).to_have_text("offline – 3 waiting")
    cut = False
    page.evaluate("dispatchEvent(new Event('online'))")
    settled(page)
    assert list(Judgment.objects.order_by("id").values_list("trace__name", "verdict")) == [
        ("Trace 0", "acceptable"), ("Trace 1", "acceptable"), ("Trace 2", "unsure"),
    ]  # fmt: skip


def test_refusal_brings_the_item_back_and_says_why(
    project: Project, rita: User, server: Server, sign_in: SignIn
) -> None:
    for number in range(3):
        make.trace(project, name=f"Trace {number}")
    page = sign_in(rita)
    open_queue(page, server)

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(
                status=422,
                content_type="application/json",
                body='{"error": {"field": "note", "message": "note is not allowed."}}',
            )
        else:
            route.fallback()

    page.route("**/review/**", refuse)
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Not saved: note is not allowed.")
    expect(page.locator("#bench h1")).to_have_text("Trace 0")
    page.unroute("**/review/**")
    page.wait_for_timeout(100)
    page.keyboard.press("r")
    expect(page.locator("#bench h1")).to_have_text("Trace 1")
    settled(page)
    assert list(Judgment.objects.values_list("trace__name", "verdict")) == [("Trace 0", "unacceptable")]


def test_long_trace_is_walked_to_its_errors(
    project: Project, rita: User, server: Server, sign_in: SignIn, complaints: list[str]
) -> None:
    trace = make.trace(project, said=documents.long(600))
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/")
    page.wait_for_load_state("networkidle")
    for number in (50, 100, 150):
        page.keyboard.press("}")
        expect(page.locator(".call[aria-current] .no")).to_have_text(str(number), timeout=8000)
        assert page.locator(".tree a[aria-current]").count() == 1
    page.keyboard.press("{")
    expect(page.locator(".call[aria-current] .no")).to_have_text("100")
    page.keyboard.press("/")
    page.keyboard.type("f99.txt")
    expect(page.locator("#found")).to_contain_text("1 of ")
    page.keyboard.press("Enter")
    expect(page.locator(".call[aria-current] .no")).to_have_text("100")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator(".goal .mark.good")).to_have_text("✓Accepted")
    assert Trace.objects.get().verdict == "acceptable"
    assert not complaints


def test_note_survives_a_reload(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    make.trace(project)
    page = sign_in(rita)
    open_queue(page, server)
    page.keyboard.press("n")
    page.keyboard.type("half a thought")
    page.reload()
    page.wait_for_selector(".judge")
    expect(page.locator("#note")).to_have_value("half a thought")


def test_lease_is_renewed_and_two_people_meet_no_item(
    project: Project, rita: User, alice: User, server: Server, sign_in: SignIn, browser: Any
) -> None:
    for number in range(12):
        make.trace(project, name=f"Trace {number}")
    queue = queues.default_queue(project=project)
    page = sign_in(rita)
    open_queue(page, server)
    for _ in range(3):
        before = title(page)
        page.keyboard.press("a")
        expect(page.locator("#bench h1")).not_to_have_text(before)
        settled(page)
    mine = set(queue.items.filter(leased_by=rita).values_list("pk", flat=True))
    assert 1 <= len(mine) <= 3, "what is looked at and at most two ahead"
    other = queues.lease_next(queue=queue, user=alice)
    assert queue.items.get(uid=other).pk not in mine


def test_a_letter_behind_g_goes_there_as_long_as_the_letters_are_told(
    project: Project, rita: User, server: Server, sign_in: SignIn
) -> None:
    make.trace(project)
    page = sign_in(rita)
    open_queue(page, server)
    page.keyboard.press("g")
    page.wait_for_timeout(1_800)
    expect(page.locator(".toast")).to_contain_text("p Pairs")
    page.keyboard.press("p")  # alone it shows a step as it came
    page.wait_for_url("**/pairs/")
    open_queue(page, server)
    page.keyboard.press("g")
    page.wait_for_timeout(2_600)
    page.keyboard.press("u")  # nobody waits for it any more
    settled(page)
    assert Judgment.objects.get().verdict == "unsure"
