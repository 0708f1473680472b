"""The servers' entry: Django for pages and API, and beside it the thin path that takes traces in."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_app = get_asgi_application()

from config.limits import serve_within_limits  # noqa: E402
from curation import otlp, sdk_doors  # noqa: E402  (Django must be set up first)
from curation.intake_door import serve  # noqa: E402

Message = dict[str, Any]


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Mapping[str, Any]], Awaitable[None]]
) -> None:
    """Send intake addresses to the intake, everything else to Django. Lifespan messages are not used."""
    if scope["type"] != "http":
        return
    door = otlp.DOORS.get(scope["path"]) or sdk_doors.find(scope["path"])
    if door is not None:
        await serve(door, scope, receive, send)
    else:
        await serve_within_limits(django_app, scope, receive, send)
