"""Chat fine-tuning rows as OpenAI and compatible services take them.

{"messages": [...], "tools": [...]}: arguments are JSON strings, tool schemas are objects, `tools` stands only on rows
that had some. Source: OpenAI's published schema FineTuneChatRequestInput and its fine-tuning guide. `developer` is
written as `system`, since the schema of training files does not name it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error, warning
from curation.datasets.exporting.formats import content, limits, strict
from curation.messages.form import Message

NAME = "openai-sft"
LABEL = "OpenAI chat, JSONL"
HELP = "For fine-tuning at OpenAI and services that take the same files. Arguments of tool calls stay JSON text."
KINDS: tuple[Kind, ...] = ("chat",)
LIMITS = limits.OPENAI
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
PERSON_NAME = re.compile(r"[^\s<|\\/>]{1,64}")
LARGEST_EXAMPLE = 65_536


MOST_IMAGES = 10
MOST_TOOLS = 128


def problems(row: Example) -> Iterator[Finding]:
    """Names, images and weights that OpenAI refuses; rows that it would cut at its context of 65,536 tokens."""
    images = 0
    for index, message in enumerate(row.messages):
        yield from message_problems(f"messages[{index}]", message)
        images += sum(part["type"] == "image" for part in message["parts"])
    if images > MOST_IMAGES:
        yield error("too_many_images", "messages", f"{images} images; one row may hold {MOST_IMAGES}")
    yield from frame_problems(row)


def frame_problems(row: Example) -> Iterator[Finding]:
    """Names of tools that OpenAI refuses, more tools than it takes in a request, schemas that cannot be written as an object,
    and rows longer than it reads."""
    if len(row.tools) > MOST_TOOLS:
        yield warning("many_tools", "tools", f"{len(row.tools)} tools; OpenAI takes at most {MOST_TOOLS} in a request")
    for index, tool in enumerate(row.tools):
        if not TOOL_NAME.fullmatch(tool["name"]):
            yield _bad_name(f"tools[{index}].function.name", tool["name"])
        if _too_large(tool["parameters"]):
            where = f"tools[{index}].function.parameters"
            yield error("number_too_large", where, "holds a whole number of more than 64 bits")
    if row.total_tokens > LARGEST_EXAMPLE:
        reason = (
            f"about {row.total_tokens:,} tokens; what lies beyond {LARGEST_EXAMPLE:,} is cut off in training: "
            f"{content.cut(row, LARGEST_EXAMPLE)}"
        )
        yield warning("too_long", "messages", reason)


@lru_cache(maxsize=512)  # the same few tools stand on nearly every row
def _too_large(schema: str) -> bool:
    return content.has_beyond(schema, -(2**63), 2**64 - 1)


def message_problems(path: str, message: Message) -> Iterator[Finding]:
    """What OpenAI refuses in one message of chat training."""
    for part, kind in content.other_parts(message):
        where = f"{path}.content[{part}]"
        if kind != "image":
            yield error("content_not_taken", where, f"OpenAI takes text and images to train on, not {kind}")
        elif message["role"] != "user":
            yield error("image_not_of_user", where, "only user messages may hold images")
        elif not message["parts"][part].get("url"):
            yield error("image_without_address", where, "the image has no address and no data")
    for index, call in enumerate(message.get("tool_calls") or []):
        if call["name"] and not TOOL_NAME.fullmatch(call["name"]):
            yield _bad_name(f"{path}.tool_calls[{index}].function.name", call["name"])
    name = message.get("name", "")
    if name and message["role"] != "tool" and not PERSON_NAME.fullmatch(name):
        yield error("name_not_taken", f"{path}.name", "may not hold blanks or < | \\ / >, and at most 64 characters")
    if "weight" in message and (message["role"] != "assistant" or message["weight"] not in (0, 1)):
        yield error("weight_not_taken", f"{path}.weight", "only 0 or 1, and only on assistant messages")


def _bad_name(path: str, name: str) -> Finding:
    return error("tool_name_not_taken", path, f"{name[:80]!r}: only letters, digits, _ and -, at most 64 of them")


def write(row: Example) -> dict[str, Any]:
    """One line."""
    written: dict[str, Any] = {"messages": [message_of(message) for message in row.messages]}
    if row.tools:
        written["tools"] = [content.tool_schema(tool) for tool in row.tools]
    return written


def claims(record: Mapping[str, Any]) -> bool:
    """Messages, nothing that another method asks for, and tools that are no text."""
    if not isinstance(record.get("messages"), list) or not record.keys().isdisjoint({"chosen", "rejected", "label"}):
        return False
    return not isinstance(record.get("tools"), str)


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """{"messages", "tools"?, "parallel_tool_calls"?}; `functions` is the old name for tools."""
    reader = strict.Reader(arguments="text", parts=True)
    reader.keys(record, {"messages", "tools", "functions", "parallel_tool_calls", "metadata"})
    messages = reader.messages(record.get("messages"), "messages")
    tools = reader.tools(record.get("tools"))
    if record.get("functions"):
        reader.found.append(warning("deprecated", "functions", "the old way to offer tools; write tools"))
        functions = record["functions"]
        wrapped = [{"function": one} for one in functions] if isinstance(functions, list) else functions
        tools += reader.tools(wrapped, "functions")
    if not isinstance(record.get("parallel_tool_calls", True), bool):
        reader.wrong("not_a_boolean", "parallel_tool_calls", "parallel_tool_calls is true or false")
    return (Example(messages=messages, tools=tools) if messages else None), reader.found


def message_of(message: Message) -> dict[str, Any]:
    """One message as chat completions write it."""
    role = content.role_of(message)
    if role == "tool":
        return {"role": "tool", "tool_call_id": message["tool_call_id"], "content": content.plain_text(message)}
    written: dict[str, Any] = {"role": role}
    if name := message.get("name"):
        written["name"] = name
    if role == "assistant":
        _answer(message, written)
    elif any(part["type"] == "image" for part in message["parts"]):
        written["content"] = _parts(message)
    else:
        written["content"] = content.plain_text(message)
    return written


def _answer(message: Message, written: dict[str, Any]) -> None:
    refusals = [part.get("text", "") for part in message["parts"] if part["type"] == "refusal"]
    if refusals:
        said: Message = {"role": "assistant", "parts": [part for part in message["parts"] if part["type"] != "refusal"]}
        written["content"] = content.plain_text(said) or None
        written["refusal"] = "\n".join(refusals)
    else:
        written["content"] = content.plain_text(message) or None
    if calls := message.get("tool_calls"):
        written["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls
        ]
    if "weight" in message:
        written["weight"] = int(message["weight"])


def _parts(message: Message) -> list[dict[str, Any]]:
    return [
        {"type": "image_url", "image_url": {"url": part.get("url", "")}}
        if part["type"] == "image"
        else {"type": "text", "text": content.part_text(part)}
        for part in message["parts"]
    ]
