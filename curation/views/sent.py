"""What a model was sent and what it answered, for reading: the words of each message, and the rest as JSON."""

from dataclasses import dataclass
from typing import Any

from curation.views.grader_form import pretty

LONGEST = 40_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A message by its role, or what came beside the messages."""

    name: str
    text: str


def pieces(kept: Any) -> list[Piece]:
    """A prompt or an answer as it was kept, or a list of them; [] for None. Very long texts are cut, and say so."""
    if kept is None:
        return []
    if isinstance(kept, list):
        return [piece for one in kept for piece in pieces(one)]
    if not isinstance(kept, dict):
        return [Piece("", _cut(kept if isinstance(kept, str) else pretty(kept)))]
    found = kept.get("messages", [kept.get("message")])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return [Piece("", _cut(pretty(kept)))]
    rest = {name: value for name, value in kept.items() if name not in ("messages", "message")}
    said = [Piece(str(one.get("role") or "message"), _cut(_words(one))) for one in found]
    return [*said, Piece("besides", _cut(pretty(rest)))] if rest else said


def _words(message: dict[str, Any]) -> str:
    """Text as it reads, line by line; what is no text (calls, parts) stays JSON."""
    content = message.get("content")
    empty: tuple[Any, ...] = (None, "", [], {})
    more = {name: value for name, value in message.items() if name not in ("role", "content") and value not in empty}
    if content not in empty and not isinstance(content, str):
        more = {"content": content, **more}
    return "\n".join([*([content] if isinstance(content, str) and content else []), *([pretty(more)] if more else [])])


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST:,} more characters"
