"""The thin ASGI path that every door of intake stands on, beside Django's middleware: who sends, how much, how fast.

Senders repeat a request only after 429, 502, 503 and 504 and drop the data after any other error, so trouble of our own
is always a 503 (or a 429 while the inbox is far behind), never a 500. A body is unpacked while it comes, so no more than
the limit is ever held; a sender that dribbles is sent away. What is answered with 200 is committed before.

A door is a `Door`: which content types it takes, what it does with a body, and how it words an error.
"""

import asyncio
import base64
import binascii
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connections

from curation.ingest import backlog
from curation.ingest.bodies import Broken, TooLarge, Unpacker
from curation.ingest.parsed import Unreadable
from workspace import tokens
from workspace.models import ApiToken

log = logging.getLogger(__name__)
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
JSON = "application/json"
TRY_AGAIN_SECONDS = 5
# threads of its own: a slow commit here never holds up a page. As many as the pool of connections has
_threads = ThreadPoolExecutor(max_workers=10, thread_name_prefix="intake")


class Refused(Exception):
    """Ends a request with a status and a reason for its sender; `after` seconds it may try again."""

    def __init__(self, status: int, message: str, *, after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.after = after


class Gone(Exception):
    """The sender hung up before the body was complete."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request whose sender is known and whose body is whole and unpacked; `packed` is the same as gzip, where it came so.
    `kind` is the content type without its
    parameters, in lower case ("" where none was sent); names of `headers` are in lower case."""

    sender: ApiToken | None
    method: str
    path: str
    kind: str
    headers: Mapping[str, str]
    body: bytes
    packed: bytes | None = None

    @property
    def token(self) -> ApiToken:
        """The sender's token; there is one unless the door is open to all."""
        assert self.sender is not None
        return self.sender


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender hears."""

    body: bytes
    kind: str = JSON
    status: int = 200


def problem(kind: str, status: int, message: str) -> Answer:
    """An error as the API words it: {"error": {"code", "message", "details"}}."""
    code = {400: "unreadable", 401: "unauthorized", 404: "not_found", 405: "method", 408: "timeout", 413: "too_large",
            415: "unsupported", 422: "invalid", 429: "busy", 503: "unavailable"}.get(status, "error")  # fmt: skip
    return Answer(json.dumps({"error": {"code": code, "message": message, "details": []}}).encode(), status=status)


@dataclass(frozen=True, slots=True)
class Door:
    """One address of intake. `take` runs in a thread of its own, may use the database, and may raise Refused or
    Unreadable (a 400). `kinds` are the content types it reads (empty: any). `word` makes the answer of an error from the
    content type that was sent, a status and a sentence. Where `stores`, the door is shut while the inbox is far behind. One that
    `is_open` asks for no token and must tell nothing of any project."""

    take: Callable[[Delivery], Answer]
    kinds: tuple[str, ...] = (JSON,)
    methods: tuple[str, ...] = ("POST",)
    word: Callable[[str, int, str], Answer] = problem
    stores: bool = True
    is_open: bool = False


@dataclass(slots=True)
class _Held:
    """Bytes of all bodies that are being read or worked on in this process."""

    size: int = 0


_held = _Held()


async def serve(door: Door, scope: Message, receive: Receive, send: Send) -> None:
    """Take one request: check it, read its body, hand it to the door, and answer."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    extra: list[tuple[bytes, bytes]] = []
    whole = False
    taken = 0

    def grow(size: int) -> None:
        nonlocal taken
        taken += size
        _held.size += size
        if _held.size > settings.INTAKE_MEMORY_BYTES and _held.size > taken:
            raise Refused(429, "Too much is being sent at this moment. Try again.", after=1)

    try:
        if scope["method"] not in door.methods:
            raise Refused(405, f"Send this with {' or '.join(door.methods)}.")
        text = "" if door.is_open else token_text(headers.get("authorization", ""), headers.get("x-api-key", ""))
        # strangers are turned away before they send; whoever was let in a moment ago is looked up with the body, below
        if not door.is_open and not tokens.was_valid(text):
            await _in_thread(_admit, text, door.stores)
        if door.kinds and kind not in door.kinds:
            raise Refused(415, f"Content-Type must be {' or '.join(door.kinds)}.")
        body, packed = await _read(receive, headers, grow)
        whole = True
        delivery = Delivery(None, scope["method"], scope["path"], kind, headers, body, packed)
        answer = await _in_thread(_take, door, delivery, text)
    except Gone:
        return
    except Refused as error:
        answer = door.word(kind, error.status, str(error))
        if error.after is not None:
            extra.append((b"retry-after", str(error.after).encode()))
    except Exception:  # the database or we ourselves: the sender must try again
        log.exception("A body sent to %s could not be kept.", scope["path"])
        answer = door.word(kind, 503, "Whetstone cannot store right now. Try again.")
        extra.append((b"retry-after", str(TRY_AGAIN_SECONDS).encode()))
    finally:
        _held.size -= taken
    if answer.status == 401:
        extra.append((b"www-authenticate", b"Bearer"))
    if answer.status == 405:
        extra.append((b"allow", ", ".join(door.methods).encode()))
    if not whole and answer.status not in (401, 405):
        extra.append((b"connection", b"close"))  # the rest of the body is not read
    length = str(len(answer.body)).encode()
    head = [
        (b"content-type", answer.kind.encode()),
        (b"content-length", length),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*head, *extra]})
    await send({"type": "http.response.body", "body": answer.body})


def token_text(authorization: str, api_key: str = "") -> str:
    """The token in a request's headers, "" where there is none: `Authorization: Bearer TOKEN`, `Authorization: Basic`
    with any name and the token as password, or `x-api-key: TOKEN`. SDKs differ in which they send."""
    scheme, _, text = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2].strip()
        except (binascii.Error, ValueError):
            return ""
    return api_key.strip()


async def _in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    return await sync_to_async(_with_connection, thread_sensitive=False, executor=_threads)(work, *arguments)


def _with_connection(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run `work` and give its database connection back: this thread is not Django's, nobody else would."""
    close_old_connections()
    try:
        return work(*arguments)
    finally:
        connections.close_all()


def _admit(text: str, stores: bool) -> ApiToken:
    token = tokens.find(text) if text else None
    if token is None:
        raise Refused(
            401,
            "Send a valid token: Authorization: Bearer wst_..., or as the password of Basic, or as x-api-key.",
        )
    if stores and (seconds := backlog.seconds_to_wait()):
        raise Refused(429, "The inbox is far behind. Nothing of this was kept; send it again later.", after=seconds)
    return token


async def _read(receive: Receive, headers: dict[str, str], grow: Callable[[int], None]) -> tuple[bytes, bytes | None]:
    """The body, unpacked while it comes, and as gzip where it came so: never more than MAX_BODY_BYTES (and one piece) are held."""
    limit = settings.MAX_BODY_BYTES
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise Refused(413, f"The body is larger than {limit:,} bytes. Send smaller batches.")
    packing = headers.get("content-encoding", "")
    try:
        unpacker = Unpacker(packing, limit)
        async with asyncio.timeout(settings.BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                grow(unpacker.feed(message.get("body", b"")))
                if not message.get("more_body"):
                    return unpacker.finish(), unpacker.packed
    except TimeoutError:
        raise Refused(408, f"The body did not come within {settings.BODY_SECONDS:,} seconds.", after=1) from None
    except TooLarge:
        unpacked = "" if packing.strip().lower() in ("", "identity") else " once it is unpacked"
        raise Refused(413, f"The body is larger than {limit:,} bytes{unpacked}. Send smaller batches.") from None
    except Broken as error:
        raise Refused(error.status, str(error)) from None


def _take(door: Door, delivery: Delivery, text: str) -> Answer:
    if not door.is_open:
        delivery = replace(delivery, sender=_admit(text, door.stores))
    try:
        return door.take(delivery)
    except Unreadable as error:
        raise Refused(400, str(error)) from None
