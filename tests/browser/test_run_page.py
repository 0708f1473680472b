"""The page of a run in a real browser, while a real worker trains."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests import make
from tests.browser_fixtures import Server, shoot
from training.launch import start
from training.models import Metric, RunAttempt, RunEvent
from training.progress import reconcile
from workspace.models import Project, User

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.RUNS_DIR = tmp_path / "runs"
    settings.MODELS_DIR = tmp_path / "models"


@pytest.fixture
def sweeping(transactional_db: None) -> Any:
    """What the Celery worker does, in a thread of its own."""
    from django.db import connection

    over = threading.Event()

    def go() -> None:
        while not over.wait(0.3):
            reconcile.sweep()
            start.start_next()
        connection.close()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(20)


def eventually(page: Page, expression: str, seconds: float = 60) -> None:
    """Wait until a JavaScript expression is true (wait_for_function would need eval, which the policy forbids)."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(200)


@pytest.mark.django_db(transaction=True)
def test_launch_watch_and_end(
    server: Server, sign_in: Callable[[User], Page], project: Project, alice: User, sweeping: None,
    axe: Callable[[], None], complaints: list[str],
) -> None:  # fmt: skip
    make.dataset_version(project, train=24, validation=6)
    page = sign_in(alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/{project.slug}/runs/new/")
    expect(page.locator("#estimate")).to_contain_text("18 steps")
    page.get_by_label("Epochs").fill("10")
    page.get_by_label("Epochs").blur()
    expect(page.locator("#estimate")).to_contain_text("60 steps")
    shoot(page, "run-new")
    axe()
    page.get_by_label("Start now").check()
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#run-mark")).to_contain_text("Training", timeout=120_000)
    expect(page.locator("#run-last")).to_contain_text("of 60", timeout=30_000)
    eventually(page, "(document.querySelector('#loss')?.data?.[0]?.x?.length ?? 0) > 12")
    shoot(page, "run-live")
    expect(page.locator("#run-mark")).to_contain_text("Succeeded", timeout=300_000)
    eventually(page, "document.querySelector('#loss').data[0].x.at(-1) === 60")
    assert page.evaluate("document.querySelector('#loss').data[2].x.at(-1)") == 60
    expect(page.get_by_role("link", name="The model")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("runner: worker ended with 0")
    time.sleep(3)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/runs/" in one.url else None)
    page.wait_for_timeout(5000)
    assert not asked, "the page goes on asking after the end"
    shoot(page, "run-done")
    axe()
    page.get_by_role("link", name="The model").click()
    expect(page.get_by_text("Where it comes from")).to_be_visible()
    shoot(page, "model")
    axe()
    page.goto(f"{server.url}/p/{project.slug}/models/")
    shoot(page, "models")
    page.goto(f"{server.url}/p/{project.slug}/runs/")
    shoot(page, "runs")
    axe()
    assert not complaints


@pytest.mark.django_db(transaction=True)
def test_a_failed_run_says_why_and_what_to_do(
    server: Server,
    sign_in: Callable[[User], Page],
    project: Project,
    alice: User,
    axe: Callable[[], None],
    tmp_path: Path,
) -> None:
    now = timezone.now()
    run = make.run(
        project, status="failed", name="night-run", step=217, total_steps=800, started_at=now, ended_at=now,
        status_reason="Out of memory: CUDA out of memory. Tried to allocate 2.40 GiB.",
    )  # fmt: skip
    folder = tmp_path / "1"
    folder.mkdir()
    lines = "".join(
        f"12:00:{n % 60:02d} step {n}  loss {2.2 - n / 200:.4f}  lr 1.00e-04  grad 0.71\n" for n in range(180, 218)
    )
    folder.joinpath("console.log").write_text(lines + "12:04:11 failed: Out of memory: CUDA out of memory.\n")
    attempt = RunAttempt.objects.create(
        run=run, number=1, folder=str(folder), status="exited", error_class="oom", ended_at=now, error="Out of memory"
    )
    for seq, name in enumerate(("load", "check", "train"), start=1):
        RunEvent.objects.create(attempt=attempt, seq=seq, kind="stage", payload={"name": name}, at=now)
    warning = (
        "12 of 2057 train rows are longer than 2048 tokens and were left out (longest: 9120; first lines: 4, 9, 77)."
    )
    RunEvent.objects.create(attempt=attempt, seq=4, kind="warning", payload={"message": warning}, at=now)
    Metric.objects.bulk_create(
        Metric(attempt=attempt, name="loss", step=n, value=0.7 + 1.6 * 0.985**n + 0.05 * (n % 3)) for n in range(1, 218)
    )
    page = sign_in(alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/{project.slug}/runs/{run.uid}/")
    expect(page.get_by_text("What to do:")).to_be_visible()
    expect(page.locator(".last-lines")).to_contain_text("failed: Out of memory")
    expect(page.locator("#log")).to_contain_text("failed: Out of memory")
    eventually(page, "(document.querySelector('#loss')?.data?.[0]?.x?.length ?? 0) > 200")
    shoot(page, "run-failed")
    page.locator("#log").scroll_into_view_if_needed()
    page.screenshot(path="screenshots/run-failed-below.png")
    axe()
