"""What the documentation says can be checked: links lead somewhere, commands exist, examples run, operations are all there."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

from config.api import api
from curation import filters
from tests import make
from tests.browser_fixtures import Server
from training.artifacts import bases
from training.models import ModelVersion
from workspace import tokens
from workspace.access import Actor
from workspace.models import Project, Role, User

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as code hosts make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_commands_exist(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    in_code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`|^    .+$", text, re.DOTALL | re.MULTILINE))
    for name in re.findall(r"\bmake ([a-z]+)\b", in_code):
        assert name in targets, f"{page.name} names `make {name}`"
    for name in re.findall(r"manage\.py ([a-z_]+)", in_code):
        assert name in get_commands(), f"{page.name} names `manage.py {name}`"
    for name in re.findall(r"python -m benchmarks\.([a-z_]+)", in_code):
        assert (ROOT / "benchmarks" / f"{name}.py").exists(), f"{page.name} names benchmarks.{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_paths_exist(page: Path) -> None:
    packages = "config|workspace|curation|training|evaluation|tests|templates|static|benchmarks|scripts"
    for path in re.findall(rf"`((?:{packages})/[\w./-]+)`", page.read_text()):
        if page.name == "operations.md" and path.startswith("static/"):
            continue  # a folder of the data folder
        if "NAME" not in path:
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_filters_in_prose_can_be_read() -> None:
    found = set()
    for page in PAGES:
        found |= set(re.findall(r"`((?:agent|judged|score\.\w+)[:<>=][^`]+)`", page.read_text()))
    assert len(found) > 5
    for text in found:
        if "NAME" not in text and "…" not in text:
            filters.parse(text)


def test_the_api_page_names_every_operation() -> None:
    named = set(re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/api/[^`]+)`", (ROOT / "docs/api.md").read_text()))
    schema = api.get_openapi_schema()
    real = {(method.upper(), path) for path, methods in schema["paths"].items() for method in methods}
    assert named == real


def test_the_api_examples_run(server: Server, project: Project, rita: User, tmp_path: Path) -> None:
    for number in range(24):
        trace = make.trace(
            project, task_id=f"task-{number}", said=make.short_document(f"Where is {number}?", f"Here, {number}.")
        )
        make.judgment(trace, rita)
    tiny = bases.ensure_tiny(project)
    ModelVersion.objects.create(
        project=project, name="support-good-1", source=ModelVersion.Source.RUN, base=tiny, is_adapter=True
    )
    _, text = tokens.issue(project=project, name="docs", role=Role.ENGINEER, actor=Actor())
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/api.md").read_text(), re.DOTALL)
    assert len(blocks) > 12
    environment = {
        "PATH": os.environ["PATH"], "WHETSTONE_URL": server.url, "WHETSTONE_PROJECT": "acme", "WHETSTONE_TOKEN": text,
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(f"echo '#{n}'\n{block}" for n, block in enumerate(blocks, 1))],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "no checkpoint yet" in done.stdout
    assert (
        (tmp_path / "train.jsonl").read_text().count("\n")
        == (tmp_path / "train.manifest.jsonl").read_text().count("\n") - 2
        > 5
    )
    assert '"verdict": "acceptable"' in done.stdout.replace('":"', '": "')
