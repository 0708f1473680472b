"""The style sheets that are served say what the ones in static/css say: rule by rule, as Chromium reads them."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page

from tests.budgets.test_bytes import served  # noqa: F401
from workspace.static_files import SHEETS

pytestmark = pytest.mark.browser
# every selector with the conditions around it, in order; a selector that was bent by making it small matches nothing
READ = """text => {
  const sheet = new CSSStyleSheet(); sheet.replaceSync(text);
  const found = [];
  const walk = (rules, around) => { for (const rule of rules) {
    const name = (rule.selectorText ?? rule.conditionText ?? rule.name ?? rule.nameText ?? "").replace(/\\s+/g, " ");
    if (rule.selectorText) found.push(around + name);
    if (rule.cssRules) walk(rule.cssRules, around + name + " > ");
  } };
  walk(sheet.cssRules, "");
  return found;
}"""


@pytest.mark.parametrize("kind", SHEETS)
def test_making_small_bends_no_selector(kind: str, served: Path, page: Page) -> None:  # noqa: F811
    source = "\n".join(
        (Path(settings.BASE_DIR) / "static" / "css" / f"{name}.css").read_text() for name in SHEETS[kind]
    )
    written = set(page.evaluate(READ, source))
    kept = set(page.evaluate(READ, (served / "css" / f"all-{kind}.css").read_text()))
    missing = {one for one in written - kept if not _same_elsewhere(one, kept)}
    assert len(written) > 150 and not missing, sorted(missing)[:20]


def _same_elsewhere(selector: str, kept: set[str]) -> bool:
    """Equal but for how lists and pseudo-elements are written (two rules may be joined into one)."""
    plain = {one.replace("::", ":").replace(" ", "") for one in kept}
    return selector.replace("::", ":").replace(" ", "") in plain or all(
        any(part.strip().replace("::", ":").replace(" ", "") in other for other in plain)
        for part in selector.split(" > ")[-1].split(",")
    )
