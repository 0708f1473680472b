"""Scores whose meaning is known from the start. Other names are free: they mean what their sender means.

`response_quality` and the others are the labels of requirement 002-02; their camelCase names are taken as well.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class KnownScore:
    """A name with the kind of its value and, for a number, the range that it must lie in (both ends belong to it)."""

    name: str
    kind: Literal["number", "boolean"]
    meaning: str
    low: float | None = None
    high: float | None = None


KNOWN: dict[str, KnownScore] = {
    score.name: score
    for score in (
        KnownScore("correct_tool_selection", "boolean", "Whether the right tools were called."),
        KnownScore("response_quality", "number", "How good the answer is.", 0, 5),
        KnownScore("user_satisfaction", "number", "How content the user was.", 0, 5),
        KnownScore("validation_confidence", "number", "How sure a validator is.", 0, 1),
    )
}


def canonical(name: str) -> str:
    """The known name behind another way to write it (responseQuality); any other name as it is."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    return snake if snake in KNOWN else name


def refuse(name: str, *, number: float | None, boolean: bool | None) -> tuple[str, str] | None:
    """Why a value cannot be that of a known score, as (field, reason); None where it can, or the name is free."""
    known = KNOWN.get(name)
    if known is None:
        return None
    if known.kind == "boolean":
        return None if boolean is not None else ("boolean", f"must be given: {name} is true or false")
    if number is None:
        return "number", f"must be given: {name} is a number from {known.low:g} to {known.high:g}"
    if known.low is not None and known.high is not None and not known.low <= number <= known.high:
        return "number", f"must be from {known.low:g} to {known.high:g} for {name}; got {number:g}"
    return None
