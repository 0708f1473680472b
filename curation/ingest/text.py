"""From bytes to JSON values: one JSON document, an array of records, or one record per line (JSONL).

A line that cannot be read costs only that line. Lines end at LF alone: U+2028 and its kin may stand inside a string.
SQLite files hold sessions of OpenAI's Agents SDK; packed and binary files are refused by name.
"""

import codecs
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Literal

import orjson

from curation.ingest.arrays import read_array
from curation.ingest.parsed import Rejected, Unreadable
from curation.ingest.sqlite_sessions import MAGIC as SQLITE
from curation.ingest.sqlite_sessions import read_sessions
from curation.ingest.wire import check_json

Shape = Literal["array", "document", "lines", "sqlite"]
SAMPLE_RECORDS = 20
_SAMPLE_BYTES = 4 * 1024 * 1024
_MOST_DIGITS = 20
# texts up to this length are parsed without counting what is in them: "{},{}," becomes 23 times as much memory
_UNCOUNTED = 1024 * 1024
_TWO, _LONG = re.compile(r"[0-9][0-9]"), re.compile(r"[0-9]{20}")
# what such files begin with, and what to say of them
_REFUSED = (
    (b"PK\x03\x04", "this is a ZIP archive; unpack it and give the files that are in it"),
    (b"PK\x05\x06", "this is an empty ZIP archive"),
    (b"\x1f\x8b", "this file is packed with gzip; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "this file is packed with zstd; unpack it first"),
    (b"BZh", "this file is packed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "this file is packed with xz; unpack it first"),
    (
        b"PAR1",
        "this is a Parquet file; write it as JSON lines first (datasets: Dataset.from_parquet(...).to_json(...))",
    ),
    (b"ARROW1", "this is an Arrow file; write it as JSON lines first (datasets: Dataset.from_file(...).to_json(...))"),
)


@dataclass(slots=True)
class Source:
    """Records of one body or file. `name` is the file's stem, `sample` the first few records for detectors,
    `records` gives (where, value) pairs and Rejected lines, once. `where` is "line 3" or "item 3", 1-based. `verdicts`
    says which labels of annotations mean which verdict, beside those that readers know."""

    name: str
    shape: Shape
    sample: list[Any] = field(default_factory=list)
    records: Callable[[], Iterator[tuple[str, Any] | Rejected]] = lambda: iter(())
    verdicts: Mapping[str, str] = field(default_factory=dict)


def open_source(file: IO[bytes], *, name: str) -> Source | Rejected:
    """What a seekable binary file holds. JSONL is read line by line and an array item by item, never as a whole; one
    document and UTF-16 are read whole.

    Returns Rejected where nothing in it can be read at all.
    """
    file.seek(0)
    head = file.read(_SAMPLE_BYTES)
    for magic, reason in _REFUSED:
        if head.startswith(magic):
            return Rejected("the file", reason)
    if head.startswith(SQLITE):
        return _open_sqlite(file, name)
    encoding = _encoding(head)
    if encoding == "utf-16":
        return _open_whole(file, name, "utf-16")
    start = 3 if encoding == "utf-8-sig" else 0
    if head[start:].lstrip().startswith(b"[") and not _has_whole_line(head[start:]):
        array = _open_array(file, name, start)
        if isinstance(array, Source):
            return array
    lines = _first_lines(file, start)
    if not lines:
        return Source(name, "lines")
    if _looks_like_lines(lines):
        return Source(name, "lines", _sample(lines), lambda: _lines(file, start))
    is_array = lines[0][1].lstrip().startswith(b"[")
    whole = _open_array(file, name, start) if is_array else _open_whole(file, name, "utf-8-sig")
    if isinstance(whole, Rejected) and any(_is_record(line) for _, line in lines[1:]):
        return Source(name, "lines", _sample(lines), lambda: _lines(file, start))
    return whole


def parse(text: str) -> Any:
    """One JSON value. Integers of more than 20 digits stay text, so that no parser behind us loses digits.

    Raises Unreadable with a reason that can be shown.
    """
    # a quick parser, but it rounds integers of more than 64 bits: 20 digits in a row put two into every tenth character
    if not _TWO.search(text[::10]) or not _LONG.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # json below says why, or takes it (NaN, lone surrogates)
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except json.JSONDecodeError as error:
        end = len(text.rstrip())  # a line that breaks off ends before its line break
        if error.pos >= end and "\n" not in text[:end]:
            raise Unreadable(f"not JSON: it breaks off after column {end}") from None
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"not JSON: {error.msg.lower()} at {place}") from None


def decode(line: bytes) -> str:
    """UTF-8 text. Raises Unreadable with a reason that can be shown."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: byte {error.start + 1} is 0x{line[error.start]:02x}") from None


def from_value(value: Any, *, name: str) -> Source:
    """A source over a value that was parsed already; {"traces": [...]} is the list inside it."""
    if isinstance(value, dict) and list(value) == ["traces"] and isinstance(value["traces"], list):
        value = value["traces"]
    if isinstance(value, list):
        return Source(
            name,
            "array",
            value[:SAMPLE_RECORDS],
            lambda: ((f"item {number}", item) for number, item in enumerate(value, 1)),
        )
    return Source(name, "document", [value], lambda: iter([("the document", value)]))


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _has_whole_line(head: bytes) -> bool:
    """Whether the first line that is not blank ends in `head` and is a JSON value by itself."""
    line, end, _ = head.lstrip().partition(b"\n")
    return bool(end) and _is_value(line)


def _open_array(file: IO[bytes], name: str, start: int) -> Source | Rejected:
    def items() -> Iterator[tuple[str, Any] | Rejected]:
        return read_array(file, start, _whole_number)

    first = list(itertools.islice(items(), SAMPLE_RECORDS))
    if first and isinstance(first[0], Rejected):
        return Rejected("the file", first[0].reason)
    return Source(name, "array", [item[1] for item in first if not isinstance(item, Rejected)], items)


def _open_sqlite(file: IO[bytes], name: str) -> Source | Rejected:
    file.seek(0)
    try:
        sessions = read_sessions(file.read(), parse)
    except Unreadable as error:
        return Rejected("the file", str(error))
    sample = [item[1] for item in sessions[:SAMPLE_RECORDS] if not isinstance(item, Rejected)]
    return Source(name, "sqlite", sample, lambda: iter(sessions))


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def _open_whole(file: IO[bytes], name: str, encoding: str) -> Source | Rejected:
    file.seek(0)
    data = file.read()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return Rejected(
            "the file",
            f"not {encoding.removesuffix('-sig').upper()}: byte {error.start + 1} cannot be read",
        )
    try:
        check_json(data)
        return from_value(parse(text), name=name)
    except Unreadable as error:
        if encoding != "utf-16":
            return Rejected("the file", str(error))
    lines = [(number, line.encode()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not any(_is_record(line) for _, line in lines[:SAMPLE_RECORDS]):
        return Rejected("the file", "neither JSON nor JSON lines")
    return Source(name, "lines", _sample(lines), lambda: _each(iter(lines)))


def _first_lines(file: IO[bytes], start: int) -> list[tuple[int, bytes]]:
    """The first lines that are not blank, with their numbers; at most 21 lines or 4 MiB after the first."""
    file.seek(start)
    found: list[tuple[int, bytes]] = []
    size = 0
    for number, line in enumerate(file, 1):
        if line.strip():
            found.append((number, line))
            size += len(line)
            if len(found) > SAMPLE_RECORDS or (size > _SAMPLE_BYTES and len(found) > 1):
                break
    return found


def _looks_like_lines(lines: list[tuple[int, bytes]]) -> bool:
    """Several lines, the first of them a whole JSON value."""
    return len(lines) > 1 and _is_value(lines[0][1])


def _is_value(line: bytes) -> bool:
    try:
        parse(decode(line))
    except Unreadable:
        return False
    return True


def _is_record(line: bytes) -> bool:
    """Whether a line is an object by itself (a lone `{}` or `[` also stands in indented JSON)."""
    return line.strip().startswith(b'{"') and _is_value(line)


def _sample(lines: list[tuple[int, bytes]]) -> list[Any]:
    return [item[1] for item in _each(iter(lines[:SAMPLE_RECORDS])) if not isinstance(item, Rejected)]


def _lines(file: IO[bytes], start: int) -> Iterator[tuple[str, Any] | Rejected]:
    file.seek(start)
    yield from _each((number, line) for number, line in enumerate(file, 1) if line.strip())


def _each(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[str, Any] | Rejected]:
    for number, line in lines:
        where = f"line {number}"
        try:
            if len(line) > _UNCOUNTED:
                check_json(line)
            yield where, parse(decode(line))
        except Unreadable as error:
            yield Rejected(where, str(error))
