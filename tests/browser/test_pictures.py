"""The pictures of README and docs/, made from the demo project. WHETSTONE_DOCS_PICTURES=1 writes them to docs/images."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from config import demo
from curation.models import QueueItem
from tests.browser_fixtures import Server
from tests.people import person
from workspace.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
LARGEST = 200_000


def test_pictures_of_the_demo(server: Server, sign_in: Callable[[User], Page], tmp_path: Path) -> None:
    dana = person("dana@example.com", "Dana Dempsey")
    project, _ = demo.create(member=dana)
    page = sign_in(dana)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light", reduced_motion="reduce")

    page.goto(f"{server.url}/p/demo/traces/?q=agent:fernhill-support")
    expect(page.locator("table.data tbody tr").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=tmp_path / "traces.png")

    # a trace with something to see: a failed call and a handful of steps
    waiting = QueueItem.objects.filter(
        queue__project=project, status="open", trace__agent="patchwork", trace__errors__gte=1
    )
    item = waiting.filter(trace__steps__lt=16).select_related("queue").order_by("-trace__steps").first()
    assert item is not None
    page.goto(f"{server.url}/p/demo/review/{item.queue.slug}/{item.uid}/")
    page.wait_for_selector(".judge")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=tmp_path / "review.png")

    for picture in tmp_path.glob("*.png"):
        assert picture.stat().st_size < LARGEST, f"{picture.name} has {picture.stat().st_size:,} bytes"
        if os.environ.get("WHETSTONE_DOCS_PICTURES"):
            shutil.copy(picture, IMAGES / picture.name)
