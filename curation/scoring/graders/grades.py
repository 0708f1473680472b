"""What a grader says of one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Sample = Mapping[str, Any]
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Grade:
    """`value` and `passed`, or both None: then `error` says what failed, or `reason` why there is nothing to grade.

    `value` is 0..1 but for the types that declare another range (`definitions.range_of`). `passed` is None where a value
    came and no threshold is set. `label`: what a label_model chose. `parts`: the grades that a multi put together, by
    their names in the formula.
    """

    value: float | None
    passed: bool | None
    reason: str = ""
    error: str = ""
    label: str = ""
    parts: Mapping[str, "Grade"] = field(default_factory=dict)


def right(yes: bool, reason: str = "") -> Grade:
    """1 and passed, or 0 and failed."""
    return Grade(float(yes), yes, reason=reason)


def graded(value: float, definition: Mapping[str, Any], reason: str = "") -> Grade:
    """A value that passes at the `pass_threshold` of its definition, where it has one."""
    threshold = definition.get("pass_threshold")
    return Grade(value, None if threshold is None else value >= threshold, reason=reason)


def missing(reason: str) -> Grade:
    """There is nothing to grade, and why."""
    return Grade(None, None, reason=reason)


def failed(error: str, *, parts: Mapping[str, Grade] | None = None) -> Grade:
    """It could not be graded, and why."""
    return Grade(None, None, error=error, parts=parts or {})


def clipped(
    value: float,
    definition: Mapping[str, Any],
    bounds: tuple[float, float] | None,
    *,
    reason: str = "",
    parts: Mapping[str, Grade] | None = None,
) -> Grade:
    """A value that is cut to its declared range, and says so; it passes at `pass_threshold` where there is one."""
    if bounds is not None:
        low, high = bounds
        inside = min(high, max(low, value))
        if inside != value:
            reason = f"{value:g} was clipped to {inside:g}. {reason}".strip()
            value = inside
    threshold = definition.get("pass_threshold")
    return Grade(value, None if threshold is None else value >= threshold, reason=reason, parts=parts or {})
