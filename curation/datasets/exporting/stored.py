"""Reading the rows of a version, each with all that it pins, from a server-side cursor."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
from django.core.cache import cache
from django.db import connection, transaction

from curation.datasets.example import Example, Kind, edited, stored
from curation.datasets.folds import Part
from curation.messages.form import Message
from curation.models import DatasetVersion

FETCH = 200
# what a row rests on costs four joins: left out where nobody asks
_ORIGIN = """t.uid::text, t.external_id, rev.number, j.uid::text, j.author, c.uid::text, r.digest,
           o.uid::text, o.external_id, orev.number, p.uid::text, r.batch_items, r.origin"""
_NO_ORIGIN = "'', '', 0, NULL, NULL, NULL, r.digest, NULL, NULL, NULL, NULL, r.batch_items, r.origin"
_ORIGIN_JOINS = """
    LEFT JOIN curation_judgment j ON j.id = r.judgment_id
    LEFT JOIN curation_tracerevision orev ON orev.id = r.other_revision_id
    LEFT JOIN curation_preference p ON p.id = r.preference_id"""
# one piece of the document a row, since each would have it unpacked again
_ROWS = """
    SELECT r.position, r.split, {origin},
           CASE WHEN r.content IS NULL THEN (rev.document -> 'conversations' -> r.conversation::int)::text END,
           c.messages::text, r.kind, r.content::text, r.edits::text
    FROM curation_datasetrow r
    JOIN curation_trace t ON t.id = r.trace_id
    JOIN curation_tracerevision rev ON rev.id = r.revision_id
    LEFT JOIN curation_correction c ON c.id = r.correction_id
    LEFT JOIN curation_trace o ON o.id = r.other_trace_id{joins}
    WHERE r.version_id = %s AND (%s = '' OR r.split = %s) AND r.position > %s
      AND (%s::int[] IS NULL OR r.position = ANY(%s::int[]))
      AND (%s::int IS NULL OR (r.split <> 'test' AND CASE WHEN %s
             THEN r.fold = %s AND r.origin NOT IN ('generated', 'replayed') ELSE r.fold IS DISTINCT FROM %s END))
      AND t.erased_at IS NULL AND o.erased_at IS NULL
    ORDER BY r.position
"""
_WHOLE = _ROWS.format(origin=_ORIGIN, joins=_ORIGIN_JOINS)
_LEAN = _ROWS.format(origin=_NO_ORIGIN, joins="")


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row with all that it pins. Ids are the outside ids; None where the row rests on no judgment or correction."""

    position: int
    split: str
    trace: str
    external_id: str
    revision: int
    judgment: str | None
    judged_by: str | None
    correction: str | None
    digest: str
    other_trace: str | None
    other_external_id: str | None
    other_revision: int | None
    preference: str | None
    batch_items: list[int]
    origin: str
    example: Example


def read_rows(
    version: DatasetVersion,
    *,
    split: str | None = None,
    after: int = 0,
    only: Sequence[int] | None = None,
    part: Part | None = None,
    origin: bool = True,
) -> Generator[StoredRow]:
    """The rows in order from position `after` on (or those at the positions `only`, or of `part` of a fold), without those
    that were erased. One statement, so one state of the database; rows are fetched 200 at a time. Holds a transaction open
    until it is exhausted or closed. Without `origin` what a row rests on is left empty, which is quicker."""
    wanted = None if only is None else list(only)
    fold, validates = (None, False) if part is None else (part.fold, part.of == "validation")
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.cursor.itersize = FETCH
        cursor.execute(
            _WHOLE if origin else _LEAN,
            [version.pk, split or "", split or "", after, wanted, wanted, fold, validates, fold, fold],
        )
        for found in cursor:
            example = _example(*found[15:])
            yield StoredRow(*found[:15], example)  # type: ignore[call-arg]  # the columns are the fields, in their order


def _example(talk: str | None, corrected: str | None, kind: Kind, content: str | None, edits: str) -> Example:
    if content is not None:
        return stored(kind, orjson.loads(content))
    conversation: dict[str, Any] = orjson.loads(talk) if talk else {}
    said: list[Message] = orjson.loads(corrected) if corrected else conversation.get("messages") or []
    return Example(
        messages=said if edits == "{}" else edited(said, orjson.loads(edits)), tools=conversation.get("tools") or []
    )


def kinds(version: DatasetVersion) -> list[Kind]:
    """The kinds of the version's rows."""
    known: list[Kind] | None = cache.get(key := f"dataset.kinds.{version.uid}")
    if known is None:
        known = cast(list[Kind], sorted(version.rows.order_by().values_list("kind", flat=True).distinct()))
        cache.set(key, known, None)
    return known
