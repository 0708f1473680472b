"""Datasets in a real browser: count, freeze, look at every part, download."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.core.cache import cache
from playwright.sync_api import Page, expect

from curation.datasets import build, leaks
from curation.datasets.recipe import Recipe
from curation.messages.form import message
from curation.views import datasets
from tests import make
from tests.browser_fixtures import Server, shoot
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

SignIn = Callable[[User], Page]


@pytest.fixture
def traces(server: Server, project: Project, rita: User, ada: User) -> None:
    """Forty-odd traces with all that a version can show."""
    verdicts = ["acceptable"] * 6 + ["unacceptable", "unsure", "", "acceptable"]
    for number in range(44):
        one = rows.trace(project, judged=verdicts[number % 10], by=rita, session_id=f"session-{number // 2}")
        if number % 10 == 3:
            rows.correct(one, ada, "It left the depot and arrives on Monday. Here is how to follow it.")
    repeated = make.document(message("user", "Can I pay by invoice?"), message("assistant", "Yes, from 50 euro on."))
    for _ in range(3):
        rows.trace(project, repeated, judged="acceptable", by=rita)
    broken = make.document(
        message("user", "Please cancel order 1099."),
        message("assistant", "", tool_calls=[make.call("cancel_order", '{"order_id": 1099')]),
        make.tool_result("ok"),
        message("assistant", "It is cancelled."),
    )
    rows.trace(project, broken, judged="acceptable", by=rita)


def test_count_freeze_look_and_download(
    traces: None, server: Server, project: Project, alice: User, rita: User, sign_in: SignIn, axe: Callable[[], None],
    complaints: list[str], tmp_path: Path,
) -> None:  # fmt: skip
    page = sign_in(alice)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server.url}/p/acme/datasets/")
    expect(page.get_by_role("heading", name="No dataset yet")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Freeze a dataset")).to_be_visible()
    expect(page.locator("#preview h2")).to_contain_text("rows would come in")

    page.get_by_label("Filter").fill("latency>")
    expect(page.locator("#preview")).to_contain_text("This cannot be frozen")
    page.get_by_label("Filter").fill("")
    expect(page.locator("#preview")).to_contain_text("judged unsure")
    shoot(page, "dataset-new")
    axe()
    page.get_by_label("Name", exact=True).fill("support answers")
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#name-error")).to_contain_text("small letters")
    expect(page.locator("#preview")).to_contain_text("This cannot be frozen")
    page.get_by_label("Name", exact=True).fill("support-answers")
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_role("heading", name="support-answers v1")).to_be_visible()

    page.get_by_role("link", name="Row after").click()
    expect(page.locator("#row h2")).to_have_text("Row 2")
    page.wait_for_timeout(
        100
    )  # htmx looks at what it put in 20 ms later; before that the link opens the row's own page
    page.keyboard.press("k")
    expect(page.locator("#row h2")).to_have_text("Row 1")
    page.locator("#rows").get_by_role("link", name="Train").click()
    expect(page).to_have_url(f"{server.url}/p/acme/datasets/support-answers/1/?split=train")
    page.goto(f"{server.url}/p/acme/datasets/support-answers/1/")
    page.get_by_role("link", name="Show them").first.click()
    expect(page.locator("#checks-openai-sft")).to_contain_text("the arguments are not valid JSON")
    shoot(page, "dataset-version")
    axe()

    page.get_by_role("link", name="equal to another row").click()
    expect(page.get_by_role("heading", name="Traces equal to another row")).to_be_visible()
    expect(page.locator("table")).to_contain_text("says the same as")
    shoot(page, "dataset-decisions")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".reasons .under").first).to_be_in_viewport()  # why is told on a phone, too
    page.set_viewport_size({"width": 1440, "height": 900})
    axe()

    page.goto(f"{server.url}/p/acme/datasets/support-answers/1/")
    page.get_by_role("link", name="Download all rows as TRL").click()
    expect(page.get_by_role("heading", name="1 row does not fit TRL chat, JSONL")).to_be_visible()
    axe()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download without them").click()
    assert waiting.value.suggested_filename == "support-answers-1.trl-sft.jsonl"
    waiting.value.save_as(tmp_path / "rows.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert lines and all(sorted(line) == ["messages", "tools"] for line in lines)

    page.goto(f"{server.url}/p/acme/datasets/support-answers/1/rows/1/")
    axe()
    page.goto(f"{server.url}/p/acme/datasets/support-answers/1/checks/?format=trl-sft")
    axe()
    page.goto(f"{server.url}/p/acme/datasets/")
    shoot(page, "datasets")
    axe()
    assert [line for line in complaints if "422" not in line and "409" not in line] == []


def test_a_flipped_judgment_shows_on_the_version(
    traces: None, server: Server, project: Project, rita: User, sign_in: SignIn
) -> None:
    version = build.freeze(project=project, name="support", query_text="", actor=Actor())
    row = version.rows.filter(correction=None).order_by("position")[0]
    rows.judge(row.trace, rita, "unacceptable")
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/datasets/support/1/")
    expect(page.get_by_role("note")).to_contain_text("1 row rests on a judgment that changed since")
    expect(page.get_by_role("link", name="Train on this")).to_have_count(0)
    expect(page.get_by_role("link", name="Download all rows as TRL")).to_have_count(0)
    page.get_by_role("note").get_by_role("link", name="1 row").click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)


def test_a_large_export_is_sent_while_it_is_made(
    server: Server, project: Project, alice: User, rita: User, sign_in: SignIn
) -> None:
    filler = "word " * 20_000
    for _ in range(30):
        said = make.document(message("user", filler), message("assistant", filler))
        rows.trace(project, said, judged="acceptable", by=rita)
    from curation.datasets.recipe import Recipe

    build.freeze(
        project=project, name="large", query_text="", actor=Actor(), recipe=Recipe(dedupe="none", validation=0, test=0)
    )
    page = sign_in(alice)
    (cookie,) = [one for one in page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME]
    address = f"{server.url}/p/acme/datasets/large/1/export/?format=openai-sft"
    request = Request(address, headers={"Cookie": f"{cookie['name']}={cookie['value']}"})
    with urlopen(request, timeout=30) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked" and "Content-Length" not in answer.headers
        assert answer.read().count(b"\n") == 30
    with urlopen(request, timeout=30) as answer:
        answer.read(1000)  # and away: the server must give its connection back
    with urlopen(request, timeout=30) as answer:
        assert answer.read().count(b"\n") == 30


def test_what_is_held_out_elsewhere_comes_after_a_large_version(
    server: Server, project: Project, rita: User, ada: User, sign_in: SignIn, axe: Callable[[], None],
    complaints: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number in range(12):
        asked = make.short_document(question=f"Question {number} about {'abcdefghijkl'[number] * 9}, what is it?")
        rows.trace(project, asked, judged="acceptable", by=rita, session_id=f"s{number}")
    for name, test in (("early", 0.0), ("later", 0.4)):
        build.freeze(project=project, name=name, query_text="", actor=Actor(), recipe=Recipe(validation=0, test=test))
    monkeypatch.setattr(datasets, "MOST_CHECKED", 0)
    compare, may_compare = leaks._leaks, threading.Event()
    monkeypatch.setattr(leaks, "_leaks", lambda *given: may_compare.wait(20) and compare(*given))
    cache.clear()
    page = sign_in(ada)
    page.goto(f"{server.url}/p/acme/datasets/early/1/")
    panel = page.locator("section", has=page.get_by_role("heading", name="Exports"))
    expect(panel).to_contain_text("Its rows are being compared with what other versions test on.")
    panel.scroll_into_view_if_needed()
    shoot(page, "dataset-version-comparing")
    axe()
    may_compare.set()
    expect(panel).to_contain_text("in test of another version or near it. No training takes this version as it is")
    shoot(page, "dataset-version-compared")
    axe()
    page.goto(f"{server.url}/p/acme/datasets/later/1/")
    expect(page.get_by_text("No row is in test of another version, or near one that is.")).to_be_visible()
    assert not complaints
