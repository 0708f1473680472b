"""A run of two thousand steps: the page holds a window of it, and saying how a step is used answers in a moment."""

import random
from datetime import UTC, datetime
from time import perf_counter

import pytest
from django.test import Client
from django.urls import reverse

from curation.datasets.example import Example, main_index
from curation.datasets.exporting.formats import trl_prompt_completion, trl_prompt_completion_turns
from curation.demo.history import CODING
from curation.demo.marathon import make_marathon
from curation.messages.form import Document
from curation.models import StepUse
from tests import make
from tests.curation.becomes.test_uses import keys
from workspace.models import Project, User

HTMX = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def marathon() -> Document:
    """About a thousand calls."""
    made = make_marathon(
        random.Random(1), files=318, repository="storefront", version=CODING[-1], at=datetime(2026, 1, 5, tzinfo=UTC),
        number=1, person="dev", good=True,
    )  # fmt: skip
    return made.trace.document


def test_lines_of_every_answer_share_what_they_have_in_common(marathon: Document) -> None:
    conversation = marathon["conversations"][main_index(marathon)]
    short = Example(messages=conversation["messages"][:40], tools=conversation["tools"])
    asked = [trl_prompt_completion.line(short, at) for at, learned in enumerate(short.trained) if learned]
    assert trl_prompt_completion_turns.write_all(short) == asked
    assert trl_prompt_completion_turns.write(short) == asked[-1]
    whole = Example(messages=conversation["messages"], tools=conversation["tools"])
    began = perf_counter()
    assert len(trl_prompt_completion_turns.write_all(whole)) == sum(whole.trained) > 900
    assert perf_counter() - began < 1


@pytest.mark.django_db
def test_a_long_run_is_shown_by_windows(project: Project, rita: User, client: Client, marathon: Document) -> None:
    trace = make.trace(project, said=marathon)
    client.force_login(rita)
    page = reverse("curation:trace-becomes", args=[project.slug, trace.uid])
    act = reverse("curation:step-use", args=[project.slug, trace.uid])
    steps = keys(trace)
    client.get(page)
    began = perf_counter()
    shown = client.get(page).content.decode()
    assert perf_counter() - began < 4  # about one second where nothing else runs
    assert len(shown) < 600_000
    assert "Step 100," in shown and "Step 101," not in shown
    assert f"1 to 100 of {len(steps):,}" in shown
    part = client.get(page, {"part": "steps", "at": "1050"}, headers=HTMX).content.decode()
    assert part.lstrip().startswith('<section class="panel" id="steps"')
    assert "Step 1,001," not in part and "Step 1001," in part and "Step 1100," in part and "Step 1101," not in part

    began = perf_counter()
    number = next(one for one in range(1050, 1060) if "mask" in _uses(part, one))
    done = client.post(f"{act}?part=page&at={number}", {"step": steps[number - 1], "use": "mask"}, headers=HTMX)
    assert perf_counter() - began < 2
    said = done.content.decode()
    assert said.lstrip().startswith('<section class="panel" id="steps"')
    assert "Undo" in said and f"Step {number}: context only" in said and "Step 1001," in said
    assert done.headers["HX-Trigger-After-Swap"] == "step-used"
    assert StepUse.objects.get().use == "mask"
    tab = client.get(page, {"part": "tab"}, headers=HTMX).content.decode()
    assert len(tab) < 250_000


def _uses(part: str, number: int) -> str:
    return "mask" if f'id="use-{number}-mask"' in part else ""
