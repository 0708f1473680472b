"""Comparisons that models judge, in a real browser: the price in the form, the judges at work, stopped at the agreed sum
and gone on with, and what they said."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from evaluation.compare import request
from evaluation.models import Comparison, Judging
from tests.browser_fixtures import shoot
from tests.evaluation import judged
from tests.evaluation.scripted import Judge, judge, nonsense, url  # noqa: F401
from training.models import ModelVersion
from workspace.models import Project, User

pytestmark = [pytest.mark.browser]


def test_judges_from_the_form_to_the_verdict(
    server: Any, sign_in: Any, project: Project, alice: User, axe: Callable[[], None], complaints: list[str],
    judge: Judge, url: str,  # noqa: F811
) -> None:  # fmt: skip
    judged.judge(project, url)
    wish = judged.wish(project, test=24)
    page: Page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/comparisons/new/?candidate={ModelVersion.objects.get(number=2).uid}")
    page.get_by_label("Asked", exact=True).select_option(wish.dataset)
    page.get_by_role("group", name="Graded by").get_by_label("helpful").check()
    shoot(page, "judging-form")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("form [role=status]")).to_contain_text("At most about $0.1")
    expect(page.locator("form [role=status]")).to_contain_text("48 × judge-1")
    axe()
    expect(page.get_by_role("button", name="Compare at this price")).to_be_in_viewport()
    shoot(page, "judging-price")
    page.get_by_role("button", name="Compare at this price").click()
    expect(page.locator("#live")).to_contain_text("Then they are judged, for at most about $0.1")
    comparison = Comparison.objects.select_related("suite", "baseline__model", "candidate__model").get()
    judged.answer(comparison, worse=lambda n: n < 15)
    Judging.objects.update(agreed_usd=Decimal("0.002"))
    request.settle(comparison)
    expect(page.locator("#judging")).to_contain_text("0 of 48", timeout=8000)
    axe()
    shoot(page, "judging-live")
    judged.finish(comparison)
    expect(page.locator("#live")).to_contain_text(
        "Judging stopped. It cost $0.00201 so far, more than the $0.002 that", timeout=8000
    )
    shoot(page, "judging-stopped")
    axe()
    page.get_by_role("button", name="Go on judging").click()
    expect(page.get_by_role("heading", name="Go on judging")).to_be_visible()
    axe()
    shoot(page, "judging-rest")
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(page.locator("#judging")).to_contain_text("It stops when it has cost more than")
    judge.broken = lambda text: nonsense(text) if text.endswith(" 24") else None
    judged.finish(comparison)
    expect(page.locator(".verdict h1")).to_contain_text("helpful", timeout=8000)
    expect(page.get_by_text("Ask 2 failed again")).to_be_visible()
    axe()
    shoot(page, "judging-done")
    page.locator("#judges").scroll_into_view_if_needed()
    shoot(page, "judging-done-below")
    page.get_by_role("link", name="Not measured 1").click()
    expect(page.locator("#flips")).to_contain_text("no judgment (failed)")
    page.locator("#flips").scroll_into_view_if_needed()
    shoot(page, "judging-flips")
    page.get_by_role("button", name="Ask 2 failed again").click()
    expect(page.locator("#price")).to_contain_text("Where they stop before, its verdict stays.")
    shoot(page, "judging-again")
    page.get_by_role("button", name="Go on", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("What was concluded before stands.")
    expect(page.locator(".verdict h1")).to_contain_text("helpful")
    axe()
    shoot(page, "judging-stands")
    assert complaints == []
