"""KTO rows: an answer with a label, good or bad. They become a trace with a judgment.

Source: huggingface/trl, docs "Dataset formats" (unpaired preference: {"prompt", "completion", "label"}), and
hiyouga/LLaMA-Factory, data/README.md ({"messages", "label"}, {"conversations", "kto_tag"}, alpaca with kto_tag).
"""

from collections.abc import Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import content_id, fill, given_id
from curation.ingest.formats import alpaca
from curation.ingest.openai_messages import read_tools
from curation.ingest.parsed import ParsedJudgment, ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.ingest.turns import is_turns, read_said
from curation.ingest.walk import each_record
from curation.messages.clean import Notes
from curation.messages.form import Message, message

NAME = "kto"
LABEL = "KTO rows: an answer labelled good or bad"
GROUP = "Training data"
AUTHOR = "imported label"
_LABELS = {
    True: "acceptable", False: "unacceptable", "true": "acceptable",
    "false": "unacceptable", "1": "acceptable", "0": "unacceptable", "desirable": "acceptable",
    "undesirable": "unacceptable",
}  # fmt: skip
_TAKEN = {
    "prompt",
    "completion",
    "messages",
    "conversations",
    "label",
    "kto_tag",
    "tools",
    "system",
    "output",
    "annotator",
}


def detect(sample: list[Any]) -> bool:
    """Whether records have an answer and a label."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a record of this format."""
    if not isinstance(value, dict) or not isinstance(_label(value), (bool, int, str)):
        return False
    if "prompt" in value and "completion" in value:
        return True
    if isinstance(value.get("messages"), list) or is_turns(value.get("conversations")):
        return True
    return "instruction" in value and "output" in value


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per row, with its judgment."""
    return each_record(source, lambda record: read_record(record, source.verdicts))


def read_record(record: Any, verdicts: Any) -> ParsedTrace:
    """One row; `verdicts` names the meaning of further labels. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or not isinstance(_label(record), (bool, int, float, str)):
        raise Unreadable("is not an object with an answer and a label")
    notes = Notes()
    messages = _messages(record, notes)
    if not messages or messages[-1]["role"] != "assistant":
        raise Unreadable("does not end with an answer, so there is nothing that the label is about")
    trace = ParsedTrace(
        external_id=given_id(record) or content_id("kto", record),
        document={
            "conversations": [
                {"id": "main", "name": "", "kind": "main", "messages": messages,
                 "tools": read_tools(record.get("tools"), notes)}
            ],
        },
        source={"format": NAME},
    )  # fmt: skip
    label = _label(record)
    fill(trace, record, notes, taken={*_TAKEN, *alpaca.ASKED})
    verdict = verdicts.get(str(label)) or _LABELS.get(label.strip().lower() if isinstance(label, str) else label)
    if verdict:
        author = as_text(record.get("annotator") or AUTHOR)
        trace.judgments.append(ParsedJudgment(verdict=verdict, author=author))
    else:
        trace.unknown_labels.append(as_text(label))
        notes.add(f"the label {as_text(label)[:60]!r} stands for no verdict; there is no judgment")
    trace.import_notes = notes.lines()
    return trace


def _messages(record: dict[str, Any], notes: Notes) -> list[Message]:
    system = record.get("system")
    if "completion" in record:
        asked = _side(record.get("prompt"), "user", "prompt", notes)
        return [*asked, *_side(record["completion"], "assistant", "completion", notes)]
    for field in ("messages", "conversations"):
        if field in record:
            return read_said(record[field], notes, field=field, system=system)
    asked = alpaca.read_asked(record, notes)
    return [*asked, message("assistant", as_text(record.get("output") or ""))]


def _side(value: Any, role: Any, field: str, notes: Notes) -> list[Message]:
    if isinstance(value, str):
        return [message(role, value)]
    return read_said(value, notes, field=field)


def _label(record: dict[str, Any]) -> Any:
    return record.get("label", record.get("kto_tag"))
