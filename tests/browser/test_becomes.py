"""The page of what a trace becomes: another template and length are shown in place, and nothing is complained of."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser_fixtures import Server
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)


def test_another_length_is_shown_in_place(
    project: Project, rita: User, server: Server, sign_in: Callable[[User], Page], complaints: list[str]
) -> None:
    trace = make.trace(project)
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/becomes/")
    for length, told in (("12", "Cut at 12"), ("0", "The length"), ("9000", "fits")):
        page.get_by_label("Cut at").fill(length)
        # as extensions of a browser do, and a person who makes a text field larger
        page.locator("#length").evaluate("field => { field.style.setProperty('caret-color', 'red'); }")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.locator("#as-text")).to_contain_text(told)
        expect(page.locator("[style]")).to_have_count(0)
    assert not complaints
