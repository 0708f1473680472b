"""From bytes to JSON values: one JSON document, an array of records, or one record per line (JSONL).

A line that cannot be read costs only that line. Lines end at LF alone: U+2028 and its kin may stand inside a string.
"""

import codecs
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from curation.ingest.parsed import Rejected, Unreadable

Shape = Literal["array", "document", "lines"]
SAMPLE_RECORDS = 20
_SAMPLE_BYTES = 4 * 1024 * 1024
_MOST_DIGITS = 20


@dataclass(slots=True)
class Source:
    """Records of one body or file. `name` is the file's stem, `sample` the first few records for detectors,
    `records` gives (where, value) pairs and Rejected lines, once. `where` is "line 3" or "item 3", 1-based."""

    name: str
    shape: Shape
    sample: list[Any] = field(default_factory=list)
    records: Callable[[], Iterator[tuple[str, Any] | Rejected]] = lambda: iter(())


def open_source(file: IO[bytes], *, name: str) -> Source | Rejected:
    """What a seekable binary file holds. JSONL is read line by line and never as a whole; anything else is read whole.

    Returns Rejected where nothing in it can be read at all.
    """
    encoding = _encoding(file)
    if encoding == "utf-16":
        return _open_whole(file, name, "utf-16")
    start = 3 if encoding == "utf-8-sig" else 0
    lines = _first_lines(file, start)
    if not lines:
        return Source(name, "lines")
    if _looks_like_lines(lines):
        return Source(name, "lines", _sample(lines), lambda: _lines(file, start))
    whole = _open_whole(file, name, "utf-8-sig")
    if isinstance(whole, Rejected) and any(_is_record(line) for _, line in lines[1:]):
        return Source(name, "lines", _sample(lines), lambda: _lines(file, start))
    return whole


def parse(text: str) -> Any:
    """One JSON value. Integers of more than 20 digits stay text, so that no parser behind us loses digits.

    Raises Unreadable with a reason that can be shown.
    """
    try:
        return json.loads(text, parse_int=_whole_number)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except json.JSONDecodeError as error:
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


def _encoding(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(4)
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
            yield where, parse(decode(line))
        except Unreadable as error:
            yield Rejected(where, str(error))
