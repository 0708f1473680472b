"""The least that a durable door can do: read a body, write one row, answer. No check, no token, nothing unpacked.

Two of them, for benchmarks.ingest, which sends the same bodies to them and to Whetstone in turns:

    CEILING_DSN="host=... dbname=..." python -m gunicorn --workers 2 --threads 4 benchmarks.ingest_ceiling:wsgi
    CEILING_DSN="host=... dbname=..." python -m uvicorn benchmarks.ingest_ceiling:application

The first is Django with one view and one INSERT for each request (the ceiling of a Django application); the second has no
framework at all.
"""

import os
from collections.abc import Awaitable, Callable, Iterable
from threading import Lock
from typing import Any

from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

Message = dict[str, Any]
_pool: list[AsyncConnectionPool[Any]] = []
_django: list[Callable[..., Iterable[bytes]]] = []
_making = Lock()
_LIMIT = 16 << 20
urlpatterns: list[Any] = []


def wsgi(environ: Message, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django, one view, one INSERT; connections are kept."""
    with _making:
        if not _django:
            _django.append(_make_django())
    return _django[0](environ, start_response)


def _make_django() -> Callable[..., Iterable[bytes]]:
    import django
    from django.conf import settings

    parts = conninfo_to_dict(os.environ["CEILING_DSN"])
    place = {"HOST": parts["host"], "PORT": parts["port"], "USER": parts["user"], "NAME": parts["dbname"]}
    settings.configure(
        SECRET_KEY="ceiling", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], INSTALLED_APPS=[],
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 600, **place}},
    )  # fmt: skip
    django.setup()
    from django.core.wsgi import get_wsgi_application
    from django.db import connection
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    def take(request: HttpRequest) -> HttpResponse:
        body = request.read(_LIMIT + 1)
        if len(body) > _LIMIT:
            return HttpResponse(status=413)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO ceiling_inbox (body) VALUES (%s)", [body])
        return HttpResponse(b"", content_type="application/x-protobuf")

    urlpatterns.append(path("v1/traces", take))
    return get_wsgi_application()


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
