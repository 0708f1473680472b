"""What the validator says about a row."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong (error: the row cannot be exported) or worth knowing (warning). `path` is where in the written
    row, as messages[3].tool_calls[0].arguments; `code` is short and stable, `reason` a sentence."""

    level: Level
    code: str
    path: str
    reason: str


def error(code: str, path: str, reason: str) -> Finding:
    """A finding that keeps the row from being exported."""
    return Finding("error", code, path, reason)


def warning(code: str, path: str, reason: str) -> Finding:
    """A finding that is only told."""
    return Finding("warning", code, path, reason)


def renamed(found: Finding, paths: Mapping[str, str]) -> Finding:
    """The finding with its first name as a format calls it: chosen[0].content is preferred_output[0].content."""
    for name, written in paths.items():
        if found.path.startswith(name) and found.path[len(name) : len(name) + 1] in ("", "[", "."):
            return replace(found, path=written + found.path[len(name) :])
    return found


def counted(number: int, noun: str) -> str:
    """1 message, 2 messages."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
