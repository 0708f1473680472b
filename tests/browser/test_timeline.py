"""The timeline beside a run: fetched when it is opened, leads to steps, follows the current one, its choices in the address."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser_fixtures import Server
from tests.curation.review import documents
from tests.curation.review.test_timeline import timed
from workspace.models import Project, User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
SignIn = Callable[[User], Page]


def test_the_tab(project: Project, rita: User, server: Server, sign_in: SignIn, complaints: list[str]) -> None:
    trace = make.trace(project, said=timed(), name="Look around")
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/")
    page.locator("#tab-timeline").click()
    rows = page.locator(".lanes a")
    expect(rows).to_have_count(10)
    page.locator("#panel-timeline").get_by_role("link", name="Left out").click()
    expect(page.locator(".legend")).to_contain_text("left out: 1 stretch without work, 60.0 s in all")
    assert "gaps=out" in page.url and "tab=timeline" in page.url
    page.reload()
    expect(page.locator(".legend")).to_contain_text("left out")
    rows.filter(has_text="2 search").click()
    expect(page.locator(".call", has_text="no such file")).to_have_attribute("aria-current", "step")
    page.locator(".talk").focus()
    page.keyboard.press("[")
    expect(rows.filter(has_text="1 explore")).to_have_attribute("aria-current", "step")
    page.get_by_role("link", name="On its own page").click()
    expect(page.locator("#now")).to_contain_text("1 explore")
    page.get_by_role("link", name="The run").click()
    expect(page.locator(".call", has_text="explore").first).to_have_attribute("aria-current", "step")
    expect(page.locator("#panel-timeline .lanes [aria-current]")).to_contain_text("1 explore")
    assert not complaints


def test_a_long_run_beside_itself(project: Project, rita: User, server: Server, sign_in: SignIn) -> None:
    trace = make.trace(project, said=documents.long(3000))
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/?tab=timeline&from=501")
    rows = page.locator(".lanes a")
    expect(rows).to_have_count(500)
    expect(page.locator("#panel-timeline .paging")).to_contain_text("501 to 1,000 of 3,001 rows")
    rows.filter(has_text="300 read_file").click()
    step = page.locator(".call", has_text="f299.txt")
    expect(step).to_have_attribute("aria-current", "step")
    expect(step).to_be_in_viewport()


def test_rows_are_wide_enough_for_a_finger(
    project: Project, rita: User, server: Server, sign_in: SignIn, new_context: Callable[..., object]
) -> None:
    trace = make.trace(project, said=timed())
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/timeline/")
    assert page.locator(".lanes a").nth(1).bounding_box()["height"] == 26  # type: ignore[index]
    cookies = page.context.cookies()
    phone = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.add_cookies(cookies)  # type: ignore[attr-defined]
    page = phone.new_page()  # type: ignore[attr-defined]
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/timeline/")
    boxes = [page.locator(".lanes a").nth(at).bounding_box() for at in range(10)]
    assert all(box["height"] >= 44 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
