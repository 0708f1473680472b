"""How many tokens a request or an answer has, where nobody counted them: a rule of thumb, never a measurement."""

import json
from collections.abc import Mapping
from typing import Any

CHARACTERS_PER_TOKEN = 4
FRAME = 3  # tokens around one message


def sent(wanted: Mapping[str, Any]) -> int:
    """An estimate of a request's length: characters / 4 and a frame for each message (the rule of thumb of OpenAI's data
    preparation notebook). The tokenizer of a model counts differently."""
    characters = sum(_length(one.get("content")) + _length(one.get("tool_calls")) for one in wanted["messages"])
    characters += _length(wanted.get("response_format")) + _length(wanted.get("tools"))
    return -(-characters // CHARACTERS_PER_TOKEN) + FRAME * len(wanted["messages"])


def said(message: Mapping[str, Any]) -> int:
    """The same for an answer, with what the model thought where the endpoint shows it."""
    names = ("content", "tool_calls", "refusal", "reasoning_content", "reasoning")
    return -(-sum(_length(message.get(name)) for name in names) // CHARACTERS_PER_TOKEN)


def _length(value: Any) -> int:
    if not value:
        return 0
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list) and any(isinstance(part, dict) and part.get("type") == "image_url" for part in value):
        # a picture's data is no text; what it counts for is between the endpoint and the model
        value = [part for part in value if part.get("type") != "image_url"]
    return len(json.dumps(value, ensure_ascii=False))
