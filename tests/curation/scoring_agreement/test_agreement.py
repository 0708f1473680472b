"""Agreement of a grader with people: known values, other people's programs as oracles, promises kept in simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from curation.scoring import agreement
from curation.scoring.agreement import Matrix, Rest


def test_the_paradox_of_kappa() -> None:
    """Two raters of 95 % accuracy agree on .905 whatever the prevalence; kappa falls with it, AC1 does not."""
    said = {0.5: (0.81, 0.81), 0.1: (0.60, 0.87), 0.05: (0.45, 0.89)}
    for prevalence, (kappa, ac1) in said.items():
        one, both, neither = 0.95 * 0.05, 0.95**2, 0.05**2
        matrix = Matrix(prevalence * both + (1 - prevalence) * neither, one, one,
                        (1 - prevalence) * both + prevalence * neither)  # fmt: skip
        assert (matrix.both_yes + matrix.both_no) / matrix.n == pytest.approx(0.905)
        assert agreement.kappa(matrix) == pytest.approx(kappa, abs=0.01)
        assert agreement.ac1(matrix) == pytest.approx(ac1, abs=0.01)


def test_a_table_by_hand_and_an_oracle() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    matrix = Matrix(40, 9, 6, 45)  # raw .85; chance .46*.49 + .54*.51 = .5008
    assert agreement.kappa(matrix) == pytest.approx((0.85 - 0.5008) / 0.4992)
    assert agreement.kappa(matrix) == pytest.approx(cohens_kappa([[40, 6], [9, 45]]).kappa)
    p = (46 + 49) / 200
    assert agreement.ac1(matrix) == pytest.approx((0.85 - 2 * p * (1 - p)) / (1 - 2 * p * (1 - p)))
    found = agreement.agreement(matrix)
    assert found.kappa.low is not None and found.kappa.high is not None
    oracle = cohens_kappa([[40, 6], [9, 45]])
    assert (found.kappa.low, found.kappa.high) == pytest.approx((oracle.kappa_low, oracle.kappa_upp), abs=0.05)
    assert found == agreement.agreement(matrix)  # seeded
    assert found.sensitivity.value == pytest.approx(40 / 46) and found.specificity.value == pytest.approx(45 / 54)
    assert (found.sensitivity.n, found.specificity.n) == (46, 54)


def test_nothing_and_one() -> None:
    nothing = agreement.agreement(Matrix(0, 0, 0, 0))
    for one in (nothing.raw, nothing.kappa, nothing.ac1, nothing.sensitivity):
        assert one == agreement.Estimate(None, None, None, 0)
    alone = agreement.agreement(Matrix(1, 0, 0, 0))
    assert alone.kappa == agreement.Estimate(None, None, None, 1)  # one class only: 0/0, not 0
    assert alone.ac1.value == 1 and alone.ac1.low is not None and alone.ac1.low < 0.5
    assert alone.specificity == agreement.Estimate(None, None, None, 0)
    assert agreement.mean([]).value is None
    assert agreement.mean([0.4]) == agreement.Estimate(0.4, None, None, 1)
    assert agreement.spearman([], []).value is None and agreement.spearman([1], [2]).value is None
    got = agreement.calibrated([], [], Rest(100, 0.7, 0.2), passes=(70, 100))
    assert got.rate.value is None and got.naive is not None and got.naive.value == 0.7
    got = agreement.calibrated([True], [1.0], Rest(0))
    assert (got.rate.value, got.rate.low) == (1.0, None)


def test_one_class_and_empty_cells_are_not_certainty() -> None:
    found = agreement.agreement(Matrix(60, 0, 0, 0))
    assert found.raw.value == 1 and found.raw.low is not None and found.raw.low < 0.95
    assert found.kappa.value is None and found.kappa.low is None
    assert found.ac1.value == 1 and found.ac1.low is not None and 0.85 < found.ac1.low < 1 and found.ac1.high == 1
    perfect = agreement.agreement(Matrix(30, 0, 0, 30))
    assert perfect.kappa.value == 1 and perfect.kappa.low is not None and 0.75 < perfect.kappa.low < 0.99
    always = agreement.agreement(Matrix(50, 10, 0, 0))  # the grader passes everything
    assert always.kappa.value == pytest.approx(0) and always.specificity.value == 0
    sure = agreement.calibrated([True] * 40, [1.0] * 40, Rest(400, 1.0, 0.0), passes=(440, 440))
    assert sure.rate.value == 1 and sure.rate.low is not None and 0.85 < sure.rate.low < 1


def test_five_scores() -> None:
    """The reference's example: mean .78, and a half-width that says how little five are."""
    found = agreement.mean([0.85, 0.92, 0.45, 0.78, 0.88])
    assert found.value == pytest.approx(0.776) and found.low is not None and found.high is not None
    half = (found.high - found.low) / 2
    oracle = stats.t.interval(0.95, 4, loc=0.776, scale=stats.sem([0.85, 0.92, 0.45, 0.78, 0.88]))
    assert half == pytest.approx(0.23, abs=0.01) and found.low == pytest.approx(oracle[0])


def test_ranks_against_an_oracle() -> None:
    drawn = np.random.default_rng(5)
    left = drawn.normal(size=80)
    right = np.round(left + drawn.normal(size=80))  # many ties, as ratings have
    found = agreement.spearman(list(left), list(right))
    assert found.value == pytest.approx(stats.spearmanr(left, right).statistic)
    assert found.low is not None and found.high is not None and found.low < found.value < found.high  # type: ignore[operator]
    assert agreement.spearman([1, 1, 1], [1, 2, 3]).value is None
    same = agreement.spearman(range(6), range(6))
    assert same.value == 1 and same.high == 1 and same.low is not None and same.low < 0.95
    with pytest.raises(ValueError, match="as long"):
        agreement.spearman([1], [1, 2])


def test_intervals_of_agreement_keep_their_promise() -> None:
    """Two raters of accuracy .9 at prevalence .2: over 400 samples of 80, 95 % intervals hold the truth."""
    drawn = np.random.default_rng(11)
    both, one, neither = 0.81, 0.09, 0.01
    cells = [0.2 * both + 0.8 * neither, one, one, 0.8 * both + 0.2 * neither]
    truth = Matrix(*cells)
    kappa, ac1, size = agreement.kappa(truth), agreement.ac1(truth), 400
    assert kappa is not None and ac1 is not None
    held = [0, 0]
    for counts in drawn.multinomial(80, cells, size=size):
        found = agreement.agreement(Matrix(*(int(c) for c in counts)), draws=500)
        for place, (one_found, true) in enumerate(((found.kappa, kappa), (found.ac1, ac1))):
            assert one_found.low is not None and one_found.high is not None
            held[place] += one_found.low <= true <= one_found.high
    assert all(0.92 <= count / size <= 0.985 for count in held), held


def _sample(
    drawn: np.random.Generator, n: int, rest: int, right: tuple[float, float]
) -> tuple[list[bool], list[float], Rest, int]:
    """True rate .8; the judge finds `right` of the good and of the bad."""
    people = drawn.random(n + rest) < 0.8
    judged = np.where(people, drawn.random(n + rest) < right[0], drawn.random(n + rest) >= right[1])
    others = judged[n:]
    return (
        [bool(y) for y in people[:n]],
        [float(f) for f in judged[:n]],
        Rest(rest, float(others.mean()), float(others.var(ddof=1))),
        int(judged.sum()),
    )


@pytest.mark.parametrize(("right", "saves"), [((0.95, 0.85), 1.7), ((0.8, 0.5), 1.0)])
def test_the_calibrated_rate_keeps_its_promise_and_the_naive_one_does_not(
    right: tuple[float, float], saves: float
) -> None:
    drawn, size = np.random.default_rng(3), 400
    held = naive = 0
    worth = []
    for _ in range(size):
        people, judged, rest, passed = _sample(drawn, 100, 2_000, right)
        found = agreement.calibrated(people, judged, rest, passes=(passed, 2_100))
        assert found.rate.low is not None and found.rate.high is not None and found.naive is not None
        held += found.rate.low <= 0.8 <= found.rate.high
        naive += bool(
            found.naive.low is not None and found.naive.high is not None and found.naive.low <= 0.8 <= found.naive.high
        )
        worth.append((found.worth or 0) / 100)
    assert 0.92 <= held / size <= 0.985, held / size
    assert naive / size < 0.85  # and not at all for the worse judge, however many traces it reads
    assert float(np.median(worth)) >= saves, float(np.median(worth))


def test_calibration_by_hand() -> None:
    """Without unjudged traces it is the labels' own rate; a judge that always says the same adds nothing."""
    alone = agreement.calibrated([True, True, False, True], [1, 1, 0, 1], Rest(0))
    assert alone.rate.value == 0.75 and alone.weight == 0
    same = agreement.calibrated([True, False] * 20, [1.0] * 40, Rest(100, 1.0, 0.0))
    assert same.rate.value == 0.5
    good = agreement.calibrated([True, False] * 20, [1.0, 0.0] * 20, Rest(4_000, 0.9, 0.09))
    assert good.rate.value is not None and 0.8 < good.rate.value < 0.9 and not math.isclose(good.weight, 0)


def test_words_only_from_enough() -> None:
    few = Matrix(20, 0, 0, 20)
    assert agreement.in_words(agreement.agreement(few), few)[0] == ""
    well = Matrix(120, 3, 3, 60)
    assert agreement.in_words(agreement.agreement(well), well)[0] == "good"
    rare = Matrix(190, 2, 1, 3)
    tone, said = agreement.in_words(agreement.agreement(rare), rare)
    assert tone == "warn" and "rejected only 5" in said
    badly = Matrix(30, 25, 25, 30)
    assert agreement.in_words(agreement.agreement(badly), badly)[0] == "bad"
