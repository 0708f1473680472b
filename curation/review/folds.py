"""A piece of text as it stands on a page: the beginning, and a fold that says how much it holds."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.safestring import SafeString

from workspace import formats

WIDE = 6_000  # characters before the fold, whatever the lines
FAR = 30_000  # characters behind the fold beyond which they are fetched when it is opened
EMPTY = SafeString("")


@dataclass(frozen=True, slots=True)
class View:
    """One drawn piece. kind names the element around it; `rest` is what the fold holds and `more` says how much that is;
    `far`: the rest is fetched when the fold is opened; `tail`: the fold comes first, the end is what counts."""

    kind: str
    head: SafeString
    rest: SafeString = EMPTY
    more: str = ""
    far: bool = False
    tail: bool = False
    note: str = ""


def cut(text: str, lines: int, *, tail: bool = False) -> tuple[str, str]:
    """`text` in two: what is shown and what is folded ("" where little enough is left to show it all)."""
    if text.count("\n") < lines + 3 and len(text) <= WIDE:
        return text, ""
    pieces = text.split("\n")
    shown_part = "\n".join(pieces[-lines:] if tail else pieces[:lines])
    if len(shown_part) > WIDE:
        shown_part = shown_part[-WIDE:] if tail else shown_part[:WIDE]
    rest = text[: len(text) - len(shown_part)] if tail else text[len(shown_part) :]
    return shown_part, rest.removesuffix("\n") if tail else rest.removeprefix("\n")


def amount(text: str, what: str = "more") -> str:
    """ "61 more lines, 2.1 kB" """
    lines = text.count("\n") + 1
    size = len(text.encode())
    return f"{lines:,} {what} line{'s' if lines != 1 else ''}, {formats.size(size)}"


def folded(
    kind: str, text: str, draw_text: Callable[[str], SafeString], *, lines: int, tail: bool = False, note: str = ""
) -> View:
    """`text` drawn by `draw_text`, folded behind `lines` lines (with `tail`: before the last ones)."""
    head, rest = cut(text, lines, tail=tail)
    far = len(rest) > FAR
    return View(
        kind, draw_text(head), draw_text(rest) if rest and not far else EMPTY,
        amount(rest, "earlier" if tail else "more") if rest else "", far, tail, note,
    )  # fmt: skip
