"""How much and how slowly a body may come to Django's pages and API, which would else spool it to disk whole.

The doors of intake have limits of their own (curation.intake_door); here stand those for everything else.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from django.conf import settings

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
# an upload page takes several files in one form
FILES_IN_A_FORM = 50
FORM_OVERHEAD = 1024 * 1024


class _Ended(Exception):
    """The body is too large or too slow: (status, reason)."""


async def serve_within_limits(app: App, scope: Message, receive: Receive, send: Send) -> None:
    """Run `app`, but answer 413 for a body over the limit without reading on, and 408 for one that does not come: each
    MAX_BODY_BYTES have BODY_SECONDS."""
    limit = _limit(scope["path"])
    end = monotonic() + settings.BODY_SECONDS * max(1, limit // settings.MAX_BODY_BYTES)
    declared = dict(scope["headers"]).get(b"content-length", b"")
    if declared.isdigit() and int(declared[:20]) > limit:
        await _refuse(scope, send, 413, f"The body is larger than {limit:,} bytes.")
        return
    size, is_whole, has_begun = 0, False, False

    async def counted() -> Message:
        nonlocal size, is_whole
        if is_whole:  # what Django still listens for is that the visitor leaves
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, end - monotonic()))
        except TimeoutError:
            raise _Ended(408, "The body did not come in time.") from None
        size += len(message.get("body", b""))
        if size > limit:
            raise _Ended(413, f"The body is larger than {limit:,} bytes.")
        is_whole = not message.get("more_body")
        return message

    async def noted(message: Any) -> None:
        nonlocal has_begun
        has_begun = True
        await send(message)

    try:
        await app(scope, counted, noted)
    except _Ended as ended:
        if not has_begun:
            await _refuse(scope, send, *ended.args)


def _limit(path: str) -> int:
    most: int = settings.MAX_BODY_BYTES
    return most if path.startswith("/api/") else most * FILES_IN_A_FORM + FORM_OVERHEAD


async def _refuse(scope: Message, send: Send, status: int, reason: str) -> None:
    if scope["path"].startswith("/api/"):
        code = "too_large" if status == 413 else "timeout"
        kind, text = "application/json", json.dumps({"error": {"code": code, "message": reason, "details": []}})
    else:
        kind, text = "text/plain; charset=utf-8", reason
    head = [(b"content-type", kind.encode()), (b"content-length", str(len(text)).encode()), (b"connection", b"close"),
            (b"x-content-type-options", b"nosniff")]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": text.encode()})
