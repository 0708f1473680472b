"""Signs that are written by their number or name, in JSON within a text (RFC 8259 section 7) and in HTML."""

import html
import re
from bisect import bisect_left

_JSON = r"(?<!\\)\\+(?:[bfnrt]|u[0-9a-fA-F]{4})"
_SIGNS = (
    "amp|lt|gt|quot|apos|nbsp|ensp|emsp|thinsp|commat|period|plus|lowbar|hyphen|dash|colon|sol|equals|num|excl|dollar|percnt|ast"
    "|lpar|rpar"
)
_HTML = rf"&(?:{_SIGNS}|#\d{{2,5}}|#[xX][0-9a-fA-F]{{2,5}});"
_IN_JSON, _IN_HTML, _IN_BOTH = re.compile(_JSON), re.compile(_HTML), re.compile(f"{_JSON}|{_HTML}")


class Plain:
    """A text with each of these signs in its place: `text`, and where its characters stood before."""

    __slots__ = ("_added", "_ends", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._ends: list[int] = []  # in `text`, behind each sign that was written so
        self._added: list[int] = []  # how many characters longer all up to it were
        pattern = _IN_JSON if "\\" in text else None
        if "&" in text and ";" in text:
            pattern = _IN_BOTH if pattern else _IN_HTML
        if pattern is None:
            return
        pieces: list[str] = []
        at = added = 0
        for match in pattern.finditer(text):
            said, (start, end) = match.group(), match.span()
            pieces += (text[at:start], _sign(said))
            at = end
            added += end - start - 1
            self._ends.append(end - added)
            self._added.append(added)
        if at:
            self.text = "".join((*pieces, text[at:]))

    def before(self, place: int) -> int:
        """The place in the text as it was given, of a place in `text`."""
        count = bisect_left(self._ends, place + 1)
        return place + self._added[count - 1] if count else place


def _sign(said: str) -> str:
    if said[0] == "&":
        return html.unescape(said)[:1] or " "  # of a control character it makes nothing
    letter = said.lstrip("\\")
    if letter[0] == "u":
        return chr(int(letter[1:], 16))
    return "\n" if letter == "n" else " "
