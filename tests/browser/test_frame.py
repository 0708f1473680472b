"""Accounts, settings and the frame, in a real browser."""

from collections.abc import Callable

import pytest
from django.core import mail
from playwright.sync_api import Browser, Page, expect

from tests.browser_fixtures import Server, axe_violations, shoot
from tests.people import PASSWORD
from workspace.models import ApiToken, Project, User

pytestmark = pytest.mark.browser


def test_sign_in_and_out(
    server: Server, page: Page, rita: User, axe: Callable[[], None], complaints: list[str]
) -> None:
    page.goto(f"{server.url}/sign-in/")
    axe()
    shoot(page, "sign-in")
    page.fill("input[name=username]", "rita@example.com")
    page.fill("input[name=password]", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".error").first).to_contain_text("correct")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/acme/traces/**")
    page.goto(f"{server.url}/account/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/**")
    assert complaints == []


def test_a_forgotten_password(server: Server, page: Page, rita: User) -> None:
    page.goto(f"{server.url}/sign-in/")
    page.get_by_role("link", name="Forgot").click()
    page.fill("input[name=email]", "rita@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    link = next(word for word in str(mail.outbox[0].body).split() if "/password/new/" in word)
    page.goto(server.url + link[link.index("/password/") :])
    page.fill("input[name=new_password1]", "another long password")
    page.fill("input[name=new_password2]", "another long password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/acme/**")
    rita.refresh_from_db()
    assert rita.check_password("another long password")


def test_settings(
    server: Server, sign_in: Callable[[User], Page], ada: User, alice: User, project: Project, axe: Callable[[], None],
    complaints: list[str],
) -> None:  # fmt: skip
    page = sign_in(ada)
    page.goto(f"{server.url}/p/acme/settings/")
    page.fill("#token-name", "collector")
    page.get_by_role("button", name="Make a token").click()
    text = page.locator("#token-text").inner_text()
    assert text.startswith("wst_") and ApiToken.objects.get().digest != text
    axe()
    shoot(page, "settings")
    page.reload()
    expect(page.locator("#token-text")).to_have_count(0)
    page.get_by_role("button", name="Revoke collector").click()
    expect(page.get_by_text("Revoked")).to_be_visible()
    page.fill("#member-email", "new@example.com")
    page.get_by_role("button", name="Let in").click()
    expect(page.get_by_text("new@example.com").first).to_be_visible()
    page.goto(f"{server.url}/p/acme/settings/audit/")
    expect(page.get_by_text("token.revoked")).to_be_visible()
    axe()
    shoot(page, "audit")
    assert complaints == []


def test_palette_and_keys(server: Server, sign_in: Callable[[User], Page], ada: User) -> None:
    page = sign_in(ada)
    page.goto(f"{server.url}/p/acme/settings/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("d Datasets")
    edge = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert edge != page.evaluate("getComputedStyle(document.body).backgroundColor")  # dimmed to the edge
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("zebra")
    expect(page.locator("#palette")).to_contain_text("Nothing here is called “zebra”.")
    page.keyboard.press("Control+a")
    page.keyboard.type("data")
    expect(page.locator("#palette-none")).to_have_text("")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/")
    page.keyboard.press("g")
    expect(page.locator(".toast")).to_contain_text("s Settings")  # who hesitates is told
    page.keyboard.press("s")
    page.wait_for_url("**/settings/")


def test_the_address_of_a_new_project(
    server: Server, sign_in: Callable[[User], Page], ada: User, project: Project
) -> None:
    page = sign_in(ada)
    page.goto(f"{server.url}/?choose=1")
    page.get_by_text("New project").click()
    page.locator("#id_name").press_sequentially("Büro & Ärzte 2")
    expect(page.locator("#id_slug")).to_have_value("buro-arzte-2")
    page.locator("#id_slug").fill("my own")
    page.locator("#id_name").fill("Büro & Ärzte 23")
    expect(page.locator("#id_slug")).to_have_value("my own")
    page.keyboard.press("Enter")
    expect(page.locator(".error")).to_contain_text("without blanks")
    expect(page.locator(".project-list")).to_contain_text(project.name)
    expect(page.locator("#id_name")).to_have_value("Büro & Ärzte 23")


def test_the_menu_of_a_phone(
    server: Server, sign_in: Callable[[User], Page], browser: Browser, ada: User, project: Project
) -> None:
    page = sign_in(ada)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/p/acme/charts/")
    expect(page.locator(".at")).to_have_text("ChartsAcme support")
    page.locator(".menu-open").click()
    expect(page.locator("#places a[aria-current]")).to_contain_text("Charts")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert axe_violations(page) == []
    for control in page.locator("#places :is(a, button)").all():
        box = control.bounding_box()
        assert box and box["height"] >= 44 and box["x"] + box["width"] <= 390
    page.get_by_role("button", name="Go to…").last.click()
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Escape")
    # without JavaScript the same: the menu opens, and one gets out
    plain = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    plain.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    other = plain.new_page()
    other.goto(f"{server.url}/p/acme/mentions/")
    expect(other.locator(".jump")).to_be_hidden()
    other.locator(".menu-open").click()
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/sign-in/**")
    plain.close()


def test_styleguide_and_docs(
    server: Server, sign_in: Callable[[User], Page], ada: User, axe: Callable[[], None], complaints: list[str]
) -> None:
    page = sign_in(ada)
    page.goto(f"{server.url}/styleguide")
    page.locator("#sg").scroll_into_view_if_needed()
    expect(page.locator("#sg[data-drawn]")).to_have_count(1, timeout=15000)
    axe()
    page.screenshot(path="screenshots/styleguide-full.png", full_page=True)
    page.goto(f"{server.url}/api/docs")
    axe()
    shoot(page, "api-docs")
    assert complaints == []
