"""A JSON array read item by item, so that a file of any size needs the memory of its largest item."""

import codecs
import json
from collections.abc import Callable, Iterator
from typing import IO, Any

from curation.ingest.parsed import Rejected, Unreadable
from curation.ingest.wire import check_json

_CHUNK = 1024 * 1024
_NEAR_THE_END = 32
_BLANKS = " \t\r\n"


def read_array(
    file: IO[bytes], start: int, parse_int: Callable[[str], Any], chunk: int = _CHUNK
) -> Iterator[tuple[str, Any] | Rejected]:
    """(place, value) of each item of the UTF-8 array that begins at byte `start`; places are "item 3", 1-based.

    An item that is no JSON ends the reading, since nobody can say where the next one begins: one Rejected tells so.
    """
    text = _Text(file, start, chunk)
    decoder = json.JSONDecoder(parse_int=parse_int)
    number = 0
    try:
        if text.skip(_BLANKS) != "[":
            yield Rejected("the file", "not a JSON array")
            return
        text.at += 1
        while (sign := text.skip(_BLANKS)) != "]":
            if number:
                if sign != ",":
                    raise _Broken(f"expecting , or ] after item {number}" if sign else "the array is not closed")
                text.at += 1
                text.skip(_BLANKS)
            number += 1
            yield f"item {number}", _value(text, decoder)
        text.at += 1
        if text.skip(_BLANKS):
            yield Rejected("the file", f"more follows behind the array of {number:,} items and was not read")
    except _Broken as error:
        rest = "; what comes after it was not read" if number > 1 else ""
        yield Rejected(f"item {max(number, 1)}", f"{error}{rest}")


class _Broken(ValueError):
    """Why reading cannot go on."""


class _Text:
    """What was decoded and not used yet; `at` is the next character."""

    def __init__(self, file: IO[bytes], start: int, chunk: int) -> None:
        file.seek(start)
        self.buffer = ""
        self.at = 0
        self.is_all = False
        self._file = file
        self._chunk = chunk
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def more(self) -> bool:
        """Read on, each time twice as much while one item takes it all; False at the end."""
        if self.is_all:
            return False
        data = self._file.read(max(self._chunk, len(self.buffer) - self.at))
        self.is_all = not data
        try:
            self.buffer = self.buffer[self.at :] + self._decoder.decode(data, final=self.is_all)
        except UnicodeDecodeError as error:
            raise _Broken(f"not UTF-8: a byte 0x{error.object[error.start]:02x} cannot be read") from None
        self.at = 0
        return True

    def check(self) -> None:
        """Raise _Broken where one item would become too many values."""
        try:
            check_json(self.buffer.encode())
        except Unreadable as error:
            raise _Broken(str(error)) from None

    def skip(self, blanks: str) -> str:
        """Move to the next character that is none of `blanks` and return it, or "" at the end."""
        while True:
            while self.at < len(self.buffer):
                if self.buffer[self.at] not in blanks:
                    return self.buffer[self.at]
                self.at += 1
            if not self.more():
                return ""


def _value(text: _Text, decoder: json.JSONDecoder) -> Any:
    while True:
        try:
            value, end = decoder.raw_decode(text.buffer, text.at)
        except RecursionError:
            raise _Broken("nested too deeply") from None
        except json.JSONDecodeError as error:
            cut_off = error.pos >= len(text.buffer) - _NEAR_THE_END or error.msg.startswith("Unterminated string")
            if cut_off and text.more():
                text.check()
                continue
            raise _Broken(f"not JSON: {error.msg.lower()} at character {error.pos - text.at + 1} of the item") from None
        # a number at the very end may go on: "1", "1.5", "1.5e" and "1.5e+" all begin with a value
        if end < len(text.buffer) - 3 or not text.more():
            text.at = end
            return value
