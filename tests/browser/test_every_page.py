"""Every page, full and empty: no violation that axe finds, in light and dark, at 1280 and 390 px; no error on the console."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests import world
from tests.browser_fixtures import Server, axe_violations
from workspace.models import Project, User

pytestmark = pytest.mark.browser
FRAGMENTS = {"curation:dataset-held-out", "curation:trace-figures"}


# what stands in the bar of a phone lies within it; the ways out and the menu are as large as a thumb
BAR = """() => {
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const problems = [];
  for (const one of seen(".side > *, .topbar > *, .topbar .name")) {
    const box = one.getBoundingClientRect(), told = `${one.className}: ${Math.round(box.left)} to ${Math.round(box.right)}`;
    if (box.left < 0 || box.right > document.documentElement.clientWidth) problems.push(`off the screen, ${told}`);
    if (one.matches(".name, .at") && box.width < 40) problems.push(`too small to read, ${told}`);
    if (one.matches(".menu-open, .jump") && (box.width < 44 || box.height < 44)) problems.push(`too small, ${told}`);
  }
  return document.querySelector(".side") && !seen(".menu-open").length ? [...problems, "no menu"] : problems;
}"""


def _look(page: Page, server: Server, addresses: dict[str, str], complaints: list[str]) -> list[str]:
    problems = []
    for name, address in addresses.items():
        if name in FRAGMENTS:
            continue
        for width, height in ((1280, 800), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            answer = page.goto(server.url + address)
            page.wait_for_load_state("networkidle")
            if answer is None or answer.status != 200:
                problems.append(f"{name}: {answer and answer.status}")
                break
            if width == 390:
                problems += [f"{name} bar: {line}" for line in page.evaluate(BAR)]
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                page.wait_for_timeout(60)
                problems += [f"{name} [{width} {scheme}] {line}" for line in axe_violations(page)]
        problems += [f"{name} console: {line}" for line in complaints]
        complaints.clear()
    return problems


def test_every_page_with_something_in_it(
    server: Server, sign_in: Callable[[User], Page], project: Project, ada: User, complaints: list[str]
) -> None:
    addresses = world.build(project, ada)
    problems = _look(sign_in(ada), server, addresses, complaints)
    assert not problems, "\n".join(problems)


def test_every_page_with_nothing_in_it(
    server: Server, sign_in: Callable[[User], Page], project: Project, ada: User, complaints: list[str]
) -> None:
    lists = [
        "traces/", "traces/upload/", "review/", "review/unjudged/", "review/unjudged/about/",
        "pairs/", "mentions/", "keys/", "charts/", "graders/", "graders/new/", "graders/batches/", "graders/batches/candidates/",
        "topics/", "topics/clusters/", "datasets/", "datasets/new/", "datasets/replay/", "validate/",
        "runs/", "runs/new/", "models/",
        "comparisons/", "comparisons/new/", "over-time/", "settings/", "settings/audit/", "settings/tools/", "privacy/",
    ]  # fmt: skip
    problems = _look(sign_in(ada), server, {path: f"/p/acme/{path}" for path in lists}, complaints)
    assert not problems, "\n".join(problems)
