"""Export formats, one module each. To add one: a module with NAME, LABEL, HELP, problems() and write(), listed here."""

from collections.abc import Iterator
from typing import Any, Protocol

from curation.datasets.example import Example
from curation.datasets.findings import Finding
from curation.datasets.formats import openai_sft, trl_sft


class Format(Protocol):
    """What a module of this package offers."""

    NAME: str
    LABEL: str
    HELP: str

    def problems(self, row: Example) -> Iterator[Finding]:
        """What this format asks for beyond the rules of curation.datasets.validate."""
        ...

    def write(self, row: Example) -> dict[str, Any]:
        """The row as it stands on its line. Only called for rows without errors."""
        ...


FORMATS: dict[str, Format] = {module.NAME: module for module in (openai_sft, trl_sft)}


class UnknownFormat(ValueError):
    """A format that does not exist."""


def find(name: str) -> Format:
    """The format `name`; underscores are taken for hyphens. Raises UnknownFormat, which lists those there are."""
    try:
        return FORMATS[name.replace("_", "-")]
    except KeyError:
        raise UnknownFormat(f"There is no format {name!r}; there are {', '.join(FORMATS)}.") from None
