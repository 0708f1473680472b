"""Limits, prices and budgets on the settings page, by mouse and by axe."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser_fixtures import Server
from tests.curation.grading import graders
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)


def test_prices_and_budgets_are_set_and_a_wrong_line_is_named(
    server: Server, page: Page, sign_in: Callable[[User], Page], axe: Callable[[], None], project: Project, ada: User
) -> None:
    line = graders.connect(project)
    sign_in(ada)
    page.goto(f"{server.url}/p/acme/settings/")
    page.get_by_text("Limits and prices of Judges").click()
    prices = page.get_by_label("Prices")
    expect(prices).to_have_value("* 1 10")
    axe()
    prices.fill("judge-1 0.5 2\nother")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Line 2 is not “MODEL INPUT OUTPUT”: other")).to_be_visible()
    axe()
    page.get_by_label("Prices").fill("judge-1 0.5 2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Limits and prices of Judges are saved.")).to_be_visible()
    page.get_by_label("Budget of the project (USD)").fill("25")
    page.get_by_role("button", name="Set the budget").click()
    expect(page.get_by_text("The budget is saved.")).to_be_visible()
    expect(page.get_by_text("of $25")).to_be_visible()
    line.refresh_from_db()
    project.refresh_from_db()
    assert line.prices == {"judge-1": {"input": 0.5, "output": 2.0}} and project.budget_usd == 25
