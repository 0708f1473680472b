"""Verdicts: identical models are never rejected, harm is, and too few scenarios say so."""

import json
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from evaluation.compare import decide, metrics
from evaluation.compare.decide import APPROVE, INCONCLUSIVE, REJECT, BadRules, Decision, Rules, read_rules
from evaluation.compare.stats import Pairs

RULES = Rules()
LABELS = {"right": "right tool calls", "latency": "latency", "cost": "cost"}


def binary(pairs: Pairs, **fields: Any) -> metrics.Metric:
    return metrics.compare_binary(
        **{"name": "right", "pairs": pairs, "left_out": 0, "limit": 0.95, "key": True, "alpha": 0.05, **fields}
    )


def latency(baseline: Any, candidate: Any, **fields: Any) -> metrics.Metric:
    return metrics.compare_amounts(
        **{
            "name": "latency",
            "kind": metrics.LATENCY,
            "baseline": np.asarray(baseline, dtype=float),
            "candidate": np.asarray(candidate, dtype=float),
            "left_out": 0,
            "limit": 1.10,
            "key": False,
            "alpha": 0.05,
            **fields,
        }
    )


def scores(baseline: Any, candidate: Any) -> metrics.Metric:
    return metrics.compare_scores(
        name="right",
        baseline=np.asarray(baseline, dtype=float),
        candidate=np.asarray(candidate, dtype=float),
        left_out=0,
        limit=0.95,
        key=True,
        alpha=0.05,
    )


def verdict(*found: metrics.Metric) -> Decision:
    return decide.decide(metrics=list(found), rules=RULES, candidate="tuned 2", labels=LABELS)


def test_a_clear_gain_that_keeps_every_limit_is_approved() -> None:
    rng = np.random.default_rng(0)
    times = rng.lognormal(6, 0.5, 540)
    found = verdict(binary(Pairs(329, 58, 25, 128)), latency(times, times * rng.lognormal(0.02, 0.1, 540)))
    assert found.outcome == APPROVE
    assert found.sentence == "tuned 2 is better in right tool calls (+6.1 points) and breaks no limit."


def test_a_clear_loss_is_rejected_and_the_limit_named() -> None:
    found = verdict(binary(Pairs(300, 5, 120, 75)))
    assert found.outcome == REJECT
    assert "right tool calls (−23.0 points)" in found.sentence
    assert "where 95 % is asked" in found.sentence


@pytest.mark.parametrize("count", [1, 3, 10, 50])
def test_few_scenarios_are_inconclusive_and_say_how_many_are_needed(count: int) -> None:
    found = verdict(binary(Pairs(count, 0, 0, 0)))
    assert found.outcome == INCONCLUSIVE
    assert f"{count} scenarios are too few" in found.sentence or "1 scenario is too few" in found.sentence
    assert "needed" in found.sentence


def test_equal_and_many_is_inconclusive_because_nothing_got_better() -> None:
    found = verdict(binary(Pairs(2900, 50, 50, 1000)))
    assert found.outcome == INCONCLUSIVE
    assert "keeps every limit but shows no gain" in found.sentence


def test_a_baseline_that_is_never_right_is_nothing_to_keep() -> None:
    both_useless = verdict(binary(Pairs(0, 0, 0, 100)))
    assert both_useless.outcome == INCONCLUSIVE
    assert "nothing to keep" in both_useless.sentence
    learned = verdict(binary(Pairs(0, 40, 0, 60)))
    assert learned.outcome == APPROVE


def test_a_slow_candidate_is_rejected_unless_the_clock_cannot_be_trusted() -> None:
    better = binary(Pairs(329, 58, 25, 128))
    times = np.random.default_rng(0).lognormal(6, 0.5, 540)
    slow = verdict(better, latency(times, times * 3.5))
    assert slow.outcome == REJECT
    told = "latency (+250.0 %) is up by at least 250.0 %, where 10 % more is allowed."
    assert told in slow.sentence, "the change, its end and the limit on one scale"
    assert verdict(better, latency(times, times * 1.3)).outcome == REJECT
    apart = verdict(better, latency(times, times * 1.3, separately_timed=True))
    assert apart.outcome == INCONCLUSIVE
    assert "one after the other" in apart.sentence
    few = verdict(binary(Pairs(20, 3, 3, 4)), latency(times, times * 1.3, separately_timed=True))
    assert "30 scenarios" in few.sentence
    assert "one after the other" in " ".join(few.further)


def test_one_metric_better_and_one_worse_is_no_approval() -> None:
    worse = binary(Pairs(9000, 100, 400, 500), name="schema", limit=None)
    found = verdict(binary(Pairs(329, 58, 25, 128)), worse)
    assert found.outcome == INCONCLUSIVE
    assert "but worse in schema" in found.sentence


def no_cost(*, left_out: int, limit: float | None = 1.2) -> metrics.Metric:
    return metrics.compare_amounts(
        name="cost",
        kind=metrics.COST,
        baseline=np.array([]),
        candidate=np.array([]),
        left_out=left_out,
        limit=limit,
        key=True,
        alpha=0.05,
    )


def test_a_limit_that_one_side_was_not_measured_on_approves_nothing() -> None:
    found = verdict(binary(Pairs(329, 58, 25, 128)), no_cost(left_out=540))
    assert found.outcome == INCONCLUSIVE
    assert "cost stays under 120 % of the baseline: cost was measured for one of the two models only" in found.sentence
    assert found.further == []
    assert verdict(binary(Pairs(300, 5, 120, 75)), no_cost(left_out=540)).outcome == REJECT
    watched = verdict(binary(Pairs(329, 58, 25, 128)), no_cost(left_out=540, limit=None))
    assert (watched.outcome, watched.further) == (APPROVE, ["Not measured: cost."])


def test_what_neither_side_measured_is_named_and_not_held_against_anybody() -> None:
    none = no_cost(left_out=0)
    found = verdict(binary(Pairs(329, 58, 25, 128)), none)
    assert (found.outcome, found.further) == (APPROVE, ["Not measured: cost."])
    assert verdict(none).outcome == INCONCLUSIVE


def test_few_scores_decide_nothing_in_either_direction() -> None:
    rng = np.random.default_rng(1)
    high, low = rng.uniform(0.8, 0.9, 19), rng.uniform(0.1, 0.2, 19)
    for pair in ((high, low), (low, high)):
        found = verdict(scores(*pair))
        assert found.outcome == INCONCLUSIVE
        assert "20 are needed" in found.sentence
    assert verdict(scores(np.tile(high, 2), np.tile(low, 2))).outcome == REJECT


def test_results_are_json() -> None:
    rng = np.random.default_rng(1)
    for metric in (
        binary(Pairs(0, 0, 0, 3)),
        scores(rng.random(30), rng.random(30)),
        latency([1, 2], [1, 2]),
        scores([], []),
    ):
        json.dumps(metric.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"accuracy": 1.5}, "rules.accuracy"),
        ({"latency": 0.9}, "rules.latency"),
        ({"speed": 1}, "rules.speed"),
        ({"alpha": None}, "rules.alpha"),
        ({"cost": "1.2"}, "rules.cost"),
        ({"cost": True}, "rules.cost"),
        ([], "rules"),
    ],
)
def test_senseless_rules_are_refused(given: Any, where: str) -> None:
    with pytest.raises(BadRules) as caught:
        read_rules(given)
    assert caught.value.where == where


def test_a_rule_can_be_only_watched() -> None:
    assert read_rules({"latency": None}) == Rules(latency=None)


# --- simulated false alarms: the trap of an earlier system, which rejects 20 % of identical models


def _identical(rng: np.random.Generator, n: int, base: float) -> tuple[np.ndarray, np.ndarray]:
    chance = scipy_stats.norm.cdf(scipy_stats.norm.ppf(base) * np.sqrt(2) + rng.normal(0, 1, n))
    return rng.random(n) < chance, rng.random(n) < chance


@pytest.mark.parametrize("n", [10, 20, 50, 200])
@pytest.mark.parametrize("base", [0.6, 0.9])
def test_an_identical_model_is_hardly_ever_rejected_or_approved(n: int, base: float) -> None:
    rng = np.random.default_rng(n)
    rejected = approved = 0
    for _ in range(300):
        a, b = _identical(rng, n, base)
        pairs = Pairs(int((a & b).sum()), int((~a & b).sum()), int((a & ~b).sum()), int((~a & ~b).sum()))
        times = rng.lognormal(6, 0.5, n)
        found = verdict(
            binary(pairs), latency(times * rng.lognormal(0, 0.2, n), times * rng.lognormal(0, 0.2, n))
        ).outcome
        rejected += found == REJECT
        approved += found == APPROVE
    assert rejected <= 0.03 * 300
    assert approved <= 0.04 * 300


@pytest.mark.parametrize("n", [20, 50])
def test_identical_models_with_skewed_scores_are_hardly_ever_rejected(n: int) -> None:
    rng = np.random.default_rng(n)
    outcomes = []
    for _ in range(200):
        level = rng.beta(0.5, 0.2, n)
        noisy = [np.clip(level + rng.normal(0, 0.15, n), 0, 1) for _ in range(2)]
        outcomes.append(verdict(scores(*noisy)).outcome)
    assert outcomes.count(REJECT) <= 0.04 * 200
    assert outcomes.count(APPROVE) <= 0.05 * 200


def test_a_model_that_lost_ten_percent_is_not_let_through() -> None:
    rng = np.random.default_rng(9)
    outcomes = []
    for _ in range(150):
        a = rng.random(500) < 0.8
        b = np.where(rng.random(500) < 0.1, False, a)
        pairs = Pairs(int((a & b).sum()), int((~a & b).sum()), int((a & ~b).sum()), int((~a & ~b).sum()))
        outcomes.append(verdict(binary(pairs)).outcome)
    assert APPROVE not in outcomes
    assert outcomes.count(REJECT) > 0.9 * 150


@pytest.mark.parametrize(("missing", "guard", "n"), [(0, "pass", 100), (5, "pass", 100), (6, "unmeasured", 100)])
def test_missing_judgments_are_counted_and_too_many_measure_nothing(missing: int, guard: str, n: int) -> None:
    whole = metrics.compare_binary(
        name="kind", pairs=Pairs(both=95, fixed=4, broke=0, neither=1), left_out=0, limit=0.9, key=True, alpha=0.05
    )
    found = metrics.without(whole, missing=missing, of=100)
    assert (found.guard, found.missing, found.n, found.limit) == (guard, missing, n, 0.9)
    assert (found.p is None) == (guard == "unmeasured") and bool(found.notes) == bool(missing)
