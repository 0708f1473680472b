"""The style sheets that are served say what the ones in static/css say: selector by selector, as Chromium reads them."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page

from tests.budgets.test_bytes import served  # noqa: F401
from workspace.static_files import SHEETS

pytestmark = pytest.mark.browser
# Chromium writes a selector in one way only, so texts can be compared; blanks between parts are kept, they mean something.
# Lists are split at their outer commas, since rules with the same body may be joined.
READ = """text => {
  const sheet = new CSSStyleSheet(); sheet.replaceSync(text);
  const found = new Set();
  const split = list => { let depth = 0, part = "", parts = []; for (const sign of list) {
    if (sign === "(" || sign === "[") depth++; if (sign === ")" || sign === "]") depth--;
    if (sign === "," && depth === 0) { parts.push(part.trim()); part = ""; } else part += sign;
  } return [...parts, part.trim()]; };
  const walk = (rules, inside) => { for (const rule of rules) {
    const own = rule.selectorText ? split(rule.selectorText) : [];
    for (const one of own) found.add(inside + one);
    if (rule.cssRules) walk(rule.cssRules, own.length ? inside + own.join(", ") + " { " : inside);
  } };
  walk(sheet.cssRules, "");
  return [...found];
}"""


@pytest.mark.parametrize("kind", SHEETS)
def test_making_small_bends_no_selector(kind: str, served: Path, page: Page) -> None:  # noqa: F811
    source = "\n".join(
        (Path(settings.BASE_DIR) / "static" / "css" / f"{name}.css").read_text() for name in SHEETS[kind]
    )
    written = set(page.evaluate(READ, source))
    kept = set(page.evaluate(READ, (served / "css" / f"all-{kind}.css").read_text()))
    assert len(written) > 150
    assert not written - kept, sorted(written - kept)[:30]
