"""Drawings of a grader's page: intervals as a forest, and the confusion matrix as four shaded fields."""

from dataclasses import dataclass

from curation.scoring.against_people import Report
from curation.scoring.agreement import Estimate, Matrix
from workspace import formats

SHADES = 3


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the scale: its place in parts of 100, and its label ("" at the edges, where it would be cut off)."""

    at: float
    label: str
    zero: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One figure with its interval; places in parts of 100, None where there is none."""

    label: str
    note: str
    value: str
    interval: str
    n: int
    at: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Forest:
    """Figures on one scale."""

    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of the matrix: its count, its share of all, how dark it is (0 to SHADES), and whether they agree there."""

    label: str
    count: int
    share: str
    shade: int
    agree: bool


def agreement(report: Report) -> Forest:
    """Everything that says how the grader and people go together, from -1 or 0 to 1."""
    rows: list[tuple[str, str, Estimate]] = []
    if found := report.agreement:
        rows = [
            ("Same word", "share of all pairs", found.raw),
            ("Cohen’s kappa", "beyond chance, by each one’s own rate", found.kappa),
            ("Gwet’s AC1", "beyond chance, steady where one word is rare", found.ac1),
            ("Accepted ones passed", "of those that people accepted", found.sensitivity),
            ("Rejected ones failed", "of those that people rejected", found.specificity),
        ]
    rows += [("Spearman", f"its numbers and {scale.label}", scale.found) for scale in report.scales]
    return _forest(rows, percent=False)


def rates(report: Report) -> Forest:
    """The share that people would accept: by the grader alone, by people alone, by both."""
    rows = []
    if report.calibrated.naive is not None:
        rows.append(("The grader alone", "believed as it is", report.calibrated.naive))
    rows.append(("People alone", "the judged traces", report.calibrated.people))
    rows.append(("Both together", "people’s word corrects the grader’s", report.calibrated.rate))
    return _forest(rows, percent=True)


def matrix(found: Matrix) -> list[list[Cell]]:
    """Two rows (people accepted, rejected) of two fields (the grader passed, failed)."""
    most = max(found.both_yes, found.only_grader, found.only_people, found.both_no) or 1

    def cell(label: str, count: float, agree: bool) -> Cell:
        shade = 0 if not count else max(1, round(SHADES * count / most))
        return Cell(label, int(count), formats.percent(count / found.n if found.n else None), shade, agree)

    return [
        [cell("both say good", found.both_yes, True), cell("only people say good", found.only_people, False)],
        [cell("only the grader says good", found.only_grader, False), cell("both say bad", found.both_no, True)],
    ]


def _forest(rows: list[tuple[str, str, Estimate]], *, percent: bool) -> Forest:
    ends = [end for _, _, one in rows for end in (one.low, one.value) if end is not None]
    left = -1.0 if min([0.0, *ends]) < -0.5 else -0.5 if min([0.0, *ends]) < 0 else 0.0

    def place(value: float | None) -> float | None:
        return None if value is None else round(min(100.0, max(0.0, 100 * (value - left) / (1 - left))), 2)

    def say(value: float | None) -> str:
        return formats.percent(value) if percent else formats.decimal(value, 2)

    lines = tuple(
        Line(
            label, note, say(one.value), f"{say(one.low)} to {say(one.high)}" if one.low is not None else "no interval",
            one.n, place(one.value), place(one.low), place(one.high),
        )
        for label, note, one in rows
    )  # fmt: skip
    step = 0.25 if left == 0 else 0.5
    marks = [left + step * index for index in range(round((1 - left) / step) + 1)]
    names = [formats.percent(mark, 0) if percent else formats.decimal(mark, 2) for mark in marks]
    ticks = tuple(
        Tick(place(mark) or 0.0, name if left < mark < 1 else "", mark == 0)
        for mark, name in zip(marks, names, strict=True)
    )
    return Forest(lines, ticks)
