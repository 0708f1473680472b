"""Writing a version out, row by row from a server-side cursor, in constant memory."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection, transaction

from curation.datasets import formats, validate
from curation.datasets.example import Example, Kind, edited, stored
from curation.datasets.findings import Finding
from curation.datasets.formats import Format
from curation.messages.form import Message, Tool
from curation.models import DatasetVersion

FETCH = 200
CHUNK_BYTES = 128 * 1024
# separators that JSON allows raw but that many line readers (str.splitlines among them) take for an end of line
_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))
_ROWS = """
    SELECT r.position, r.split, t.uid::text, t.external_id, rev.number, j.uid::text, j.author, c.uid::text, r.digest,
           CASE WHEN r.content IS NULL
             THEN coalesce(c.messages, rev.document -> 'conversations' -> r.conversation::int -> 'messages')::text END,
           CASE WHEN r.content IS NULL
             THEN (rev.document -> 'conversations' -> r.conversation::int -> 'tools')::text END,
           r.kind, r.content::text, r.edits::text
    FROM curation_datasetrow r
    JOIN curation_trace t ON t.id = r.trace_id
    JOIN curation_tracerevision rev ON rev.id = r.revision_id
    LEFT JOIN curation_judgment j ON j.id = r.judgment_id
    LEFT JOIN curation_correction c ON c.id = r.correction_id
    LEFT JOIN curation_trace o ON o.id = r.other_trace_id
    WHERE r.version_id = %s AND (%s = '' OR r.split = %s) AND r.position > %s
      AND t.erased_at IS NULL AND o.erased_at IS NULL
    ORDER BY r.position
"""


class InvalidRows(ValueError):
    """Some rows cannot be written in this format. `invalid` is how many, `reasons` code -> rows."""

    def __init__(self, version: DatasetVersion, chosen: Format, invalid: int, reasons: dict[str, int]) -> None:
        self.invalid, self.reasons = invalid, reasons
        went = ", ".join(f"{count:,} × {code}" for code, count in reasons.items())
        super().__init__(
            f"{invalid:,} rows of {version} cannot be written as {chosen.NAME} ({went}). Leave them out by asking for "
            "it (skip_invalid), or mend the traces and freeze again."
        )


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
    example: Example


@dataclass(slots=True)
class Written:
    """What has been written so far: lines, rows left out because they are invalid, bytes."""

    lines: int = 0
    skipped: int = 0
    size: int = 0


def read_rows(version: DatasetVersion, *, split: str | None = None, after: int = 0) -> Iterator[StoredRow]:
    """The rows in order from position `after` on, without those that were erased. One statement, so one state of the
    database; rows are fetched 200 at a time. Holds a transaction open until it is exhausted or closed."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.cursor.itersize = FETCH
        cursor.execute(_ROWS, [version.pk, split or "", split or "", after])
        for found in cursor:
            position, where, trace, external, number, judgment, author, correction, digest = found[:9]
            example = _example(*found[9:])
            yield StoredRow(position, where, trace, external, number, judgment, author, correction, digest, example)


def _example(messages: str | None, tools: str | None, kind: Kind, content: str | None, edits: str) -> Example:
    if content is not None:
        return stored(kind, orjson.loads(content))
    said: list[Message] = orjson.loads(messages) if messages else []
    offered: list[Tool] = orjson.loads(tools) if tools else []
    return Example(messages=said if edits == "{}" else edited(said, orjson.loads(edits)), tools=offered)


def invalid_rows(version: DatasetVersion, chosen: Format, split: str | None = None) -> int:
    """How many rows of `split` (all without it) have errors in this format: kept at freezing, counted anew where the
    rules have changed since."""
    invalid: dict[str, int] = checked(version, chosen)["invalid"]
    return sum(count for name, count in invalid.items() if split in (None, "", name))


def checked(version: DatasetVersion, chosen: Format) -> dict[str, Any]:
    """The result of the validator (validate.Tally.plain) for a format."""
    kept: dict[str, Any] | None = version.counts.get("checks", {}).get(chosen.NAME)
    if kept and kept.get("rules") == validate.RULES:
        return kept
    tally = validate.Tally()
    for row in read_rows(version):
        tally.add(row.split, validate.check(row.example, chosen))
    return tally.plain()


def findings(version: DatasetVersion, chosen: Format, *, most: int) -> Iterator[tuple[StoredRow, list[Finding]]]:
    """Rows with something to tell and what it is, in order, until `most` rows have been given."""
    given = 0
    for row in read_rows(version):
        if found := validate.check(row.example, chosen):
            yield row, found
            given += 1
            if given >= most:
                return


def write_jsonl(
    version: DatasetVersion,
    format: str,  # noqa: A002 (the word that pages, API and commands use)
    split: str | None = None,
    *,
    skip_invalid: bool = False,
    metadata: bool = False,
    written: Written | None = None,
) -> Generator[bytes]:
    """The lines of an export in pieces of about 128 kB, each ending at a line.

    Raises formats.UnknownFormat and, before the first piece, InvalidRows where a row has errors and `skip_invalid` was
    not asked for. `metadata` adds the row's descent to every line. `written` is filled while the pieces are taken.
    """
    chosen = formats.find(format)
    invalid = invalid_rows(version, chosen, split)
    if invalid and not skip_invalid:
        raise InvalidRows(version, chosen, invalid, checked(version, chosen)["errors"])
    done = Written() if written is None else written
    return _pieces(_lines(version, chosen, split, bool(invalid), metadata, done), done)


def write_manifest(
    version: DatasetVersion,
    format: str,  # noqa: A002
    split: str | None = None,
    *,
    skip_invalid: bool = False,
) -> Generator[bytes]:
    """For each line of the export with the same arguments one JSON line that says what it came from. Raises as
    `write_jsonl` does."""
    chosen = formats.find(format)
    invalid = invalid_rows(version, chosen, split)
    if invalid and not skip_invalid:
        raise InvalidRows(version, chosen, invalid, checked(version, chosen)["errors"])

    def lines() -> Generator[bytes]:
        kept = (row for row in read_rows(version, split=split) if not invalid or not _has_error(row.example, chosen))
        for line, row in enumerate(kept, start=1):
            yield line_of({"line": line, **descent(version, row)})

    return _pieces(lines(), Written())


def descent(version: DatasetVersion, row: StoredRow) -> dict[str, Any]:
    """Where a row comes from, by outside ids."""
    return {
        "dataset": str(version),
        "row": row.position,
        "split": row.split,
        "trace": row.trace,
        "external_id": row.external_id,
        "revision": row.revision,
        "judgment": row.judgment,
        "judged_by": row.judged_by,
        "correction": row.correction,
        "digest": row.digest,
    }


def _lines(
    version: DatasetVersion, chosen: Format, split: str | None, check: bool, metadata: bool, done: Written
) -> Generator[bytes]:
    for row in read_rows(version, split=split):
        if check and _has_error(row.example, chosen):
            done.skipped += 1
            continue
        written = chosen.write(row.example)
        if metadata:
            written["metadata"] = descent(version, row)
        done.lines += 1
        yield line_of(written)


def _has_error(row: Example, chosen: Format) -> bool:
    return any(finding.level == "error" for finding in validate.check(row, chosen))


def line_of(value: dict[str, Any]) -> bytes:
    """One line as it stands in the file, its end included."""
    line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    if not line.isascii():
        for raw, escaped in _LINE_ENDS:
            if raw in line:
                line = line.replace(raw, escaped)
    return line


def _pieces(lines: Iterator[bytes], done: Written) -> Generator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= CHUNK_BYTES:
            done.size += size
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        done.size += size
        yield b"".join(waiting)


def file_name(version: DatasetVersion, what: str, split: str | None) -> str:
    """Of a download: support-3.train.openai-sft.jsonl"""
    return ".".join(filter(None, [f"{version.dataset.name}-{version.number}", split, what, "jsonl"]))
