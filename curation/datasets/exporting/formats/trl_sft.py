"""Rows for TRL's SFTTrainer and other trainers that read JSONL with the `datasets` library.

{"messages": [...], "tools": "[...]"}: every line has both columns. Content is always a string and the roles are system,
user, assistant and tool. Arguments are objects, since most chat templates (Qwen 2.5, Llama 3) print a string a second
time as JSON; `datasets` >= 4.7 keeps such objects as they are when a JSONL file is loaded. Tools are one JSON string,
so that no table merges the schemas of different tools; TRL parses it by itself. Where there are none it is "null": the
templates of Llama 3.1 and 3.2 explain how to call functions wherever they get a list, be it empty. A message that
shall not be learned carries `"weight": 0`: the trainer here heeds it, TRL alone passes over it. `first` says why one
message of the first line carries `"weight": 1`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error, warning
from curation.datasets.exporting.formats import content, limits, strict
from curation.messages.form import Message, Tool

NAME = "trl-sft"
LABEL = "TRL chat, JSONL"
HELP = "For local training with TRL and anything that uses chat templates. Every row has a messages and a tools column."
KINDS: tuple[Kind, ...] = ("chat",)
LIMITS = limits.ANY
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
LARGEST_WHOLE = 2**63  # JSON numbers beyond 64 bits turn into floats in most loaders
_ANSWERS = ("messages", "completion", "chosen", "rejected")
DECIMALS = 10  # `datasets` keeps so many of a number inside an object (pandas' JSON writer, double_precision)
_MANY_DECIMALS = re.compile(r"\.\d{11}|\d[eE]-\d")


def problems(row: Example) -> Iterator[Finding]:
    """Content that is not text, numbers that a loader would change, weights that TRL itself does not know."""
    ignored = sum(message.get("weight") == 0 for message in row.messages)
    if ignored:
        reason = f"weight 0 on {ignored} assistant messages: runs here do not learn them, other TRL trainers would"
        yield warning("weight_not_kept", "messages", reason)
    yield from text_problems(row)


def text_problems(row: Example) -> Iterator[Finding]:
    """Content that is not text and numbers that a loader would change, in all that a row says."""
    for path, message in content.said(row):
        for part, kind in content.other_parts(message):
            yield error("content_not_text", f"{path}.content[{part}]", f"this format takes text only, not {kind}")
        for number, call in enumerate(message.get("tool_calls") or []):
            if content.has_beyond(call["arguments"], -LARGEST_WHOLE, LARGEST_WHOLE - 1):
                where = f"{path}.tool_calls[{number}].function.arguments"
                yield error("number_too_large", where, "holds a whole number of more than 64 bits")
            if rounded := _rounded(call["arguments"]):
                where = f"{path}.tool_calls[{number}].function.arguments"
                reason = f"holds {rounded[:40]}; datasets.load_dataset keeps {DECIMALS} decimals of it"
                yield warning("decimals_rounded", where, reason)


def _rounded(arguments: str) -> str:
    """The first number that is another one with so few decimals; nothing where there is none."""
    if not _MANY_DECIMALS.search(arguments):
        return ""
    found: list[str] = []

    def read(digits: str) -> float:
        if round(float(digits), DECIMALS) != float(digits):
            found.append(digits)
        return 0.0

    try:
        json.loads(arguments, parse_float=read)
    except (ValueError, RecursionError):
        return ""
    return found[0] if found else ""


def write(row: Example) -> dict[str, Any]:
    """One line."""
    return {"messages": chat(row.messages, {}), "tools": tools_column(row.tools)}


def first(line: dict[str, Any]) -> dict[str, Any]:
    """The first line of a file: an answer in each column of answers says that it is learned.

    `datasets` takes messages as they are once two of them differ in their keys. Where all are alike, say a file whose
    every completion is one call, it makes columns of their arguments instead: "7" becomes 7 beside an object of the same
    name, a text that reads like a date a date, and what only later lines have is null or an error (datasets 5.2,
    packaged_modules/json). A key that only one message has keeps it from that, and this one changes nothing.
    """
    return {name: _said_to_be_learned(value) if name in _ANSWERS else value for name, value in line.items()}


def _said_to_be_learned(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    at = next((i for i, one in enumerate(messages) if one["role"] == "assistant" and "weight" not in one), None)
    return messages if at is None else [*messages[:at], {**messages[at], "weight": 1}, *messages[at + 1 :]]


def tools_column(tools: list[Tool]) -> str:
    """The tools of a row as one JSON string, "null" where there are none."""
    return content.tools_text(tools) if tools else "null"


def claims(record: Mapping[str, Any]) -> bool:
    """Messages, and nothing that another method asks for."""
    return isinstance(record.get("messages"), list) and record.keys().isdisjoint({"chosen", "rejected", "label"})


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """{"messages", "tools"}: a line without the column tools is remarked, since other lines may have it."""
    reader = strict.Reader(arguments="object", parts=False)
    messages = reader.messages(record.get("messages"), "messages")
    if "tools" not in record:
        reason = "there is no tools column; where the first line of a table has none, it vanishes from all"
        reader.found.append(warning("missing_column", "tools", reason))
    tools = reader.tools(record.get("tools"), as_text=True)
    return (Example(messages=messages, tools=tools) if messages else None), reader.found


def chat(messages: Iterable[Message], names: dict[str, str]) -> list[dict[str, Any]]:
    """Messages as chat templates take them. `names` holds the tool of each call so far, for the results that follow; give
    the same one for what is said afterwards."""
    return [_message(message, names) for message in messages]


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
