"""Replacing personal data by pseudonyms, in received bodies before anything is stored, and in read traces.

The same value in the same project always becomes the same pseudonym, such as <EMAIL_3f9a1c>, so that an id in a tool's
result still matches the one in the next call, and a body that is sent again is still the same body. The pseudonym is a
keyed hash (HMAC-SHA256, 24 bits): without the server's secret it cannot be tried out.
"""

import dataclasses
import json
import re
from collections import Counter
from typing import Any

import orjson
from django.utils.crypto import salted_hmac
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from curation.privacy.patterns import find_value

# digits in an id are not a card or a phone; what has a form of its own is still replaced
_ID = re.compile(r"(?i)(?:^|[._-]|[a-z](?=I))(?:id|ids|uuid|hash|digest|fingerprint|sha256|signature)$")
_LONG = re.compile(r"[0-9]{20}")
IN_IDS = frozenset({"email", "iban", "secret"})
_NOT_TEXT = frozenset({"time_unix_nano", "start_time_unix_nano", "end_time_unix_nano", "schema_url"})


class CannotRedact(ValueError):
    """A body whose text cannot be reached; the text says what to do instead."""


class Redactor:
    """Replaces what is of these kinds, for one project. `counts` says how often each kind was replaced."""

    def __init__(self, *, project_id: int, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        self.counts: Counter[str] = Counter()
        self._salt = f"whetstone.privacy.{project_id}"

    def text(self, text: str, *, kinds: frozenset[str] | None = None, key: str = "") -> str:
        """`text` with pseudonyms in it; `key` is the field that it stands in."""
        found = find_value(key, text, self.kinds if kinds is None else self.kinds & kinds)
        if not found:
            return text
        pieces: list[str] = []
        at = 0
        for one in found:
            pieces += (text[at : one.start], self._pseudonym(one.kind, text[one.start : one.end]))
            at = one.end
            self.counts[one.kind] += 1
        return "".join((*pieces, text[at:]))

    def value(self, value: Any, *, key: str = "") -> Any:
        """Any JSON value with pseudonyms in its texts and keys. Numbers stay: they are not looked at."""
        if isinstance(value, str):
            return self.text(value, kinds=IN_IDS if is_an_id(key) else None, key=key)
        if isinstance(value, dict):
            return {
                self.text(name, kinds=IN_IDS) if isinstance(name, str) else name: self.value(item, key=str(name))
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item, key=key) for item in value]
        return value

    def body(self, body: bytes, *, content_type: str) -> bytes:
        """A received body with pseudonyms in it: OTLP protobuf, JSON, or JSON lines.

        Raises CannotRedact for other bytes: what cannot be redacted must not be stored.
        """
        if "protobuf" in content_type:
            return self._protobuf(body)
        try:
            text = body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError:
            raise CannotRedact(
                "this project replaces personal data before it stores anything, and this body is not text; "
                "send it as JSON"
            ) from None
        try:
            return self._json(text).encode()
        except (TypeError, ValueError, RecursionError):
            # lines, or JSON that only a more patient reader takes: its texts are reached without parsing it
            return "\n".join(self._line(line) for line in text.split("\n")).encode()

    def parsed(self, trace: Any) -> Any:
        """A copy of a ParsedTrace (a dataclass) with pseudonyms in all its texts."""
        fields = {one.name: getattr(trace, one.name) for one in dataclasses.fields(trace)}
        return dataclasses.replace(trace, **{name: self._field(name, value) for name, value in fields.items()})

    def _field(self, name: str, value: Any) -> Any:
        if isinstance(value, list) and value and dataclasses.is_dataclass(value[0]):
            return [self.parsed(one) for one in value]
        return self.value(value, key=name)

    def _line(self, line: str) -> str:
        try:
            return self._json(line)
        except (TypeError, ValueError, RecursionError):
            return self.text(line)

    def _json(self, text: str) -> str:
        """JSON with pseudonyms in its texts; its numbers stay as they are. Raises ValueError where it is none."""
        if _LONG.search(text):  # orjson would make a float of such a number
            return json.dumps(self.value(json.loads(text)), separators=(",", ":"))
        return orjson.dumps(self.value(orjson.loads(text))).decode()

    def _protobuf(self, body: bytes) -> bytes:
        for kind in (ExportTraceServiceRequest, ExportLogsServiceRequest):
            try:
                request = kind.FromString(body)
            except DecodeError:
                continue
            if not _is_one(request):  # one log record in a hundred can be read as a span, without its texts
                continue
            self._message(request, "")
            return bytes(request.SerializeToString())
        raise CannotRedact("the body is no OTLP request, so its personal data cannot be replaced before it is stored")

    def _message(self, message: Message, key: str) -> None:
        name = getattr(message, "key", key) or key
        for field, value in message.ListFields():
            if field.name in _NOT_TEXT:
                continue
            repeated = field.is_repeated
            if field.type == field.TYPE_MESSAGE:
                for one in value if repeated else (value,):
                    self._message(one, name)
            elif field.type == field.TYPE_STRING and field.name != "key":
                if repeated:
                    value[:] = [self.value(one, key=name) for one in value]
                else:
                    setattr(message, field.name, self.value(value, key=name))

    def _pseudonym(self, kind: str, value: str) -> str:
        plain = value.lower() if kind == "email" else re.sub(r"[\s()./-]", "", value)
        digest = salted_hmac(self._salt, plain, algorithm="sha256").hexdigest()
        return f"<{kind.upper()}_{digest[:6]}>"


def is_an_id(key: str) -> bool:
    """Whether a field of this name holds an id: its digits are no card and no phone."""
    return _ID.search(key) is not None


def _is_one(request: Message) -> bool:
    """Whether a request that could be read is what it seems: one of its spans has an id, which log records have in
    another place. Log records need none."""
    if not isinstance(request, ExportTraceServiceRequest):
        return True
    spans = [span for group in request.resource_spans for scoped in group.scope_spans for span in scoped.spans]
    return not spans or any(len(span.trace_id) == 16 for span in spans)
