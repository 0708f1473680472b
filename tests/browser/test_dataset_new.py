"""Making a dataset as an engineer does: type what is wanted, see at once what would come in, follow what would not."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from curation.datasets import freezing
from curation.models import DatasetVersion, Freezing, Score, Trace
from tests import make
from tests.browser_fixtures import Server, shoot
from workspace.models import Project, User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def scored(project: Project, alice: User, *, traces: int = 12) -> list[Trace]:
    """Judged traces; all but the last three have a score, the first two one above 0.1."""
    made = [
        make.trace(
            project,
            said=make.short_document(f"Where is my order number {number}, please?", f"It is at depot {number * 7}."),
            metadata={"tier": "gold" if number % 2 else "blue"},
        )
        for number in range(traces)
    ]
    for number, trace in enumerate(made):
        make.judgment(trace, alice)
        if number < traces - 3:
            Score.objects.create(
                project=project, trace=trace, revision=trace.revision, name="toxicity", number=0.5 if number < 2 else 0.02,
                low=0, high=1, source="judge", author="toxicity@1",
            )  # fmt: skip
    return made


def test_a_recipe_by_keyboard(
    project: Project, alice: User, server: Server, sign_in: Callable[[User], Page], complaints: list[str],
    axe: Callable[[], None],
) -> None:  # fmt: skip
    scored(project, alice)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/datasets/new/")
    heading = page.locator("#preview h2")
    expect(heading).to_have_text("12 rows would come in")
    axe()
    # open the fold and type a gate, by keyboard alone
    page.locator("#good > summary").focus()
    page.keyboard.press("Enter")
    page.locator("#gates").focus()
    page.keyboard.type("toxicity <= 0.1")
    page.keyboard.press("Tab")
    expect(heading).to_have_text("7 rows would come in")
    gone = page.locator("#preview .gone a")
    expect(gone.filter(has_text="not measured").or_(gone.filter(has_text="gate")).first).to_be_visible()
    shoot(page, "dataset-new-gates")
    # all of it stands in the address, and comes back from there
    assert parse_qs(urlsplit(page.url).query)["gates"] == ["toxicity <= 0.1"]
    page.reload()
    expect(heading).to_have_text("7 rows would come in")
    expect(page.locator("#good")).to_have_attribute("open", "")
    # to the traces that would leave, each with why, and back
    gone.first.click()
    expect(page.locator("tbody tr").first).to_contain_text("toxicity")
    axe()
    shoot(page, "dataset-left")
    page.get_by_role("link", name="Back to the recipe").click()
    expect(heading).to_have_text("7 rows would come in")
    # a wrong line is named, and nothing is counted
    page.locator("#gates").fill("toxicity below 0.1")
    expect(page.locator("#preview .error")).to_contain_text("line 1 is 'toxicity below 0.1'")
    page.locator("#gates").fill("toxcity <= 0.1")
    expect(page.locator("#preview .error")).to_contain_text("toxcity")
    axe()
    shoot(page, "dataset-new-wrong")
    page.locator("#gates").fill("toxicity <= 0.1")
    expect(heading).to_have_text("7 rows would come in")
    # another kind of row brings its own options
    page.locator("#task").select_option("trajectories")
    expect(page.locator("#task-options .form-field").first).to_be_visible()
    page.wait_for_timeout(700)
    shoot(page, "dataset-new-task")
    axe()
    page.locator("#task").select_option("chat")
    expect(page.locator("#task-options .form-field")).to_have_count(0)
    page.locator("#name").fill("clean-answers")
    page.keyboard.press("Enter")  # counts, whatever field one is in
    page.wait_for_url("**/datasets/new/?*count=1")
    expect(heading).to_have_text("7 rows would come in")
    assert not DatasetVersion.objects.exists()
    page.locator("#description").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/clean-answers/1/")
    version = DatasetVersion.objects.get()
    assert version.recipe["gates"] == [{"score": "toxicity", "operator": "lte", "threshold": 0.1}]
    assert version.counts["rows"] == 7
    axe()
    shoot(page, "dataset-version-gates")
    assert not [line for line in complaints if "422" not in line]


def test_a_large_one_is_frozen_behind_and_its_page_leads_to_the_version(
    project: Project, alice: User, server: Server, sign_in: Callable[[User], Page], complaints: list[str],
    axe: Callable[[], None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(freezing, "TRACES_AT_ONCE", 3)
    scored(project, alice)
    page = sign_in(alice)
    page.goto(f"{server.url}/p/acme/datasets/new/?name=support&q=judged:acceptable")
    expect(page.locator("#preview h2")).to_have_text("12 rows would come in")
    page.get_by_role("button", name="Freeze").focus()
    page.keyboard.press("Enter")
    state = page.locator("#state")
    expect(state).to_have_text("○Waiting for a worker")
    (asked,) = Freezing.objects.all()
    assert urlsplit(page.url).path == f"/p/acme/datasets/freezing/{asked.uid}/"
    axe()
    shoot(page, "freezing-waiting")
    Freezing.objects.update(status="working", stage="reading", done=3_400, total=100_000)
    expect(page.locator(".stages")).to_contain_text("3,400 of 100,000")
    axe()
    shoot(page, "freezing-reading")
    page.get_by_role("button", name="Cancel").focus()  # keeps the focus while the page asks for itself again
    page.wait_for_timeout(1_500)
    assert page.evaluate("document.activeElement.textContent").strip() == "Cancel"
    assert freezing.work(asked.pk, 60)
    page.wait_for_url("**/datasets/support/1/")
    expect(page.get_by_text("support@1 is frozen: 12 rows.")).to_be_visible()
    # one that cannot be: why, and the way back
    page.goto(f"{server.url}/p/acme/datasets/new/?name=other&q=judged:acceptable&gates=toxicity+%3E+0.9")
    page.get_by_role("button", name="Freeze").click()
    expect(state).to_have_text("○Waiting for a worker")
    assert freezing.work(Freezing.objects.latest("id").pk, 60)
    expect(state).to_have_text("✕Not frozen")
    expect(page.get_by_role("alert")).to_contain_text("none became a row")
    axe()
    shoot(page, "freezing-failed")
    page.get_by_role("link", name="Change the recipe").click()
    expect(page.locator("#gates")).to_have_value("toxicity > 0.9")
    page.goto(f"{server.url}/p/acme/datasets/")
    page.get_by_role("link", name="Why, and what now").click()
    page.get_by_role("button", name="Freeze it again").click()
    expect(state).to_have_text("○Waiting for a worker")
    page.get_by_role("button", name="Cancel").click()
    expect(state).to_have_text("■Cancelled")
    assert not complaints
