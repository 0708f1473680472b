"""Make any JSON value storable in jsonb and readable by every JSON parser. Each change is counted, none is silent.

jsonb refuses NUL characters, lone surrogates, NaN and Infinity; other parsers refuse integers beyond 64 bits or turn
them into floats, and refuse nesting deeper than about 1,000. So: NUL and lone surrogates become U+FFFD, the special
floats and huge integers become strings, and what lies deeper than 200 levels is replaced by a sentence.

JSON that stands inside text (arguments of a call, a schema, a tool's result) is text to all that, and may hold the same,
escaped: whoever parses it reads it with `read_inside`.
"""

import json
import math
import re
from collections import Counter
from typing import Any

import orjson

MOST_LEVELS = 200
TOO_DEEP = "[nested deeper than 200 levels, left out]"
_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
_LEAST_INT, _MOST_INT = -(2**63), 2**63 - 1
_PAIR = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# every escape of a JSON text, so that none begins in the middle of another; halves of characters have a name
_ESCAPE = re.compile(rf"{_PAIR}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{{2}})|\\.", re.DOTALL)
_CHANGES = {
    "nul": "NUL characters were replaced by �",
    "surrogate": "broken Unicode characters (lone surrogates) were replaced by �",
    "float": "NaN or Infinity became text",
    "int": "integers beyond 64 bits became text",
    "deep": "values nested deeper than 200 levels were left out",
    "key": "keys became equal by cleaning; the last value was kept",
    "type": "values of a kind JSON does not have became text",
}


class Notes:
    """Counts what an import changed or could not take over, and says it in words."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, sentence: str, count: int = 1) -> None:
        """Note `sentence` once more (no full stop at its end)."""
        self._counts[sentence] += count

    def extend(self, other: "Notes") -> None:
        """Take over all notes of another."""
        self._counts.update(other._counts)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def lines(self) -> list[str]:
        """One line per kind of note, in the order they came, with how often."""
        return [sentence if count == 1 else f"{sentence} ({count:,} times)" for sentence, count in self._counts.items()]


def clean(value: Any, notes: Notes) -> Any:
    """`value` as it is safe to store, itself or a copy; what had to change is added to `notes`."""
    return clean_and_dump(value, notes)[0]


def clean_and_dump(value: Any, notes: Notes, *, is_sorted: bool = True) -> tuple[Any, bytes]:
    """As `clean`, and its JSON (UTF-8, by default with sorted keys): writing it out is the quickest way to see that it is
    fine."""
    option = _STRICT | orjson.OPT_SORT_KEYS if is_sorted else _STRICT
    try:
        text = orjson.dumps(value, option=option)
    except TypeError:  # orjson's way to say: surrogates, huge integers, deep nesting, values that are no JSON
        text = b""
    if not text or b"\\u0000" in text or not _is_plain(value, text):
        value = _clean(value, notes, 0)
        text = orjson.dumps(value, option=option)
    return value, text


def _is_plain(value: Any, text: bytes) -> bool:
    """Whether `value`, which orjson wrote as `text`, has no special float (written as null) and does not lie too deep."""
    if b"null" not in text and text.count(b"{") + text.count(b"[") < MOST_LEVELS:
        return True
    waiting = [(value, 1)]
    while waiting:
        item, inside = waiting.pop()
        for child in item.values() if isinstance(item, dict) else item if isinstance(item, (list, tuple)) else (item,):
            kind = type(child)
            if kind is dict or kind is list or kind is tuple:
                if inside >= MOST_LEVELS:
                    return False
                waiting.append((child, inside + 1))
            elif kind is float and not math.isfinite(child):
                return False
    return True


def clean_text(text: str, notes: Notes) -> str:
    """`text` without NUL characters and lone surrogates."""
    if "\0" in text:
        notes.add(_CHANGES["nul"], text.count("\0"))
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        broken = sum(0xD800 <= ord(character) <= 0xDFFF for character in text)
        notes.add(_CHANGES["surrogate"], broken)
        # pairs that were written as two escapes are one character; the rest cannot be saved
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def read_inside(text: str) -> Any:
    """The value of JSON that stands inside text, cleaned: safe to show and to write out. Raises ValueError where it is none."""
    try:
        return clean(json.loads(text), Notes())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def mend_inside(text: str, notes: Notes) -> str:
    """JSON inside text with halves of characters that are written as escapes replaced; all else stays as it came, so does
    text that is no JSON."""
    halves = [one for one in _ESCAPE.finditer(text) if one["half"]]
    if not halves:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    notes.add(_CHANGES["surrogate"], len(halves))
    return _ESCAPE.sub(lambda one: "\\ufffd" if one["half"] else one[0], text)


def _clean(value: Any, notes: Notes, level: int) -> Any:
    if isinstance(value, str):
        return clean_text(value, notes)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if _LEAST_INT <= value <= _MOST_INT:
            return value
        notes.add(_CHANGES["int"])
        # str() refuses more than 4,300 digits; hexadecimal has no limit
        return str(value) if value.bit_length() < 10_000 else hex(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        notes.add(_CHANGES["float"])
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (dict, list, tuple)):
        if level >= MOST_LEVELS:
            notes.add(_CHANGES["deep"])
            return TOO_DEEP
        if isinstance(value, dict):
            return _clean_object(value, notes, level)
        return [_clean(item, notes, level + 1) for item in value]
    notes.add(_CHANGES["type"])
    return clean_text(str(value), notes)


def _clean_object(value: dict[Any, Any], notes: Notes, level: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = clean_text(key if isinstance(key, str) else str(key), notes)
        if name in found:
            notes.add(_CHANGES["key"])
        found[name] = _clean(item, notes, level + 1)
    return found
