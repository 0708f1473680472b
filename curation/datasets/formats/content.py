"""Pieces that more than one format writes."""

import json
from typing import Any

from curation.messages.form import Message, Part, Tool

TEXT_TYPES = ("text", "refusal", "json")


def plain_text(message: Message) -> str:
    """All content as one string, parts joined by a line break: text and refusals as they are, structured parts as JSON.
    Only for messages whose parts are all of TEXT_TYPES."""
    return "\n".join(part_text(part) for part in message["parts"])


def part_text(part: Part) -> str:
    """One part as text."""
    if part["type"] == "json":
        return json.dumps(part.get("value"), ensure_ascii=False)
    return part.get("text", "")


def role_of(message: Message) -> str:
    """The role in the four names that every chat template knows: developer is written as system."""
    return "system" if message["role"] == "developer" else message["role"]


def tool_schema(tool: Tool) -> dict[str, Any]:
    """A tool as OpenAI and the chat templates take it. `parameters` must be a JSON object or empty."""
    function: dict[str, Any] = {"name": tool["name"]}
    if tool["description"]:
        function["description"] = tool["description"]
    if tool["parameters"].strip():
        function["parameters"] = json.loads(tool["parameters"])
    return {"type": "function", "function": function}


def other_parts(message: Message) -> list[tuple[int, str]]:
    """Index and type of every part that has no text form."""
    return [(index, part["type"]) for index, part in enumerate(message["parts"]) if part["type"] not in TEXT_TYPES]
