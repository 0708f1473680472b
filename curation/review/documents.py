"""What was said in a trace, read quickly again: the parts of a long one come one after the other.

A document of 20 MB takes about 0.2 s to bring from the database and to parse. Its parts are asked for within seconds, so
big ones are kept for a while in the process, by the hash of their content: what is found under a hash is never old, and
a revision that is gone or was changed is not found. Small ones are read anew every time.
"""

import threading
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, cast

import orjson
from django.db.models import Case, CharField, F, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from curation.messages.form import Document
from curation.models import TraceRevision
from workspace.models import Project

SMALL = 200_000  # bytes of JSON up to which keeping is not worth its memory
MOST = 80_000_000  # bytes of JSON kept in one process, all documents together
KEEP_SECONDS = 300


@dataclass(slots=True)
class _Kept:
    document: Document
    size: int
    until: float


_kept: OrderedDict[str, _Kept] = OrderedDict()
_lock = threading.Lock()


def with_text(rows: "QuerySet[Any]", *, prefix: str = "") -> "QuerySet[Any]":
    """Add `document_text` to rows that have a revision behind `prefix` ("revision__"): its document as JSON text, empty
    where this process has it already."""
    with _lock:
        _forget_old()
        digests = list(_kept)
    text = Cast(F(f"{prefix}document"), TextField())
    if not digests:
        return cast("QuerySet[Any]", rows.annotate(document_text=text))
    known = When(**{f"{prefix}digest__in": digests}, then=Value("", output_field=CharField()))
    both = Case(known, default=text, output_field=TextField())
    return cast("QuerySet[Any]", rows.annotate(document_text=both))


def parsed(*, digest: str, text: str | None) -> Document | None:
    """The document behind what `with_text` gave; None where it was known then and has been dropped since."""
    with _lock:
        found = _kept.get(digest)
        if found is not None:
            found.until = time.monotonic() + KEEP_SECONDS
            _kept.move_to_end(digest)
            return found.document
    if not text:
        return None
    document = cast(Document, orjson.loads(text))
    _keep(digest, document, len(text))
    return document


def of_revision(*, project: Project, trace_uid: uuid.UUID, number: int | None = None) -> tuple[int, Document]:
    """Key and document of a revision, the current one without a number. Raises TraceRevision.DoesNotExist."""
    found = TraceRevision.objects.filter(trace__project=project, trace__uid=trace_uid)
    found = found.filter(trace__revision=F("pk")) if number is None else found.filter(number=number)
    row = with_text(found).values("pk", "digest", "document_text").first()
    if row is None:
        raise TraceRevision.DoesNotExist
    return row["pk"], read(row["pk"], row["digest"], row["document_text"])


def read(pk: int, digest: str, text: str | None) -> Document:
    """The same as `parsed`, asking the database again where that has nothing."""
    document = parsed(digest=digest, text=text)
    if document is not None:
        return document
    row = (
        TraceRevision.objects.filter(pk=pk)
        .annotate(document_text=Cast("document", TextField()))
        .values("document_text")
        .get()
    )
    return cast(Document, parsed(digest=digest, text=row["document_text"]))


def forget() -> None:
    """Drop everything that is kept."""
    with _lock:
        _kept.clear()


def _keep(digest: str, document: Document, size: int) -> None:
    if size < SMALL or size > MOST:
        return
    with _lock:
        _kept[digest] = _Kept(document, size, time.monotonic() + KEEP_SECONDS)
        while sum(one.size for one in _kept.values()) > MOST:
            _kept.popitem(last=False)


def _forget_old() -> None:
    now = time.monotonic()
    for digest in [digest for digest, one in _kept.items() if one.until < now]:
        del _kept[digest]
