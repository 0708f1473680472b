"""How a version is made from a filter: the recipe, kept word for word on the version so that it can be run again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

JUDGMENTS = {
    "acceptable": "judged acceptable",
    "unacceptable": "judged unacceptable",
    "unjudged": "not judged by anybody",
}
CORRECTIONS = {
    "use": "A corrected answer takes the place of the given one",
    "rescue": "The same, and a rejected trace comes in where somebody corrected it",
    "ignore": "Every answer stays as the agent gave it",
}
GROUPS = {
    "task": "Task, else session, else the trace alone",
    "session": "Session, else the trace alone",
    "user": "User, else session, else the trace alone",
    "trace": "Each trace alone",
}
ORDERS = {"newest": "Newest first", "oldest": "Oldest first", "sample": "A sample, drawn by the seed"}
LARGEST_SEED = 2**63 - 1
LARGEST_LIMIT = 1_000_000


class RecipeError(ValueError):
    """A recipe that cannot be followed; `problems` are (field, reason) pairs."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is taken and how it is split. Shares are parts of one; the train split gets what the other two leave."""

    judgments: tuple[str, ...] = ("acceptable",)
    corrections: str = "use"
    validation: float = 0.1
    test: float = 0.1
    group_by: str = "task"
    seed: int = 0
    limit: int | None = None
    order: str = "newest"
    dedupe: bool = True

    @property
    def train(self) -> float:
        """The share of the train split."""
        return round(1 - self.validation - self.test, 9)

    def plain(self) -> dict[str, Any]:
        """As JSON, `train` included for readers."""
        return {**asdict(self), "judgments": list(self.judgments), "train": self.train}


def parse(given: Mapping[str, Any]) -> Recipe:
    """A recipe from plain values; what is not given has its default. Raises RecipeError naming every wrong field.

    `train` may be given and must then fit the other two shares.
    """
    problems: list[tuple[str, str]] = []
    known = {field.name for field in fields(Recipe)} | {"train"}
    problems += [(name, "there is no such option") for name in given if name not in known]
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in given:
            try:
                values[name] = read(given[name])
            except ValueError as error:
                problems.append((name, str(error)))
    if not problems:
        problems += _shares(values, given)
    if problems:
        raise RecipeError(problems)
    return Recipe(**values)


def _shares(values: dict[str, Any], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    usual = Recipe()
    rest = 1 - values.get("validation", usual.validation) - values.get("test", usual.test)
    if rest <= 1e-9:
        return [("validation", "validation and test leave nothing to train on; together they must stay below 1")]
    if "train" in given:
        try:
            train = _share(given["train"])
        except ValueError as error:
            return [("train", str(error))]
        if abs(train - rest) > 1e-6:
            return [("train", f"the three shares add up to {1 - rest + train:g}; they must add up to 1")]
    return []


def _verdicts(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
    wrong = [str(name) for name in names if name not in JUDGMENTS]
    if "unsure" in wrong:
        raise ValueError("unsure never trains")
    if wrong or not names:
        raise ValueError(f"must be some of {', '.join(JUDGMENTS)}")
    return tuple(name for name in JUDGMENTS if name in names)


def _share(value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = -1.0
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise ValueError("must be a number from 0 to 1")
    return round(share, 6)


def _one_of(choices: Mapping[str, str]) -> Any:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return read


def _seed(value: Any) -> int:
    return _whole(value, least=0, most=LARGEST_SEED)


def _limit(value: Any) -> int | None:
    return None if value is None or value == "" else _whole(value, least=1, most=LARGEST_LIMIT)


def _whole(value: Any, *, least: int, most: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        raise ValueError(f"must be a whole number from {least:,} to {most:,}")
    return number


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


_READERS = {
    "judgments": _verdicts,
    "corrections": _one_of(CORRECTIONS),
    "validation": _share,
    "test": _share,
    "group_by": _one_of(GROUPS),
    "seed": _seed,
    "limit": _limit,
    "order": _one_of(ORDERS),
    "dedupe": _flag,
}
