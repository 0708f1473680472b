"""Traces come in: POST traces."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Field, Path, Query, Schema

from curation.api.routing import router
from curation.ingest import inbox
from curation.ingest.bodies import Broken, TooLarge, unpack
from curation.ingest.formats import AUTO, FORMATS
from curation.ingest.labels import read_labels
from curation.ingest.parsed import Unreadable
from curation.ingest.sqlite_sessions import MAGIC as SQLITE
from curation.ingest.wire import check_json
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.problems import Problem

__all__ = ["router"]
_BODY = {
    "requestBody": {
        "required": True,
        "description": 'A JSON list of records, {"traces": [records]}, or JSON lines. A record is any that '
        "import_traces reads: docs/formats.md.",
        "content": {
            "application/json": {"schema": {"oneOf": [{"type": "array", "items": {}}, {"type": "object"}]}},
            "application/jsonl": {"schema": {"type": "string"}},
        },
    }
}


class RejectedOut(Schema):
    """One piece that could not be taken."""

    where: str = Field(description='Its place, such as "line 3" or "item 3"; counted from 1.')
    reason: str


class IntakeOut(Schema):
    """What became of the traces. `read` counts those that were tried; the fields behind `rejected` are there where some
    came."""

    read: int
    created: int
    updated: int
    unchanged: int
    rejected: list[RejectedOut]
    judgments: int = Field(0, description="Judgments that came with the traces and are new.")
    preferences: int = Field(0, description="Preferences that came with them and are new.")
    corrections: int = Field(0, description="Corrections that came with them and are new.")
    unknown_labels: dict[str, int] = Field(
        {}, description="Labels of annotations that stand for no verdict, and how often each came. See `verdict`."
    )
    format: str = Field("", description="What it was read as.")
    notes: dict[str, int] = Field(
        {}, description="What could not be taken over as it was, and for how many new or changed traces."
    )


@router.post(
    "/traces",
    response=IntakeOut,
    exclude_unset=True,
    tags=["traces"],
    openapi_extra=_BODY,
    summary="Send traces",
)
def send_traces(
    request: HttpRequest,
    slug: Path[str],
    format: str = Query(AUTO, description=f"auto, or one of {', '.join(FORMATS)}"),  # noqa: A002  (the name in the URL)
    verdict: list[str] = Query(  # noqa: B008  (as ninja wants it)
        [],
        description="What a label of annotations means, as LABEL=acceptable, unacceptable or unsure; or QUESTION/LABEL=...",
    ),
) -> Any:
    """Store traces in the project, now. Sending the same again changes nothing. Tokens of every role may send; people
    need the role engineer. Records that cannot be read are listed under `rejected`, the others are stored; 422 where
    nothing could be read at all. gzip is taken."""
    entry = _enter(request, slug)
    if format != AUTO and format not in FORMATS:
        raise Problem(
            422, "unknown_format", f"There is no format {format[:40]!r}. Known: {', '.join([AUTO, *FORMATS])}."
        )
    try:
        verdicts = read_labels(verdict)
    except Unreadable as error:
        raise Problem(422, "bad_verdict", f"{error}.") from None
    body = _body(request)
    try:
        record = inbox.keep(
            project=entry.project,
            actor=entry.actor,
            body=body,
            source=request.path,
            content_type=request.headers.get("Content-Type", ""),
            wanted=format,
            verdicts=verdicts,
        )
        return inbox.work_now(record_id=record.pk).as_json()
    except Unreadable as error:
        raise Problem(422, "unreadable", f"Nothing in the body could be read: {error}.") from None


def _enter(request: HttpRequest, slug: str) -> Entry:
    token = getattr(request, "auth_token", None)
    return enter(request, slug, Role.REVIEWER if token is not None else Role.ENGINEER)


def _body(request: HttpRequest) -> bytes:
    limit = settings.MAX_BODY_BYTES
    data = request.read(limit + 1)
    if len(data) > limit:
        raise Problem(413, "too_large", f"The body is larger than {limit:,} bytes. Send it in smaller pieces.")
    try:
        body = unpack(data, request.headers.get("Content-Encoding", ""), limit)
        if not body.startswith(SQLITE):
            check_json(body)
        return body
    except TooLarge:
        raise Problem(413, "too_large", f"The body is larger than {limit:,} bytes once it is unpacked.") from None
    except Broken as error:
        raise Problem(error.status, "bad_encoding", str(error)) from None
    except Unreadable as error:
        raise Problem(422, "unreadable", f"Nothing in the body was read: {error}.") from None
