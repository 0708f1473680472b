"""The axis of a timeline: where a moment stands, round ticks, and stretches without work that can be left out."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

Stretch = tuple[float, float]  # from, to, in milliseconds since the run began

GAP_SHARE = 0.05  # of what is shown: a stretch without work that is longer can be left out,
GAP_MOST = 5_000  # and one that is longer than this many milliseconds, however long the run
TICKS = 7
SIGN, BETWEEN = 1.9, 2.0  # percent of a narrow axis that a letter of a label and the room beside it need
ROUND = (
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
    900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis: `x` in percent, `label` empty where there is no room for it; `is_gap`: time is left out here."""

    x: float
    label: str
    is_gap: bool = False

    @property
    def anchor(self) -> str:
        """Which end of the label stands at the mark, so that none runs over the edge."""
        return "start" if self.x < 4 else "end" if self.x > 94 else "middle"

    @property
    def room(self) -> Stretch:
        """From where to where the label reaches, in percent."""
        width = len(self.label) * SIGN
        left = self.x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        return left, left + width


class Scale:
    """Milliseconds to percent of the axis. Stretches in `gaps` shrink to a narrow one each."""

    def __init__(self, begin: float, end: float, gaps: list[Stretch]) -> None:
        self.begin, self.end, self.gaps = begin, max(end, begin + 1), gaps
        work = self.end - self.begin - sum(to - since for since, to in gaps)
        narrow = max(work, 1.0) * min(0.02, 0.2 / max(1, len(gaps)))
        self._from, self._drawn, self._rate = [self.begin], [0.0], [1.0]
        for since, to in gaps:
            shrunk = min(narrow, to - since)
            self._piece(since, shrunk / (to - since))
            self._piece(to, 1.0)
        self._width = self._at(self.end)

    def _piece(self, since: float, rate: float) -> None:
        drawn = self._at(since)
        self._from.append(since)
        self._drawn.append(drawn)
        self._rate.append(rate)

    def _at(self, ms: float) -> float:
        piece = max(0, bisect_right(self._from, ms) - 1)
        return self._drawn[piece] + (ms - self._from[piece]) * self._rate[piece]

    def x(self, ms: float) -> float:
        """Percent of the axis; below 0 and above 100 for what lies outside."""
        return round(self._at(ms) / self._width * 100, 3)

    def ticks(self) -> list[Tick]:
        """Round marks, at most about seven, and one for each stretch that is left out, which says how long it was."""
        marks = [Tick(self.x((since + to) / 2), f"+{said(to - since)}", is_gap=True) for since, to in self.gaps]
        step = next((one for one in ROUND if self._width / one <= TICKS), ROUND[-1])
        while self._width / step > TICKS:
            step *= 2
        at = -(-self.begin // step) * step
        while at <= self.end:
            gap = next((to for since, to in self.gaps if since < at < to), None)
            if gap is None:
                marks.append(Tick(self.x(at), said(at)))
                at += step
            else:
                at = -(-gap // step) * step
        kept: list[Tick] = []
        taken: list[Stretch] = []
        for mark in sorted(marks, key=lambda one: not one.is_gap):
            left, right = mark.room
            has_room = all(right + BETWEEN <= since or to + BETWEEN <= left for since, to in taken)
            if has_room:
                taken.append((left, right))
            if has_room or mark.is_gap:
                kept.append(mark if has_room else Tick(mark.x, "", is_gap=True))
        return sorted(kept, key=lambda one: one.x)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time without overlaps, in order."""
    found: list[Stretch] = []
    for since, to in sorted(stretches):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], to))
        else:
            found.append((since, to))
    return found


def gaps_in(work: list[Stretch]) -> list[Stretch]:
    """Stretches without work worth leaving out, between those of `work` (joined, in order)."""
    if not work:
        return []
    least = min((work[-1][1] - work[0][0]) * GAP_SHARE, GAP_MOST)
    found = [(before[1], after[0]) for before, after in pairwise(work)]
    return [(since, to) for since, to in found if to - since > max(least, 1)]


def said(ms: float) -> str:
    """A round time on an axis: 0, 250 ms, 1.5 s, 90 s, 2 min 30 s, 3 h."""
    if ms < 1000:
        return f"{ms:.0f} ms" if ms else "0"
    seconds = ms / 1000
    if seconds < 120:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
