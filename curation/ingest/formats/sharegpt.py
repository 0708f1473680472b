"""ShareGPT: records {"conversations": [{"from", "value"}, ...], "tools"?, "system"?}, with function calls.

Source: hiyouga/LLaMA-Factory, data/README.md. `tools` is a JSON string of function descriptions; a turn function_call
holds {"name", "arguments"} without an id, the turn observation behind it is its result.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.fields import content_id, fill, given_id
from curation.ingest.openai_messages import read_tools
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.ingest.turns import is_turns, read_turns
from curation.ingest.walk import each_record
from curation.messages.clean import Notes

NAME = "sharegpt"
LABEL = "ShareGPT conversations, with function calls"
GROUP = "Training data"
_TAKEN = {"conversations", "conversation", "tools", "system"}


def detect(sample: list[Any]) -> bool:
    """Whether records hold turns, and neither two answers to choose from nor a label."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a record of this format."""
    if not isinstance(value, dict) or not value.keys().isdisjoint({"chosen", "rejected", "kto_tag", "label"}):
        return False
    return is_turns(_turns(value))


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per record."""
    return each_record(source, read_record)


def read_record(record: Any) -> ParsedTrace:
    """One conversation. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or _turns(record) is None:
        raise Unreadable("is not an object with conversations")
    notes = Notes()
    messages = read_turns(_turns(record), notes, system=record.get("system"))
    if not messages:
        raise Unreadable("conversations is empty")
    trace = ParsedTrace(
        external_id=given_id(record) or content_id("sharegpt", record),
        document={
            "conversations": [
                {"id": "main", "name": "", "kind": "main", "messages": messages,
                 "tools": read_tools(record.get("tools"), notes)}
            ],
        },
        source={"format": NAME},
    )  # fmt: skip
    fill(trace, record, notes, taken=_TAKEN)
    trace.import_notes = notes.lines()
    return trace


def _turns(record: dict[str, Any]) -> Any:
    return record.get("conversations", record.get("conversation"))
