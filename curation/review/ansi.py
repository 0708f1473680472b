"""Output of a terminal with its colours, safely: only colour and bold survive, every other control sequence is dropped.

Source: ECMA-48, SGR ("select graphic rendition") parameters; 38;5;n as xterm has it.
"""

import re

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from curation.review.shown import shown

# CSI sequences, OSC strings (titles, links) and two-character escapes
ANY = re.compile("\x1b\\[[0-9;:?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|\x1b[@-Z\\\\-_]")
COLOUR = re.compile("\x1b\\[([0-9;]*)m")


def bare(text: str) -> str:
    """`text` without any control sequence."""
    return ANY.sub("", text)


def others(text: str) -> bool:
    """Whether there are sequences that are not shown: anything but colours."""
    return bool(ANY.search(COLOUR.sub("", text)))


def coloured(text: str) -> SafeString:
    """`text` as HTML: colours as classes a0 to a7, bold as ansi-b, everything escaped."""
    if "\x1b" not in text:
        return shown(text)
    out: list[str] = []
    colour, bold, at = -1, False, 0
    for match in ANY.finditer(text):
        out.append(_piece(text[at : match.start()], colour, bold))
        at = match.end()
        if code := COLOUR.fullmatch(match.group()):
            colour, bold = _after(code[1], colour, bold)
    out.append(_piece(text[at:], colour, bold))
    return mark_safe("".join(out))  # noqa: S308 (each piece is escaped)


def _piece(text: str, colour: int, bold: bool) -> str:
    names = " ".join(filter(None, [f"a{colour}" if colour >= 0 else "", "ansi-b" if bold else ""]))
    return format_html('<span class="{}">{}</span>', names, shown(text)) if names and text else shown(text)


def _after(codes: str, colour: int, bold: bool) -> tuple[int, bool]:
    numbers = [int(one) if one else 0 for one in codes.split(";")][:32]
    at = 0
    while at < len(numbers):
        number = numbers[at]
        if number == 0:
            colour, bold = -1, False
        elif number in (1, 22):
            bold = number == 1
        elif number == 39:
            colour = -1
        elif 30 <= number <= 37 or 90 <= number <= 97:
            colour = number % 10
        elif number in (38, 48):
            # 38;5;n picks one of 256, 38;2;r;g;b any: of those only the 16 that have a name are drawn
            wide = 2 if numbers[at + 1 : at + 2] == [5] else 4
            if number == 38:
                chosen = numbers[at + 2] if wide == 2 and at + 2 < len(numbers) else 16
                colour = chosen % 8 if chosen < 16 else -1
            at += wide
        at += 1
    return colour, bold
