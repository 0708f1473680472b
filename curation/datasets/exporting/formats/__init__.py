"""Export formats, one module each. To add one: a module with what `Format` asks for, listed here.

A format says which kinds of rows it takes (`KINDS`); validate.check refuses the others. Paths of findings name the
places of the internal row (messages, chosen, rejected, item), and PATHS says how they are called on the line.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding
from curation.datasets.exporting.formats import (
    alpaca,
    chatml,
    openai_dpo,
    openai_rft,
    openai_sft,
    sharegpt,
    trl_dpo,
    trl_grpo,
    trl_kto,
    trl_prompt_completion,
    trl_prompt_completion_turns,
    trl_sft,
)
from curation.datasets.exporting.formats.limits import Limits


class Format(Protocol):
    """What a module of this package offers."""

    NAME: str
    LABEL: str
    HELP: str
    KINDS: tuple[Kind, ...]
    LIMITS: Limits
    SAME_COLUMNS: bool  # whether fields of items become columns, which every line must then have
    PATHS: dict[str, str]

    def problems(self, row: Example) -> Iterator[Finding]:
        """What this format asks for beyond the rules of curation.datasets.exporting.validate. Only for rows of its KINDS."""
        ...

    def write(self, row: Example) -> dict[str, Any]:
        """The row as it stands on its line. Only called for rows without errors."""
        ...

    def claims(self, record: Mapping[str, Any]) -> bool:
        """Whether the keys of a record are those of this format."""
        ...

    def read(self, record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
        """A line of somebody's file, read strictly: the row (None where it has no shape at all) and what is wrong with
        how it is written. What the row says is then checked like any other."""
        ...


@runtime_checkable
class SeveralLines(Protocol):
    """A format that may make several lines of one row."""

    def write_all(self, row: Example) -> list[dict[str, Any]]:
        """The lines of the row; at least one for a row without errors."""
        ...


@runtime_checkable
class FirstLine(Protocol):
    """A format whose first line tells readers of tables something."""

    def first(self, line: dict[str, Any]) -> dict[str, Any]:
        """The line as it stands first in a file."""
        ...


FORMATS: dict[str, Format] = {
    module.NAME: module
    for module in (
        openai_sft,
        trl_sft,
        trl_prompt_completion,
        trl_prompt_completion_turns,
        chatml,
        sharegpt,
        alpaca,
        openai_dpo,
        trl_dpo,
        trl_kto,
        openai_rft,
        trl_grpo,
    )
}
ALIASES = {"openai": "openai-sft", "trl": "trl-sft", "dpo": "openai-dpo", "rft": "openai-rft", "kto": "trl-kto",
           "grpo": "trl-grpo", "prompt-completion": "trl-prompt-completion", "conversational": "trl-sft"}  # fmt: skip


class UnknownFormat(ValueError):
    """A format that does not exist."""


def find(name: str) -> Format:
    """The format `name`; underscores are taken for hyphens, and ALIASES are known. Raises UnknownFormat, which lists those
    there are."""
    plain = name.strip().lower().replace("_", "-")
    try:
        return FORMATS[ALIASES.get(plain, plain)]
    except KeyError:
        raise UnknownFormat(f"There is no format {name!r}; there are {', '.join(FORMATS)}.") from None


def taking(kind: Kind) -> list[Format]:
    """The formats that take rows of this kind."""
    return [one for one in FORMATS.values() if kind in one.KINDS]


def several(chosen: Format) -> SeveralLines | None:
    """The format, where it may make several lines of one row."""
    return chosen if isinstance(chosen, SeveralLines) else None


def first_of(chosen: Format) -> FirstLine | None:
    """The format, where the first line of a file is written otherwise."""
    return chosen if isinstance(chosen, FirstLine) else None


def recognised(record: Mapping[str, Any]) -> Format | None:
    """The format that a record is of, by its keys; of several the most particular. None where there is none."""
    return next((one for one in _PARTICULAR if one.claims(record)), None)


# rows of prompts and of conversations look alike, so those that ask for more come first
_PARTICULAR = sorted(
    FORMATS.values(), key=lambda one: ("chat" in one.KINDS, one.NAME in ("openai-sft", "trl-sft"), one.NAME)
)
