"""The forest table of a comparison: intervals as places between 0 and 100 % of a drawing, right is better."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evaluation.compare.metrics import BINARY, COST, FAIL, LATENCY, OPEN, PASS, SCORE, UNMEASURED
from workspace import formats

STEPS = (1, 2, 5, 10, 20, 25, 50, 100)
MOST_TICKS = 6
WIDEST = 100.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line: its place and its label (empty at the edges, where it would be cut off)."""

    at: float
    label: str
    zero: bool


@dataclass(slots=True)
class Row:
    """One metric as the table shows it; places are percent of the drawing's width, None where there is nothing."""

    label: str
    baseline: str
    candidate: str
    change: str
    spoken: str
    limit: str
    tone: str
    sign: str
    word: str
    n: int
    left_out: int
    missing: int  # of what was to be judged
    notes: list[str]
    method: str
    bootstrap: str = ""
    low: float | None = None
    high: float | None = None
    at: float | None = None
    past: float | None = None
    open_left: bool = False
    open_right: bool = False
    colour: str = "ink-soft"


@dataclass(slots=True)
class Forest:
    """All rows on one scale."""

    rows: list[Row] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)


def draw(metrics: list[dict[str, Any]], labels: dict[str, str]) -> Forest:
    """The table of stored metrics (evaluation.compare.metrics.Metric.as_json)."""
    lines = [(metric, *_gains(metric)) for metric in metrics]
    known = [value for _, *ends in lines for value in ends if value is not None]
    left = max(-WIDEST, min([-6.0, *known]) * 1.12)
    right = min(WIDEST, max([6.0, *known]) * 1.12)

    def place(value: float) -> float:
        return round(min(100.0, max(0.0, (value - left) / (right - left) * 100)), 2)

    steps = [(value, place(value)) for value in _steps(left, right)]
    forest = Forest(ticks=[Tick(at, _tick(value) if 5 < at < 95 else "", value == 0) for value, at in steps])
    for metric, low, middle, high, limit in lines:
        row = _row(metric, labels)
        if limit is not None and limit > left and metric["guard"] != UNMEASURED:
            row.past = place(limit)
        if metric["guard"] != UNMEASURED and (low is not None or high is not None):
            row.low, row.high = place(left if low is None else low), place(right if high is None else high)
            row.open_left = low is None or low < left
            row.open_right = high is None or high > right
            row.at = None if middle is None or not left <= middle <= right else place(middle)
        forest.rows.append(row)
    return forest


def _gains(metric: dict[str, Any]) -> tuple[float | None, float | None, float | None, float | None]:
    """(low, middle, high, limit) in percent of the baseline, positive where the candidate is better."""
    ends = [metric["ratio_low"], metric["ratio"], metric["ratio_high"], metric["limit"]]
    low, middle, high, limit = (None if end is None else (end - 1) * 100 for end in ends)
    if metric["kind"] in (LATENCY, COST):
        low, middle, high, limit = (None if end is None else -end for end in (high, middle, low, limit))
    return low, middle, high, limit


def _row(metric: dict[str, Any], labels: dict[str, str]) -> Row:
    kind = metric["kind"]
    shows: dict[str, Callable[[float | None], str]] = {
        BINARY: formats.percent,
        SCORE: _score,
        LATENCY: formats.duration,
        COST: formats.money,
    }
    show = shows[kind]
    tone, sign, word = result(metric)
    name = labels.get(metric["name"], metric["name"])
    row = Row(
        label=name[:1].upper() + name[1:],
        baseline=show(metric["baseline"]),
        candidate=show(metric["candidate"]),
        change=change(metric),
        spoken=_spoken(metric),
        limit=_limit(metric),
        tone=tone,
        sign=sign,
        word=word,
        n=metric["n"],
        left_out=metric["left_out"],
        missing=metric.get("missing", 0),
        notes=metric["notes"],
        method=metric["method"],
        colour={"good": "good-ink", "bad": "bad-ink", "warn": "warn-ink"}.get(tone, "ink-soft"),
    )
    if metric["bootstrap_low"] is not None:
        row.bootstrap = f"{signed(metric['bootstrap_low'], 3)} to {signed(metric['bootstrap_high'], 3)}"
    return row


def result(metric: dict[str, Any]) -> tuple[str, str, str]:
    """(tone, sign, words) of one metric: whether its limit holds, and whether it moved."""
    lower = metric["kind"] in (LATENCY, COST)
    low, high = metric["ratio_low"], metric["ratio_high"]
    up, down = low is not None and low > 1, high is not None and high < 1
    better, worse = (down, up) if lower else (up, down)
    if metric["guard"] == UNMEASURED:
        return "", "–", "Not measured"
    if metric["guard"] == FAIL:
        return "bad", "✕", "Past the limit"
    if better:
        return "good", "✓", "Better"
    if metric["guard"] == OPEN:
        return "warn", "?", "Undecided"
    slower = {LATENCY: "Slower", COST: "Dearer"}.get(metric["kind"], "Worse")
    if worse:
        return "warn", "!", f"{slower}, in limit" if metric["guard"] == PASS else slower
    return "", "=", "No difference"


def change(metric: dict[str, Any]) -> str:
    """The difference as people write it: points, a score, or percent."""
    amount = metric["difference"]
    if amount is None:
        return "–"
    if metric["kind"] == BINARY:
        return f"{signed(100 * amount)} pt"
    return signed(amount, 3) if metric["kind"] == SCORE else f"{signed(100 * amount)} %"


def signed(value: float | None, digits: int = 1) -> str:
    """+6.1, −2.3, 0.0"""
    if value is None:
        return "–"
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return f"+{text}" if value > 0 else f"−{text}"


def _score(value: float | None) -> str:
    return formats.decimal(value, 3)


def _limit(metric: dict[str, Any]) -> str:
    if metric["limit"] is None:
        return "watched"
    percent = (metric["limit"] - 1) * 100
    return f"{'+' if percent > 0 else '−'}{abs(percent):.3g} %"


def _spoken(metric: dict[str, Any]) -> str:
    if metric["guard"] == UNMEASURED:
        return "not measured"
    low, high = (None if end is None else (end - 1) * 100 for end in (metric["ratio_low"], metric["ratio_high"]))
    ends = (
        "no lower end" if low is None else f"{signed(low)} %",
        "no upper end" if high is None else f"{signed(high)} %",
    )
    told = " to ".join(ends)
    return f"95 percent interval of the change, in percent of the baseline: {told}; limit {_limit(metric)}"


def _steps(left: float, right: float) -> list[float]:
    step = next((step for step in STEPS if (right - left) / step <= MOST_TICKS), STEPS[-1])
    return [float(value) for value in range(-100, 101, step) if left <= value <= right]


def _tick(value: float) -> str:
    return "0" if value == 0 else f"{'+' if value > 0 else '−'}{abs(value):.0f} %"
