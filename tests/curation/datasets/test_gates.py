"""Gates fail closed: what was not measured passes nothing and counts as nothing."""

from typing import Any

import pytest

from curation.datasets import recipe
from curation.datasets.selecting import gates
from curation.datasets.selecting.gates import NotScaled, Stop, Value


def outcome(scores: dict[str, Value], rating: float | None = None, **given: Any) -> Stop | float | None:
    return gates.stopped(recipe.parse(given), scores, rating)


@pytest.mark.parametrize(
    ("operator", "value", "passes"),
    [
        ("gte", 0.5, True), ("gte", 0.4999, False), ("gt", 0.5, False), ("gt", 0.5001, True), ("lte", 0.5, True),
        ("lte", 0.5001, False), ("lt", 0.5, False), ("lt", 0.4999, True), ("eq", 0.50009, True), ("eq", 0.4998, False),
    ],
)  # fmt: skip
def test_operators(operator: str, value: float, passes: bool) -> None:
    gate = {"score": "x", "operator": operator, "threshold": 0.5}
    assert isinstance(outcome({"x": Value(number=value)}, gates=[gate]), Stop) is not passes


@pytest.mark.parametrize("operator", ["gte", "gt", "lte", "lt", "eq"])
@pytest.mark.parametrize("missing", [None, Value(category="fine"), Value(number=float("nan"))])
def test_a_missing_score_passes_no_gate_and_is_not_a_zero(operator: str, missing: Value | None) -> None:
    scores = {} if missing is None else {"toxicity": missing}
    stop = outcome(scores, gates=[{"score": "toxicity", "operator": operator, "threshold": 0}])
    assert isinstance(stop, Stop)
    assert stop.facts == {"gate": "toxicity", "operator": operator, "threshold": 0.0, "value": None}
    assert "not measured" in stop.detail and stop.reason.code == "gate"


def test_all_gates_must_pass_and_the_first_that_stops_is_told() -> None:
    both = [{"score": "a", "threshold": 0.5}, {"score": "b", "operator": "lt", "threshold": 0.2}]
    scores = {"a": Value(boolean=True), "b": Value(number=0.3)}
    stop = outcome(scores, gates=both)
    assert isinstance(stop, Stop) and stop.detail == "b: 0.3, must be < 0.2"
    assert outcome({**scores, "b": Value(number=0.1)}, gates=both) is None


def test_the_composite_is_over_the_scores_that_are_there() -> None:
    weights = {"relevancy": 3.0, "helpful": 1.0}
    both = {"relevancy": Value(number=4, low=0, high=5), "helpful": Value(boolean=False)}
    assert outcome(both, weights=weights) == pytest.approx(0.6)
    assert outcome({"relevancy": both["relevancy"]}, weights=weights) == pytest.approx(0.8), "weights are normalised"
    assert outcome({}, weights=weights) is None
    assert isinstance(outcome({}, weights=weights, min_score=0.0), Stop), (
        "min_score never counts a missing one as passed"
    )
    stop = outcome({"relevancy": both["relevancy"]}, weights=weights, required=["helpful"])
    assert isinstance(stop, Stop) and stop.reason.code == "score_missing" and stop.facts["value"] is None


@pytest.mark.parametrize("number", [step / 20 for step in range(21)])
@pytest.mark.parametrize("weights", [(1, 1, 1), (0.1, 0.2, 0.7), (0.2, 0.3, 0.5), (0.35, 0.3, 0.2, 0.15), (0.6, 0.4)])
def test_what_reaches_a_bound_passes_it_whatever_the_last_bit_is(number: float, weights: tuple[float, ...]) -> None:
    scores = {f"s{place}": Value(number=number) for place in range(len(weights))}
    given = {f"s{place}": weight for place, weight in enumerate(weights)}
    assert outcome(scores, weights=given, min_score=number) == number
    if number < 1:
        assert isinstance(outcome(scores, weights=given, min_score=number + 0.0001), Stop)
    if number:
        assert gates.apart(number, (round(number * 20) - 1) / 20) == 0.05


def test_values_are_scaled_by_their_declared_range_and_never_by_a_guess() -> None:
    assert gates.scaled("x", Value(number=-1, low=-1, high=1)) == 0
    assert gates.scaled("x", Value(number=9, low=0, high=5)) == 1, "clamped"
    assert gates.scaled("x", Value(number=0.25)) == 0.25
    assert gates.scaled("x", Value(category="good", passed=True)) == 1
    with pytest.raises(NotScaled, match="x: the value 4 has no declared range"):
        gates.scaled("x", Value(number=4))


def test_measures_and_feedback_limits() -> None:
    failed = {"safe": Value(number=0.9, passed=False)}
    assert outcome(failed, measures=[{"score": "safe", "passed": False}]) is None
    stop = outcome(failed, measures=[{"score": "safe", "passed": True}])
    assert isinstance(stop, Stop) and stop.detail == "safe: failed, must have passed"
    stop = outcome({"safe": Value(number=0.9)}, measures=[{"score": "safe", "passed": False}])
    assert isinstance(stop, Stop) and stop.facts["value"] is None, "a number alone has not failed"

    assert outcome({"response_quality": Value(number=4.0)}, min_quality=4.0) is None
    assert outcome({}, rating=4.5, min_quality=4.0) is None, "else the mean rating of the feedback"
    stop = outcome({"response_quality": Value(number=2.0)}, rating=5.0, min_quality=4.0)
    assert isinstance(stop, Stop) and stop.facts["value"] == 2.0
    stop = outcome({}, min_confidence=0.9)
    assert isinstance(stop, Stop) and stop.reason.code == "under_confidence" and stop.facts["value"] is None
