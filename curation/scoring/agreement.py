"""How far a grader agrees with people, and what share is truly right given both. Pure functions over counts and lists.

Every figure comes with its interval and its n. A figure that cannot be computed is None: no pair at all, one class only
(Cohen's kappa then divides by zero), every value the same (Spearman). None is never shown as 0.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEVEL = 0.95
DRAWS = 2_000
SEED = 20_231
# below this many pairs a word such as "agrees well" would promise more than the figures hold
ENOUGH = 50
# with fewer of the rarer verdict than this, what is said about it rests on too few
FEW = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the ends of its interval (95 %) and the number of pairs or values behind it. `value` None: it cannot be
    computed; `low` and `high` None: there is no interval for so few."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """The four counts of two who said yes or no: people first, then the grader. Shares instead of counts work too."""

    both_yes: float
    only_grader: float
    only_people: float
    both_no: float

    @property
    def n(self) -> float:
        """All pairs."""
        return self.both_yes + self.only_grader + self.only_people + self.both_no

    @property
    def people_yes(self) -> float:
        """Those that people accepted."""
        return self.both_yes + self.only_people

    @property
    def grader_yes(self) -> float:
        """Those that the grader passed."""
        return self.both_yes + self.only_grader

    @property
    def rarer(self) -> float:
        """How many of the verdict that people gave less often."""
        return min(self.people_yes, self.n - self.people_yes)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two who said yes or no have in common: raw share, Cohen's kappa, Gwet's AC1, and the shares of people's
    acceptances and rejections that the grader found (sensitivity, specificity)."""

    raw: Estimate
    kappa: Estimate
    ac1: Estimate
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True, slots=True)
class Rest:
    """The grader's word on traces that no person judged: how many, their mean (0 to 1) and variance (over n - 1)."""

    n: int
    mean: float = 0.0
    variance: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The share that people would accept over everything that was scored. `rate` uses both, `people` the labels alone,
    `naive` believes the grader (None where it says no pass). `weight` is PPI++'s lambda: how much of the grader's word
    is used; `worth` is how many labels alone would give an interval as narrow as that of `rate`."""

    rate: Estimate
    people: Estimate
    naive: Estimate | None
    weight: float
    worth: float | None


def kappa(matrix: Matrix) -> float | None:
    """Agreement beyond what each one's own rate would give by chance (Cohen 1960). None for no pair, and where both said
    one and the same thing throughout. Falls for rare classes although nobody got worse: look at AC1 beside it."""
    if not matrix.n:
        return None
    people, grader = matrix.people_yes / matrix.n, matrix.grader_yes / matrix.n
    chance = people * grader + (1 - people) * (1 - grader)
    raw = (matrix.both_yes + matrix.both_no) / matrix.n
    return None if math.isclose(chance, 1.0, abs_tol=1e-12) else (raw - chance) / (1 - chance)


def ac1(matrix: Matrix) -> float | None:
    """Agreement beyond chance where chance is 2p(1 - p), p the mean rate of yes (Gwet 2008, first-order coefficient):
    steady where a class is rare. None for no pair."""
    if not matrix.n:
        return None
    middle = (matrix.people_yes + matrix.grader_yes) / (2 * matrix.n)
    chance = 2 * middle * (1 - middle)
    raw = (matrix.both_yes + matrix.both_no) / matrix.n
    return (raw - chance) / (1 - chance)


def agreement(matrix: Matrix, *, seed: int = SEED, draws: int = DRAWS, level: float = LEVEL) -> Agreement:
    """All figures of a matrix of counts. The intervals of kappa and AC1 are a Bayesian bootstrap (Rubin 1981): the four
    shares are drawn from a Dirichlet over counts + 1/2, so that a cell with nobody in it does not read as certainty;
    the interval always holds the figure itself. Same seed, same interval."""
    whole = int(matrix.n)
    agreeing = int(matrix.both_yes + matrix.both_no)
    low_kappa, high_kappa, low_ac1, high_ac1 = _resampled(matrix, seed=seed, draws=draws, level=level)
    return Agreement(
        raw=share(agreeing, whole, level=level),
        kappa=_held(kappa(matrix), low_kappa, high_kappa, whole),
        ac1=_held(ac1(matrix), low_ac1, high_ac1, whole),
        sensitivity=share(int(matrix.both_yes), int(matrix.people_yes), level=level),
        specificity=share(int(matrix.both_no), whole - int(matrix.people_yes), level=level),
    )


def share(yes: int, n: int, *, level: float = LEVEL) -> Estimate:
    """A share with Wilson's interval (1927), which keeps its promise for few and for extreme counts."""
    if not n:
        return Estimate(None, None, None, 0)
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    value, spread = yes / n, z * z / n
    middle = (value + spread / 2) / (1 + spread)
    half = z * math.sqrt(value * (1 - value) / n + spread / (4 * n)) / (1 + spread)
    return Estimate(value, max(0.0, middle - half), min(1.0, middle + half), n)


def mean(values: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """A mean with Student's interval (1908), the honest one for five values. One value has no interval."""
    n = len(values)
    if not n:
        return Estimate(None, None, None, 0)
    average = math.fsum(values) / n
    if n == 1:
        return Estimate(average, None, None, 1)
    variance = math.fsum((value - average) ** 2 for value in values) / (n - 1)
    half = _student(n - 1, level) * math.sqrt(variance / n)
    return Estimate(average, average - half, average + half, n)


def spearman(left: Sequence[float], right: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """Correlation of ranks, ties at their mean rank (Spearman 1904); interval by Fisher's z with the variance of Bonett
    and Wright (2000), (1 + r^2/2)/(n - 3). None where either side is one value throughout; no interval under 5 pairs."""
    if len(left) != len(right):
        raise ValueError("Both sides must be as long.")
    n = len(left)
    if n < 2:
        return Estimate(None, None, None, n)
    from scipy.special import ndtri

    found = _correlation(_ranks(left), _ranks(right))
    if found is None or n < 5:
        return Estimate(found, None, None, n)
    # at 1 or -1 Fisher's z has no end: half a step of the smallest change is kept away from it
    inner = max(-1 + 1 / (2 * n), min(1 - 1 / (2 * n), found))
    half = float(ndtri(0.5 + level / 2)) * math.sqrt((1 + inner * inner / 2) / (n - 3))
    low, high = math.tanh(math.atanh(inner) - half), math.tanh(math.atanh(inner) + half)
    return Estimate(found, min(low, found), max(high, found), n)


def calibrated(
    people: Sequence[bool], grader: Sequence[float], rest: Rest, *, passes: tuple[int, int] | None = None,
    level: float = LEVEL,
) -> Calibrated:  # fmt: skip
    """The true rate of acceptance by prediction-powered inference, PPI++ (Angelopoulos, Duchi, Zrnic 2023,
    arXiv 2311.01453, section 6 for a mean):

        rate = mean(Y) + lambda * (mean(F, unjudged) - mean(F, judged)),
        lambda = cov(Y, F) / ((1 + n/N) * var(F)),
        variance = var(Y - lambda F)/n + lambda^2 var(F, unjudged)/N, quantile of Student's t with n - 1.

    `people` and `grader` are the n judged traces (grader's value in 0..1: a pass is 1), `rest` the N others, `passes`
    (passed, all that were scored) for the naive figure. It holds where the judged traces are a random sample of all.
    Lambda and the variances of the judged are taken with half a trace in each corner added, so that a judge without an
    error among few does not read as one without errors. No interval under two labels.
    """
    if len(people) != len(grader):
        raise ValueError("Each judged trace needs the grader's value.")
    n, yes = len(people), sum(people)
    alone = share(yes, n, level=level)
    naive = share(*passes, level=level) if passes else None
    if n < 2:
        return Calibrated(Estimate(alone.value, None, None, n), alone, naive, 0.0, None)
    spread_y, spread_f, common = _moments(people, grader)
    weight = common / ((1 + n / rest.n) * spread_f) if rest.n and spread_f > 0 else 0.0
    value = yes / n + weight * (rest.mean - math.fsum(grader) / n)
    judged = spread_y - 2 * weight * common + weight * weight * spread_f
    variance = judged / n + (weight * weight * rest.variance / rest.n if rest.n else 0.0)
    half = _student(n - 1, level) * math.sqrt(max(variance, 0.0))
    rate = Estimate(min(1.0, max(0.0, value)), max(0.0, value - half), min(1.0, value + half), n)
    return Calibrated(rate, alone, naive, weight, spread_y / variance if variance > 0 else None)


def in_words(found: Agreement, matrix: Matrix) -> tuple[str, str]:
    """How to say it: (tone, sentence); tone is good, warn, bad or "" for too few. Words come from the lower end of the
    interval of AC1, in the bands of Landis and Koch (1977), and only from ENOUGH pairs on."""
    if matrix.n < ENOUGH or found.ac1.low is None:
        return "", f"Too few to say in words: {int(matrix.n)} of {ENOUGH} judged traces."
    low = found.ac1.low
    if low >= 0.8:
        tone, said = "good", "It says what people say, almost always."
    elif low >= 0.6:
        tone, said = "good", "It mostly says what people say."
    elif low >= 0.4:
        tone, said = "warn", "It agrees with people in part: do not let it decide alone."
    else:
        tone, said = "bad", "It does not agree with people enough to be used in their place."
    if matrix.rarer < FEW:
        rare = "rejected" if matrix.people_yes * 2 >= matrix.n else "accepted"
        said += f" People {rare} only {int(matrix.rarer)}: how it does on those is hardly known."
        tone = "warn" if tone == "good" else tone
    return tone, said


def _resampled(matrix: Matrix, *, seed: int, draws: int, level: float) -> tuple[float | None, ...]:
    """Ends of the intervals of kappa and AC1; None without a pair."""
    if not matrix.n:
        return (None, None, None, None)
    import numpy as np

    cells = np.array([matrix.both_yes, matrix.only_grader, matrix.only_people, matrix.both_no], dtype=float) + 0.5
    drawn = np.random.default_rng(seed).dirichlet(cells, size=draws)
    people, grader = drawn[:, 0] + drawn[:, 2], drawn[:, 0] + drawn[:, 1]
    raw = drawn[:, 0] + drawn[:, 3]
    by_rates = people * grader + (1 - people) * (1 - grader)
    middle = (people + grader) / 2
    by_mean = 2 * middle * (1 - middle)
    ends = [(1 - level) / 2, 0.5 + level / 2]
    kappas = np.quantile((raw - by_rates) / (1 - by_rates), ends)
    firsts = np.quantile((raw - by_mean) / (1 - by_mean), ends)
    return (float(kappas[0]), float(kappas[1]), float(firsts[0]), float(firsts[1]))


def _held(value: float | None, low: float | None, high: float | None, n: int) -> Estimate:
    """The estimate with an interval that holds it; none where there is no figure."""
    if value is None or low is None or high is None:
        return Estimate(value, None, None, n)
    return Estimate(value, min(low, value), max(high, value), n)


def _student(freedom: int, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


def _moments(people: Sequence[bool], grader: Sequence[float]) -> tuple[float, float, float]:
    """Variance of people's word, of the grader's, and what they share, with half a trace in each of the four corners."""
    corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    points = [(float(y), float(f), 1.0) for y, f in zip(people, grader, strict=True)]
    points += [(y, f, 0.5) for y, f in corners]
    total = math.fsum(weight for _, _, weight in points)
    mean_y = math.fsum(y * weight for y, _, weight in points) / total
    mean_f = math.fsum(f * weight for _, f, weight in points) / total

    def about(left: int, right: int) -> float:
        means = (mean_y, mean_f)
        return math.fsum((p[left] - means[left]) * (p[right] - means[right]) * p[2] for p in points) / (total - 1)

    return about(0, 0), about(1, 1), about(0, 1)


def _ranks(values: Sequence[float]) -> Any:
    from scipy.stats import rankdata

    return rankdata(values)


def _correlation(left: Any, right: Any) -> float | None:
    """Pearson's correlation of two arrays; None where one does not vary."""
    left, right = left - left.mean(), right - right.mean()
    size = math.sqrt(float(left @ left) * float(right @ right))
    return None if size == 0 else max(-1.0, min(1.0, float(left @ right) / size))
