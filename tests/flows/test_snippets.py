"""Every snippet of the README is run as it stands against a running server, and its trace must arrive."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from curation.messages.form import text_of
from curation.models import Trace
from curation.tasks import sweep_inbox
from tests.browser_fixtures import Server
from tests.flows.fake_openai import fake_openai
from workspace import tokens
from workspace.access import Actor
from workspace.models import Project, Role

README = Path(__file__).resolve().parents[2] / "README.md"
SNIPPETS = {
    title: (language, code)
    for title, language, code in re.findall(
        r"^### (.+?)\n.*?```(\w+)\n(.*?)```", README.read_text(), re.DOTALL | re.MULTILINE
    )
}


@pytest.fixture
def environment(server: Server, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the README asks to set, and an OpenAI that is this machine."""
    project = Project.objects.create(slug="shop", name="Shop")
    _, text = tokens.issue(project=project, name="readme", role=Role.ENGINEER, actor=Actor())
    with fake_openai() as address:
        yield {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "WHETSTONE_URL": server.url,
            "WHETSTONE_PROJECT": project.slug,
            "WHETSTONE_TOKEN": text,
            "OPENAI_BASE_URL": address,
            "OPENAI_API_KEY": "sk-nothing",
        }


def run(language: str, code: str, environment: dict[str, str]) -> str:
    """The output of a snippet; its exit status must be 0."""
    command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euc", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rror" not in done.stderr, done.stderr
    return done.stdout


def arrived() -> Trace:
    """The one trace, once the inbox has been worked off."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        sweep_inbox()
        if found := Trace.objects.select_related("revision").first():
            return found
        time.sleep(0.1)
    raise AssertionError("No trace arrived.")


def said(trace: Trace) -> list[str]:
    assert trace.revision is not None
    return [text_of(message) for message in trace.revision.document["conversations"][0]["messages"]]


def test_the_readme_has_the_four_snippets() -> None:
    assert list(SNIPPETS) == ["OpenTelemetry", "OpenAI SDK", "OpenAI Agents SDK", "curl"]


def test_opentelemetry(environment: dict[str, str]) -> None:
    run(*SNIPPETS["OpenTelemetry"], environment)
    trace = arrived()
    assert said(trace) == ["Where is order 1017?", "It left the depot this morning."]
    assert (trace.model, trace.agent, trace.input_tokens, trace.output_tokens) == ("my-model", "support", 14, 9)


def test_openai_sdk(environment: dict[str, str]) -> None:
    assert "left the depot" in run(*SNIPPETS["OpenAI SDK"], environment)
    trace = arrived()
    assert said(trace)[0] == "Which of my orders is late?"
    assert (trace.model, trace.input_tokens, trace.output_tokens) == ("gpt-5-mini", 14, 12)


def test_agents_sdk(environment: dict[str, str]) -> None:
    assert "left the depot" in run(*SNIPPETS["OpenAI Agents SDK"], environment)
    trace = arrived()
    assert "Where is order 1018?" in said(trace)
    assert trace.tools == ["get_order"] and trace.tool_calls == 1
    assert trace.model == "gpt-5-mini"


def test_curl(environment: dict[str, str]) -> None:
    assert '"created": 1' in run(*SNIPPETS["curl"], environment)
    assert said(arrived()) == ["Where is order 1019?", "It left the depot this morning."]
