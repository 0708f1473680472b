"""What a first visit costs, compressed: style sheets, scripts and fonts, as `make up` serves them."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import get_template

LIMITS = {"css": 12_000, "js": 35_000, "woff2": 90_000}
TEMPLATES = Path(settings.BASE_DIR) / "templates"
ASSET = re.compile(r"""\{% static ['"]([^'"]+)['"] %\}""")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collected files."""
    from django.test import override_settings

    root = tmp_path_factory.mktemp("static")
    storages = {**settings.STORAGES, "staticfiles": {"BACKEND": "workspace.static_files.StaticFiles"}}
    with override_settings(STATIC_ROOT=str(root), STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
    return root


def _text(name: str) -> str:
    """A template with what it extends and includes, as far as names are plain."""
    text = (TEMPLATES / name).read_text()
    own = set(re.findall(r"\{% block (\w+) %\}", text))
    for kind, inner in re.findall(r"""\{% (extends|include) ['"]([^'"]+)['"]""", text):
        more = _text(inner)
        for block in own if kind == "extends" else ():  # what this template says instead (blocks of one line)
            more = re.sub(rf"\{{% block {block} %\}}.*?\{{% endblock %\}}", "", more)
        text += more
    return text


def _with_imports(names: set[str]) -> set[str]:
    """The files of a page and the modules that its scripts import, theirs too."""
    found, waiting = set(names), [name for name in names if name.startswith("js/")]
    while waiting:
        text = (Path(settings.BASE_DIR) / "static" / waiting.pop()).read_text()
        fresh = {f"js/{name}" for name in re.findall(r"""from ["']\./([\w-]+\.js)["']""", text)} - found
        found |= fresh
        waiting += fresh
    return found


PAGES = sorted(
    str(path.relative_to(TEMPLATES))
    for path in TEMPLATES.rglob("*.html")
    if "{% extends" in path.read_text() and "layouts" not in str(path)
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_stays_within_its_bytes(page: str, served: Path) -> None:
    get_template(page)
    text = _text(page)
    kinds = re.findall(r"""\{% styles ['"](\w+)['"] %\}""", text)
    own = [kind for kind in kinds if kind != "app"] or kinds  # a page that names a kind does without base.html's
    names = _with_imports({*ASSET.findall(text), "django_htmx/htmx-2.min.js", f"css/all-{own[0]}.css"})
    spent = dict.fromkeys(LIMITS, 0)
    for name in names:
        kind = name.rsplit(".", 1)[-1]
        if kind in spent and "plotly" not in name and (served / name).exists():
            spent[kind] += (
                len(gzip.compress((served / name).read_bytes(), 9))
                if kind != "woff2"
                else (served / name).stat().st_size
            )
    assert all(spent[kind] <= LIMITS[kind] for kind in LIMITS), spent


def test_fonts_stay_small() -> None:
    assert (
        sum(path.stat().st_size for path in (Path(settings.BASE_DIR) / "static" / "fonts").glob("*.woff2"))
        <= LIMITS["woff2"]
    )


def test_nothing_comes_from_elsewhere() -> None:
    for path in [
        *TEMPLATES.rglob("*.html"),
        *(Path(settings.BASE_DIR) / "static").rglob("css/*.css"),
        *(Path(settings.BASE_DIR) / "static" / "js").glob("*.js"),
    ]:
        found = re.findall(r"""(?:src|href|url\(|import\()\s*=?\s*['"]?(https?://[^'"\s)]+)""", path.read_text())
        assert not found, (path, found)


def test_our_scripts_hold_no_text_over_several_lines() -> None:
    """What is served is stripped line by line (workspace.static_files.without_remarks)."""
    for path in (Path(settings.BASE_DIR) / "static" / "js").glob("*.js"):
        assert not [line for line in path.read_text().splitlines() if line.count("`") % 2], path


def test_no_inline_code_or_style() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", text), path
        for script in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in script or "application/json" in script, (path, script)
