"""Pieces that more than one format writes."""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Any

from curation.datasets.example import Example
from curation.datasets.exporting.findings import counted
from curation.messages.form import Message, Part, Tool

TEXT_TYPES = ("text", "refusal", "json")


def plain_text(message: Message) -> str:
    """All content as one string, parts joined by a line break: text and refusals as they are, structured parts as JSON.
    Only for messages whose parts are all of TEXT_TYPES."""
    parts = message["parts"]
    if len(parts) == 1:  # nearly every message
        return part_text(parts[0])
    return "\n".join([part_text(part) for part in parts])


def part_text(part: Part) -> str:
    """One part as text."""
    if part["type"] == "json":
        return json.dumps(part.get("value"), ensure_ascii=False)
    return part.get("text", "")


def role_of(message: Message) -> str:
    """The role in the four names that every chat template knows: developer is written as system."""
    role = message["role"]
    return "system" if role == "developer" else role


def tool_schema(tool: Tool) -> dict[str, Any]:
    """A tool as OpenAI and the chat templates take it, to be read only. `parameters` must be a JSON object or empty."""
    return _schema(tool["name"], tool["description"], tool["parameters"])


@lru_cache(maxsize=512)  # the same few tools stand on nearly every row
def _schema(name: str, description: str, parameters: str) -> dict[str, Any]:
    function: dict[str, Any] = {"name": name}
    if description:
        function["description"] = description
    if parameters.strip():
        function["parameters"] = json.loads(parameters)
    return {"type": "function", "function": function}


def tools_text(tools: list[Tool]) -> str:
    """All tools as one JSON string, "[]" where there are none: tables would merge the keys of their schemas."""
    return json.dumps([tool_schema(tool) for tool in tools], ensure_ascii=False)


def has_beyond(text: str, least: int, most: int) -> bool:
    """Whether JSON text holds a whole number below `least` or above `most`. False for what is no JSON."""
    if len(text) < 19:
        return False
    found = False

    def read(digits: str) -> int:
        nonlocal found
        found = found or (len(digits) > 18 and (len(digits) > 21 or not least <= int(digits) <= most))
        return 0

    try:
        json.loads(text, parse_int=read)
    except (ValueError, RecursionError):
        return False  # the common rules report what is no JSON
    return found


def other_parts(message: Message) -> list[tuple[int, str]]:
    """Index and type of every part that has no text form."""
    if len(message["parts"]) == 1 and message["parts"][0]["type"] in TEXT_TYPES:  # nearly every message
        return []
    return [(index, part["type"]) for index, part in enumerate(message["parts"]) if part["type"] not in TEXT_TYPES]


def said(row: Example) -> Iterator[tuple[str, Message]]:
    """Every message of a row with its path: messages[0], chosen[0], rejected[0] ..."""
    for name, messages in (("messages", row.messages), ("chosen", row.chosen), ("rejected", row.rejected)):
        for index, message in enumerate(messages):
            yield f"{name}[{index}]", message


def last_answer(row: Example) -> int:
    """Index of the last assistant message of a conversation, -1 where there is none."""
    return next((i for i in range(len(row.messages) - 1, -1, -1) if row.messages[i]["role"] == "assistant"), -1)


def cut(row: Example, limit: int) -> str:
    """What is lost where a row is cut after `limit` tokens (an estimate, tools first), in words."""
    reached = list(accumulate(row.tokens, initial=row.tool_tokens))[1:]
    at = next((index for index, total in enumerate(reached) if total > limit), len(reached))
    if at == len(reached):
        return "what is lost lies in the answer"
    behind = row.messages[at + 1 :]
    answers = sum(message["role"] == "assistant" for message in behind)
    lost = f"{counted(len(behind), 'message')} behind it {'is' if len(behind) == 1 else 'are'} lost"
    told = f"{answers} of them answers" if len(behind) > 1 else "an answer" if answers else "no answer"
    return f"the cut falls in messages[{at}] ({row.messages[at]['role']}), and {lost}, {told}"
