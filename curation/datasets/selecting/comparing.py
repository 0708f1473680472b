"""Generated candidates for one request, compared by their grades: only those that the same graders graded, because a mean
without the grade that a candidate lacks says nothing beside a mean with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.datasets.selecting import gates
from curation.datasets.selecting.gates import Value
from curation.models import Batch, GraderVersion
from curation.scoring.graders import definitions

Ranges = Mapping[str, tuple[float, float] | None]
# why a model stopped other than at the end of its answer, as endpoints say it
CUT_SHORT = ("length", "max_tokens", "content_filter")


def ranges_of(batch: Batch | None) -> dict[str, tuple[float, float] | None]:
    """Lowest and highest value of each grader version of a batch; None where none is declared. One query."""
    wanted = (batch.settings or {}).get("graders") if batch is not None else None
    versions = GraderVersion.objects.filter(pk__in=wanted or []).select_related("grader")
    return {str(version): definitions.range_of(version.definition) for version in versions}


def values(grades: Mapping[str, Any], ranges: Ranges) -> dict[str, Value]:
    """Grades of a candidate by the name of their scores: the slug of the grader, with the range that its version
    declares. A failed grade is missing."""
    found: dict[str, Value] = {}
    for version, grade in grades.items():
        if not isinstance(grade, dict) or grade.get("error") or grade.get("value") is None:
            continue
        name, value, passed = version.rsplit("@", 1)[0], grade["value"], grade.get("passed")
        if isinstance(value, bool):
            found[name] = Value(boolean=value, passed=passed)
        elif isinstance(value, int | float):
            low, high = ranges.get(version) or (grade.get("low"), grade.get("high"))
            found[name] = Value(float(value), low, high, passed=passed)
        elif isinstance(value, str):
            found[name] = Value(category=value, passed=passed)
    return found


def scores(held: Sequence[Mapping[str, Value]], weights: Sequence[tuple[str, float]] = ()) -> list[float | None]:
    """The weighted mean of each candidate's grades, scaled by their ranges to 0 to 1; without weights every grade counts
    the same. None for a candidate that lacks a grade which another one has and the weights ask for. Raises
    gates.NotScaled."""
    wanted = [(name, weight) for name, weight in weights if weight] if weights else [(one, 1.0) for one in _names(held)]
    needed = {name for name, _ in wanted} & _names(held)
    return [gates.composite(one, wanted) if needed <= _names([one]) else None for one in held]


def best(held: Sequence[Mapping[str, Value]], weights: Sequence[tuple[str, float]] = ()) -> int:
    """Which candidate is the best by these scores: of equal ones the first, and the first where no candidate has all the
    grades. The values of one grader alone are compared as they are. Raises gates.NotScaled."""
    names = _names(held)
    asked = {name for name, weight in weights if weight} & names if weights else names
    if len(asked) == 1:
        (name,) = asked
        ranked = [gates.raw(one.get(name)) for one in held]
    else:
        ranked = scores(held, weights)
    return max(range(len(held)), key=lambda at: (_place(ranked[at]), -at))


def is_cut_short(answer: Any) -> bool:
    """Whether a stored answer (a chat completion, or its message with `finish_reason` beside it) ended before its end."""
    if not isinstance(answer, dict):
        return False
    if isinstance(answer.get("choices"), list):
        answer = answer["choices"][0] if answer["choices"] and isinstance(answer["choices"][0], dict) else {}
    message = answer.get("message")
    inner = message.get("finish_reason") if isinstance(message, dict) else None
    return (answer.get("finish_reason") or inner) in CUT_SHORT


def _names(held: Sequence[Mapping[str, Value]]) -> set[str]:
    """Every grade that at least one candidate has as a number."""
    return {name for one in held for name, value in one.items() if gates.raw(value) is not None}


def _place(score: float | None) -> float:
    return float("-inf") if score is None else score
