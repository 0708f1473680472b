"""Preference rows for direct preference optimisation at OpenAI and services that take the same files.

{"input": {"messages": [...], "tools": [...], "parallel_tool_calls": true},
 "preferred_output": [one assistant message], "non_preferred_output": [one assistant message]}

Source: OpenAI, "Direct preference optimization" guide: each example is trained on one answer to one conversation, text
only. The whole conversation before the answer stands in `input`, tool calls and results included.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error
from curation.datasets.exporting.formats import content, limits, openai_sft, strict
from curation.messages.form import Message

NAME = "openai-dpo"
LABEL = "OpenAI preferences (DPO), JSONL"
HELP = "A preferred and a rejected answer to the same conversation. One answer of one message each, text or tool calls."
KINDS: tuple[Kind, ...] = ("pair",)
LIMITS = limits.OPENAI
SAME_COLUMNS = False
PATHS = {"messages": "input.messages", "tools": "input.tools", "chosen": "preferred_output",
         "rejected": "non_preferred_output"}  # fmt: skip


def problems(row: Example) -> Iterator[Finding]:
    """Answers of more than one message, content that is not text, names that OpenAI refuses."""
    for name, side in (("chosen", row.chosen), ("rejected", row.rejected)):
        if len(side) > 1:
            reason = f"{len(side)} messages; this method learns from one answer, which may call tools"
            yield error("not_one_answer", name, reason)
    for path, message in content.said(row):
        for part, kind in content.other_parts(message):
            yield error("content_not_text", f"{path}.content[{part}]", f"this method takes text only, not {kind}")
        yield from openai_sft.message_problems(path, _plain(message))
    yield from openai_sft.frame_problems(row)


def write(row: Example) -> dict[str, Any]:
    """One line."""
    return {
        "input": {
            "messages": [openai_sft.message_of(_plain(message)) for message in row.messages],
            "tools": [content.tool_schema(tool) for tool in row.tools],
            "parallel_tool_calls": True,
        },
        "preferred_output": [openai_sft.message_of(_plain(message)) for message in row.chosen],
        "non_preferred_output": [openai_sft.message_of(_plain(message)) for message in row.rejected],
    }


def _plain(message: Message) -> Message:
    """Without a weight: what is in `input` is context here whatever it weighs, and the answers are what is compared."""
    if "weight" not in message:
        return message
    plain = message.copy()
    del plain["weight"]
    return plain


def claims(record: Mapping[str, Any]) -> bool:
    """Both outputs stand on the line."""
    return "preferred_output" in record or "non_preferred_output" in record


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """A line of the documented form; `input` as a bare list of messages is refused."""
    reader = strict.Reader(arguments="text", parts=False)
    reader.keys(record, {"input", "preferred_output", "non_preferred_output", "metadata"})
    given = record.get("input")
    if isinstance(given, list):
        reader.wrong("bare_input", "input", 'input is a bare list; write {"input": {"messages": [...]}}')
        given = {"messages": given}
    elif not isinstance(given, dict):
        reader.wrong("missing_input", "input", f"input is {strict.kind_of(given)}, not an object with messages")
        given = {"messages": []}
    row = Example(
        messages=reader.messages(given.get("messages"), "input.messages"),
        tools=reader.tools(given.get("tools"), "input.tools"),
        kind="pair",
        chosen=reader.messages(record.get("preferred_output"), "preferred_output"),
        rejected=reader.messages(record.get("non_preferred_output"), "non_preferred_output"),
    )
    return row, reader.found
