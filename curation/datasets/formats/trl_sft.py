"""Rows for TRL's SFTTrainer and other trainers that read JSONL with the `datasets` library.

{"messages": [...], "tools": "[...]"}: every line has both columns. Content is always a string and the roles are system,
user, assistant and tool. Arguments are objects, since most chat templates (Qwen 2.5, Llama 3) print a string a second
time as JSON; `datasets` >= 4.7 keeps such objects as they are when a JSONL file is loaded. Tools are one JSON string,
"[]" where there are none, so that no table merges the schemas of different tools. TRL parses it by itself. A message that
shall not be learned carries `"weight": 0`: the trainer here heeds it, TRL alone passes over it.
"""

import json
from collections.abc import Iterator
from typing import Any

from curation.datasets.example import Example
from curation.datasets.findings import Finding, error, warning
from curation.datasets.formats import content
from curation.messages.form import Message

NAME = "trl-sft"
LABEL = "TRL chat, JSONL"
HELP = "For local training with TRL and anything that uses chat templates. Every row has a messages and a tools column."
LARGEST_WHOLE = 2**63  # JSON numbers beyond 64 bits turn into floats in most loaders


def problems(row: Example) -> Iterator[Finding]:
    """Content that is not text, numbers that a loader would change, weights that TRL itself does not know."""
    ignored = sum(message.get("weight") == 0 for message in row.messages)
    if ignored:
        reason = f"weight 0 on {ignored} assistant messages: runs here do not learn them, other TRL trainers would"
        yield warning("weight_not_kept", "messages", reason)
    for index, message in enumerate(row.messages):
        for part, kind in content.other_parts(message):
            reason = f"this format takes text only, not {kind}"
            yield error("content_not_text", f"messages[{index}].content[{part}]", reason)
        for number, call in enumerate(message.get("tool_calls") or []):
            if _too_large(call["arguments"]):
                path = f"messages[{index}].tool_calls[{number}].function.arguments"
                yield error("number_too_large", path, "holds a whole number of more than 64 bits")


def _too_large(arguments: str) -> bool:
    if len(arguments) < 19:
        return False
    found = False

    def read(digits: str) -> int:
        nonlocal found
        found = found or (len(digits) > 18 and (len(digits) > 20 or not -LARGEST_WHOLE <= int(digits) < LARGEST_WHOLE))
        return 0

    try:
        json.loads(arguments, parse_int=read)
    except (ValueError, RecursionError):
        return False  # the common rules report arguments that are no JSON
    return found


def write(row: Example) -> dict[str, Any]:
    """One line."""
    names: dict[str, str] = {}
    return {
        "messages": [_message(message, names) for message in row.messages],
        "tools": json.dumps([content.tool_schema(tool) for tool in row.tools], ensure_ascii=False),
    }


def _message(message: Message, names: dict[str, str]) -> dict[str, Any]:
    role = content.role_of(message)
    written: dict[str, Any] = {"role": role, "content": content.plain_text(message)}
    if role == "assistant" and message.get("weight") == 0:
        written["weight"] = 0
    if role == "tool":
        written["tool_call_id"] = message["tool_call_id"]
        written["name"] = names.get(message["tool_call_id"], "")
    if calls := message.get("tool_calls"):
        names.update((call["id"], call["name"]) for call in calls)  # an id may come again later for another call
        written["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.loads(call["arguments"])},
            }
            for call in calls
        ]
    return written
