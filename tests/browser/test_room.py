"""What is drawn has room: links apart from each other, long names within their place, no scroll bar for a pixel."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from curation.datasets import build
from curation.datasets.recipe import Recipe
from curation.models import Dataset, Grader, Topic
from tests import make, world
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

# sideways on the page, over the edge of a panel or tile, or a list whose second column nobody sees; scroll bars for a pixel
TOO_WIDE = """() => {
  const found = [], seen = one => one.checkVisibility() && one.getBoundingClientRect().width > 1;
  const room = document.documentElement.clientWidth, wide = document.documentElement.scrollWidth;
  if (wide > room) found.push(`page ${wide} of ${room}`);
  for (const frame of document.querySelectorAll(".panel, .tile, .head, .tiles")) {
    const edge = frame.getBoundingClientRect().right;
    for (const one of frame.querySelectorAll("*")) {
      const inner = one.parentElement.closest(".sheet-in, .sheet, .clip, .clamp, .ends, select, svg, .sr, table");
      if (one.matches("option, optgroup") || (inner && frame.contains(inner)) || !seen(one)) continue;
      const right = one.getBoundingClientRect().right;
      if (right > edge + 1) found.push(`${one.tagName}.${one.className} ${Math.round(right)} over ${Math.round(edge)}`);
    }
  }
  for (const head of document.querySelectorAll("table:has(tbody th[scope=row]) thead th:nth-child(2)")) {
    if (seen(head) && head.getBoundingClientRect().left > room - 16) found.push(`column ${head.textContent} out of sight`);
  }
  return found;
}"""
FOR_A_PIXEL = """() => [...document.querySelectorAll(".side, .tabs")].filter(one => one.checkVisibility()).filter(one => {
  const { overflowX, overflowY } = getComputedStyle(one);
  const high = one.scrollHeight - one.clientHeight, wide = one.scrollWidth - one.clientWidth;
  return (overflowY === "auto" && high > 0 && high < 8) || (overflowX === "auto" && wide > 0 && wide < 16);
}).map(one => `${one.className} ${one.scrollWidth} of ${one.clientWidth}, ${one.scrollHeight} of ${one.clientHeight}`)"""


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


def test_the_longest_names_break_no_page(server: Server, project: Project, ada: User, sign_in: SignIn) -> None:
    addresses = world.build(project, ada)
    long = "n" * 80
    Dataset.objects.filter(name="support").update(name=long)
    Grader.objects.filter(slug="polite").update(name="W" * 120)
    Topic.objects.filter(slug="orders").update(name="W" * 120)
    page = sign_in(ada)
    problems = []
    names = [
        "graders", "grader", "grader-change", "grader-version", "batches", "batch", "candidates-new", "topics", "topic",
        "topic-clusters", "clustering", "datasets", "dataset-new", "dataset-version", "dataset-row", "dataset-diff",
        "trace-becomes", "replay-buffers",
    ]  # fmt: skip
    pages = {one: addresses[f"curation:{one}"] for one in names}
    pages |= {
        "decisions": "/p/acme/datasets/support/1/decisions/",
        "run": addresses["training:run"],
        "runs": "/p/acme/runs/",
    }
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for name, address in pages.items():
            answer = page.goto(server.url + address.replace("/support/", f"/{long}/"))
            assert answer and answer.ok, address
            problems += [f"{name} at {width}: {line}" for line in page.evaluate(TOO_WIDE)]
    assert not problems, "\n".join(problems)


def test_no_scroll_bar_for_a_pixel(server: Server, project: Project, ada: User, sign_in: SignIn) -> None:
    addresses = world.build(project, ada)
    page = sign_in(ada)
    problems = []
    for name in ("batch", "trace", "queue", "dataset-diff", "pair"):
        for width in (1440, 1100, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(server.url + addresses[f"curation:{name}"])
            problems += [f"{name} at {width}: {line}" for line in page.evaluate(FOR_A_PIXEL)]
    assert not problems, "\n".join(problems)


CUT = """() => [...document.querySelectorAll(".uses .words, .clamp")].filter(one => one.checkVisibility()).filter(one => {
  const { display, whiteSpace } = getComputedStyle(one), clamped = display === "flow-root" || display === "-webkit-box";
  return clamped ? whiteSpace.startsWith("nowrap") : display !== "block";
}).map(one => `${one.className}: ${one.textContent.slice(0, 40)}`)"""


def test_what_is_cut_ends_with_an_ellipsis(server: Server, project: Project, ada: User, sign_in: SignIn) -> None:
    addresses = world.build(project, ada)
    build.freeze(project=project, name="support", query_text="", actor=Actor())
    page = sign_in(ada)
    for name, query, shown in (("trace", "?tab=becomes", ".uses .words"), ("dataset-diff", "", ".clamp")):
        page.goto(server.url + addresses[f"curation:{name}"] + query)
        expect(page.locator(shown).first).to_be_visible()
        assert page.evaluate(CUT) == []
