"""POST /v1/traces: the OpenTelemetry door, a thin ASGI path beside Django's middleware.

Source: OTLP specification, "OTLP/HTTP" (opentelemetry-proto, docs/specification.md). Clients repeat a request only
after 429, 502, 503 and 504 and drop the data after any other error, so trouble of our own is always a 503. What is
answered with 200 is committed to the database before.
"""

import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connections

from curation.ingest import inbox, spans
from curation.ingest.bodies import Broken, TooLarge, unpack
from curation.ingest.parsed import Unreadable
from curation.ingest.spans import Encoding
from curation.tasks import work_off
from workspace import tokens
from workspace.access import Actor
from workspace.models import ApiToken
from workspace.nudge import nudge

log = logging.getLogger(__name__)
PATHS: frozenset[str] = frozenset({"/v1/traces"})
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# threads of its own: a slow commit here never holds up a page. As many as the pool of connections has
_threads = ThreadPoolExecutor(max_workers=10, thread_name_prefix="otlp")
_TYPES: dict[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}
_ENCODINGS: dict[str, Encoding] = {kind: encoding for encoding, kind in _TYPES.items()}
# google.rpc.Code of an HTTP status
_CODES = {400: 3, 401: 16, 405: 12, 413: 8, 415: 3, 503: 14}


class Refused(Exception):
    """Ends a request with a status and a reason for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Gone(Exception):
    """The sender hung up before the body was complete."""


async def intake(scope: Message, receive: Receive, send: Send) -> None:
    """Take one request: check it, keep its body, answer, and wake a worker."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    encoding = _ENCODINGS.get(headers.get("content-type", "").partition(";")[0].strip().lower())
    extra: list[tuple[bytes, bytes]] = []
    try:
        if scope["method"] != "POST":
            raise Refused(405, "Send traces with POST.")
        token = await _in_thread(_authorise, headers.get("authorization", ""))
        if encoding is None:
            raise Refused(415, "Content-Type must be application/x-protobuf or application/json.")
        packed = await _read(receive, headers)
        status, body = 200, await _in_thread(_take, token, packed, headers, encoding)
    except Gone:
        return
    except Refused as error:
        status, body = error.status, spans.status_body(encoding or "json", _CODES[error.status], str(error))
    except Exception:  # the database or we ourselves: the sender must try again
        log.exception("A batch of spans could not be kept.")
        status, body = 503, spans.status_body(encoding or "json", 14, "Whetstone cannot store right now. Try again.")
    if status == 503:
        extra.append((b"retry-after", b"5"))
    if status == 401:
        extra.append((b"www-authenticate", b"Bearer"))
    if status == 405:
        extra.append((b"allow", b"POST"))
    kind = _TYPES[encoding or "json"].encode()
    length = str(len(body)).encode()
    answer = [(b"content-type", kind), (b"content-length", length), (b"x-content-type-options", b"nosniff"), *extra]
    await send({"type": "http.response.start", "status": status, "headers": answer})
    await send({"type": "http.response.body", "body": body})


async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    return await sync_to_async(_with_connection, thread_sensitive=False, executor=_threads)(work, *arguments)


def _with_connection(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run `work` and give its database connection back: this thread is not Django's, nobody else would."""
    close_old_connections()
    try:
        return work(*arguments)
    finally:
        connections.close_all()


def _authorise(header: str) -> ApiToken:
    scheme, _, text = header.partition(" ")
    token = tokens.find(text.strip()) if scheme.lower() == "bearer" and text.strip() else None
    if token is None:
        raise Refused(401, "Send a valid token: Authorization: Bearer wst_...")
    return token


async def _read(receive: Receive, headers: dict[str, str]) -> bytes:
    """The body as it was sent, at most MAX_BODY_BYTES; a larger one is refused without reading it to its end."""
    limit = settings.MAX_BODY_BYTES
    length = headers.get("content-length", "")
    too_large = Refused(413, f"The body is larger than {limit:,} bytes. Send smaller batches.")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise too_large
    found = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        found += message.get("body", b"")
        if len(found) > limit:
            raise too_large
        if not message.get("more_body"):
            return bytes(found)


def _take(token: ApiToken, packed: bytes, headers: dict[str, str], encoding: Encoding) -> bytes:
    """Check and keep the body; the answer's body. A batch without spans is answered and not kept."""
    limit = settings.MAX_BODY_BYTES
    try:
        body = unpack(packed, headers.get("content-encoding", ""), limit)
        batch = spans.decode_spans(body, encoding)
    except TooLarge:
        raise Refused(413, f"The body is larger than {limit:,} bytes once it is unpacked.") from None
    except Broken as error:
        raise Refused(error.status, str(error)) from None
    except Unreadable as error:
        raise Refused(400, str(error)) from None
    if batch["spans"]:
        record = inbox.keep(
            project=token.project,
            actor=Actor(token=token),
            body=body,
            source="/v1/traces",
            content_type=_TYPES[encoding],
            wanted=inbox.OTLP,
        )
        nudge(work_off, record.pk)
    return spans.response(encoding, batch)
