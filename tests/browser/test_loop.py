"""One person walks the whole loop in the browser, by mouse and keyboard, on the demo's data, in under five minutes."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings as django_settings
from django.db import connections
from playwright.sync_api import Page, expect

from config import demo
from config.celery import app
from curation.models import Judgment
from evaluation.models import Comparison
from tests.browser_fixtures import Server, shoot
from tests.people import PASSWORD, person
from training.models import ModelVersion
from workspace.models import Project, User

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
WHOLE_LOOP_SECONDS = 300
LONG = 150_000


@pytest.fixture
def worker(server: Server, settings: Any, tmp_path: Path) -> Iterator[None]:
    """A Celery worker on the tests' broker, and its schedule at a quicker pace."""
    settings.RUNS_DIR, settings.MODELS_DIR = tmp_path / "runs", tmp_path / "models"
    over = threading.Event()

    def beat() -> None:
        while not over.wait(1):
            for entry in django_settings.CELERY_BEAT_SCHEDULE.values():
                app.send_task(entry["task"])

    clock = threading.Thread(target=beat, daemon=True)
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, shutdown_timeout=30):
        clock.start()
        yield
        over.set()
        clock.join(5)
    connections.close_all()


@pytest.fixture
def dana(worker: None) -> User:
    """Admin of the demo project, with a password."""
    user = person("dana@example.com", "Dana Dempsey")
    demo.create(member=user)
    return user


def go(page: Page, letter: str) -> None:
    """`g` and a letter, as the palette lists them."""
    page.keyboard.press("g")
    page.keyboard.press(letter)


def test_the_whole_loop(page: Page, server: Server, dana: User, complaints: list[str], tmp_path: Path) -> None:
    start = time.monotonic()
    page.set_default_timeout(20_000)
    page.set_viewport_size({"width": 1280, "height": 800})
    project = Project.objects.get(slug="demo")

    # sign in
    page.goto(server.url)
    page.get_by_label("Email").fill(dana.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/demo/traces/")

    # traces: what waits, by filter
    page.keyboard.press("/")
    page.keyboard.type("agent:fernhill-support judged:no")
    page.keyboard.press("Enter")
    expect(page.locator("table.data tbody tr").first).to_be_visible()
    page.wait_for_url("**judged**")
    page.keyboard.press("Escape")  # out of the field

    # judge ten by keys
    before = Judgment.objects.filter(user=dana).count()
    go(page, "r")
    page.wait_for_url("**/p/demo/review/")
    page.keyboard.press("Enter")
    page.wait_for_selector(".judge")
    for number in range(10):
        heading = page.locator("#bench h1")
        expect(heading).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.wait_for_function("() => !document.querySelector('#bench').hasAttribute('aria-busy')")
        address = page.url
        page.keyboard.press("a" if number % 4 else "r")
        page.wait_for_url(lambda url, here=address: url != here)
        page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !Object.keys(localStorage).some((name) => name.startsWith('whetstone.outbox'))")
    assert Judgment.objects.filter(user=dana).count() == before + 10

    # freeze
    page.goto(f"{server.url}/p/demo/datasets/new/")
    page.get_by_label("Filter", exact=True).fill("agent:fernhill-support judged:acceptable")
    page.get_by_label("Name", exact=True).fill("support-good")
    page.get_by_role("button", name="Freeze").click()
    page.wait_for_url("**/datasets/support-good/1/")

    # download, and read what came
    page.get_by_role("link", name=re.compile("Download train as OpenAI", re.IGNORECASE)).click()
    expect(page.get_by_role("link", name="Download with pseudonyms")).to_be_visible()
    complaints[:] = [line for line in complaints if "409" not in line]  # the page that asks what to do about them
    with page.expect_download() as waiting:  # the shop's customers left addresses and numbers
        page.get_by_role("link", name="Download with pseudonyms").click()
    lines = Path(waiting.value.path()).read_text().strip().split("\n")
    page.goto(f"{server.url}/p/demo/datasets/support-good/1/")
    assert len(lines) > 20 and all(json.loads(line)["messages"][-1]["role"] == "assistant" for line in lines)

    # train
    page.keyboard.press("t")
    page.wait_for_url("**/runs/new/**")
    page.get_by_label("Epochs").fill("1")
    page.get_by_label("Longest row (tokens)").fill("4096")
    page.get_by_label(re.compile("Start now")).check()
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    loss = page.locator("#run-tiles .tile").filter(has_text=re.compile("loss", re.IGNORECASE)).first.locator("dd").first
    expect(loss).to_have_text(re.compile(r"\d"), timeout=LONG)
    seen = {loss.inner_text()}
    deadline = time.monotonic() + LONG / 1000
    model_link = page.get_by_role("link", name="The model")
    while not model_link.is_visible():
        assert time.monotonic() < deadline, page.locator("#log").inner_text()
        seen.add(loss.inner_text())
        page.wait_for_timeout(300)
    seen.add(loss.inner_text())
    assert len(seen) > 1, f"the loss never moved: {seen}"
    shoot(page, "loop-run")
    model_link.click()
    expect(page.get_by_text("SHA-256")).to_be_visible()
    model = ModelVersion.objects.get(project=project, source="run")

    # compare with its base
    page.goto(f"{server.url}/p/demo/comparisons/new/?candidate={model.uid}")
    page.get_by_label("At most, conversations").fill("6")
    page.get_by_label("Longest answer, tokens").fill("24")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(re.compile(r"/comparisons/[0-9a-f-]{36}/"))
    verdict = page.get_by_text(re.compile("Approve|Reject|Inconclusive")).first
    expect(verdict).to_be_visible(timeout=LONG)
    found = Comparison.objects.get(project=project)
    assert found.status == "done" and found.sentence
    expect(page.get_by_text(found.sentence[:40]).first).to_be_visible()
    shoot(page, "loop-comparison")

    # over time
    go(page, "o")
    page.wait_for_url("**/over-time/**")
    expect(page.get_by_text(str(model)).first).to_be_visible()
    page.get_by_role("link", name="Judged traces").click()
    expect(page.locator("table.data").get_by_text("fernhill-support-v4").first).to_be_visible()
    shoot(page, "loop-over-time")

    # htmx names a request that was under way when the page was left; nothing else may stand on the console
    assert [
        line for line in complaints if not line.startswith(("htmx:afterRequest", "htmx:sendError", "htmx:sendAbort"))
    ] == []
    took = time.monotonic() - start
    print(f"The whole loop in the browser: {took:.0f} s")
    assert took < WHOLE_LOOP_SECONDS

    # and away with it, in one click
    page.goto(f"{server.url}/p/demo/settings/")
    page.get_by_role("button", name="Delete the demo project").click()
    expect(page.get_by_text("The demo is gone")).to_be_visible()
    assert not Project.objects.filter(slug="demo").exists()
