"""Statistics for two models on the same scenarios. Pure functions over counts and arrays.

The unit is the scenario (or the conversation, where several scenarios come from one). A guardrail "the candidate keeps
at least m of the baseline" is the contrast B - m*A, tested one-sided at alpha/2, so that it holds exactly where the
two-sided interval of the ratio B/A lies above m: what is drawn is what is decided.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts load when first used: scipy.stats takes longer to load than the whole web process
from numpy.typing import NDArray

POWER = 0.8
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends of an interval; None where it has no end."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Right or wrong, twice: `both` right, `fixed` only the candidate, `broke` only the baseline, `neither`."""

    both: int
    fixed: int
    broke: int
    neither: int

    @property
    def n(self) -> int:
        """All pairs."""
        return self.both + self.fixed + self.broke + self.neither

    @property
    def baseline(self) -> float:
        """Share that the baseline got right."""
        return (self.both + self.broke) / self.n

    @property
    def candidate(self) -> float:
        """Share that the candidate got right."""
        return (self.both + self.fixed) / self.n


def wilson(successes: int, n: int, *, alpha: float) -> Interval:
    """Interval of one share (Wilson 1927), which keeps its promise for few and for extreme values."""
    z = _z(alpha)
    share, spread = successes / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def mcnemar_midp(pairs: Pairs) -> float:
    """Two-sided p that as many were fixed as broken: McNemar's exact test with the mid-p correction (Fagerland et al.
    2013). 1 where no pair disagrees."""
    disagree = pairs.fixed + pairs.broke
    if not disagree:
        return 1.0
    fewer = min(pairs.fixed, pairs.broke)
    seen = scipy.stats.binom.pmf(fewer, disagree, 0.5)
    if pairs.fixed == pairs.broke:
        return float(1 - seen / 2)
    return float(2 * scipy.stats.binom.cdf(fewer, disagree, 0.5) - seen)


def difference_score(difference: float, pairs: Pairs) -> float:
    """z of the hypothesis that candidate - baseline = `difference`: the score test of Tango (1998), eq. 3-5."""
    n, fixed, broke = pairs.n, pairs.fixed, pairs.broke
    linear = -fixed - broke + (2 * n - fixed + broke) * difference
    constant = -broke * difference * (1 - difference)
    # probability of "broke" under the hypothesis: the root of 2n q^2 + linear q + constant
    q = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference))
    return _divide(fixed - broke - n * difference, math.sqrt(max(0.0, variance)))


def difference_interval(pairs: Pairs, *, alpha: float) -> Interval:
    """Interval of candidate - baseline, -1 to 1, by inverting the score test (Tango 1998)."""
    observed = (pairs.fixed - pairs.broke) / pairs.n
    z = _z(alpha)
    low = _root(lambda at: difference_score(at, pairs) - z, -1 + 1e-9, observed)
    high = _root(lambda at: difference_score(at, pairs) + z, observed, 1 - 1e-9)
    return Interval(-1.0 if low is None else low, 1.0 if high is None else high)


def ratio_score(ratio: float, pairs: Pairs) -> float:
    """z of the hypothesis that candidate = ratio * baseline: the score test of Nam and Blackwelder (2002) for the ratio
    of two paired shares. 0 where nothing speaks for or against it."""
    n = pairs.n
    first, second = pairs.candidate, pairs.baseline
    only, other = pairs.fixed / n, pairs.broke / n
    root = math.sqrt((first - ratio**2 * second) ** 2 + 4 * ratio**2 * only * other)
    q10 = (-first + ratio**2 * (second + 2 * only) + root) / (2 * ratio * (ratio + 1))
    q01 = ratio * q10 - (ratio - 1) * (1 - pairs.neither / n)
    variance = max(0.0, ratio * (q10 + q01))
    return _divide(math.sqrt(n) * (first - ratio * second), math.sqrt(variance))


def ratio_interval(pairs: Pairs, *, alpha: float) -> Interval:
    """Interval of candidate / baseline by inverting the score test; no upper end where the baseline is never right."""
    z = _z(alpha)
    if not pairs.both + pairs.fixed + pairs.broke:
        return Interval(None, None)
    low, high = 1e-6, 1e6
    lower = _root(lambda at: ratio_score(math.exp(at), pairs) - z, math.log(low), math.log(high))
    upper = _root(lambda at: ratio_score(math.exp(at), pairs) + z, math.log(low), math.log(high))
    return Interval(0.0 if lower is None else math.exp(lower), None if upper is None else math.exp(upper))


def mean_interval(values: Floats, *, alpha: float) -> Interval:
    """t interval of a mean; no ends for fewer than two values."""
    if len(values) < 2:
        return Interval(None, None)
    half = float(_t(alpha, len(values)) * values.std(ddof=1) / math.sqrt(len(values)))
    middle = float(values.mean())
    return Interval(middle - half, middle + half)


def paired_t(differences: Floats) -> float:
    """Two-sided p that the mean difference is 0; 1 where all are 0 or there are fewer than two."""
    if len(differences) < 2 or not differences.any():
        return 1.0
    spread = differences.std(ddof=1) / math.sqrt(len(differences))
    if spread == 0:
        return 0.0
    return float(2 * scipy.stats.t.sf(abs(differences.mean() / spread), len(differences) - 1))


def bootstrap_interval(differences: Floats, *, alpha: float, seed: int = 0, resamples: int = 4000) -> Interval:
    """BCa bootstrap interval of the mean (Efron 1987); the value itself where all are equal."""
    if len(differences) < 2:
        return Interval(None, None)
    if np.ptp(differences) == 0:
        return Interval(float(differences[0]), float(differences[0]))
    found = scipy.stats.bootstrap(
        (differences,),
        np.mean,
        confidence_level=1 - alpha,
        n_resamples=resamples,
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(_finite(found.low), _finite(found.high))


def mean_ratio_interval(baseline: Floats, candidate: Floats, *, alpha: float) -> Interval:
    """Interval of mean(candidate) / mean(baseline) over pairs (Fieller 1954): every ratio m for which the paired t test
    does not refuse mean(B - m*A) = 0. Ends are None where the baseline's mean may be 0."""
    n = len(baseline)
    if n < 2:
        return Interval(None, None)
    t = _t(alpha, n)
    mine, theirs = float(candidate.mean()), float(baseline.mean())
    spread = np.cov(baseline, candidate, ddof=1) / n
    square = theirs**2 - t**2 * float(spread[0, 0])
    if square <= 0 or theirs <= 0:
        return Interval(None, None)
    middle = theirs * mine - t**2 * float(spread[0, 1])
    root = math.sqrt(max(0.0, middle**2 - square * (mine**2 - t**2 * float(spread[1, 1]))))
    return Interval((middle - root) / square, (middle + root) / square)


def log_ratio(baseline: Floats, candidate: Floats, *, alpha: float) -> tuple[float, Interval, float]:
    """Geometric mean of candidate / baseline over pairs of positive values, its interval and the two-sided p that it is
    1: the paired t test on logarithms, which suits times and costs."""
    logs = np.log(candidate) - np.log(baseline)
    found = mean_interval(logs, alpha=alpha)
    ends = Interval(
        None if found.low is None else math.exp(found.low), None if found.high is None else math.exp(found.high)
    )
    return math.exp(float(logs.mean())), ends, paired_t(logs)


def pairs_to_keep(pairs: Pairs, *, ratio: float, alpha: float) -> int | None:
    """Pairs needed to show (power 0.8) that the candidate keeps `ratio` of the baseline, if both are in truth as good
    and disagree as often as seen. None where nobody got anything right."""
    right = (pairs.baseline + pairs.candidate) / 2
    if not right:
        return None
    disagree = min((pairs.fixed + pairs.broke + 0.5) / (pairs.n + 1), 2 * right)
    gap = (1 - ratio) * right
    variance = (1 - ratio) ** 2 * (right - disagree / 2) + (1 + ratio**2) * disagree / 2 - gap**2
    least = _z(alpha) ** 2 * ratio / (1 - ratio)  # where no pair disagrees, the score test still needs this many
    return math.ceil(max(least, _weight(alpha) * variance / gap**2))


def scores_to_keep(baseline: Floats, candidate: Floats, *, ratio: float, alpha: float) -> int | None:
    """The same for scores. None where the baseline's mean is not above 0 or there are fewer than two pairs."""
    middle = float((baseline.mean() + candidate.mean()) / 2) if len(baseline) > 1 else 0.0
    if middle <= 0:
        return None
    variance = float((candidate - ratio * baseline).var(ddof=1))
    return math.ceil(_weight(alpha) * variance / ((1 - ratio) * middle) ** 2)


def ratios_to_keep(logs: Floats, *, ratio: float, alpha: float) -> int | None:
    """Pairs needed to show that a time or cost stays under `ratio` (above 1) times the baseline's, if it is equal."""
    if len(logs) < 2:
        return None
    return max(2, math.ceil(_weight(alpha) * float(logs.var(ddof=1)) / math.log(ratio) ** 2))


def pairs_to_see(pairs: Pairs, *, gain: float, alpha: float) -> int:
    """Pairs needed to see a true gain of `gain` (power 0.8) with McNemar's test, at the disagreement seen (Connor
    1987)."""
    disagree = max((pairs.fixed + pairs.broke + 0.5) / (pairs.n + 1), gain)
    root = _z(alpha) * math.sqrt(disagree) + float(scipy.stats.norm.ppf(POWER)) * math.sqrt(disagree - gain**2)
    return math.ceil((root / gain) ** 2)


def scores_to_see(differences: Floats, *, gain: float, alpha: float) -> int | None:
    """The same for scores, with the paired t test. None for fewer than two pairs."""
    if len(differences) < 2:
        return None
    return max(2, math.ceil(_weight(alpha) * float(differences.var(ddof=1)) / gain**2))


def holm(values: Sequence[float]) -> list[float]:
    """p values corrected for being several (Holm 1979), in the order they came."""
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, values[index] * (len(values) - rank)))
        corrected[index] = highest
    return corrected


def _weight(alpha: float) -> float:
    return float((_z(alpha) + scipy.stats.norm.ppf(POWER)) ** 2)


def _z(alpha: float) -> float:
    return float(scipy.stats.norm.ppf(1 - alpha / 2))


def _t(alpha: float, n: int) -> float:
    return float(scipy.stats.t.ppf(1 - alpha / 2, n - 1))


def _divide(above: float, below: float) -> float:
    if below > 1e-12:
        return above / below
    return 0.0 if abs(above) < 1e-12 else math.copysign(math.inf, above)


def _root(function: Callable[[float], float], low: float, high: float) -> float | None:
    """Where a falling function crosses 0 between low and high; None where it does not."""

    def bounded(at: float) -> float:
        return max(-1e9, min(1e9, function(at)))

    if low >= high or bounded(low) <= 0 or bounded(high) >= 0:
        return None
    return float(scipy.optimize.brentq(bounded, low, high, xtol=1e-9))


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
