"""Checking a file and downloading a version, in a real browser: findings by row, refusals with the ways on."""

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from curation.datasets import build
from curation.datasets.recipe import Recipe
from tests import make
from tests.browser_fixtures import Server, shoot
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

SignIn = Callable[[User], Page]
GOOD = {
    "messages": [{"role": "user", "content": "Where is my parcel?"}, {"role": "assistant", "content": "On its way."}]
}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": {"a": 1}}}


def test_a_file_is_checked_row_by_row(
    server: Server, project: Project, rita: User, sign_in: SignIn, axe: Callable[[], None], tmp_path: Path
) -> None:
    talk = GOOD["messages"]
    bad = [
        {"messages": [talk[0], {"role": "assistant", "content": ""}]},
        {"messages": [talk[0], {"role": "assistant", "content": None, "tool_calls": [CALL]}]},
        {"input": talk[:1], "preferred_output": [], "non_preferred_output": []},
        GOOD,
    ]
    lines = [
        *(json.dumps(GOOD).replace("parcel", f"parcel {n}") for n in range(8)),
        *map(json.dumps, bad),
        '{"messages": [',
        "{}",
    ]
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join(lines) + "\n")
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/validate/")
    page.get_by_label("Format", exact=True).select_option("openai-sft")
    page.locator("input[name=file]").set_input_files(file)
    page.get_by_role("button", name="Check").click()
    report = page.locator("#report")
    expect(report).to_contain_text("Does not fit")
    expect(report).to_contain_text("messages[1].tool_calls[0].function.arguments")
    expect(report).to_contain_text("this is a row of openai-dpo")
    axe()
    shoot(page, "validate")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "validate-390")
    page.locator("input[name=file]").set_input_files([])
    page.get_by_label("Or paste lines").fill(
        "\n".join(json.dumps(GOOD).replace("parcel", f"box {n}") for n in range(10))
    )
    page.get_by_role("button", name="Check").click()
    expect(report).to_contain_text("Nothing to remark")


def test_a_download_with_personal_data_asks_first(
    server: Server, project: Project, rita: User, ada: User, sign_in: SignIn, axe: Callable[[], None]
) -> None:
    for number in range(6):
        question = f"Please write to customer{number}@acme-mail.com about order {number}, they wait."
        rows.trace(project, make.short_document(question=question), judged="acceptable", by=rita)
    build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe(validation=0, test=0))
    page = sign_in(ada)
    page.goto(f"{server.url}/p/acme/datasets/support/1/")
    expect(page.locator("section[aria-labelledby=exports]")).to_contain_text("6 rows hold it")
    page.get_by_text("more formats").click()
    shoot(page, "exports")
    axe()
    page.get_by_role("link", name="Download all rows as OpenAI chat, JSONL").click()
    expect(page.get_by_role("heading", name="6 rows hold personal data")).to_be_visible()
    axe()
    shoot(page, "export-refused")
    with page.expect_download() as replaced:
        page.get_by_role("link", name="Download with pseudonyms").click()
    assert "<EMAIL_1>" in Path(replaced.value.path()).read_text()
    page.get_by_label("Or as it is").fill("The customers agreed to it in writing.")
    with page.expect_download() as kept:
        page.get_by_role("button", name="Download as it is").click()
    assert "customer3@acme-mail.com" in Path(kept.value.path()).read_text()
