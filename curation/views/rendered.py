"""The choice of template and length, and what a row looks like with it, for the pages that show rows."""

from dataclasses import dataclass, field

from django.http import QueryDict

from curation.datasets.example import Example
from curation.datasets.rendering import bases, render
from workspace.models import Project

SHOWN = 30_000  # characters of a text on the page
SHARES = 100  # messages whose tokens are listed; all with `shares=all`
LENGTHS = (1024, 2048, 4096, 8192, 16384, 32768)


@dataclass(slots=True)
class Shown:
    """A text as the page has it. `pieces` hold the first SHOWN characters, `hidden` is how many follow; `shares` are those
    of the first messages, or of all where that was asked for."""

    text: render.Text
    pieces: list[render.Piece]
    characters: int
    hidden: int
    shares: list[render.Share]


@dataclass(slots=True)
class Rendered:
    """The panel. `error` says why there are no texts; `length_error` what is wrong with the length that was typed."""

    listed: bases.Listed
    chosen: bases.Base | None
    length: str
    texts: list[Shown] = field(default_factory=list)
    error: str = ""
    length_error: str = ""
    lengths: tuple[int, ...] = LENGTHS


def rendered(project: Project, asked: QueryDict, example: Example | None) -> Rendered:
    """The panel for what the address asks for: `base` (a key), `length` (tokens) and `shares`."""
    listed = bases.listed(project)
    length = asked.get("length", "").strip().replace(",", "")[:20]
    panel = Rendered(listed, None, length)
    limit = int(length) if length.isdecimal() and 0 < int(length) <= render.LONGEST_LIMIT else None
    if length and limit is None:
        panel.length_error = f"must be a whole number from 1 to {render.LONGEST_LIMIT:,}"
    try:
        panel.chosen = listed.find(asked.get("base", ""))
        if example is not None:
            panel.texts = [
                _shown(text, most=None if asked.get("shares") == "all" else SHARES)
                for text in render.render(example, panel.chosen, limit=limit)
            ]
    except (bases.UnknownBase, bases.UnusableBase, render.CannotRender) as error:
        panel.error = str(error)
    return panel


def _shown(text: render.Text, *, most: int | None) -> Shown:
    whole = sum(len(piece.text) for piece in text.pieces)
    pieces: list[render.Piece] = []
    left = SHOWN
    for piece in text.pieces:
        if left <= 0:
            break
        said = piece.text[:left]
        pieces.append(render.Piece(said, piece.learned, piece.special, piece.cut, piece.message))
        left -= len(said)
    return Shown(text, pieces, whole, max(0, whole - SHOWN), text.shares[:most])
