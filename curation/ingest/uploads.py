"""Files that a person uploads: kept as they came, like every other body, and worked off from there."""

import uuid
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import QuerySet

from curation.ingest import inbox
from curation.ingest.bodies import Broken, TooLarge, unpack
from curation.ingest.formats import AUTO
from curation.ingest.parsed import Unreadable
from curation.models import RawRecord
from workspace import audit
from workspace.access import Actor
from workspace.models import Project, User


def receive_upload(
    *, project: Project, actor: Actor, name: str, body: bytes, wanted: str, verdicts: Mapping[str, str] | None = None
) -> tuple[RawRecord, bool]:
    """Keep one file; `verdicts` says which labels of annotations mean which verdict. Returns its record, and whether the
    same file was here before (then nothing is done again, unless it could not be read the first time). A request of an
    OpenTelemetry exporter in protobuf is taken as if it had been posted. Raises Unreadable (see inbox.keep)."""
    name = name.replace("\0", "")[-200:] or "file"
    kind = ""
    if wanted == AUTO and (signal := inbox.signal_of(body)):
        wanted, kind = signal, inbox.PROTOBUF
    with transaction.atomic():
        record = inbox.keep(
            project=project, actor=actor, body=body, source=name, wanted=wanted, verdicts=verdicts, content_type=kind
        )
        before = record.attempts > 0 or record.status != RawRecord.Status.PENDING
        audit.record(
            project=project, actor=actor, action="traces.uploaded", target=f"raw:{record.uid}",
            name=name, bytes=len(body), format=wanted, again=before,
        )  # fmt: skip
    return record, before


def unpacked(*, name: str, body: bytes, most: int) -> tuple[str, bytes]:
    """Name and content of a file; of one that is packed with gzip what is in it. Raises Unreadable where it is empty, broken,
    or holds more than `most` bytes."""
    if body.startswith(b"\x1f\x8b"):
        try:
            body = unpack(body, "gzip", most)
        except TooLarge:
            raise Unreadable(f"more than {most:,} bytes are packed in it; unpack it and split it") from None
        except Broken:
            raise Unreadable("it is packed with gzip, and broken or cut off") from None
        name = name.removesuffix(".gz")
    if not body:
        raise Unreadable("it is empty")
    return name, body


def uploads(*, project: Project, uids: Sequence[uuid.UUID]) -> list[RawRecord]:
    """These records of the project, in the order they came, without their bodies."""
    return list(_light(project).filter(uid__in=uids).order_by("id"))


def recent_uploads(*, project: Project, user: User, most: int = 8) -> list[RawRecord]:
    """What this person uploaded last, newest first, without the bodies."""
    return list(_light(project).filter(user=user).exclude(source__startswith="/").order_by("-id")[:most])


def unreadable(*, project: Project, most: int = 20) -> list[RawRecord]:
    """What programs sent (not people) and nobody could read: the newest quarantined records, without the bodies."""
    waiting = _light(project).filter(status=RawRecord.Status.QUARANTINED, user=None)
    return list(waiting.order_by("-id")[:most])


def _light(project: Project) -> QuerySet[RawRecord]:
    return RawRecord.objects.filter(project=project).defer("body")
