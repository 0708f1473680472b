"""Pictures of the review pages in every state, and axe on each of them."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page

from curation.models import Score
from curation.review import queues
from tests import make
from tests.browser_fixtures import Server, shoot
from tests.curation.review import documents
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)
RULES = "Fixes the cause, not the symptom.\nTests cover the defect and were run.\nClaims only what a tool result shows.\nStays inside the request.\nSays plainly what is left undone."  # noqa: E501


def test_queue_list(
    project: Project, rita: User, alice: User, server: Server, sign_in: Callable[[User], Page], axe: Callable[[], None]
) -> None:
    for number in range(12):
        make.trace(project, said=make.short_document(f"Where is my order {number}? It should have come on Monday."))
    queue = queues.create(
        project=project, actor=Actor(user=alice), name="Support, claims", query="agent:support", instructions=RULES
    )
    items = list(queue.items.select_related("trace", "queue__project"))
    for item, verdict in zip(items, ["acceptable", "unacceptable", "unsure", "acceptable"], strict=False):
        make.judgment(
            item.trace,
            alice,
            verdict,
            note="It says it checked the stock; no such call exists." if verdict == "unacceptable" else "",
        )
    make.judgment(items[4].trace, rita)
    queues.flag(item=items[5], actor=Actor(user=rita), note="Is a refund of more than 200 allowed here?")
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/review/")
    shoot(page, "review-queues")
    axe()


def test_item_with_everything(
    project: Project,
    rita: User,
    server: Server,
    sign_in: Callable[[User], Page],
    axe: Callable[[], None],
    complaints: list[str],
) -> None:
    trace = make.trace(
        project,
        said=documents.rich(),
        agent="repo-fixer",
        cost_usd=Decimal("0.041"),
        input_tokens=17_200,
        output_tokens=1_200,
        name="VAT on three-line invoices is a cent off",
        import_notes=["Span 4 came without a parent."],
        latency_ms=36900,
    )
    make.trace(project)
    Score.objects.create(
        project=project,
        trace=trace,
        name="claims_backed",
        number=0.4,
        low=0,
        high=1,
        passed=False,
        reason="The answer names a rerun that no tool call shows.",
        source="judge",
    )
    Score.objects.create(project=project, trace=trace, name="tests_pass", boolean=True, passed=True, source="code")
    queues.create(project=project, actor=Actor(user=rita), name="Repair agents, claims", query="", instructions=RULES)
    page = sign_in(rita)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/review/repair-agents-claims/")
    page.wait_for_selector(".bench")
    for _ in range(4):
        page.keyboard.press("]")
    page.keyboard.press("=")
    page.keyboard.press("]")
    page.keyboard.press("+")
    page.keyboard.press("}")
    page.keyboard.press("-")
    page.keyboard.press("4")
    shoot(page, "review-item")
    page.keyboard.press("!")
    axe()
    page.locator("#answer").scroll_into_view_if_needed()
    shoot(page, "review-item-end")
    page.keyboard.press("e")
    page.locator("#answer-text").fill(
        "The cause was in **billing/vat.py**: VAT was rounded for every line and then summed.\n\nI added a test, and all 48 billing tests pass. I did not rerun the nightly invoice job; for order 88213 it should now charge 17.09."  # noqa: E501
    )
    page.wait_for_timeout(200)
    page.locator("#answer-text").scroll_into_view_if_needed()
    shoot(page, "review-edit")
    axe()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Edited by you")
    page.locator("#answer").scroll_into_view_if_needed()
    shoot(page, "review-edited")
    axe()
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/")
    shoot(page, "trace")
    axe()
    assert not complaints


def test_phone(project: Project, rita: User, server: Server, sign_in: Callable[[User], Page]) -> None:
    make.trace(project, said=documents.rich(), name="VAT on three-line invoices is a cent off", agent="repo-fixer")
    queues.create(project=project, actor=Actor(user=rita), name="Repair agents, claims", query="", instructions=RULES)
    page = sign_in(rita)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/p/acme/review/repair-agents-claims/")
    page.wait_for_selector(".bench")
    page.click(".grip:not(.shut)")
    page.wait_for_timeout(200)
    page.screenshot(path="screenshots/review-phone-open.png")
    page.click(".grip.shut")
    page.click(".outline-open")
    page.wait_for_timeout(400)
    page.screenshot(path="screenshots/review-phone-outline.png")
    page.click(".tree a >> nth=6")
    page.wait_for_timeout(400)
    page.screenshot(path="screenshots/review-phone-step.png")
    page.click(".judge .only")
    page.wait_for_timeout(200)
    page.screenshot(path="screenshots/review-phone-more.png")


def test_long_hostile_and_done(
    project: Project,
    rita: User,
    server: Server,
    sign_in: Callable[[User], Page],
    axe: Callable[[], None],
    complaints: list[str],
) -> None:
    long = make.trace(project, said=documents.long(), name="Count every line of 1,500 files")
    hostile = make.trace(project, said=documents.hostile())
    page = sign_in(rita)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/traces/{long.uid}/")
    page.locator(".part[data-wait]").first.scroll_into_view_if_needed()
    shoot(page, "review-long")
    page.goto(f"{server.url}/p/acme/traces/{hostile.uid}/")
    shoot(page, "review-hostile")
    axe()
    page.goto(f"{server.url}/p/acme/review/unjudged/")
    for _ in range(2):
        page.wait_for_selector(".judge")
        page.wait_for_timeout(400)
        page.keyboard.press("a")
        page.wait_for_timeout(600)
    page.wait_for_selector(".bench.done")
    shoot(page, "review-done")
    axe()
    assert not complaints
