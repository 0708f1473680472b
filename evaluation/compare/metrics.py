"""What is compared: one Metric per grader, plus answered, latency and cost. Pure; built from pairs of values."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from evaluation.compare import stats

# a t test over fewer skewed scores promises more than it keeps
LEAST_SCORES = 20
GAIN_TO_SEE = 0.05
# what a judge left out is no fair sample of the rest (long answers fail first): as large a part as a limit usually allows to
# be lost could hide that loss
MOST_MISSING = 0.05

BINARY, SCORE, LATENCY, COST = "binary", "score", "latency", "cost"
PASS, FAIL, OPEN, WATCHED, UNMEASURED = "pass", "fail", "open", "watched", "unmeasured"


@dataclass(slots=True)
class Metric:
    """One compared measure. `baseline` and `candidate` are shares, means (scores, USD) or medians (ms); `ratio` is
    candidate over baseline with its interval (None: no such end), `limit` the ratio it must keep (at least for right
    answers, at most for times and costs). `needed` pairs are wanted to prove the limit if both are equal.
    `missing` scenarios were to be judged and have no judgment; they are left out.
    `difference` is absolute (share, score) or relative (times, costs: 0.1 is 10 % more)."""

    name: str
    kind: str
    n: int
    left_out: int = 0
    missing: int = 0
    baseline: float | None = None
    candidate: float | None = None
    baseline_low: float | None = None
    baseline_high: float | None = None
    candidate_low: float | None = None
    candidate_high: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    bootstrap_low: float | None = None
    bootstrap_high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    limit: float | None = None
    guard: str = WATCHED
    needed: int | None = None
    needed_gain: int | None = None
    p: float | None = None
    p_holm: float | None = None
    key: bool = False
    fixed: int | None = None
    broke: int | None = None
    method: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def lower_is_better(self) -> bool:
        """Whether less is better (times, costs)."""
        return self.kind in (LATENCY, COST)

    @property
    def gain(self) -> float | None:
        """The difference, positive where the candidate is better."""
        return None if self.difference is None else -self.difference if self.lower_is_better else self.difference

    def better(self, alpha: float) -> bool:
        """Whether the candidate is better beyond chance, all key metrics counted together."""
        return self.p_holm is not None and self.p_holm < alpha and (self.gain or 0) > 0

    def worse(self, alpha: float) -> bool:
        """Whether the candidate is worse beyond chance."""
        return self.p_holm is not None and self.p_holm < alpha and (self.gain or 0) < 0

    def as_json(self) -> dict[str, Any]:
        """All fields, for storing and for the API."""
        return asdict(self)


def compare_binary(
    *, name: str, pairs: stats.Pairs, left_out: int, limit: float | None, key: bool, alpha: float
) -> Metric:
    """Right or wrong per scenario."""
    metric = Metric(name=name, kind=BINARY, n=pairs.n, left_out=left_out, limit=limit, key=key)
    if not pairs.n:
        return _unmeasured(metric)
    metric.method = "McNemar's test with mid-p; score intervals (Wilson, Tango, Nam-Blackwelder)"
    metric.baseline, metric.candidate = pairs.baseline, pairs.candidate
    arms = [stats.wilson(right, pairs.n, alpha=alpha) for right in (pairs.both + pairs.broke, pairs.both + pairs.fixed)]
    (metric.baseline_low, metric.baseline_high), (metric.candidate_low, metric.candidate_high) = map(_ends, arms)
    metric.fixed, metric.broke = pairs.fixed, pairs.broke
    metric.difference = pairs.candidate - pairs.baseline
    metric.low, metric.high = _ends(stats.difference_interval(pairs, alpha=alpha))
    metric.ratio = pairs.candidate / pairs.baseline if pairs.baseline else None
    ratio = stats.ratio_interval(pairs, alpha=alpha)
    metric.ratio_low, metric.ratio_high = _ends(ratio)
    metric.p = stats.mcnemar_midp(pairs)
    metric.needed_gain = stats.pairs_to_see(pairs, gain=GAIN_TO_SEE, alpha=alpha)
    if limit is not None:
        metric.needed = stats.pairs_to_keep(pairs, ratio=limit, alpha=alpha)
        metric.guard = _at_least(ratio, limit)
        if metric.ratio_low is None or not pairs.both + pairs.broke:
            metric.notes.append("The baseline got nothing right, so there is nothing to keep.")
    return metric


def compare_scores(
    *,
    name: str,
    baseline: stats.Floats,
    candidate: stats.Floats,
    left_out: int,
    limit: float | None,
    key: bool,
    alpha: float,
) -> Metric:
    """A score from 0 to 1 per scenario (or the mean per conversation)."""
    metric = Metric(name=name, kind=SCORE, n=len(baseline), left_out=left_out, limit=limit, key=key)
    if not len(baseline):
        return _unmeasured(metric)
    differences = candidate - baseline
    metric.method = "paired t test; Fieller interval of the ratio; BCa bootstrap beside it"
    metric.baseline, metric.candidate = float(baseline.mean()), float(candidate.mean())
    metric.baseline_low, metric.baseline_high = _clip(stats.mean_interval(baseline, alpha=alpha))
    metric.candidate_low, metric.candidate_high = _clip(stats.mean_interval(candidate, alpha=alpha))
    metric.difference = float(differences.mean())
    metric.low, metric.high = _ends(stats.mean_interval(differences, alpha=alpha))
    metric.bootstrap_low, metric.bootstrap_high = _ends(stats.bootstrap_interval(differences, alpha=alpha))
    metric.ratio = metric.candidate / metric.baseline if metric.baseline > 0 else None
    ratio = stats.mean_ratio_interval(baseline, candidate, alpha=alpha)
    metric.ratio_low, metric.ratio_high = _ends(ratio)
    few = len(baseline) < LEAST_SCORES
    metric.p = 1.0 if few else stats.paired_t(differences)
    metric.needed_gain = stats.scores_to_see(differences, gain=GAIN_TO_SEE, alpha=alpha)
    if limit is not None:
        metric.needed = stats.scores_to_keep(baseline, candidate, ratio=limit, alpha=alpha)
        metric.guard = OPEN if few else _at_least(ratio, limit)
    if few:
        metric.needed = max(LEAST_SCORES, metric.needed or 0)
        metric.needed_gain = max(LEAST_SCORES, metric.needed_gain or 0)
        metric.notes.append(f"Fewer than {LEAST_SCORES} pairs of scores decide nothing.")
    return metric


def compare_amounts(
    *,
    name: str,
    kind: str,
    baseline: stats.Floats,
    candidate: stats.Floats,
    left_out: int,
    limit: float | None,
    key: bool,
    alpha: float,
    separately_timed: bool = False,
) -> Metric:
    """A time (ms) or a cost (USD) per scenario, all positive. `separately_timed`: both sides ran one after the other on
    one machine, whose other work changes the times, so that being slow is never taken as proven."""
    metric = Metric(name=name, kind=kind, n=len(baseline), left_out=left_out, limit=limit, key=key)
    if not len(baseline):
        return _unmeasured(metric)
    metric.method = "paired t test on log ratios"
    middle = np.median if kind == LATENCY else np.mean
    metric.baseline, metric.candidate = float(middle(baseline)), float(middle(candidate))
    metric.ratio, ratio, metric.p = stats.log_ratio(baseline, candidate, alpha=alpha)
    metric.ratio_low, metric.ratio_high = _ends(ratio)
    metric.difference = metric.ratio - 1
    metric.low = None if ratio.low is None else ratio.low - 1
    metric.high = None if ratio.high is None else ratio.high - 1
    few = len(baseline) < LEAST_SCORES
    if few:
        metric.p = 1.0
        metric.notes.append(f"Fewer than {LEAST_SCORES} pairs decide nothing.")
    if limit is not None:
        logs = np.log(candidate) - np.log(baseline)
        metric.needed = stats.ratios_to_keep(logs, ratio=limit, alpha=alpha)
        metric.guard = OPEN if few else _at_most(ratio, limit)
        if few:
            metric.needed = max(LEAST_SCORES, metric.needed or 0)
        if metric.guard == FAIL and separately_timed:
            metric.guard = OPEN
            metric.needed = None
            metric.notes.append(
                "Both models were timed on this machine one after the other; its other work may be the reason."
            )
    return metric


def without(metric: Metric, *, missing: int, of: int) -> Metric:
    """The same metric with `missing` of `of` scenarios that were to be judged and have no judgment. Where they are more than
    MOST_MISSING of them, it is not measured."""
    if not missing:
        return metric
    metric.missing = missing
    metric.notes.append(f"{missing:,} of {of:,} scenarios have no judgment and are left out.")
    if missing <= MOST_MISSING * of:
        return metric
    bare = Metric(metric.name, metric.kind, metric.n, metric.left_out, missing, limit=metric.limit, key=metric.key)
    bare.notes = [f"{metric.notes[-1]} More than {100 * MOST_MISSING:.0f} % missing decide nothing."]
    return _unmeasured(bare)


def correct(metrics: list[Metric]) -> None:
    """Set `p_holm` of the key metrics that were measured, all of them counted together."""
    keys = [metric for metric in metrics if metric.key and metric.p is not None]
    for metric, corrected in zip(keys, stats.holm([metric.p for metric in keys if metric.p is not None]), strict=True):
        metric.p_holm = corrected


def _unmeasured(metric: Metric) -> Metric:
    metric.guard = UNMEASURED
    return metric


def _at_least(ratio: stats.Interval, limit: float) -> str:
    if ratio.low is not None and ratio.low > limit:
        return PASS
    return FAIL if ratio.high is not None and ratio.high < limit else OPEN


def _at_most(ratio: stats.Interval, limit: float) -> str:
    if ratio.high is not None and ratio.high < limit:
        return PASS
    return FAIL if ratio.low is not None and ratio.low > limit else OPEN


def _ends(interval: stats.Interval) -> tuple[float | None, float | None]:
    return tuple(None if end is None or not math.isfinite(end) else end for end in (interval.low, interval.high))  # type: ignore[return-value]


def _clip(interval: stats.Interval) -> tuple[float | None, float | None]:
    low, high = interval.low, interval.high
    return (None if low is None else max(0.0, low), None if high is None else min(1.0, high))
