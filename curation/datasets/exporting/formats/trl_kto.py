"""Labelled answers for TRL's KTOTrainer.

{"prompt": [...], "completion": [...], "label": true, "tools": "[...]"}: unpaired preference of huggingface/trl, docs
"Dataset formats", conversational. Both labels must come up in a file: good answers alone teach this method nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding
from curation.datasets.exporting.formats import limits, strict, trl_dpo, trl_sft

NAME = "trl-kto"
LABEL = "TRL labelled answers (KTO), JSONL"
HELP = (
    "One answer a line with the label wanted or not. Needs both labels; shuffle before training (TRL reads in order)."
)
KINDS: tuple[Kind, ...] = ("label",)
LIMITS = limits.Limits(both_labels=True)
SAME_COLUMNS = False
PATHS = {"messages": "prompt", "chosen": "completion"}
first = trl_sft.first


def problems(row: Example) -> Iterator[Finding]:
    """What no chat template can print."""
    yield from trl_sft.text_problems(row)


def write(row: Example) -> dict[str, Any]:
    """One line."""
    prompt, completion = trl_dpo.sides(row.messages, row.chosen)
    return {"prompt": prompt, "completion": completion, "label": row.label, "tools": trl_sft.tools_column(row.tools)}


def claims(record: Mapping[str, Any]) -> bool:
    """A prompt, a completion and a label."""
    return "prompt" in record and "completion" in record and "label" in record


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """{"prompt", "completion", "label", "tools"}; a label that is no boolean is refused, 1 and "true" included."""
    reader = strict.Reader(arguments="object", parts=False)
    label = record.get("label")
    if "label" not in record:
        reader.wrong("missing_label", "label", "the label is missing")
    elif not isinstance(label, bool):
        reader.wrong("label_not_boolean", "label", f"the label is {strict.kind_of(label)}, not true or false")
    row = Example(
        messages=reader.messages(record.get("prompt"), "prompt"),
        tools=reader.tools(record.get("tools"), as_text=True),
        kind="label",
        chosen=reader.messages(record.get("completion"), "completion"),
        label=label if isinstance(label, bool) else None,
    )
    return row, reader.found
