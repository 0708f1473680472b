"""DPO rows: two answers to one request, the first preferred. They become a trace with a candidate and a preference.

Source: huggingface/trl, docs "Dataset formats" ({"prompt", "chosen", "rejected"}, the prompt may stand inside both);
OpenAI, "Direct preference optimization" ({"input": {"messages", "tools"}, "preferred_output", "non_preferred_output"});
hiyouga/LLaMA-Factory, data/README.md ({"conversations", "chosen", "rejected"}, alpaca with chosen and rejected, v1:
{"chosen_messages", "rejected_messages"}); Anthropic/hh-rlhf (texts with "\\n\\nHuman:" and "\\n\\nAssistant:").

Where what was said after the request is more than one message (tools were called), the two ends cannot be candidates of
one trace: they are two traces, and the preference stands between them.
"""

import re
from collections.abc import Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import content_id, fill, given_id
from curation.ingest.formats import alpaca
from curation.ingest.openai_messages import read_tools
from curation.ingest.parsed import ParsedPreference, ParsedTrace, Rejected, Unreadable
from curation.ingest.text import Source
from curation.ingest.turns import read_said
from curation.ingest.walk import each_record
from curation.messages.clean import Notes
from curation.messages.form import Message, Tool, message

NAME = "dpo"
LABEL = "DPO rows: a preferred and a rejected answer"
GROUP = "Training data"
AUTHOR = "imported preference"
_SIDES = (
    ("chosen", "rejected"),
    ("chosen_messages", "rejected_messages"),
    ("preferred_output", "non_preferred_output"),
)
_TAKEN = {"prompt", "messages", "conversations", "input", "tools", "system", "annotator"}
_TURN = re.compile(r"\n\n(Human|Assistant): ?")


def detect(sample: list[Any]) -> bool:
    """Whether records have a preferred and a rejected side."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is a record of this format."""
    return isinstance(value, dict) and any(good in value and bad in value for good, bad in _SIDES)


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per row, or two (see above)."""
    return each_record(source, read_record)


def read_record(record: Any) -> list[ParsedTrace]:
    """One row. Raises Unreadable with the reason."""
    if not isinstance(record, dict) or not is_record(record):
        raise Unreadable("has no preferred and rejected answer")
    notes = Notes()
    good, bad = next(names for names in _SIDES if names[0] in record and names[1] in record)
    asked = _asked(record, notes)
    ends = [_end(record[name], name, notes) for name in (good, bad)]
    if not asked:
        shared = _shared(ends[0], ends[1])
        asked, ends = ends[0][:shared], [ends[0][shared:], ends[1][shared:]]
    else:
        ends = [end[len(asked) :] if end[: len(asked)] == asked else end for end in ends]
    for name, end in zip((good, bad), ends, strict=True):
        if not end or end[-1]["role"] != "assistant":
            raise Unreadable(f"{name} does not end with an answer of its own")
    inner = record["input"] if isinstance(record.get("input"), dict) else {}
    tools = read_tools(record.get("tools") or inner.get("tools"), notes)
    key = given_id(record) or content_id("dpo", record)
    word = ParsedPreference(choice="left", author=as_text(record.get("annotator") or AUTHOR))
    taken = {*_TAKEN, *alpaca.ASKED, good, bad}
    if len(ends[0]) == len(ends[1]) == 1:
        trace = _trace(key, [*asked, *ends[0]], tools, record, notes, taken, candidate=ends[1][0])
        trace.preferences.append(word)
        return [trace]
    notes.add("the two ends are longer than one message: they are two traces")
    rejected = _trace(f"{key}/rejected", [*asked, *ends[1]], tools, record, notes, taken)
    chosen = _trace(key, [*asked, *ends[0]], tools, record, notes, taken)
    word.right, word.other = 0, rejected.external_id
    chosen.preferences.append(word)
    return [rejected, chosen]


def _trace(
    key: str,
    messages: list[Message],
    tools: list[Tool],
    record: dict[str, Any],
    notes: Notes,
    taken: set[str],
    candidate: Message | None = None,
) -> ParsedTrace:
    trace = ParsedTrace(
        external_id=key,
        document={"conversations": [{"id": "main", "name": "", "kind": "main", "messages": messages, "tools": tools}]},
        source={"format": NAME},
    )
    if candidate is not None:
        trace.document["conversations"][0]["candidates"] = [candidate]
    own = Notes()
    own.extend(notes)
    fill(trace, {name: value for name, value in record.items() if name != "input"}, own, taken=taken)
    trace.import_notes = own.lines()
    return trace


def _asked(record: dict[str, Any], notes: Notes) -> list[Message]:
    """The request where it stands beside the answers; [] where it stands inside both."""
    inner = record.get("input")
    if isinstance(inner, dict):
        return read_said(inner.get("messages"), notes, field="input.messages")
    system = record.get("system")
    for field in ("prompt", "messages", "conversations"):
        value = record.get(field)
        if isinstance(value, str) and value:
            head = [message("system", as_text(system))] if system else []
            return [*head, *(_dialogue(value) or [message("user", value)])]
        if isinstance(value, list) and value:
            return read_said(value, notes, field=field, system=system)
    return alpaca.read_asked(record, notes) if record.get("instruction") else []


def _end(value: Any, field: str, notes: Notes) -> list[Message]:
    if isinstance(value, str):
        return _dialogue(value) or [message("assistant", value)]
    if isinstance(value, dict):
        value = [value]
    found = read_said(value, notes, field=field)
    if not found:
        raise Unreadable(f"{field} is empty")
    return found


def _dialogue(text: str) -> list[Message]:
    """Messages of a text that is written as "\\n\\nHuman: ...\\n\\nAssistant: ..."; [] where it is not."""
    if not text.startswith(("\n\nHuman:", "\n\nAssistant:")):
        return []
    pieces = _TURN.split(text)[1:]
    said = list(zip(pieces[::2], pieces[1::2], strict=True))
    if said and said[-1] == ("Assistant", ""):
        said.pop()  # a prompt ends with the cue for its answer
    return [message("user" if who == "Human" else "assistant", words) for who, words in said]


def _shared(left: list[Message], right: list[Message]) -> int:
    """How many messages both sides begin with; each keeps at least its last."""
    most = min(len(left), len(right)) - 1
    count = 0
    while count < most and left[count] == right[count]:
        count += 1
    return count
