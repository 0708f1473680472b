"""A long run in parts: where each begins, what it holds, how high it will be. A page draws some of them, the others keep
their place until they are wanted.

Parts are cut by blocks and by the amount of text, so that one answer stays small whatever the run is like. The same
document is always cut in the same places.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from curation.review.blocks import Block, errors
from curation.review.outline import Row, rows

BLOCKS = 60  # in one part at most
TEXT = 160_000  # characters drawn in one part, about
TAIL = 12  # blocks of the last part, the answer among them
DRAWN = 36_000  # characters of one text that are on the page at most: its head and the fold that follows
LINE = 20  # pixels
WIDTH = 88  # characters in a line of the conversation


@dataclass(slots=True)
class Part:
    """A stretch of blocks. `tools`, `failed` and `lines` count its rows in the outline; `height` in pixels is guessed.
    `rows` and drawn blocks are there once `draw` was called."""

    number: int
    blocks: list[Block]
    steps: int = 0
    errors: int = 0
    before: int = 0
    lines: int = 0
    tools: int = 0
    failed: int = 0
    height: int = 0
    drawn: bool = False
    rows: list[Row] = field(default_factory=list)

    def draw(self) -> "Part":
        """Draw the blocks and the rows of the outline."""
        if not self.drawn:
            self.drawn = True
            for block in self.blocks:
                block.finish()
            self.rows = [row for block in self.blocks for row in rows(block)]
        return self

    @property
    def first_id(self) -> int:
        """The number in the id of the first block ("b61"); ids rise through the parts. 0 where nothing was said."""
        return min(number_of(self.blocks[0]), self.last_id) if self.blocks else 0

    @property
    def last_id(self) -> int:
        """The number in the id of the last block, those inside others included."""
        return max((number_of(block) for block in every(self.blocks)), default=0)

    @property
    def first(self) -> int:
        """The number of the part's first step, counted from 1."""
        return self.before + 1

    @property
    def last(self) -> int:
        """The number of its last step."""
        return self.before + self.steps


def cut(blocks: list[Block]) -> list[Part]:
    """Cut the blocks of a run into parts; a run that is small enough is one."""
    groups: list[list[Block]] = []
    front, tail = blocks[:-TAIL], blocks[-TAIL:]
    room = TEXT
    for block in front:
        size = _drawn(block)
        if not groups or len(groups[-1]) >= BLOCKS or room < size:
            groups.append([])
            room = TEXT
        groups[-1].append(block)
        room -= size
    if len(groups) <= 1 and sum(map(_drawn, blocks)) <= TEXT * 1.25:
        groups = [blocks]
    elif tail:
        groups.append(tail)
    parts, before = [], 0
    for number, group in enumerate(groups):
        part = Part(number, group, before=before)
        for block in group:
            part.steps += block.count
            part.errors += errors(block)
            part.height += _height(block) + 12
            for kind in _lines(block):
                part.lines += 1
                part.tools += kind.startswith("tool")
                part.failed += kind.endswith("failed")
        before += part.steps
        parts.append(part)
    return parts


def holding(parts: list[Part], id: str) -> Part | None:  # noqa: A002 (the attribute it is)
    """The part with the block that has this id ("b123", "answer")."""
    return next((part for part in parts if any(block.id == id for block in every(part.blocks))), None)


def every(blocks: Iterable[Block]) -> Iterator[Block]:
    """All blocks and those inside them, in reading order."""
    for block in blocks:
        yield block
        yield from every(block.inside)


def number_of(block: Block) -> int:
    """The number in a block's id; 0 for the answer."""
    return int(block.id[1:]) if block.id[1:].isdecimal() else 0


def _lines(block: Block) -> Iterator[str]:
    """The outline's rows of a block before it is drawn (see outline.rows): "", "failed", "tool" or "tool failed"."""
    if block.kind == "parallel":
        for one in block.inside:
            yield from _lines(one)
    elif block.kind == "call":
        yield "tool failed" if block.failed else "tool"
    else:
        yield "failed" if block.failed and block.kind != "answer" else ""
        if block.thinks and (block.kind == "answer" or block.role == "bot"):
            yield ""
        for one in block.inside:
            yield from _lines(one)


def _drawn(block: Block) -> int:
    """About how many characters of text a block puts on the page."""
    return 600 + sum(min(len(text), DRAWN) for text in block.texts) + sum(map(_drawn, block.inside))


def _height(block: Block) -> int:
    """A guess of a block's height in pixels, wrong by a few lines."""
    if block.kind == "agent":
        return 40
    if block.kind == "parallel":
        return 30 + sum(max(_height(one), 40) + 8 for one in block.inside[::2])
    if block.kind == "call":
        return 40 + (LINE + 8 if len(block.texts) > 1 else 0) + (_high(block.texts[-1], 14) if block.texts else 0)
    if block.state == "silent":
        return 0
    if block.role == "sys":
        return 28
    return 24 + (_high(block.texts[0], 40) if block.texts else 0) + (60 if block.kind == "answer" else 0)


def _high(text: str, most: int) -> int:
    start = text[: most * WIDTH]
    if not start:
        return 0
    count = min(most, sum(1 + len(line) // WIDTH for line in start.split("\n")))
    return count * LINE + 12 + (28 if len(text) > len(start) or start.count("\n") >= most else 0)
