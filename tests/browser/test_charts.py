"""The page of charts in a real browser: drawn, saved as a picture, and the search's line in the list."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from curation.browse import rollups
from curation.search import index
from tests import make
from tests.browser_fixtures import Server, shoot
from workspace.models import Project, User

pytestmark = [pytest.mark.browser]


def test_charts_are_drawn_and_saved(
    project: Project, ada: User, server: Server, sign_in: Callable[[User], Page], axe: Callable[[], None]
) -> None:
    now = timezone.now()
    for number in range(40):
        agent = ("support", "planner", "coder")[number % 3]
        at = now - timedelta(days=number / 2)
        make.row(
            project,
            agent=agent,
            started_at=at,
            latency_ms=900 + 70 * number,
            verdict="acceptable" if number % 4 else "",
        )
    rollups.mark_all(project=project)
    rollups.sweep()
    page = sign_in(ada)
    page.goto(f"{server.url}/p/{project.slug}/charts/?measure=latency&split=agent")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG", exact=True).click()
    assert saved.value.suggested_filename.endswith(".png")
    axe()
    shoot(page, "charts")
    page.get_by_role("link", name="Accepted").click()
    expect(page.get_by_role("heading", name="Accepted, % of decided")).to_be_visible()
    assert "split=agent" in page.url


def test_a_search_shows_where_the_words_stand(
    project: Project, ada: User, server: Server, sign_in: Callable[[User], Page], axe: Callable[[], None]
) -> None:
    for number in range(4):
        make.trace(
            project, said=make.short_document(answer=f"Parcel ord_88{number} left the depot; the refund follows.")
        )
    index.sweep()
    page = sign_in(ada)
    page.goto(f"{server.url}/p/{project.slug}/traces/?q=refund ord_882")
    expect(page.locator(".hit-line mark")).to_have_text(["ord_882", "refund"])
    axe()
    shoot(page, "traces-search")
