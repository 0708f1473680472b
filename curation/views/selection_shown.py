"""What a selection came to, as small tables with a bar: scores, coreset, mix, balance, replay, pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from curation.datasets.pairing.gather import SOURCES
from curation.datasets.selecting import replaying
from workspace import formats

MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, the length of its bar in parts of 100 (None: no bar), and its figures as text."""

    name: str
    bar: float | None
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` are the headings of the figures; `more` lines are not listed."""

    title: str
    columns: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)
    note: str = ""
    more: int = 0

    @property
    def has_bars(self) -> bool:
        """Whether a line has a bar: beside three figures there is no room for one."""
        return len(self.columns) < 3 and any(line.bar is not None for line in self.lines)


def tables_of(counts: Mapping[str, Any]) -> list[Table]:
    """The tables for DatasetVersion.counts; none for steps that the recipe does not have."""
    makers = (_scores, _coreset, _mix, _balance, _replay, _pairs, _skips)
    return [table for maker in makers if (table := maker(counts)) is not None and table.lines]


def _scores(counts: Mapping[str, Any]) -> Table | None:
    composite = (counts.get("selection") or {}).get("composite") or {}
    sides = [(name, composite.get(key) or {}) for name, key in (("Trained on", "selected"), ("Held out", "holdout"))]
    if not any(side.get("n") for _, side in sides):
        return None
    lines = [
        Line(name, _part(side.get("mean"), 1), (_decimal(side.get("mean")), formats.whole(side.get("n"))))
        for name, side in sides
    ]
    return Table("Weighted score", ("mean", "rows"), lines, "Rows without a weighted score are in no mean.")


def _coreset(counts: Mapping[str, Any]) -> Table | None:
    held = counts.get("coreset")
    if not held:
        return None
    tokens = held.get("tokens") or {}
    lines = [
        Line(
            name,
            _part((side or {}).get("mean"), 1),
            (_decimal((side or {}).get("mean")), _decimal((side or {}).get("worst")), formats.whole(tokens.get(key))),
        )
        for name, key, side in (
            (str(held["strategy"]).replace("_", " ").capitalize(), "selected", held["coverage"]),
            ("Drawn at random", "random", held["random"]),
        )
    ]
    note = f"{held['selected']:,} of {held['total']:,} rows. Coverage: how near every row is to a chosen one (cosine). "
    note += "Tokens: the mean of a row."
    if held.get("noise"):
        note += f" The {held['noise']:,} rows with the highest loss were left out as probable noise."
    return Table("Coreset", ("coverage", "worst", "tokens"), lines, note)


def _mix(counts: Mapping[str, Any]) -> Table | None:
    held = counts.get("mix")
    if not held:
        return None
    missing = {one["value"]: one["missing"] for one in held["short"]}
    total = max(1, sum(held["take"].values()))
    rows = sorted(held["take"].items(), key=lambda pair: -pair[1])
    lines = [
        Line(
            name or "none",
            100 * taken / total,
            (
                formats.whole(taken),
                formats.percent(taken / total),
                formats.whole(missing[name]) if name in missing else "–",
            ),
        )
        for name, taken in rows
    ]
    return _cut(Table(f"Mix by {held['by']}, {held['strategy']}", ("rows", "share", "missing"), lines))


def _balance(counts: Mapping[str, Any]) -> Table | None:
    held = counts.get("balance")
    if not held:
        return None
    rows = sorted(held["kept"].items(), key=lambda pair: -pair[1])
    lines = [Line(name or "none", _part(kept, held["most"]), (formats.whole(kept),)) for name, kept in rows]
    return _cut(Table(f"Balanced by {held['field']}", ("rows",), lines, f"At most {held['most']:,} of each."))


def _replay(counts: Mapping[str, Any]) -> Table | None:
    held = counts.get("replay")
    if not held:
        return None
    total = max(1, held["new"] + held["replayed"])
    lines = [
        Line("New rows", 100 * held["new"] / total, (formats.whole(held["new"]),)),
        Line(f"From {held['buffer']}", 100 * held["replayed"] / total, (formats.whole(held["replayed"]),)),
    ]
    note = f"{held['wanted']:,} were wanted for a share of {held['ratio']:.0%} of the training rows."
    if held["held_out"]:
        note += f" {held['held_out']:,} stayed out because they are held out."
    for why, number in held.get("left", {}).items():
        note += f" {number:,} {replaying.WORDS.get(why, why)} stayed out."
    return Table("Replay", ("rows",), lines, note)


def _pairs(counts: Mapping[str, Any]) -> Table | None:
    held = counts.get("pairs")
    if not held or "by_source" not in held:
        return None
    most = max(1, *held["by_source"].values()) if held["by_source"] else 1
    lines = [
        Line(SOURCES.get(name, name).split(":")[0], 100 * made / most, (formats.whole(made),))
        for name, made in held["by_source"].items()
    ]
    longer = held.get("longer_chosen")
    note = f"The better answer is the longer one in {longer:.0%} of the pairs." if longer is not None else ""
    if (gone := held["made"] - counts["rows"]) > 0 and counts["rows"]:
        note += f" {gone:,} of them went at a later step: copies, held-out rows, or more than are wanted."
    return Table("Pairs, by where they come from", ("pairs",), lines, note.strip())


def _skips(counts: Mapping[str, Any]) -> Table | None:
    held = counts.get("pairs") or {}
    skipped = held.get("skipped") or counts.get("skips")
    if not skipped:
        return None
    words = held.get("words") or {}
    rows = sorted(skipped.items(), key=lambda pair: -pair[1])
    lines = [
        Line(str(words.get(code, code)).capitalize(), 100 * count / rows[0][1], (formats.whole(count),))
        for code, count in rows
    ]
    return _cut(Table("No pair was made", ("times",), lines))


def _cut(table: Table) -> Table:
    if len(table.lines) <= MOST_LINES:
        return table
    left = len(table.lines) - MOST_LINES
    return Table(table.title, table.columns, table.lines[:MOST_LINES], table.note, left)


def _part(value: float | None, most: float) -> float | None:
    return None if value is None else round(min(100.0, max(0.0, 100 * value / most)), 2)


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
