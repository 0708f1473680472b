"""A real server and a real browser: uvicorn with the whole application in a thread, Debian's Chromium by Playwright."""

import asyncio
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Page

from workspace.models import Heartbeat, User

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in this thread
CHROMIUM = os.environ.get("WHETSTONE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Server:
    """uvicorn on a free loopback port; `url` has no slash at its end."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        from config.asgi import application

        config = uvicorn.Config(application, port=self.port, log_level="warning", lifespan="off", loop="asyncio")
        self.uvicorn = uvicorn.Server(config)
        self.thread = threading.Thread(target=lambda: asyncio.run(self.uvicorn.serve()), daemon=True)

    def start(self) -> None:
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.uvicorn.started:
            if time.monotonic() > deadline:
                raise RuntimeError("The test server did not start.")
            time.sleep(0.02)

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="session")
def running_server(django_db_setup: None) -> Iterator[Server]:
    """One server for the session."""
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(transactional_db: None, running_server: Server) -> Iterator[Server]:
    """The running server, with an empty database of its own for this test, and a worker that gives signs of life: else a
    notice would come onto every page some time after the start."""
    Heartbeat.objects.create(name="worker", at=timezone.now() + timedelta(hours=1))
    yield running_server
    _end_other_connections()


def _end_other_connections() -> None:
    """The server's threads hold connections of their own; they would block emptying the database, or deadlock with it
    while they still work on a request of the test that has ended."""
    busy = "datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' and backend_type = 'client backend'"
    deadline = time.monotonic() + 10
    with connections["default"].cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(f"select count(*) from pg_stat_activity where {busy}")
            if not cursor.fetchone()[0]:
                break
            time.sleep(0.05)
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid() and state = 'idle'"
        )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Chromium of the machine, silent."""
    if CHROMIUM is None:
        pytest.skip(
            "No Chromium here: install it (Debian, Ubuntu: apt-get install chromium) or set WHETSTONE_CHROMIUM."
        )
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """Errors on the console and uncaught exceptions, violations of the content policy among them."""
    found: list[str] = []
    page.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


@pytest.fixture
def sign_in(server: Server, page: Page) -> Iterator[Callable[[User], Page]]:
    """Sign somebody in by their session cookie; returns the page. Afterwards the page is left, so that it asks the
    server for nothing more."""

    def as_person(user: User) -> Page:
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": str(session.session_key), "url": server.url}]
        )
        return page

    yield as_person
    page.unroute_all(behavior="ignoreErrors")
    page.goto("about:blank")
    page.wait_for_timeout(150)  # what was on its way arrives


def shoot(page: Page, name: str) -> None:
    """Write light, dark and 390 px pictures of the page to screenshots/, to be looked at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    size = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.wait_for_timeout(150)
        page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png")
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(150)
    page.screenshot(path=SCREENSHOTS / f"{name}-390.png", full_page=False)
    if size:
        page.set_viewport_size(size)


def axe_violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA and its best practices, a line each; sideways scrolling counts too."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    lines = [
        f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:3]} {one['nodes'][0]['html'][:200]}"
        for one in found
    ]
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return lines + ([f"sideways scroll: {too_wide} px"] if too_wide > 0 else [])


@pytest.fixture
def axe(page: Page) -> Callable[[], None]:
    """Asserts no violation on the page as it is, in light and dark, at 1280 and 390 px."""

    def check() -> None:
        problems = []
        size = page.viewport_size
        for width, height in ((1280, 800), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                page.wait_for_timeout(120)
                problems += [f"[{width} {scheme}] {line}" for line in axe_violations(page)]
        if size:
            page.set_viewport_size(size)
        assert not problems, "\n".join(problems)

    return check
