"""Looking for personal data in what was stored, after the sender has been answered.

Each stored revision leaves a FollowUp row; a sweep takes some, looks, writes what it found, and deletes them, in one
transaction. A worker that dies leaves the rows as they were.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F, Min

from curation.messages.form import Document
from curation.models import FollowUp, PersonalData, Trace, TraceRevision
from curation.privacy.names import find_all
from curation.privacy.rules import rules_of

log = logging.getLogger(__name__)
BATCH = 50
MOST_ATTEMPTS = 3
MOST_PLACES = 50
SWEEP_SECONDS = 10.0
COUNT_TO = 100_000


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the search for personal data is behind: revisions that wait (counted to COUNT_TO) and since when."""

    waiting: int
    since: datetime | None


def lag(*, project_id: int) -> Lag:
    """How far it is behind in one project."""
    waiting = FollowUp.objects.filter(project_id=project_id, kind=FollowUp.Kind.PERSONAL_DATA)
    since = waiting.aggregate(since=Min("created_at"))["since"]
    return Lag(waiting.values("pk")[:COUNT_TO].count() if since else 0, since)


def sweep(*, seconds: float = SWEEP_SECONDS) -> int:
    """Look through revisions that wait, oldest first, for some seconds. Returns how many were looked through."""
    end = monotonic() + seconds
    done = 0
    while monotonic() < end:
        taken = scan_some()
        done += taken
        if taken < BATCH:
            break
    return done


def scan_some(*, most: int = BATCH) -> int:
    """Look through at most `most` revisions. Returns how many were taken; several workers take different ones."""
    with transaction.atomic():
        waiting = FollowUp.objects.select_for_update(skip_locked=True).filter(kind=FollowUp.Kind.PERSONAL_DATA)
        rows = list(waiting.order_by("id")[:most])
        if not rows:
            return 0
        failed: list[int] = []
        for row in rows:
            try:
                with transaction.atomic():
                    if rules_of(row.project_id).look:
                        scan(revision_id=row.revision_id)
            except Exception:  # whatever a document may cause: the others must not wait for it
                log.exception("Revision %s could not be looked through for personal data.", row.revision_id)
                failed.append(row.pk)
        FollowUp.objects.filter(pk__in=failed).update(attempts=F("attempts") + 1)
        gone = [row.pk for row in rows if row.pk not in failed or row.attempts + 1 >= MOST_ATTEMPTS]
        FollowUp.objects.filter(pk__in=gone).delete()
    return len(rows)


def scan(*, revision_id: int) -> dict[str, int]:
    """Look through one revision and write what it holds: {kind: how often}. Doing it again changes nothing."""
    revision = TraceRevision.objects.filter(pk=revision_id).values("trace_id", "document").first()
    trace = (
        Trace.objects.filter(pk=revision["trace_id"]).values("project_id", "user_id", "metadata").first()
        if revision
        else None
    )
    if revision is None or trace is None:
        return {}
    found = look(revision["document"], also={"user_id": trace["user_id"], "metadata": trace["metadata"]})
    PersonalData.objects.filter(revision_id=revision_id).exclude(kind__in=found).delete()
    for kind, places in found.items():
        PersonalData.objects.update_or_create(
            revision_id=revision_id,
            kind=kind,
            defaults={
                "trace_id": revision["trace_id"],
                "project_id": trace["project_id"],
                "count": len(places),
                "places": places[:MOST_PLACES],
            },
        )
    return {kind: len(places) for kind, places in found.items()}


def look(document: Document, *, also: dict[str, Any] | None = None) -> dict[str, list[list[Any]]]:
    """What a document holds: {kind: [[conversation, message, field, start, end], ...]}, in the order it stands there.

    `field` is part.N, reasoning.N, call.N or the name of something in `also` (then conversation and message are None);
    start and end are characters of that field's text.
    """
    found: dict[str, list[list[Any]]] = {}
    for conversation, message, field, text in _texts(document, also or {}):
        for one in find_all("", text):
            found.setdefault(one.kind, []).append([conversation, message, field, one.start, one.end])
    return found


def _texts(document: Document, also: dict[str, Any]) -> Iterator[tuple[int | None, int | None, str, str]]:
    for name, value in also.items():
        if value:
            yield None, None, name, as_text(value)
    for number, conversation in enumerate(document["conversations"]):
        endings = [*conversation["messages"], *conversation.get("candidates", [])]
        for place, message in enumerate(endings):
            for index, part in enumerate(message["parts"]):
                if "text" in part:
                    yield number, place, f"part.{index}", part["text"]
                elif "value" in part:
                    yield number, place, f"part.{index}", as_text(part["value"])
            for index, thought in enumerate(message.get("reasoning", [])):
                yield number, place, f"reasoning.{index}", thought["text"]
            for index, call in enumerate(message.get("tool_calls", [])):
                yield number, place, f"call.{index}", call["arguments"]


def as_text(value: Any) -> str:
    """A JSON value as the text that is looked through."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
