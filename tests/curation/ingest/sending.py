"""What the tests of intake's doors share: a project with a token, and requests against the real ASGI app."""

import asyncio
import base64
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2 as httpx

from config.asgi import application
from workspace import tokens
from workspace.access import SYSTEM
from workspace.models import Project, Role


def make_token(role: Role = Role.REVIEWER) -> str:
    """A project acme and the text of a token of it."""
    project = Project.objects.create(slug="acme", name="Acme")
    return tokens.issue(project=project, name="agent", role=role, actor=SYSTEM)[1]


def wait(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, in a thread: Playwright's loop may run in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def ask(method: str, path: str, body: Any = b"", **headers: str) -> httpx.Response:
    """One request; `_` in a header's name stands for `-`, and empty headers are left out."""
    named = {key.replace("_", "-"): value for key, value in headers.items() if value}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://localhost") as client:
        return await client.request(method, path, content=body, headers=named)


def send(path: str, body: Any, *, method: str = "POST", **headers: str) -> httpx.Response:
    """One request, JSON by default."""
    headers.setdefault("Content_Type", "application/json")
    found: httpx.Response = wait(ask(method, path, body, **headers))
    return found


def basic(token: str, name: str = "pk-lf-any") -> str:
    """The header of Basic with any name and the token as password."""
    return "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()
