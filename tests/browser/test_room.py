"""What is drawn has room: links apart from each other, long names within their place, no scroll bar for a pixel."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from curation.datasets import build
from curation.datasets.recipe import Recipe
from tests import make
from tests.browser_fixtures import Server
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.browser
SignIn = Callable[[User], Page]
AT_ITS_MIDDLE = """link => {
  const box = link.getBoundingClientRect();
  return link.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
}"""


def test_a_click_on_a_fold_downloads_that_fold(
    server: Server, project: Project, alice: User, rita: User, sign_in: SignIn
) -> None:
    for number in range(9):
        asked = make.short_document(question=f"Where is parcel {number} of {'abcdefghi'[number] * 9}?")
        rows.trace(project, asked, judged="acceptable", by=rita)
    build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe(folds=3))
    page = sign_in(alice)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{server.url}/p/acme/datasets/support/1/")
        links = page.locator("section[aria-labelledby=folds] tbody a")
        expect(links).to_have_count(6)
        for link in links.all():
            link.scroll_into_view_if_needed()
            assert link.evaluate(AT_ITS_MIDDLE), (width, link.inner_text())
