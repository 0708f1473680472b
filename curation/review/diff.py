"""What a correction changed, word by word, in bounded time."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.safestring import SafeString, mark_safe

from curation.review.shown import shown

WORD = re.compile(r"\s+|\w+|[^\w\s]", re.UNICODE)
# SequenceMatcher takes about len(a) * len(b) steps at worst: 1.5 million keep it under half a second
MOST_STEPS = 1_500_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: kind is "same", "ins" or "del"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Diff:
    """Pieces that read as the old text without "ins" and as the new one without "del"."""

    pieces: list[Piece]

    @property
    def changes(self) -> int:
        """How many places differ: a deletion and the insertion that replaces it are one."""
        count, inside = 0, False
        for piece in self.pieces:
            if piece.kind == "same":
                # a space between two changed words does not part them
                inside = inside and not piece.text.strip()
            elif not inside:
                count, inside = count + 1, True
        return count

    def html(self) -> SafeString:
        """Escaped, with `<ins>` and `<del>` around what changed."""
        out = [shown(p.text) if p.kind == "same" else f"<{p.kind}>{shown(p.text)}</{p.kind}>" for p in self.pieces]
        return mark_safe("".join(out))  # noqa: S308 (each piece is escaped)


def words(old: str, new: str) -> Diff:
    """The difference of two texts by words. Texts too big for that are compared by lines, then as a whole: coarser,
    never wrong, never slow."""
    pieces: list[Piece] = []
    _compare(old, new, WORD.findall, pieces)
    return Diff(_joined(pieces))


def _compare(old: str, new: str, split: Callable[[str], list[str]], pieces: list[Piece]) -> None:
    tokens_old, tokens_new = split(old), split(new)
    head = 0
    for one, other in zip(tokens_old, tokens_new, strict=False):
        if one != other:
            break
        head += 1
    tail = 0
    while tail < min(len(tokens_old), len(tokens_new)) - head and tokens_old[-1 - tail] == tokens_new[-1 - tail]:
        tail += 1
    middle_old = tokens_old[head : len(tokens_old) - tail]
    middle_new = tokens_new[head : len(tokens_new) - tail]
    pieces.append(Piece("same", "".join(tokens_old[:head])))
    if len(middle_old) * len(middle_new) <= MOST_STEPS:
        _matched(middle_old, middle_new, pieces)
    elif split is not _lines:
        _compare("".join(middle_old), "".join(middle_new), _lines, pieces)
    else:
        pieces.append(Piece("del", "".join(middle_old)))
        pieces.append(Piece("ins", "".join(middle_new)))
    pieces.append(Piece("same", "".join(tokens_old[len(tokens_old) - tail :])))


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _matched(old: list[str], new: list[str], pieces: list[Piece]) -> None:
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
            continue
        if b > a:
            pieces.append(Piece("del", "".join(old[a:b])))
        if d > c:
            pieces.append(Piece("ins", "".join(new[c:d])))


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one kind as one piece; a lone space between two changes goes with them, so that a rewritten phrase
    reads as one phrase struck out and one put in."""
    out: list[Piece] = []
    for at, piece in enumerate(pieces):
        if not piece.text:
            continue
        between = (
            piece.kind == "same"
            and not piece.text.strip(" ")
            and 0 < at < len(pieces) - 1
            and pieces[at - 1].kind != "same"
            and pieces[at + 1].kind != "same"
        )
        if between:
            _add(out, "del", piece.text)
            _add(out, "ins", piece.text)
        else:
            _add(out, piece.kind, piece.text)
    return out


def _add(out: list[Piece], kind: str, text: str) -> None:
    # within one changed place deletions come first, so look past one insertion for an older deletion to join
    if out and out[-1].kind == kind:
        out[-1] = Piece(kind, out[-1].text + text)
    elif kind == "del" and len(out) > 1 and out[-1].kind == "ins" and out[-2].kind == "del":
        out[-2] = Piece(kind, out[-2].text + text)
    else:
        out.append(Piece(kind, text))


def line_groups(old: str, new: str) -> list[tuple[str, list[str], list[str]]]:
    """Two texts by lines: ("same", lines, lines) and ("changed", old lines, new lines) in turn. Texts with too many
    lines for a comparison are one change."""
    before, after = old.split("\n"), new.split("\n")
    if len(before) * len(after) > MOST_STEPS:
        return [("changed", before, after)]
    groups: list[tuple[str, list[str], list[str]]] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        groups.append(("same" if tag == "equal" else "changed", before[a:b], after[c:d]))
    return groups
