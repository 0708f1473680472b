"""Masking a step beside the run: the steps are answered, the rest follows, and z takes it back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from curation.models import StepUse
from tests import make
from tests.browser_fixtures import Server
from workspace.models import Project, User

pytestmark = pytest.mark.django_db(transaction=True)


def test_z_takes_back_how_a_step_is_used(
    project: Project, rita: User, server: Server, sign_in: Callable[[User], Page], complaints: list[str]
) -> None:
    trace = make.trace(project)
    page = sign_in(rita)
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/?tab=becomes")
    page.locator("#use-5-mask").click()
    expect(page.locator("#steps")).to_contain_text("context only.")
    expect(page.locator("#as-row")).to_contain_text("1 of 5 messages")
    page.keyboard.press("z")
    expect(page.locator("#steps")).to_contain_text("kept.")
    expect(page.locator("#as-row")).to_contain_text("2 of 5 messages")
    assert not StepUse.objects.exists()
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("There is no judgment of yours to take back here.")
    page.goto(f"{server.url}/p/acme/traces/{trace.uid}/becomes/")
    page.locator("#use-5-mask").click()
    expect(page.locator("#steps")).to_contain_text("context only.")
    expect(page.locator("#as-lines")).to_contain_text("weight 0 on 1 assistant messages")
    assert not complaints
