"""The thin path that takes OpenTelemetry traces in (its owner completes this)."""

PATHS: frozenset[str] = frozenset({"/v1/traces"})


async def intake(scope, receive, send):  # type: ignore[no-untyped-def]
    await send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"5")]})
    await send({"type": "http.response.body", "body": b""})
