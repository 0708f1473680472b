"""Texts with holes, in the form of OpenAI's graders: `{{ item.x }}` and `{{ sample.output_tools[0].function.name }}`.

Only paths are filled in; nothing is computed, so a hostile item can put text into a hole but never a new hole.
"""

import json
import re
from difflib import get_close_matches
from typing import Any

# what can stand in a hole, and what it holds: the editor shows these
VARIABLES: tuple[tuple[str, str], ...] = (
    ("sample.output_text", "The answer's text; empty where it only calls tools."),
    ("sample.output_json", "The answer as JSON, where its text is JSON; .name and [0] lead into it."),
    ("sample.output_tools", "The tool calls of the answer, as a list; [0].function.name is the first one's name."),
    ("item.messages", "All that was said before the answer, as a list of messages with role and content."),
    ("item.last_user_message", "The text of the last message by the user."),
    ("item.system_prompt", "The text of the system prompt."),
    ("item.tools", "The tools that were offered: name, description, and parameters as JSON schema."),
    ("item.tool_calls", "Every tool call of the run, in order."),
    ("item.reference_text", "The text of the answer that should have been given, where one is known."),
    ("item.reference_tools", "The tool calls that should have been made, where they are known."),
    ("item.latency_ms", "How long the run took, in milliseconds."),
    ("item.cost_usd", "What the run cost, in US dollars."),
    ("item.steps", "How many steps the run had: answers of the model and tool calls."),
    ("item.errors", "How many tool calls and model calls of the run failed."),
    ("item.tokens", "Tokens of the run, in and out together."),
    ("item.metadata", "What the sender said about the run; item.metadata.NAME is one entry."),
)

_KNOWN = tuple(path for path, _ in VARIABLES)
_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PATH = re.compile(r"\s*(item|sample)((?:\.[A-Za-z_][\w-]*|\[\d{1,6}\])+)\s*")
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]")


class MissingValue(LookupError):
    """A hole that the item or the sample has nothing for."""


def problem(template: Any) -> str:
    """What is wrong with a template, in words; empty where nothing is."""
    if not isinstance(template, str):
        return "a text is needed."
    for hole in _HOLE.findall(template):
        if not _PATH.fullmatch(hole):
            return f"{{{{{hole}}}}} is not a path such as item.reference_text or sample.output_text."
    return ""


def unknown(template: str) -> str:
    """What is said of the first hole that no trace ever fills, in words; empty where there is none. A definition may still
    hold one: an item that is made for training may have more names than a trace has."""
    for hole in _HOLE.findall(template):
        path = _PATH.fullmatch(hole)
        if path is None:
            continue
        first = _STEP.match(path[2])
        name = f"{path[1]}.{first[1]}" if first and first[1] else hole.strip()
        if name not in _KNOWN:
            close = get_close_matches(name, _KNOWN, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            return f"{{{{ {hole.strip()} }}}} is nothing that a trace has.{meant} Known: {', '.join(_KNOWN)}."
    return ""


def fill(template: str, *, sample: Any, item: Any) -> str:
    """The text with every hole filled. Values that are no text are written as JSON. Raises MissingValue."""

    def value(match: re.Match[str]) -> str:
        path = _PATH.fullmatch(match[1])
        if path is None:
            raise MissingValue(match[1].strip())
        here: Any = sample if path[1] == "sample" else item
        for name, index in _STEP.findall(path[2]):
            try:
                here = here[name] if name else here[int(index)]
            except (KeyError, IndexError, TypeError):
                raise MissingValue(match[1].strip()) from None
        if here is None:
            raise MissingValue(match[1].strip())
        return here if isinstance(here, str) else json.dumps(here, ensure_ascii=False, sort_keys=True)

    return _HOLE.sub(value, template)
