"""The trace list in a real browser: by keyboard, by mouse, without JavaScript, on a phone."""

import random
from datetime import timedelta
from decimal import Decimal
from urllib.parse import unquote

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from curation import tasks
from curation.browse import bulk
from curation.models import BulkAct, QueueItem, SavedView, Score, Trace
from curation.review import queues
from tests import make
from tests.browser_fixtures import axe_violations, shoot
from workspace.access import Actor

pytestmark = pytest.mark.browser

ASKED = [
    "VAT on three-line invoices is a cent off", "Retry on 429 sleeps in the request thread",
    "Migration drops the default on orders.state", "Credit note misses a cent on rounding",
    "Where is my parcel? The tracking page has said “in transit” for nine days now and nobody answers the phone",
    "Slow query on the customer list", "Flaky test test_token_expiry", "Discount applied twice on gift cards",
    "Please cancel order 1017 and send the money back to the card I paid with", "Timezone wrong in the weekly report",
    "CSV import loses the last row without newline", "Webhook signature check uses ==", "Search ignores umlauts",
]  # fmt: skip


def fill(project, count=60):
    chance = random.Random(7)
    verdicts = ["acceptable", "acceptable", "unacceptable", "unsure", "", "", ""]
    made = []
    for number in range(count):
        errors = chance.choice([0, 0, 0, 1, 2, 5])
        row = make.row(
            project, preview=ASKED[number % len(ASKED)], received_at=timezone.now() - timedelta(minutes=7 * number),
            agent=chance.choice(["repo-fixer", "support-bot"]), model=chance.choice(["small-1", "large-2"]),
            verdict="acceptable" if number == 9 else chance.choice(verdicts),
            verdict_stale=number == 9, latency_ms=int(chance.lognormvariate(10, 0.7)),
            errors=errors, steps=chance.randint(3, 19), cost_usd=Decimal(chance.randint(15, 95)) / 1000,
            input_tokens=chance.randint(8000, 40000), output_tokens=chance.randint(100, 900),
            tags=chance.choice([[], [], ["vip"], ["off scope"], ["loop", "long", "billing"]]),
        )  # fmt: skip
        value = round(chance.uniform(0.1, 1), 2)
        Score.objects.create(
            project=project, trace=row, name="helpful", source="judge", number=value, low=0, high=1,
            passed=None if number % 5 else value > 0.6,
        )  # fmt: skip
        made.append(row)
    return made


def test_by_keyboard(server, project, alice, sign_in, complaints):
    made = fill(project)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/")
    expect(page.locator("#figures .tile dd").first).to_have_text("60")
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tr[data-cursor]")).to_have_id(f"t-{made[1].uid}")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-ticked]")).to_have_text("2 selected")
    pair = f"/p/acme/traces/diff/?left={made[1].uid}&right={made[2].uid}"
    expect(page.locator("[data-compare]")).to_have_attribute("href", pair)
    expect(page.locator("[data-compare]")).to_be_visible()
    shoot(page, "traces-selected")
    page.keyboard.press("q")
    expect(page.locator(".toast")).to_contain_text("2 traces put into “Picked by hand”.")
    assert QueueItem.objects.count() == 2
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("2 traces taken out")
    assert not QueueItem.objects.exists()

    page.keyboard.press("/")
    page.keyboard.type("agent:sup")
    expect(page.get_by_role("option")).to_have_count(1)
    shoot(page, "traces-completion")
    page.keyboard.press("Tab")
    expect(page.locator("#q")).to_have_value("agent:support-bot ")
    page.keyboard.type("-judged:yes")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    assert unquote(page.url).endswith("?q=agent:support-bot -judged:yes")
    wanted = [row for row in made if row.agent == "support-bot" and (not row.verdict or row.verdict_stale)]
    expect(page.locator("tr[data-row]")).to_have_count(len(wanted))
    expect(page.locator("#figures .tile dd").first).to_have_text(str(len(wanted)))
    shoot(page, "traces-filtered")

    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/traces/{wanted[0].uid}/**")
    page.go_back()
    expect(page.locator(".chip")).to_have_count(2)
    assert not complaints


def test_by_mouse(server, project, alice, sign_in, complaints, axe):
    fill(project, 140)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/")
    expect(page.locator("#figures .tile dd").first).to_have_text("140")
    shoot(page, "traces")
    axe()
    page.get_by_role("link", name="Cost", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Cost")
    first = page.locator("tr[data-row]").first
    dearest = Trace.objects.order_by("-cost_usd", "-id").first()
    expect(first).to_have_id(f"t-{dearest.uid}")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tr[data-row]")).to_have_count(50)
    page.get_by_role("link", name="Newer").click()
    expect(first).to_have_id(f"t-{dearest.uid}")
    page.get_by_role("link", name="Errors", exact=True).first.click()
    expect(page.locator(".chip")).to_have_count(1)
    failed = Trace.objects.filter(errors__gt=0).count()
    expect(page.locator("tr[data-row]")).to_have_count(50)
    assert failed > 50
    page.locator("tr[data-row] [name=trace]").first.check()
    page.get_by_label("All that match").check()
    expect(page.locator("[data-ticked]")).to_have_text(f"All {failed} that match")
    page.get_by_role("button", name="Archive").click()
    expect(page.locator(".toast")).to_contain_text(f"{failed} traces archived.")
    expect(page.get_by_role("heading", name="No trace matches")).to_be_visible()
    shoot(page, "traces-none")
    axe()
    page.locator("section.empty").get_by_role("link", name="error:yes").click()
    expect(page.locator("tr[data-row]")).to_have_count(50)
    page.locator("#q").fill("agnet:support-bot")
    page.keyboard.press("Enter")
    expect(page.locator("#query-error mark")).to_have_text("agnet")
    shoot(page, "traces-error")
    axe()
    page.locator("#query-error a").click()
    expect(page.locator(".chip")).to_have_count(1)
    assert [line for line in complaints if "422" not in line] == []


def test_views_and_columns_by_keyboard(server, project, alice, sign_in, complaints, axe):
    fill(project, 60)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/")
    page.keyboard.press("o")
    expect(page.locator("#columns-form li")).not_to_have_count(0)
    expect(page.locator("#columns-form li input:checked")).to_have_count(11)
    shoot(page, "traces-columns")
    axe()
    # what nobody chose gives way to the request where there is little room, and the menu says so
    told = {
        row.locator("input").get_attribute("value"): row.locator(".no-room").is_visible()
        for row in page.locator("#columns-form li").all()
        if row.locator(".no-room").count()
    }
    assert told["model"] and told["tags"] and not told["steps"]
    expect(page.locator("thead").get_by_text("Model", exact=True)).to_be_hidden()
    page.locator("#columns-form input[value=tags]").focus()
    page.keyboard.press("Space")  # away with the tags
    page.locator("#columns-form input[value=cost]").focus()
    for _ in range(12):
        page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[data-moved]")).to_have_text("Cost: 1 of 22")
    page.locator("[data-add-column]").fill("meta.tier")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show these").press("Enter")
    expect(page.locator("thead th:not(.check)").first).to_have_text("Request")
    heads = [text.strip(" ↓↑") for text in page.locator("thead th:not(.check)").all_inner_texts()]
    assert heads[:3] == ["Request", "Cost", "Judgment"] and heads[-1] == "tier" and "Tags" not in heads
    # what somebody chose is there, whatever the width
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.locator("thead").get_by_text("Model", exact=True)).to_be_visible()
        assert axe_violations(page) == []
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.locator(".no-room:visible")).to_have_count(0)

    page.keyboard.press("/")
    page.keyboard.type("errors>1")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(1)
    page.locator("#q").evaluate("one => one.blur()")
    page.keyboard.press("v")
    expect(page.locator("#views-menu [name=name]")).to_be_focused()
    page.keyboard.type("Failing twice")
    shoot(page, "traces-save-view")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Saved as “Failing twice”.")
    expect(page.locator(".seg.views [aria-current]")).to_have_text("Failing twice")
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator("thead th").nth(1)).to_have_text("Judgment")
    expect(page.locator(".seg.views [aria-current]")).to_have_count(0)
    page.get_by_role("link", name="Failing twice").click()
    expect(page.locator("thead th").nth(2)).to_have_text("Cost")
    page.locator("#q").fill("errors>4")
    page.keyboard.press("Enter")
    expect(page.locator(".edited")).to_be_visible()
    page.locator("#q").evaluate("one => one.blur()")
    page.keyboard.press("v")
    expect(page.get_by_role("button", name="Save changes")).to_be_focused()
    shoot(page, "traces-view")
    axe()
    page.keyboard.press("Enter")  # save the changes
    expect(page.locator(".toast")).to_contain_text("keeps what the list shows now")
    page.keyboard.press("v")
    page.get_by_role("button", name="Delete").press("Enter")
    expect(page.locator(".toast")).to_contain_text("was deleted")
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("is back")
    assert SavedView.objects.get().query == "errors>4"
    assert not complaints


def test_an_act_on_all_that_match_with_progress_stop_and_undo(
    server, project, alice, sign_in, complaints, axe, monkeypatch
):
    fill(project, 120)
    monkeypatch.setattr(bulk, "AT_ONCE", 20)
    monkeypatch.setattr(bulk, "BATCH", 40)
    monkeypatch.setattr(tasks.work_on_act, "apply_async", lambda *given, **options: None)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/")
    expect(page.locator(".paging .num")).to_contain_text("50 traces on this page of 120")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_label("All that match").check()
    expect(page.locator("[data-ticked]")).to_have_text("All 120 that match")
    page.keyboard.press("e")
    expect(page.locator(".act")).to_contain_text("finding the traces")
    act = BulkAct.objects.get()
    bulk.work(act_id=act.pk, seconds=0)
    expect(page.locator(".act")).to_contain_text("40 of 120 · 33%")
    shoot(page, "traces-act")
    axe()
    bulk.work(act_id=act.pk, seconds=0)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".act")).to_contain_text("stopped: 80 changed, of 120")
    expect(page.locator("tr[data-row]")).to_have_count(40)
    expect(page.locator(".paging .num")).to_contain_text("80 archived not shown: show")
    shoot(page, "traces-act-stopped")
    page.locator("#acts").get_by_role("button", name="Undo").click()
    bulk.work(act_id=act.pk, seconds=9)
    expect(page.locator(".act")).to_contain_text("80 traces shown again.")
    page.get_by_role("link", name="Reload the list").click()
    expect(page.locator("tr[data-row]")).to_have_count(50)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".act")).to_be_hidden()
    page.reload()
    expect(page.locator(".paging .num")).to_contain_text("of 120")
    expect(page.locator(".act")).to_be_hidden()
    assert not complaints


def test_shapes_are_typed_with_completion_shown_and_edited(server, project, alice, sign_in, complaints, axe):
    for number in range(4):
        make.trace(project, session_id=f"s-{number}")
    fill(project, 10)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/")
    page.keyboard.press("/")
    page.keyboard.type("step(to")
    expect(page.get_by_role("option").first).to_contain_text("tool:")
    page.keyboard.press("Tab")
    page.keyboard.type("get")
    expect(page.get_by_role("option")).to_contain_text(["get_order"])
    page.keyboard.press("Tab")
    expect(page.locator("#q")).to_have_value("step(tool:get_order ")
    page.keyboard.type(") then step(kind:assistant)")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text("Steps get_order → assistant×")
    expect(page.locator("tr[data-row]")).to_have_count(4)
    page.locator(".chip-edit").click()
    chosen = "() => { const q = document.getElementById('q'); return q.value.slice(q.selectionStart, q.selectionEnd); }"
    assert page.evaluate(chosen) == "step(tool:get_order ) then step(kind:assistant)"
    page.keyboard.type("step(tool:get_ordr) then")
    page.keyboard.press("Enter")
    expect(page.locator("#query-error mark")).to_have_text("then")
    shoot(page, "traces-shape-error")
    page.locator("#q").fill("")
    expect(page.locator("#completion [data-recent]")).to_have_text(
        "step(tool:get_order ) then step(kind:assistant)used before"
    )
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-row]")).to_have_count(4)
    shoot(page, "traces-shape")
    axe()
    assert [line for line in complaints if "422" not in line] == []


def test_new_traces_are_announced_and_do_not_move_the_rows(server, project, alice, sign_in, complaints, axe):
    made = fill(project, 5)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/?q=agent:repo-fixer,support-bot")
    first = page.locator("tr[data-row]").first
    expect(first).to_have_id(f"t-{made[0].uid}")
    for number in range(2):
        make.row(project, agent="support-bot", received_at=timezone.now() + timedelta(seconds=number))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when somebody comes back to the page
    expect(page.locator("#arrivals a")).to_have_text("2 new traces: show")
    expect(first).to_have_id(f"t-{made[0].uid}")
    shoot(page, "traces-arrivals")
    axe()
    page.locator("#arrivals a").click()
    expect(page.locator("tr[data-row]")).to_have_count(7)
    assert not complaints


def test_the_first_trace_opens_the_list(server, project, alice, sign_in, complaints, axe):
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/")
    expect(page.get_by_role("heading", name="Waiting for your first trace")).to_be_visible()
    expect(page.locator("#snippet-otel")).to_contain_text(f"{server.url}/v1/traces")
    shoot(page, "traces-waiting")
    axe()
    make.row(project, preview="Here I am")
    expect(page.get_by_role("link", name="Here I am")).to_be_visible(timeout=10_000)
    assert not complaints


def test_without_javascript(server, project, alice, sign_in, browser):
    fill(project, 5)
    cookies = sign_in(alice).context.cookies()
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(f"{server.url}/p/acme/traces/")
    expect(page.locator(".bulk")).to_be_hidden()
    page.locator("tr[data-row] [name=trace]").first.check()
    expect(page.locator(".bulk")).to_be_visible()
    page.get_by_role("button", name="Archive").click()
    expect(page.locator("tr[data-row]")).to_have_count(4)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tr[data-row]")).to_have_count(5)
    page.locator("#q").fill("agent:nobody")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No trace matches")).to_be_visible()
    context.close()


def test_upload_by_hand(server, project, alice, sign_in, complaints, axe, tmp_path):
    said = '{"id": "c-%d", "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]}'
    lines = [said % number for number in range(30)]
    lines[6] = '{"id": "c-6", "messages": "none"}'
    lines[11] = "{broken"
    file = tmp_path / "october.jsonl"
    file.write_text("\n".join(lines))
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/upload/")
    shoot(page, "upload")
    axe()
    page.locator("[name=files]").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    shoot(page, "upload-waiting")
    tasks.sweep_inbox()
    page.get_by_role("link", name="Show the 28 new traces").wait_for(timeout=10_000)
    expect(page.locator("#results tbody tr")).to_have_count(2)
    shoot(page, "upload-done")
    axe()
    page.get_by_role("link", name="Show the 28 new traces").click()
    expect(page.locator("tr[data-row]")).to_have_count(28)
    assert not complaints


def test_what_was_said_of_a_row_stands_beside_it(server, project, alice, rita, sign_in, complaints, axe):
    """By key and where the pointer rests; a blind queue's reviewer learns nothing."""
    trace = make.trace(project)
    make.judgment(trace, alice, "unacceptable", note="Wrong order")
    Score.objects.create(project=project, trace=trace, name="tone", number=0.25, source="judge", reason="Too curt")
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/traces/")
    page.keyboard.press("j")
    page.keyboard.press("w")
    told = page.locator("#told")
    expect(told).to_contain_text("Wrong order")
    expect(told).to_contain_text("Too curt")
    shoot(page, "trace-told")
    axe()
    page.keyboard.press("w")
    expect(told).to_be_hidden()
    page.mouse.move(5, 5)
    page.locator("td[data-told]").first.hover()
    expect(told).to_contain_text("Too curt")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    queues.create(project=project, actor=Actor(user=alice), name="Second look", query="", is_blind=True)
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/")
    page.keyboard.press("j")
    page.keyboard.press("w")
    expect(told).to_contain_text("It waits for you in a blind queue; 1 judged it.")
    expect(told).not_to_contain_text("Too curt")
    assert complaints == []


def test_an_answer_that_comes_late_is_not_told(server, project, alice, sign_in):
    """Once the pointer left its cell, or rests on another one, an answer on its way stays away."""
    for tone in ("curt", "kind"):
        trace = make.trace(project, external_id=tone)
        Score.objects.create(project=project, trace=trace, name="tone", category=tone, source="judge")
    page, held = sign_in(alice), []
    page.goto(f"{server.url}/p/acme/traces/")
    page.route("**/told/", lambda route: held.append(route))
    rows, told = page.locator("tr[data-row]"), page.locator("#told")

    def rest(number):
        before = len(held)
        rows.nth(number).locator("[data-told]").first.hover()
        while len(held) == before:
            page.wait_for_timeout(20)

    rest(0)
    rest(1)
    held[1].continue_()
    expect(told).to_contain_text("curt")  # the newest stands first
    with page.expect_response("**/told/"):
        held[0].continue_()
    page.wait_for_timeout(100)
    expect(told).to_contain_text("curt")
    page.mouse.move(5, 5)
    expect(told).to_be_hidden()
    rest(0)
    page.mouse.move(5, 5)
    with page.expect_response("**/told/"):
        held[2].continue_()
    page.wait_for_timeout(100)
    expect(told).to_be_hidden()
