"""Answers too large to hold: sent piece by piece, in constant memory, under ASGI and WSGI alike."""

from collections.abc import AsyncIterator, Generator
from contextlib import suppress

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def stream(
    request: HttpRequest, pieces: Generator[bytes], *, filename: str, content_type: str = "application/jsonl"
) -> StreamingHttpResponse:
    """A download made while it is sent. `pieces` is advanced in the request's own thread (so with its own database
    connection), one piece ahead of nobody: a slow reader slows it down, one that leaves closes it."""
    body = _in_thread(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(body, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["X-Accel-Buffering"] = "no"
    return response


async def _in_thread(pieces: Generator[bytes]) -> AsyncIterator[bytes]:
    """Under ASGI Django would read an ordinary iterator to its end before it sends anything."""
    try:
        while (piece := await sync_to_async(_next)(pieces)) is not None:
            yield piece
    finally:
        with suppress(RuntimeError):  # the loop may be gone when the server stops
            await sync_to_async(pieces.close)()


def _next(pieces: Generator[bytes]) -> bytes | None:
    return next(pieces, None)
