"""Checking a file of training data that somebody made: row by row against a format, and as a whole.

The file is read as a stream, a line at a time; memory is bounded whatever it holds. Nothing is stored. The rules are those
of exports (curation.datasets.exporting.validate), so what passes here is what we would have written.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from curation.datasets.example import Example
from curation.datasets.exporting import formats, validate
from curation.datasets.exporting.findings import Finding, error, warning
from curation.datasets.exporting.formats import Format
from curation.datasets.exporting.formats.limits import MEGABYTE
from curation.datasets.exporting.seen import Seen

PIECE = 256 * 1024
LONGEST_LINE = 32 * MEGABYTE
MOST_VALUES = 400_000  # brackets and commas of a line: what parsing it costs
MOST_KEPT = 500
MOST_BLANK = 50
AUTO = "auto"


class Readable(Protocol):
    """Something that gives bytes: an open file, an upload, a request."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; nothing at the end."""
        ...


def _plain(one: Finding) -> dict[str, Any]:
    return {"level": one.level, "code": one.code, "field": one.path, "reason": one.reason}


@dataclass(frozen=True, slots=True)
class RowFinding:
    """What is wrong with one line. `line` counts all lines from 1, `row` those that hold a row: None for an empty one."""

    line: int
    row: int | None
    finding: Finding

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"line": self.line, "row": self.row, **_plain(self.finding)}


@dataclass(slots=True)
class Report:
    """What a check found. `whole`: of the file as such; `rows_found`: of rows, the first MOST_KEPT of them, errors and
    remarks as they came; `errors` and `warnings`: rows per code, all of them. `lines` are all lines, `rows` those that are
    not empty. Tokens are estimates (characters / 4)."""

    format: str
    lines: int = 0
    rows: int = 0
    invalid: int = 0
    warned: int = 0
    size: int = 0
    tokens: int = 0
    longest: int = 0
    whole: list[Finding] = field(default_factory=list)
    rows_found: list[RowFinding] = field(default_factory=list)
    more: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    labels: Counter[bool] = field(default_factory=Counter)
    validation: "Report | None" = None

    @property
    def ok(self) -> bool:
        """Whether the file, and the validation file beside it, can be trained on as they are."""
        sound = not self.errors and not any(one.level == "error" for one in self.whole)
        return sound and (self.validation is None or self.validation.ok)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "ok": self.ok,
            "format": self.format,
            "lines": self.lines,
            "rows": self.rows,
            "invalid": self.invalid,
            "warned": self.warned,
            "bytes": self.size,
            "tokens": self.tokens,
            "longest": self.longest,
            "errors": dict(self.errors.most_common()),
            "warnings": dict(self.warnings.most_common()),
            "file": [{"line": None, "row": None, **_plain(one)} for one in self.whole],
            "findings": [one.plain() for one in self.rows_found],
            "findings_left_out": self.more,
            "validation": None if self.validation is None else self.validation.plain(),
        }


def check(stream: Readable, format: str = AUTO, *, validation: Readable | None = None) -> Report:  # noqa: A002
    """Check a file against a format ("auto": what its first row is). With `validation`, a second file of the same format
    is checked too, and for rows that both hold. Raises formats.UnknownFormat for a format that does not exist."""
    chosen = None if format in ("", AUTO) else formats.find(format)
    first = _Check(chosen)
    first.read(stream)
    first.finish(has_validation=validation is not None, alone=True)
    if validation is not None:
        second = _Check(first.chosen, against=first.seen)
        second.read(validation)
        second.finish(has_validation=True, alone=False)
        first.report.validation = second.report
    return first.report


class _Check:
    """One file while it is read."""

    def __init__(self, chosen: Format | None, against: Seen | None = None) -> None:
        self.chosen, self.against = chosen, against
        self.report = Report(chosen.NAME if chosen is not None else "")
        self.seen = Seen()
        self.blank: list[int] = []  # numbers of the empty lines since the last row, the first ones of them
        self.blanks = 0

    def read(self, stream: Readable) -> None:
        """Take every line."""
        for number, line in enumerate(self._lines(stream), start=1):
            self.report.lines = number
            if line is None or line.strip():
                self._empty_lines()
            if line is None:
                self._found(
                    number, [error("line_too_long", "", f"the line is longer than {LONGEST_LINE // MEGABYTE} MB")]
                )
            elif not line.strip():
                self.blanks += 1
                if len(self.blank) < MOST_BLANK:
                    self.blank.append(number)
                continue
            else:
                if number == 1 and not self._begin(line):
                    return
                self._found(number, self._line(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line))

    def _empty_lines(self) -> None:
        """Tell of empty lines that a row follows, before that row."""
        for number in self.blank:
            self._found(number, [error("blank_line", "", "the line is empty; most readers stop here")], is_row=False)
        more = self.blanks - len(self.blank)
        if more:
            self.report.errors["blank_line"] += more
            self.report.more += more
        self.blank, self.blanks = [], 0

    def finish(self, *, has_validation: bool, alone: bool) -> None:
        """What can only be said of the file as a whole."""
        report, whole = self.report, self.report.whole
        if self.blanks and report.rows:
            whole.append(warning("blank_line", "", "empty lines at the end"))
        if not report.rows and not whole:
            whole.append(error("empty_file", "", "the file holds no rows"))
        if self.chosen is None or not report.rows:
            return
        limits = self.chosen.LIMITS
        if alone and report.rows < limits.least_rows:
            whole.append(error("too_few_rows", "", f"{report.rows} rows; at least {limits.least_rows} are needed"))
        if limits.most_rows is not None and report.rows > limits.most_rows:
            whole.append(error("too_many_rows", "", f"{report.rows:,} rows; at most {limits.most_rows:,} are taken"))
        if limits.most_bytes is not None and report.size > limits.most_bytes:
            text = f"{report.size / MEGABYTE:,.0f} MB; at most {limits.most_bytes // MEGABYTE} MB are taken"
            whole.append(error("file_too_large", "", text))
        if limits.needs_validation and not has_validation:
            whole.append(warning("validation_needed", "", "this method needs a validation file; check both together"))
        if limits.both_labels and len(report.labels) == 1:
            held = "true" if report.labels[True] else "false"
            whole.append(error("one_label", "label", f"every label is {held}; this method learns from both"))
        if self.seen.full:
            text = f"only the first {len(self.seen):,} different rows were compared with each other"
            whole.append(warning("duplicates_unknown", "", text))

    def _lines(self, stream: Readable) -> Iterator[bytes | None]:
        """The lines without their ends; None for one that is too long."""
        held = bytearray()
        too_long = False
        while piece := stream.read(PIECE):
            self.report.size += len(piece)
            start = 0
            while (end := piece.find(b"\n", start)) >= 0:
                if not too_long:
                    held += piece[start:end]
                    too_long = len(held) > LONGEST_LINE
                yield None if too_long else bytes(held)
                held.clear()
                start, too_long = end + 1, False
            if not too_long:
                held += piece[start:]
                too_long = len(held) > LONGEST_LINE
            if too_long:
                held.clear()
        if too_long:
            yield None
        elif held:
            yield bytes(held)

    def _begin(self, line: bytes) -> bool:
        """Look at the first line for what is no JSON lines at all; whether to go on."""
        wrong: Finding | None = None
        if line.startswith(b"\x1f\x8b"):
            wrong = error("compressed", "", "the file is compressed with gzip; unpack it")
        elif line.startswith((b"\xff\xfe", b"\xfe\xff")):
            wrong = error("not_utf8", "", "the file is written in UTF-16; write UTF-8")
        elif line.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            wrong = error(
                "not_json_lines", "", "the file is one JSON array; write one object per line, without commas between"
            )
        elif line.startswith(b"\xef\xbb\xbf"):
            self.report.whole.append(
                error("byte_order_mark", "", "the file begins with a byte order mark; write UTF-8 without")
            )
        elif line.rstrip().endswith(b"{") and len(line.strip()) == 1:
            wrong = error("not_json_lines", "", "the object goes over several lines; write each on one line")
        if wrong is not None:
            self.report.whole.append(wrong)
        return wrong is None

    def _line(self, number: int, line: bytes) -> list[Finding]:
        try:
            text = line.decode()
        except UnicodeDecodeError as wrong:
            return [error("not_utf8", "", f"byte {wrong.start + 1:,} of the line is not UTF-8")]
        if sum(map(line.count, (b"[", b"{", b","))) > MOST_VALUES:
            return [error("too_many_values", "", f"the line holds more than {MOST_VALUES:,} values")]
        try:
            record = validate.read_json(text)
            if "\\ud" in text or "\\uD" in text:
                json.dumps(record, ensure_ascii=False).encode()
            if not isinstance(record, dict):
                return [error("not_an_object", "", "the line is JSON, but not an object")]
            return self._record(number, line, record)
        except UnicodeEncodeError:
            return [
                error("lone_surrogate", "", "the line holds half of a character (\\ud800 to \\udfff without its pair)")
            ]
        except ValueError as wrong:
            return [error("not_json", "", f"the line is not valid JSON: {wrong}"[:300])]
        except RecursionError:
            return [error("nested_too_deeply", "", "the line is nested too deeply")]

    def _record(self, number: int, line: bytes, record: dict[str, Any]) -> list[Finding]:
        known = formats.recognised(record)
        if self.chosen is None:
            if known is None:
                keys = ", ".join(str(key)[:30] for key in list(record)[:6])
                return [error("unknown_format", "", f"the keys {keys} are those of no format known here; choose one")]
            self.chosen = known
            self.report.format = known.NAME
        chosen = self.chosen
        if known is not None and not chosen.claims(record):
            return [error("other_format", "", f"this is a row of {known.NAME}; the file is checked as {chosen.NAME}")]
        row, found = chosen.read(record)
        if row is None:
            return found or [error("no_messages", "", f"this is no row of {chosen.NAME}")]
        told = {(one.code, one.path) for one in found}
        found += [one for one in validate.check(row, chosen) if (one.code, one.path) not in told]
        return found + self._counted(number, line, row)

    def _counted(self, number: int, line: bytes, row: Example) -> list[Finding]:
        """Tokens, labels, and whether the same was said before."""
        self.report.tokens += row.total_tokens
        self.report.longest = max(self.report.longest, row.total_tokens)
        if row.kind == "label" and row.label is not None:
            self.report.labels[row.label] += 1
        try:
            digest = row.sameness()
        except (TypeError, orjson.JSONEncodeError):  # values beyond what is ever written out
            return []
        if self.against is not None and (first := self.against.first(digest)):
            return [error("in_both_files", "", f"says the same as line {first:,} of the training file")]
        if first := self.seen.add(digest, number):
            return [warning("duplicate", "", f"says the same as line {first:,}")]
        return []

    def _found(self, number: int, found: list[Finding], *, is_row: bool = True) -> None:
        report = self.report
        report.rows += is_row
        bad = {one.code for one in found if one.level == "error"}
        told = {one.code for one in found if one.level == "warning"}
        report.errors.update(bad)
        report.warnings.update(told)
        if is_row:
            report.invalid += bool(bad)
            report.warned += bool(told)
        for one in validate.in_order(found):
            if len(report.rows_found) < MOST_KEPT:
                report.rows_found.append(RowFinding(number, report.rows if is_row else None, one))
            else:
                report.more += 1
