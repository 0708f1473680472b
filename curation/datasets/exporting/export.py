"""Writing a version out, row by row from a server-side cursor, in constant memory."""

import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.core.cache import cache
from django.db import connection
from django.db.models import Q

from curation.datasets import leaks
from curation.datasets.example import Example
from curation.datasets.exporting import formats, personal, validate
from curation.datasets.exporting.findings import Finding
from curation.datasets.exporting.formats import Format
from curation.datasets.exporting.personal import Personal, PersonalRows
from curation.datasets.exporting.refused import InvalidRows, NothingToWrite, WrongKind
from curation.datasets.exporting.stored import StoredRow, kinds, read_rows
from curation.datasets.folds import Part
from curation.datasets.splits import TEST
from curation.models import DatasetVersion

log = logging.getLogger(__name__)

CHUNK_BYTES = 128 * 1024
# separators that JSON allows raw but that many line readers (str.splitlines among them) take for an end of line
_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))
_COLUMNS = """
    SELECT DISTINCT jsonb_object_keys(content -> 'item') FROM curation_datasetrow
    WHERE version_id = %s AND kind = 'prompt' AND jsonb_typeof(content -> 'item') = 'object' ORDER BY 1
"""


@dataclass(slots=True)
class Written:
    """What has been written so far: lines, rows left out because they are invalid or held out elsewhere, bytes, pieces of
    personal data replaced by pseudonyms per kind, and the SHA-256 of the file."""

    lines: int = 0
    skipped: int = 0
    held_out: int = 0
    size: int = 0
    replaced: Counter[str] = field(default_factory=Counter)
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Of what has been written so far; of the file when it is written to its end."""
        return str(self.digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Plan:
    """An export that nothing stands against: what is written and what is left out. `invalid` rows may have errors and are
    left out; `held_out` are positions left out; `personal` is what was found in the rows that are written, `replace`
    whether pseudonyms take its place; `columns` stand on every line; `part` is of a fold; `asked` is replace, keep or ""."""

    version: DatasetVersion
    chosen: Format
    split: str
    invalid: int
    held_out: frozenset[int]
    personal: Personal
    replace: bool
    columns: tuple[str, ...] = ()
    part: Part | None = None
    asked: str = ""


def invalid_rows(version: DatasetVersion, chosen: Format, split: str | None = None) -> int:
    """How many rows of `split` (all without it) have errors in this format: kept at freezing, counted anew where the
    rules have changed since."""
    invalid: dict[str, int] = checked(version, chosen)["invalid"]
    return sum(count for name, count in invalid.items() if split in (None, "", name))


def known(version: DatasetVersion, chosen: Format) -> dict[str, Any] | None:
    """The result of the validator where it is at hand: kept at freezing by today's rules, or worked out since."""
    kept: dict[str, Any] | None = version.counts.get("checks", {}).get(chosen.NAME)
    if kept and kept.get("rules") == validate.RULES:
        return kept
    found: dict[str, Any] | None = cache.get(_check_key(version, chosen))
    return found


def checked(version: DatasetVersion, chosen: Format) -> dict[str, Any]:
    """The result of the validator (validate.Tally.plain) for a format. Where it is not at hand the rows are read, once for
    all formats."""
    if (at_hand := known(version, chosen)) is not None:
        return at_hand
    missing = [one for one in formats.FORMATS.values() if known(version, one) is None]
    tallies = {one.NAME: validate.Tally() for one in missing}
    for row in read_rows(version):
        shared = validate.common(row.example)
        for one in missing:
            tallies[one.NAME].add(row.split, validate.check(row.example, one, shared))
    for one in missing:
        cache.set(_check_key(version, one), tallies[one.NAME].plain(), None)
    return tallies[chosen.NAME].plain()


def _check_key(version: DatasetVersion, chosen: Format) -> str:
    return f"dataset.checks.{version.uid}.{validate.RULES}.{chosen.NAME}"


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
    skip_held_out: bool = False,
    personal_data: str = "",
    inside: bool = False,
    metadata: bool = False,
    part: Part | None = None,
    written: Written | None = None,
) -> Generator[bytes]:
    """The lines of an export in pieces of about 128 kB, each ending at a line. Raises what `plan` raises, before the first
    piece. `metadata` adds the row's descent to every line. `written` is filled while the pieces are taken."""
    made = plan(
        version, format, split, skip_invalid=skip_invalid, skip_held_out=skip_held_out, personal_data=personal_data,
        inside=inside, part=part,
    )  # fmt: skip
    return write(made, metadata=metadata, written=written)


def plan(
    version: DatasetVersion,
    format: str,  # noqa: A002
    split: str | None = None,
    *,
    skip_invalid: bool = False,
    skip_held_out: bool = False,
    personal_data: str = "",
    inside: bool = False,
    part: Part | None = None,
) -> Plan:
    """Check all that may stand against an export. With `part` (folds.part) it is one side of a fold, whatever the split; the
    checks are then of all rows.

    `personal_data` is "replace" (pseudonyms take its place), "keep" (somebody answers for it, and said why), or "" for
    what the recipe asks for: replace, else refuse; only rows that would be written count. With `inside` the lines stay on
    this machine (a training run here), and personal data alone refuses nothing. Raises formats.UnknownFormat; WrongKind
    where the format takes none of the rows; NothingToWrite where every row has errors, InvalidRows where some have, and
    `skip_invalid` was not asked for;
    leaks.HeldOutRows where rows of train or validation are held out elsewhere and `skip_held_out` was not asked for;
    personal.PersonalRows.
    """
    chosen = formats.find(format)
    have = kinds(version)
    if have and not set(have) & set(chosen.KINDS):
        raise WrongKind(version, chosen, have, int(version.counts["rows"]))
    invalid = invalid_rows(version, chosen, split)
    if invalid and not skip_invalid:
        reasons = checked(version, chosen)["errors"]
        if invalid >= int(version.counts[split or "rows"]):
            raise NothingToWrite(version, chosen, split, invalid, reasons)
        raise InvalidRows(version, chosen, invalid, reasons)
    held = leaking(version, split)
    if held and not skip_held_out:
        raise leaks.HeldOutRows(version, held)
    asked = personal_data or ("replace" if version.recipe.get("personal") == "replace" else "")
    away = frozenset(leak.position for leak in held)
    found = _written(version, personal.look(version), chosen, split, away, part, may_err=invalid > 0)
    if not asked and not inside and found.in_split(split):
        raise PersonalRows(version, found, split)
    columns = _columns(version) if chosen.SAME_COLUMNS else ()
    return Plan(
        version, chosen, split or "", invalid, away, found, asked == "replace" and bool(found), columns, part, asked,
    )  # fmt: skip


def refuse_empty(made: Plan) -> None:
    """Raise NothingToWrite where rows are left out and none remains. A split without a row is no such case."""
    if not made.invalid and not made.held_out:
        return
    with closing(read_rows(made.version, split=made.split, part=made.part, origin=False)) as rows:
        looked_at = False
        for row in rows:
            if row.position not in made.held_out and not (made.invalid and _has_error(row.example, made.chosen)):
                return
            looked_at = True
    if looked_at:
        reasons = checked(made.version, made.chosen)["errors"] if made.invalid else {}
        raise NothingToWrite(made.version, made.chosen, made.split, made.invalid, reasons, len(made.held_out))


def left_out(made: Plan) -> int:
    """How many rows are left out, each counted once: some may be invalid and held out."""
    both = 0
    if made.invalid and made.held_out:
        rows = read_rows(made.version, split=made.split, only=sorted(made.held_out), origin=False)
        both = sum(_has_error(row.example, made.chosen) for row in rows)
    return made.invalid + len(made.held_out) - both


def _written(
    version: DatasetVersion, found: Personal, chosen: Format, split: str | None, away: Collection[int],
    part: Part | None, *, may_err: bool,
) -> Personal:  # fmt: skip
    """Of the rows with personal data those that are written: what is left out, erased, or in another part refuses nothing."""
    if not found:
        return found
    erased = Q(trace__erased_at__isnull=False) | Q(other_trace__erased_at__isnull=False)
    gone = {*away, *version.rows.filter(erased).values_list("position", flat=True)}
    here = [position for position in sorted(found.rows) if position not in gone]
    if part or may_err:
        rows = read_rows(version, split=split, only=here, part=part, origin=False)
        here = [row.position for row in rows if not (may_err and _has_error(row.example, chosen))]
    return found.among(frozenset(here))


def leaking(version: DatasetVersion, split: str | None = None) -> list[leaks.Leak]:
    """The rows of `split` (of train and validation without it) that are held out by another version."""
    if split == TEST:
        return []
    found = leaks.of(version=version)
    if not found or not split:
        return found
    here = set(
        version.rows.filter(split=split, position__in=[leak.position for leak in found]).values_list(
            "position", flat=True
        )
    )
    return [leak for leak in found if leak.position in here]


def _columns(version: DatasetVersion) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [version.pk])
        return tuple(row[0] for row in cursor.fetchall())


def write(made: Plan, *, metadata: bool = False, written: Written | None = None) -> Generator[bytes]:
    """The lines of a plan in pieces of about 128 kB, each ending at a line."""
    done = Written() if written is None else written
    return pieces(_lines(made, metadata, done), done, hashed=written is not None)


def written_rows(
    made: Plan, done: Written, *, metadata: bool = False, origin: bool = True
) -> Iterator[tuple[StoredRow, list[bytes]]]:
    """Every row that is written, with its lines; `done` counts what is left out and replaced. `metadata` adds the row's
    descent to every line, `origin` is as read_rows has it. A row that cannot be written although no rule speaks against it
    is left out and logged: one row never ends a file that is on its way."""
    chosen, several, opens = made.chosen, formats.several(made.chosen), formats.first_of(made.chosen)
    blank = dict.fromkeys(made.columns)
    for row in read_rows(made.version, split=made.split, part=made.part, origin=origin):
        if row.position in made.held_out:
            done.held_out += 1
            continue
        example = row.example
        if made.replace and made.personal.may_hold(row.position):
            example = personal.replaced(example, done.replaced)
        if made.invalid and _has_error(example, chosen):
            done.skipped += 1
            continue
        try:
            lines = [chosen.write(example)] if several is None else several.write_all(example)
            if opens is not None and lines:
                lines[0] = opens.first(lines[0])
            lines = [{**blank, **line} for line in lines] if blank else lines
            if metadata:
                told = personal.told(descent(made.version, row), row.example, made.asked)
                lines = [{**line, "whetstone" if "metadata" in line else "metadata": told} for line in lines]
            written = [line_of(line) for line in lines]
        except Exception:
            log.exception("Row %d of %s cannot be written as %s", row.position, made.version, chosen.NAME)
            done.skipped += 1
            continue
        opens = None if lines else opens
        yield row, written


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
        **_other_side(row),
    }


def _other_side(row: StoredRow) -> dict[str, Any]:
    """What a row rests on beside its own trace: the trace of the rejected answer, the word that preferred one, generated
    answers (ids of batch items), where the row came from. Nothing for most rows."""
    held: dict[str, Any] = {}
    if row.other_trace:
        held["other"] = {"trace": row.other_trace, "external_id": row.other_external_id, "revision": row.other_revision}
    if row.preference:
        held["preference"] = row.preference
    if row.batch_items:
        held["batch_items"] = row.batch_items
    if row.origin != "trace":
        held["origin"] = row.origin
    return held


def _lines(made: Plan, metadata: bool, done: Written) -> Generator[bytes]:
    for _, lines in written_rows(made, done, metadata=metadata, origin=metadata):
        done.lines += len(lines)
        yield from lines


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


def pieces(lines: Iterator[bytes], done: Written, *, hashed: bool) -> Generator[bytes]:
    """Lines put together to pieces of about 128 kB; `done` gets their size and, where asked for, their hash."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= CHUNK_BYTES:
            yield _piece(waiting, size, done, hashed)
            waiting, size = [], 0
    if waiting:
        yield _piece(waiting, size, done, hashed)


def _piece(waiting: list[bytes], size: int, done: Written, hashed: bool) -> bytes:
    piece = b"".join(waiting)
    done.size += size
    if hashed:
        done.digest.update(piece)
    return piece


def file_name(version: DatasetVersion, what: str, split: str | None, ending: str = "jsonl") -> str:
    """Of a download: support-3.train.openai-sft.jsonl"""
    return ".".join(filter(None, [f"{version.dataset.name}-{version.number}", split, what, ending]))
