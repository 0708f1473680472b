"""Alpaca: records {"instruction", "input"?, "output", "system"?, "history"?: [[asked, answered], ...]}.

Source: tatsu-lab/stanford_alpaca and hiyouga/LLaMA-Factory, data/README.md ("Alpaca format"): the user's words are the
instruction and, on a new line, the input; history comes before them.
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import content_id, fill, given_id
from curation.ingest.openai_messages import read_tools
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.ingest.walk import each_record
from curation.messages.clean import Notes
from curation.messages.form import Message, message

NAME = "alpaca"
LABEL = "Alpaca instructions"
GROUP = "Training data"
ASKED = {"instruction", "input", "system", "history", "tools"}


def detect(sample: list[Any]) -> bool:
    """Whether records have an instruction and an output."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a record of this format: neither a trajectory nor labelled."""
    if not isinstance(value, dict) or not isinstance(value.get("instruction"), str) or "output" not in value:
        return False
    return value.keys().isdisjoint({"steps", "kto_tag", "label", "chosen", "rejected"})


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per record."""
    return each_record(source, read_record)


def read_record(record: Any) -> ParsedTrace:
    """One instruction and its answer. Raises Unreadable with the reason."""
    if not isinstance(record, dict):
        raise Unreadable("is not an object with instruction and output")
    notes = Notes()
    asked = read_asked(record, notes)
    if not isinstance(record.get("output"), str):
        raise Unreadable("output is missing" if record.get("output") is None else "output is no text")
    if not record["output"]:
        notes.add("the output is empty")
    trace = ParsedTrace(
        external_id=given_id(record) or content_id("alpaca", record),
        document={
            "conversations": [
                {"id": "main", "name": "", "kind": "main", "messages": [*asked, message("assistant", record["output"])],
                 "tools": read_tools(record.get("tools"), notes)}
            ],
        },
        source={"format": NAME},
    )  # fmt: skip
    fill(trace, record, notes, taken={*ASKED, "output"})
    trace.import_notes = notes.lines()
    return trace


def read_asked(record: dict[str, Any], notes: Notes) -> list[Message]:
    """System prompt, history and the user's words. Raises Unreadable where nothing is asked."""
    words = [record.get("instruction"), record.get("input")]
    text = "\n".join(as_text(word) for word in words if word not in (None, ""))
    if not text:
        raise Unreadable("instruction and input are empty")
    messages = [message("system", as_text(record["system"]))] if record.get("system") else []
    history = record.get("history") or []
    if not isinstance(history, list):
        raise Unreadable("history is not a list")
    for number, pair in enumerate(history):
        if not isinstance(pair, list) or len(pair) != 2:
            raise Unreadable(f"history[{number}] is no pair of what was asked and answered")
        messages += [message("user", as_text(pair[0] or "")), message("assistant", as_text(pair[1] or ""))]
    return [*messages, message("user", text)]
