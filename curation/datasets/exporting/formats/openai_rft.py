"""Prompts for reinforcement fine-tuning at OpenAI: the model answers, graders give the reward.

{"messages": [...], "tools": [...], "<any key>": ...}: every key besides messages and tools is {{item.<key>}} in a grader.
Source: OpenAI, "Reinforcement fine-tuning" guide: roles developer, user, assistant and tool; the last message is the
user's. `system` is written as `developer`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error
from curation.datasets.exporting.formats import content, limits, openai_sft, strict
from curation.messages.form import Message

NAME = "openai-rft"
LABEL = "OpenAI prompts with references (RFT), JSONL"
HELP = "For reinforcement fine-tuning: prompts that end with the user, and fields that graders read as item.*. Needs a validation file."
KINDS: tuple[Kind, ...] = ("prompt",)
LIMITS = limits.Limits(least_rows=10, most_rows=50_000, most_bytes=512 * limits.MEGABYTE, needs_validation=True)
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
RESERVED = ("messages", "tools")


def problems(row: Example) -> Iterator[Finding]:
    """A last message that is not the user's, reserved keys, names that OpenAI refuses."""
    if row.messages and row.messages[-1]["role"] != "user":
        reason = f"the prompt ends with a {row.messages[-1]['role']} message; it must end with the user's"
        yield error("prompt_not_of_user", f"messages[{len(row.messages) - 1}]", reason)
    for index, message in enumerate(row.messages):
        yield from openai_sft.message_problems(f"messages[{index}]", message)
    for key in RESERVED:
        if key in row.item:
            yield error("reserved_key", f"item.{key}", f"{key} is a key of the format itself; rename the field")
    yield from openai_sft.frame_problems(row)


def write(row: Example) -> dict[str, Any]:
    """One line."""
    written: dict[str, Any] = {"messages": [_message(message) for message in row.messages]}
    if row.tools:
        written["tools"] = [content.tool_schema(tool) for tool in row.tools]
    return {**written, **row.item}


def _message(message: Message) -> dict[str, Any]:
    written = openai_sft.message_of(message)
    written.pop("weight", None)
    return {**written, "role": "developer"} if written["role"] == "system" else written


def claims(record: Mapping[str, Any]) -> bool:
    """Messages that do not end in an answer, with fields of their own beside them."""
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        return False
    known = {"messages", "tools", "functions", "parallel_tool_calls", "metadata", "label", "chat_template_kwargs"}
    return messages[-1].get("role") != "assistant" and not record.keys() <= known


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """{"messages", "tools"?, item fields}: a system message is an error here."""
    reader = strict.Reader(arguments="text", parts=True)
    messages = reader.messages(record.get("messages"), "messages")
    for index, message in enumerate(messages):
        if message["role"] == "system":
            reader.wrong("system_not_taken", f"messages[{index}].role", "this method knows developer instead of system")
    item = {key: value for key, value in record.items() if key not in (*RESERVED, "metadata")}
    tools = reader.tools(record.get("tools"))
    return (Example(messages=messages, tools=tools, kind="prompt", item=item) if messages else None), reader.found
