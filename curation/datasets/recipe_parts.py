"""The parts of a recipe that are more than one value, and how each field is read from plain JSON."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

OPERATORS = {"gte": "≥", "gt": ">", "lte": "≤", "lt": "<", "eq": "="}
STRATEGIES = {
    "loss_topk": "What the model finds hardest, without the top 2 % (probably noise)",
    "diversity": "What covers the most of what is said",
    "hybrid": "A part by loss, the rest by diversity beside what was taken",
    "random": "Drawn by the seed",
}
MIXES = {
    "weighted": "Shares as the weights say",
    "balanced": "The same share for each",
    "curriculum": "Shares as the weights say, short rows first",
}
FIELDS = ("agent", "model", "env", "topic")
MIX_FIELDS = ("topic", "task", "agent", "model", "env")
_KEY = re.compile(r"meta\.[^\s]{1,100}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,78}[a-z0-9])?")


class FieldError(ValueError):
    """A part that cannot be used; `problems` are (path within the field, reason) pairs."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {reason}".strip(": ") for path, reason in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound that a score must keep. A trace without that score does not pass."""

    score: str
    operator: str
    threshold: float

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"score": self.score, "operator": self.operator, "threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class Measure:
    """A score that must have passed, or must have failed."""

    score: str
    passed: bool

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"score": self.score, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class Balance:
    """At most `most` rows for each value of `field`; None: rows / values, rounded up."""

    field: str
    most: int | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"field": self.field, "most": self.most}


@dataclass(frozen=True, slots=True)
class Coreset:
    """`size` rows by a strategy of STRATEGIES; `loss` is the name of the score that holds each row's loss."""

    strategy: str
    size: int = 1000
    loss_ratio: float = 0.6
    loss: str = "loss"

    @property
    def needs_losses(self) -> bool:
        """Whether every row must have a loss."""
        return self.strategy in ("loss_topk", "hybrid")

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"strategy": self.strategy, "size": self.size, "loss_ratio": self.loss_ratio, "loss": self.loss}


@dataclass(frozen=True, slots=True, eq=True)
class Mix:
    """Shares of the values of `by`; a value with fewer than `least` rows is told. `weights` as (value, weight) pairs."""

    strategy: str
    by: str
    weights: tuple[tuple[str, float], ...] = ()
    least: int = 10

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"strategy": self.strategy, "by": self.by, "weights": dict(self.weights), "least": self.least}


@dataclass(frozen=True, slots=True)
class Replay:
    """Rows of earlier versions, so many that they are `ratio` of the result's train split, from a buffer of `capacity`."""

    buffer: str
    ratio: float = 0.25
    capacity: int = 2048

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {"buffer": self.buffer, "ratio": self.ratio, "capacity": self.capacity}


def one_of(choices: Iterable[str]) -> Callable[[Any], str]:
    """Reads one of `choices`."""
    known = tuple(choices)

    def read(value: Any) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(name or 'nothing' for name in known)}")
        return str(value)

    return read


def share(value: Any) -> float:
    """Reads a number from 0 to 1."""
    return number(value, least=0, most=1)


def number(value: Any, *, least: float, most: float) -> float:
    """Reads a number from `least` to `most`, to six places."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if isinstance(value, bool) or not least <= found <= most:
        raise ValueError(f"must be a number from {least:g} to {most:g}")
    return round(found, 6)


def any_number(value: Any) -> float:
    """Reads a finite number."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if isinstance(value, bool) or not abs(found) < float("inf"):
        raise ValueError("must be a number")
    return found


def whole(value: Any, *, least: int, most: int) -> int:
    """Reads a whole number from `least` to `most`."""
    try:
        found = int(str(value))
    except ValueError:
        found = least - 1
    if isinstance(value, bool) or not least <= found <= most:
        raise ValueError(f"must be a whole number from {least:,} to {most:,}")
    return found


def flag(value: Any) -> bool:
    """Reads true or false."""
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


def optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Reads nothing (null or "") as None, else as `read` does."""
    return lambda value: None if value is None or value == "" else read(value)


def score_name(value: Any) -> str:
    """Reads the name of a score."""
    if not isinstance(value, str) or not value.strip() or len(value) > 100:
        raise ValueError("must be the name of a score")
    return value.strip()


def field_of(known: tuple[str, ...]) -> Callable[[Any], str]:
    """Reads a field to group by: one of `known`, or meta.KEY."""

    def read(value: Any) -> str:
        name = "env" if value == "environment" else value
        if isinstance(name, str) and (name in known or _KEY.fullmatch(name)):
            return name
        raise ValueError(f"must be one of {', '.join(known)} or meta.KEY")

    return read


def moment(value: Any) -> str:
    """Reads an ISO time ("" stays ""); one without an offset is taken in the server's zone."""
    if value in (None, ""):
        return ""
    if isinstance(value, datetime):
        found = value
    else:
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError("must be a date or a time, such as 2026-05-01 or 2026-05-01T12:00") from None
    return (found if found.tzinfo else timezone.make_aware(found)).isoformat()


def identifier(value: Any) -> str:
    """Reads a uid as text ("" stays "")."""
    from uuid import UUID

    if value in (None, ""):
        return ""
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise ValueError("must be an id such as 0199aaaa-0000-7000-8000-000000000001") from None


def options(value: Any) -> dict[str, Any]:
    """Reads the options of a task, which the task checks."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError("must be an object")
    return dict(value)


def gates(value: Any) -> tuple[Gate, ...]:
    """Reads a list of {"score", "operator", "threshold"}."""
    read = {"score": score_name, "operator": one_of(OPERATORS), "threshold": any_number}
    return tuple(Gate(**one) for one in _each(value, read, {"operator": "gte"}))


def measures(value: Any) -> tuple[Measure, ...]:
    """Reads a list of {"score", "passed"}."""
    return tuple(Measure(**one) for one in _each(value, {"score": score_name, "passed": flag}, {"passed": True}))


def weights(value: Any) -> tuple[tuple[str, float], ...]:
    """Reads {name: weight above 0} as pairs sorted by name."""
    if not isinstance(value, Mapping):
        raise ValueError("must be an object of names and weights")
    found, problems = [], []
    for name, given in value.items():
        try:
            weight = any_number(given)
            if weight <= 0:
                raise ValueError("must be a number above 0")
            found.append((str(name), weight))
        except ValueError as error:
            problems.append((f".{name}", str(error)))
    if problems:
        raise FieldError(problems)
    return tuple(sorted(found))


def names(value: Any) -> tuple[str, ...]:
    """Reads a list of names of scores, each once."""
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of names of scores")
    return tuple(dict.fromkeys(score_name(one) for one in value))


def balance(value: Any) -> Balance | None:
    """Reads {"field", "most"}, or nothing."""
    read = {"field": field_of(FIELDS), "most": optional(lambda given: whole(given, least=1, most=1_000_000))}
    found = _object(value, read, {})
    return None if found is None else Balance(**found)


def coreset(value: Any) -> Coreset | None:
    """Reads {"strategy", "size", "loss_ratio", "loss"}, or nothing."""
    read = {
        "strategy": one_of(STRATEGIES),
        "size": lambda given: whole(given, least=1, most=1_000_000),
        "loss_ratio": share,
        "loss": score_name,
    }
    found = _object(value, read, {"strategy": "hybrid"})
    return None if found is None else Coreset(**found)


def mix(value: Any) -> Mix | None:
    """Reads {"strategy", "by", "weights", "least"}, or nothing."""
    read = {
        "strategy": one_of(MIXES),
        "by": field_of(MIX_FIELDS),
        "weights": weights,
        "least": lambda given: whole(given, least=0, most=1_000_000),
    }
    found = _object(value, read, {"strategy": "weighted", "by": "topic"})
    if found is None:
        return None
    made = Mix(**found)
    if made.strategy == "weighted" and not made.weights:
        raise FieldError([(".weights", "must say a weight for each value that takes part")])
    if made.strategy == "balanced" and made.weights:
        raise FieldError([(".weights", "a balanced mix gives every value the same share; leave the weights out")])
    return made


def replay(value: Any) -> Replay | None:
    """Reads {"buffer", "ratio", "capacity"}, or nothing."""
    read = {
        "buffer": _slug,
        "ratio": lambda given: number(given, least=0, most=0.9),
        "capacity": lambda given: whole(given, least=1, most=1_000_000),
    }
    found = _object(value, read, {"buffer": "replay"})
    return None if found is None else Replay(**found)


def _slug(value: Any) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ValueError("must be a name of small letters, digits, - and _")


def _object(value: Any, read: Mapping[str, Any], usual: Mapping[str, Any], path: str = "") -> dict[str, Any] | None:
    """The fields of one object with those of `usual` where they are missing; None for null, "" and {}."""
    if value in (None, "", {}):
        return None
    if not isinstance(value, Mapping):
        raise FieldError([(path, "must be an object")])
    problems = [(f"{path}.{name}", "there is no such option") for name in value if name not in read]
    found: dict[str, Any] = {}
    for name, given in {**usual, **value}.items():
        if name in read:
            try:
                found[name] = read[name](given)
            except FieldError as error:
                problems += [(f"{path}.{name}{inner}", reason) for inner, reason in error.problems]
            except ValueError as error:
                problems.append((f"{path}.{name}", str(error)))
    if problems:
        raise FieldError(problems)
    return found


def _each(value: Any, read: Mapping[str, Any], usual: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects of a list, all of whose fields must be there."""
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    problems: list[tuple[str, str]] = []
    found = []
    for index, one in enumerate(value):
        path = f"[{index}]"
        try:
            made = _object(one, read, usual, path)
            if made is None:
                raise FieldError([(path, "must be an object")])
            missing = [name for name in read if name not in made]
            if missing:
                raise FieldError([(f"{path}.{name}", "must be given") for name in missing])
            found.append(made)
        except FieldError as error:
            problems += error.problems
    if problems:
        raise FieldError(problems)
    return found
