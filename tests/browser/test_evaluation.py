"""Comparisons and the chart over time in a real browser: look, keys, accessibility, live progress."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from curation.messages.form import message
from evaluation.compare import request
from evaluation.compare.decide import Rules
from evaluation.models import Comparison, EvaluationRun
from evaluation.runs import answers
from evaluation.runs.request import read_settings, request_run
from tests import make
from tests.browser_fixtures import shoot
from workspace.access import SYSTEM
from workspace.models import Project, User

pytestmark = [pytest.mark.browser]


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Any) -> None:
    settings.DATA_DIR, settings.RUNS_DIR, settings.MODELS_DIR = tmp_path, tmp_path / "runs", tmp_path / "models"


def _said(number: int) -> Any:
    return make.document(
        message("system", "You help customers of a shop."),
        message("user", "Hello, is anybody there?"),
        message("assistant", "Yes. How can I help?"),
        message("user", f"My parcel {number} has not arrived and the tracking page shows nothing since Monday. What now?"),
        message("assistant", "", tool_calls=[make.call("get_order", f'{{"order_id": "{number}"}}', "seen")]),
        make.tool_result('{"status": "in transit", "last_scan": "Venlo hub"}', "seen"),
        message("assistant", f"I looked parcel {number} up: it waits in the depot and arrives tomorrow before noon.",
                tool_calls=[make.call("get_order", f'{{"order_id": "{number}"}}')]),
        tools=[make.ORDER_TOOL],
    )  # fmt: skip


def _run(
    suite: Any, model: Any, right: Callable[[int], bool | None], slower: float = 1.0, **more: Any
) -> EvaluationRun:
    run = request_run(suite=suite, model=model, settings=read_settings({}))
    said = []
    for one in suite.scenarios.order_by("position"):
        yes = right(one.position)
        text = (
            f"I looked parcel {one.position + 1} up: it arrives tomorrow."
            if yes
            else "Parcels arrive. Please wait for it."
        )
        calls = one.reference["tool_calls"] if yes else [make.call("get_order", '{"order_id": "0"}')]
        spoken = None if yes is None else message("assistant", text, tool_calls=calls)
        measured = {"latency_ms": int((420 + 37 * (one.position % 11)) * slower), "output_tokens": 20, **more}
        said.append(
            answers.Said(one, spoken, error="" if spoken else "The connection did not answer in time.", **measured)
        )
    answers.store(run=run, said=said)
    answers.finish(run)
    return run


def _compared(project: Project) -> Comparison:
    suite = make.suite(project, scenarios=90, said=_said)
    base, tuned = make.model(project, "support"), None
    tuned = make.model(project, "support", base=base)
    _run(suite, base, lambda n: n % 2 == 0 or n > 70)
    _run(suite, tuned, lambda n: None if n == 9 else n not in (12, 30, 44), slower=1.03)
    comparison = request.request_comparison(
        suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    request.settle(comparison)
    comparison.refresh_from_db()
    return comparison


def test_a_verdict_with_its_table_and_flips(
    server: Any, sign_in: Any, project: Project, alice: User, axe: Callable[[], None], complaints: list[str]
) -> None:
    comparison = _compared(project)
    page: Page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/comparisons/{comparison.uid}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(comparison.sentence)
    shoot(page, "comparison")
    expect(page.locator("#flips li a")).to_have_count(37)
    page.get_by_role("link", name="Broke").click()
    expect(page.locator("#flips li a")).to_have_count(3)
    page.locator("#flips li a").nth(1).click()
    expect(page.locator("#flips li a").nth(1)).to_have_attribute("aria-current", "true")
    assert "show=broke" in page.url
    assert page.locator(".ab del").count()
    page.get_by_text("2 messages before it").click()
    expect(page.locator(".asked .request")).to_contain_text("My parcel")
    page.locator("#flips").evaluate("one => one.scrollIntoView()")
    shoot(page, "comparison-flip")
    page.get_by_text("How this is computed").click()
    axe()
    shoot(page, "comparison-open")
    page.goto(f"{server.url}/p/acme/comparisons/")
    axe()
    shoot(page, "comparisons")
    assert complaints == []


def test_the_result_of_every_metric_is_in_sight_with_long_names(
    server: Any, sign_in: Any, project: Project, alice: User, axe: Callable[[], None]
) -> None:
    suite = make.suite(project, scenarios=30, said=_said)
    names = [f"customer-support-assistant-llama-3.1-8b-instruct-{word}" for word in ("baseline", "fine-tuned")]
    base, tuned = (make.model(project, name) for name in names)
    _run(suite, base, lambda n: n % 2 == 0, cost_usd=Decimal("0.01"))
    _run(suite, tuned, lambda n: None if n == 9 else n > 3, cost_usd=Decimal("0.02"))
    comparison = request.request_comparison(
        suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    request.settle(comparison)
    page: Page = sign_in(alice)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{server.url}/p/acme/comparisons/{comparison.uid}/")
    region = page.get_by_role("region", name="Metrics, side by side")
    shoot(page, "comparison-long-names")
    axe()
    assert region.evaluate("one => one.scrollWidth - one.clientWidth") <= 0
    expect(page.get_by_title(f"{names[0]}@1").first).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    region.scroll_into_view_if_needed()
    told = page.locator(".forest-table tbody .under").first
    expect(told).to_be_in_viewport(ratio=0.9)  # what matters is there before anybody scrolls
    expect(told).to_contain_text("limit −5 %")
    shoot(page, "comparison-narrow")
    region.evaluate("one => { one.scrollLeft = one.scrollWidth }")
    expect(page.locator(".forest-table tbody td .mark").first).to_be_in_viewport(ratio=0.9)


def test_progress_while_models_answer_and_then_the_verdict(
    server: Any, sign_in: Any, project: Project, alice: User, axe: Callable[[], None]
) -> None:
    suite = make.suite(project, scenarios=6)
    base, tuned = make.model(project, "base"), make.model(project, "tuned")
    comparison = request.request_comparison(
        suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    page: Page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/comparisons/{comparison.uid}/")
    expect(page.locator("#live")).to_contain_text("0 of 6")
    make.answered(suite, base, lambda n: True)
    expect(page.locator("#live")).to_contain_text("6 of 6", timeout=8000)
    axe()
    shoot(page, "comparison-running")
    make.answered(suite, tuned, lambda n: n > 3)
    request.settle(comparison)
    expect(page.locator(".verdict h1")).to_be_visible(timeout=8000)


def test_a_comparison_is_asked_for_from_the_form(
    server: Any, sign_in: Any, project: Project, alice: User, axe: Callable[[], None], complaints: list[str]
) -> None:
    page: Page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/comparisons/")
    axe()
    shoot(page, "comparisons-empty")
    make.dataset_version(project, train=2, validation=0, test=3, said=make.tool_document)
    base = make.model(project, "support")
    tuned = make.model(project, "support", base=base)
    page.goto(f"{server.url}/p/acme/comparisons/new/?candidate={tuned.uid}")
    axe()
    shoot(page, "comparison-new")
    expect(page.get_by_label("Candidate", exact=True)).to_have_value(str(tuned.uid))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="support 1 against 2")).to_be_visible()
    comparison = Comparison.objects.get()
    assert (comparison.baseline.model, comparison.candidate.model, comparison.suite.counts["scenarios"]) == (
        base,
        tuned,
        3,
    )
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_contain_text("Stopped by Alice Engineer")
    assert complaints == []


def test_the_chart_over_time(
    server: Any, sign_in: Any, project: Project, rita: User, alice: User, axe: Callable[[], None], complaints: list[str]
) -> None:
    page: Page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/over-time/")
    axe()
    shoot(page, "over-time-empty")
    suite = make.suite(project, scenarios=40, said=_said)
    now = timezone.now()
    for number, right in enumerate((14, 19, 24, 33), start=1):
        run = _run(suite, make.model(project, "support"), lambda n, right=right: n <= right)  # type: ignore[misc]
        EvaluationRun.objects.filter(pk=run.pk).update(ended_at=now - timedelta(days=80 - 18 * number))
    run = _run(suite, make.model(project, "hosted"), lambda n: n <= 21)
    EvaluationRun.objects.filter(pk=run.pk).update(ended_at=now - timedelta(days=20))
    for number in range(36):
        trace = make.trace(project, received_at=now - timedelta(days=2 * number), model=f"support-{1 + number % 2}")
        make.judgment(trace, rita, "acceptable" if (number * 7) % 10 < 7 else "unacceptable")
    page.goto(f"{server.url}/p/acme/over-time/")
    page.locator("[data-drawn]").wait_for()
    axe()
    shoot(page, "over-time")
    page.get_by_role("link", name="Judged traces").click()
    page.locator("[data-drawn]").wait_for()
    axe()
    shoot(page, "over-time-judged")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "over-time-acme-judged-90d.csv"
    assert complaints == []
