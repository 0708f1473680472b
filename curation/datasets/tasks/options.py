"""Options of a task as data: the form draws them, recipes hold them, and one check reads them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

OptionKind = Literal["choice", "choices", "number", "whole", "flag", "text", "names"]
LONGEST_TEXT = 20_000
MOST_NAMES = 200


class OptionsError(ValueError):
    """Options that a task cannot follow; `problems` are (name of the option, reason) pairs."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. kind choice: one of `choices` {value: label}; choices: some of them (a list); number and whole: from
    `least` to `most`, both included, None where `optional`; flag; text; names: a list of words. `score` says that a text
    is the name of a score, and `long` that it is of several lines, so that a form can offer what fits."""

    name: str
    label: str
    help: str = ""
    kind: OptionKind = "text"
    default: Any = ""
    choices: Mapping[str, str] | None = None
    least: float | None = None
    most: float | None = None
    optional: bool = False
    score: bool = False
    long: bool = False

    def read(self, value: Any) -> Any:
        """The value as the task uses it. Texts of a form are taken as well ("0.5", "true", "a, b"). Raises ValueError."""
        if value is None or (value == "" and self.kind not in ("text", "names", "choices", "choice")):
            if self.optional:
                return None
            raise ValueError("must be given")
        return _READERS[self.kind](self, value)


def check(options: tuple[Option, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """All options with what is given, else their default. Raises OptionsError naming every wrong or unknown one."""
    known = {one.name: one for one in options}
    problems = [(name, "there is no such option for this task") for name in given if name not in known]
    values: dict[str, Any] = {}
    for name, option in known.items():
        try:
            values[name] = option.read(given[name]) if name in given else option.default
        except ValueError as error:
            problems.append((name, str(error)))
    if problems:
        raise OptionsError(problems)
    return values


def _choice(option: Option, value: Any) -> str:
    if not isinstance(value, str) or value not in (option.choices or {}):
        raise ValueError(f"must be one of {', '.join(name or 'empty' for name in option.choices or {})}")
    return value


def _choices(option: Option, value: Any) -> list[str]:
    wanted = _names(option, value)
    if wrong := [one for one in wanted if one not in (option.choices or {})]:
        raise ValueError(f"has {wrong[0][:40]!r}; must be some of {', '.join(option.choices or {})}")
    if not wanted and not option.optional:
        raise ValueError(f"must be some of {', '.join(option.choices or {})}")
    return [one for one in option.choices or {} if one in wanted]


def _number(option: Option, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    low, high = option.least, option.most
    if not math.isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"must be a number{_range(option)}")
    return number


def _whole(option: Option, value: Any) -> int:
    number = _number(option, value)
    if number != int(number):
        raise ValueError(f"must be a whole number{_range(option)}")
    return int(number)


def _flag(_: Option, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "on", "false"):
        return bool(value != "false")
    raise ValueError("must be true or false")


def _text(option: Option, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(f"must be a text of at most {LONGEST_TEXT:,} characters")
    if "\x00" in value:
        raise ValueError("has a null character, which cannot be stored")
    text = value.strip()
    if not text and not option.optional:
        raise ValueError("must not be empty")
    return text


def _names(_: Option, value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(one, str) for one in parts):
        raise ValueError("must be a list of names")
    if len(parts) > MOST_NAMES:
        raise ValueError(f"has {len(parts)} names; at most {MOST_NAMES} are taken")
    return list(dict.fromkeys(one.strip() for one in parts if one.strip()))


def _range(option: Option) -> str:
    if option.least is not None and option.most is not None:
        return f" from {option.least:,g} to {option.most:,g}"
    if option.least is not None:
        return f" of at least {option.least:,g}"
    return f" of at most {option.most:,g}" if option.most is not None else ""


_READERS = {
    "choice": _choice,
    "choices": _choices,
    "number": _number,
    "whole": _whole,
    "flag": _flag,
    "text": _text,
    "names": _names,
}
