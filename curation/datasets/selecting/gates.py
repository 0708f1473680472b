"""What scores let through: measures, limits, gates and the composite. A score that is missing is missing: it passes
nothing, and counts as nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from curation.datasets import reasons
from curation.datasets.reasons import Reason
from curation.datasets.recipe import Recipe
from curation.datasets.recipe_parts import OPERATORS, Gate
from curation.scoring.counting import Value, has_passed, raw

__all__ = ["CONFIDENCE", "QUALITY", "RATING", "TOLERANCE", "NotScaled", "Stop", "Value", "apart", "composite",
           "has_passed", "names_of", "raw", "scaled", "stopped"]  # fmt: skip

TOLERANCE = 1e-4  # of eq; requirement 000-14
PLACES = 9  # of what is computed of scores: three times 0.7, weighed alike, is 0.7 and not the last bit less
QUALITY, CONFIDENCE, RATING = "response_quality", "validation_confidence", "rating"

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "gte": lambda value, bound: value >= bound,
    "gt": lambda value, bound: value > bound,
    "lte": lambda value, bound: value <= bound,
    "lt": lambda value, bound: value < bound,
    "eq": lambda value, bound: abs(value - bound) <= TOLERANCE,
}


class NotScaled(ValueError):
    """A score that cannot be part of a composite: `name` is the score, `reason` says why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


@dataclass(frozen=True, slots=True)
class Stop:
    """What stopped a trace: the reason, in words, and as DatasetDecision.facts (value null: not measured)."""

    reason: Reason
    detail: str
    facts: Mapping[str, Any]


def scaled(name: str, value: Value | None) -> float | None:
    """A score from 0 to 1, by its declared range. None: not measured. Raises NotScaled for a number outside 0 to 1 that
    declares no range, because guessing one would weigh it wrongly."""
    found = raw(value)
    if value is None or value.number is None or found is None:
        return found
    if value.low is not None and value.high is not None and value.high > value.low:
        return min(1.0, max(0.0, (found - value.low) / (value.high - value.low)))
    if not 0 <= found <= 1:
        raise NotScaled(
            name, f"the value {found:g} has no declared range; only numbers from 0 to 1 can be weighed without one"
        )
    return found


def composite(scores: Mapping[str, Value], weights: Iterable[tuple[str, float]]) -> float | None:
    """The weighted mean of the scores that are there (weights normalised over them, requirement 000-13), 0 to 1 and
    rounded to PLACES; None where none of them is. Raises NotScaled."""
    total = weight_of_all = 0.0
    for name, weight in weights:
        value = scaled(name, scores.get(name))
        if value is not None:
            total += weight * value
            weight_of_all += weight
    return round(total / weight_of_all, PLACES) if weight_of_all else None


def apart(better: float, worse: float) -> float:
    """By how much one score is over another, rounded to PLACES: 0.85 and 0.8 are 0.05 apart."""
    return round(better - worse, PLACES)


def stopped(recipe: Recipe, scores: Mapping[str, Value], rating: float | None) -> Stop | float | None:
    """What the recipe's measures, limits, gates and least composite say of one trace, in this order: the Stop, or the
    composite of a trace that passes (None without weights, or where none of their scores is there). Raises NotScaled."""
    for measure in recipe.measures:
        said = has_passed(scores.get(measure.score))
        if said is not measure.passed:
            return _measured(measure.score, measure.passed, said)
    if (stop := _limits(recipe, scores, rating)) is not None:
        return stop
    for gate in recipe.gates:
        value = raw(scores.get(gate.score))
        if value is None or not _COMPARE[gate.operator](value, gate.threshold):
            return _gated(reasons.GATE, gate, value)
    for name in recipe.required:
        if raw(scores.get(name)) is None:
            facts = {"gate": name, "operator": "required", "threshold": None, "value": None}
            return Stop(reasons.NO_SCORE, f"{name}: not measured", facts)
    found = composite(scores, recipe.weights)
    if recipe.min_score is not None and (found is None or found < recipe.min_score):
        return _gated(reasons.MIN_SCORE, Gate("composite", "gte", recipe.min_score), found)
    return found


def _limits(recipe: Recipe, scores: Mapping[str, Value], rating: float | None) -> Stop | None:
    if recipe.min_quality is not None:
        value, name = raw(scores.get(QUALITY)), QUALITY
        if value is None:
            value, name = rating, RATING if rating is not None else QUALITY
        if value is None or value < recipe.min_quality:
            return _gated(reasons.QUALITY, Gate(name, "gte", recipe.min_quality), value)
    if recipe.min_confidence is not None:
        value = raw(scores.get(CONFIDENCE))
        if value is None or value < recipe.min_confidence:
            return _gated(reasons.CONFIDENCE, Gate(CONFIDENCE, "gte", recipe.min_confidence), value)
    return None


def names_of(recipe: Recipe) -> set[str]:
    """Every score that `stopped` looks at for a recipe."""
    names = {measure.score for measure in recipe.measures} | {gate.score for gate in recipe.gates}
    names |= {name for name, _ in recipe.weights} | set(recipe.required)
    if recipe.min_quality is not None:
        names.add(QUALITY)
    if recipe.min_confidence is not None:
        names.add(CONFIDENCE)
    return names


def _gated(reason: Reason, gate: Gate, value: float | None) -> Stop:
    wanted = f"{OPERATORS[gate.operator]} {gate.threshold:g}"
    said = "not measured" if value is None else f"{value:.6g}"
    facts = {"gate": gate.score, "operator": gate.operator, "threshold": gate.threshold, "value": value}
    return Stop(reason, f"{gate.score}: {said}, must be {wanted}", facts)


def _measured(name: str, wanted: bool, said: bool | None) -> Stop:
    words = {True: "passed", False: "failed", None: "not measured"}
    facts = {"gate": name, "operator": "passed", "threshold": wanted, "value": said}
    return Stop(reasons.MEASURE, f"{name}: {words[said]}, must have {words[wanted]}", facts)
