"""Statistics against statsmodels, published examples, numeric optimisation and simulation."""

import math

import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats
from statsmodels.stats import proportion
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from evaluation.compare import stats
from evaluation.compare.stats import Pairs

ALPHA = 0.05


@pytest.mark.parametrize(("right", "n"), [(0, 5), (5, 5), (1, 20), (19, 20), (150, 200), (1, 1)])
def test_wilson_is_statsmodels(right: int, n: int) -> None:
    found = stats.wilson(right, n, alpha=ALPHA)
    low, high = proportion.proportion_confint(right, n, alpha=ALPHA, method="wilson")
    assert (found.low, found.high) == (pytest.approx(max(0, low), abs=1e-9), pytest.approx(min(1, high), abs=1e-9))


@pytest.mark.parametrize(("fixed", "broke"), [(0, 0), (0, 1), (3, 3), (10, 4), (58, 25), (1, 9)])
def test_midp_is_the_exact_test_of_statsmodels_less_half_of_what_was_seen(fixed: int, broke: int) -> None:
    exact = mcnemar([[50, broke], [fixed, 20]], exact=True).pvalue
    seen = scipy_stats.binom.pmf(min(fixed, broke), fixed + broke, 0.5)
    expected = 1.0 if fixed + broke == 0 else min(1.0, exact - seen) if fixed != broke else 1 - seen / 2
    assert stats.mcnemar_midp(Pairs(50, fixed, broke, 20)) == pytest.approx(expected)


def test_score_interval_of_the_difference_gives_the_published_example() -> None:
    # airway hyper-responsiveness before and after transplantation (Bentur et al.), in Fagerland et al. 2014, table 4:
    # Tango's interval is -0.517 to -0.026
    found = stats.difference_interval(Pairs(both=1, fixed=1, broke=7, neither=12), alpha=ALPHA)
    assert (found.low, found.high) == (pytest.approx(-0.517, abs=5e-4), pytest.approx(-0.026, abs=5e-4))


def _constrained(pairs: Pairs, *, ratio: float | None = None, difference: float | None = None) -> tuple[float, float]:
    """(fixed, broke) probabilities of highest likelihood under the hypothesis, by brute optimisation."""
    counts = np.array([pairs.both, pairs.fixed, pairs.broke, pairs.neither], dtype=float)

    def unlikely(p: np.ndarray) -> float:
        return -float(np.sum(counts / pairs.n * np.log(p)))

    if ratio is not None:
        hypothesis = {"type": "eq", "fun": lambda p: p[0] + p[1] - ratio * (p[0] + p[2])}
    else:
        hypothesis = {"type": "eq", "fun": lambda p: p[1] - p[2] - difference}
    total = {"type": "eq", "fun": lambda p: p.sum() - 1}
    found = optimize.minimize(
        unlikely,
        counts / pairs.n,
        bounds=[(1e-6, 1)] * 4,
        constraints=[hypothesis, total],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return float(found.x[1]), float(found.x[2])


@pytest.mark.parametrize("pairs", [Pairs(30, 8, 5, 7), Pairs(90, 2, 6, 2), Pairs(10, 12, 3, 25)])
@pytest.mark.parametrize("ratio", [0.7, 0.95, 1.2])
def test_the_score_of_a_ratio_uses_the_likeliest_probabilities(pairs: Pairs, ratio: float) -> None:
    fixed, broke = _constrained(pairs, ratio=ratio)
    expected = math.sqrt(pairs.n) * (pairs.candidate - ratio * pairs.baseline) / math.sqrt(ratio * (fixed + broke))
    assert stats.ratio_score(ratio, pairs) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("pairs", [Pairs(30, 8, 5, 7), Pairs(10, 12, 3, 25)])
@pytest.mark.parametrize("difference", [-0.1, 0.05, 0.2])
def test_the_score_of_a_difference_uses_the_likeliest_probabilities(pairs: Pairs, difference: float) -> None:
    fixed, broke = _constrained(pairs, difference=difference)
    variance = (fixed + broke - difference**2) / pairs.n
    expected = (pairs.candidate - pairs.baseline - difference) / math.sqrt(variance)
    assert stats.difference_score(difference, pairs) == pytest.approx(expected, rel=2e-3)


def test_the_scores_meet_mcnemars_test_where_nothing_changes() -> None:
    pairs = Pairs(60, 14, 6, 20)
    plain = (14 - 6) / math.sqrt(14 + 6)
    assert stats.ratio_score(1.0, pairs) == pytest.approx(plain)
    assert stats.difference_score(0.0, pairs) == pytest.approx(plain)


@pytest.mark.parametrize(
    ("pairs", "low", "high"),
    [
        (Pairs(73, 0, 0, 0), 0.95, 1 / 0.95),  # all right twice: 73 pairs are just enough for 95 %
        (Pairs(0, 0, 0, 10), None, None),  # nobody right: nothing to say
        (Pairs(0, 5, 0, 10), None, None),  # the baseline never right: no upper end
        (Pairs(0, 0, 5, 10), 0.0, None),  # the candidate never right
    ],
)
def test_extreme_counts_have_honest_ends(pairs: Pairs, low: float | None, high: float | None) -> None:
    found = stats.ratio_interval(pairs, alpha=ALPHA)
    if pairs.fixed and not pairs.broke:
        assert found.high is None
        assert (found.low or 0) > 1
    elif pairs.broke and not pairs.fixed:
        assert found.low == 0.0
        assert found.high is not None
        assert found.high < 1
    else:
        assert found.low == (None if low is None else pytest.approx(low, abs=1e-3))
        assert found.high == (None if high is None else pytest.approx(high, abs=1e-3))


def test_means_are_statsmodels() -> None:
    values = np.random.default_rng(1).normal(0.1, 1, 40)
    found = stats.mean_interval(values, alpha=ALPHA)
    low, high = DescrStatsW(values).tconfint_mean(ALPHA)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert stats.paired_t(values) == pytest.approx(DescrStatsW(values).ttest_mean(0)[1])


def test_holm_is_statsmodels() -> None:
    values = [0.04, 0.001, 0.03, 0.9, 0.01]
    assert stats.holm(values) == pytest.approx(list(multipletests(values, method="holm")[1]))
    assert stats.holm([]) == []


def test_the_ratio_of_means_ends_where_the_paired_test_turns() -> None:
    rng = np.random.default_rng(2)
    baseline = rng.uniform(0.2, 0.9, 80)
    candidate = np.clip(baseline + rng.normal(0.02, 0.1, 80), 0, 1)
    found = stats.mean_ratio_interval(baseline, candidate, alpha=ALPHA)
    for end in (found.low, found.high):
        assert end is not None
        assert stats.paired_t(candidate - end * baseline) == pytest.approx(ALPHA, abs=1e-9)
    assert stats.mean_ratio_interval(np.zeros(5), np.ones(5), alpha=ALPHA) == stats.Interval(None, None)


def test_log_ratio_and_bootstrap() -> None:
    rng = np.random.default_rng(3)
    baseline = rng.lognormal(6, 0.8, 200)
    ratio, ends, p = stats.log_ratio(baseline, baseline * 1.1 * rng.lognormal(0, 0.2, 200), alpha=ALPHA)
    assert ends.low is not None
    assert ends.high is not None
    assert ends.low < 1.1 < ends.high
    assert ratio == pytest.approx(1.1, rel=0.05)
    assert p < 0.001
    assert stats.bootstrap_interval(np.full(9, 0.5), alpha=ALPHA) == stats.Interval(0.5, 0.5)
    normal = rng.normal(1, 1, 300)
    boot, plain = stats.bootstrap_interval(normal, alpha=ALPHA), stats.mean_interval(normal, alpha=ALPHA)
    assert boot.low == pytest.approx(plain.low, abs=0.02)
    assert boot == stats.bootstrap_interval(normal, alpha=ALPHA)  # seeded: the same twice


# --- simulation


def _paired(rng: np.random.Generator, n: int, base: float, shift: float = 0.0) -> Pairs:
    """Two answers to scenarios of different difficulty; the chances of both models move together."""
    level = scipy_stats.norm.ppf(base) * math.sqrt(2)
    difficulty = rng.normal(0, 1, n)
    chance = scipy_stats.norm.cdf(level + difficulty)
    better = scipy_stats.norm.cdf(level + shift + difficulty)
    a, b = rng.random(n) < chance, rng.random(n) < better
    return Pairs(int((a & b).sum()), int((~a & b).sum()), int((a & ~b).sum()), int((~a & ~b).sum()))


@pytest.mark.parametrize(("n", "base"), [(20, 0.5), (50, 0.75), (50, 0.9), (200, 0.9)])
def test_intervals_cover_the_truth(n: int, base: float) -> None:
    rng = np.random.default_rng(n)
    tables = [_paired(rng, n, base) for _ in range(1000)]  # the truth: difference 0, ratio 1
    differences = [stats.difference_interval(pairs, alpha=ALPHA) for pairs in tables]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in differences])  # type: ignore[operator]
    assert covered > 0.935
    ratios = [abs(stats.ratio_score(1.0, pairs)) < 1.96 for pairs in tables]
    assert np.mean(ratios) > 0.935


def test_midp_keeps_its_false_alarms_and_finds_what_is_there() -> None:
    rng = np.random.default_rng(5)
    alarms = np.mean([stats.mcnemar_midp(_paired(rng, 100, 0.75)) < ALPHA for _ in range(2000)])
    found = np.mean([stats.mcnemar_midp(_paired(rng, 500, 0.75, shift=0.25)) < ALPHA for _ in range(300)])
    assert alarms < 0.06
    assert found > 0.5


@pytest.mark.parametrize(("base", "disagree"), [(0.75, 0.1), (0.9, 0.1), (0.75, 0.3)])
def test_the_number_of_pairs_asked_for_gives_the_power_promised(base: float, disagree: float) -> None:
    seen = Pairs(
        round(1000 * (base - disagree / 2)),
        round(500 * disagree),
        round(500 * disagree),
        round(1000 * (1 - base - disagree / 2)),
    )
    needed = stats.pairs_to_keep(seen, ratio=0.95, alpha=ALPHA)
    assert needed is not None
    rng = np.random.default_rng(6)
    odds = np.array([seen.both, seen.fixed, seen.broke, seen.neither]) / seen.n
    kept = np.mean([stats.ratio_score(0.95, Pairs(*rng.multinomial(needed, odds))) > 1.96 for _ in range(800)])
    assert 0.74 < kept < 0.87


def test_the_number_of_pairs_to_see_a_gain_gives_the_power_promised() -> None:
    seen = Pairs(650, 100, 100, 150)
    needed = stats.pairs_to_see(seen, gain=0.05, alpha=ALPHA)
    rng = np.random.default_rng(7)
    odds = np.array([0.65, 0.125, 0.075, 0.15])
    found = np.mean([stats.mcnemar_midp(Pairs(*rng.multinomial(needed, odds))) < ALPHA for _ in range(800)])
    assert 0.74 < found < 0.87
