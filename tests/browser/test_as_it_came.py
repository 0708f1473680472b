"""The key p: a step just as it came, and back; on a sub-agent's card all that it was told and said."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser_fixtures import Server
from tests.curation.review import documents
from workspace.models import Project, User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_p_shows_a_step_as_it_came(
    project: Project, ada: User, server: Server, sign_in: Callable[[User], Page], complaints: list[str]
) -> None:
    trace = make.trace(project, said=documents.rich())
    page = sign_in(ada)  # an engineer: their cards have a link to the replay, too
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/")
    page.locator(".tree a", has_text="3 edit_file").click()
    card = page.locator(".call[aria-current]")
    page.keyboard.press("p")
    expect(card.locator(".as-came")).to_contain_text('edit_file {"path": "billing/vat.py", "old_string"')
    expect(card.locator(".diff")).to_be_hidden()
    page.keyboard.press("p")
    expect(card.locator(".as-came")).to_be_hidden()
    expect(card.locator(".diff")).to_be_visible()
    # a folded sub-agent opens, and shows all of it; once more: its steps
    page.locator(".tree a", has_text="changelog-writer").click()
    page.keyboard.press("Escape")
    page.locator(".agent").evaluate("one => { one.querySelector('details').open = false; }")
    page.locator(".agent").evaluate("one => one.dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    expect(page.locator(".agent")).to_have_attribute("aria-current", "step")
    page.keyboard.press("p")
    came = page.locator(".agent .as-came")
    expect(came).to_be_visible()
    expect(came).to_contain_text("--- user\nWrite one line about the VAT fix.")
    expect(came).to_contain_text('read_file {"path": "CHANGELOG.md"}')
    expect(page.locator(".agent .agent-in")).to_be_hidden()
    page.keyboard.press("p")
    expect(page.locator(".agent .agent-in")).to_be_visible()
    expect(came).to_be_hidden()
    page.locator(".agent summary").click()
    page.keyboard.press("p")
    expect(came).to_be_visible()
    assert not complaints
