"""Shares of a dataset: at most so many of each value, or as many of each as weights say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any


@dataclass(frozen=True, slots=True)
class Short:
    """A value that has fewer rows than its share: `wanted` of them, `missing` are not there."""

    value: str
    wanted: int
    missing: int


@dataclass(frozen=True, slots=True)
class Shares:
    """How many rows of each value a mix takes, of how many, which are short, and which have fewer than `least` rows."""

    total: int
    take: dict[str, int]
    there: dict[str, int]
    short: tuple[Short, ...]
    least: int
    few: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "total": self.total,
            "take": self.take,
            "there": self.there,
            "short": [{"value": one.value, "wanted": one.wanted, "missing": one.missing} for one in self.short],
            "least": self.least,
            "few": list(self.few),
        }


def most_of(values: Sequence[str], most: int | None) -> int:
    """The most rows that one value may have: `most`, else rows / values, rounded up (requirement 000-21)."""
    return most if most is not None else ceil(len(values) / max(1, len(set(values))))


def shares(values: Sequence[str], weights: Mapping[str, float], *, least: int, size: int | None) -> Shares:
    """How many rows of each value, so that their shares are the weights (normalised; without any all values are equal).

    With `size` so many rows are wanted, and a value with fewer than its share is short. Without it, as many as the shares
    allow: the value that is scarcest beside its weight gives the size, of those with at least `least` rows; those with
    fewer give what they have, and are short. Either way those with fewer are `few` (requirement 001-51), also where their
    share asks for no more.
    """
    there = Counter(values)
    wanted = dict(weights) or dict.fromkeys(sorted(there), 1.0)
    whole = sum(wanted.values())
    share = {name: weight / whole for name, weight in wanted.items()}
    if size is None:
        bounds = [there[name] / part for name, part in share.items() if there[name] >= max(1, least)]
        size = floor(min(bounds) + 1e-9) if bounds else sum(there[name] for name in wanted)
    goal = _rounded(share, size)
    take = {name: min(goal[name], there[name]) for name in share}
    short = tuple(Short(name, goal[name], goal[name] - take[name]) for name in sorted(share) if take[name] < goal[name])
    few = tuple(name for name in sorted(share) if there[name] < least)
    return Shares(size, take, {name: there[name] for name in sorted({*there, *wanted})}, short, least, few)


def _rounded(share: Mapping[str, float], size: int) -> dict[str, int]:
    """Whole numbers that add up to `size`, by largest remainder (of equal ones the first by name)."""
    exact = {name: part * size for name, part in share.items()}
    result = {name: floor(value + 1e-9) for name, value in exact.items()}
    rest = size - sum(result.values())
    for name in sorted(exact, key=lambda one: (result[one] - exact[one], one))[:rest]:
        result[name] += 1
    return result
