"""The least that a durable door can do: read a body, write one row, answer. No check, no token, nothing unpacked.

    CEILING_DSN="host=... dbname=..." python -m uvicorn benchmarks.ingest_ceiling:application

Made for benchmarks.ingest, which sends the same bodies to it and to Whetstone in turns.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from psycopg_pool import AsyncConnectionPool

Message = dict[str, Any]
_pool: list[AsyncConnectionPool[Any]] = []


async def application(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer 200 once the body is committed."""
    if not _pool:
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            os.environ["CEILING_DSN"], min_size=10, max_size=10, open=False, kwargs={"autocommit": True}
        )
        _pool.append(pool)
        await pool.open()
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    async with _pool[0].connection() as connection:
        await connection.execute("INSERT INTO ceiling_inbox (body) VALUES (%b)", [bytes(body)])
    head = [(b"content-type", b"application/x-protobuf"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b""})
