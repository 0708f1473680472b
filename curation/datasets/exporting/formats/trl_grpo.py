"""Prompts for TRL's GRPOTrainer and RLOOTrainer: the model answers, reward functions get every further column.

{"prompt": [...], "tools": "[...]", "<column>": ...}: prompt-only rows of huggingface/trl, docs "Dataset formats". Texts,
numbers and true or false stay what they are; lists and objects are written as JSON text, since tables merge their keys.
An export gives every line every column that any row of the version has (null where a row has none).

Both trainers show the model the functions and environments that they are given in Python, never the column `tools`, which
goes to reward functions like any other (read in TRL 1.16, grpo_trainer.py, _tokenize_prompts).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error, warning
from curation.datasets.exporting.formats import limits, strict, trl_dpo, trl_sft

NAME = "trl-grpo"
LABEL = "TRL prompts with columns (GRPO), JSONL"
HELP = "For GRPO and RLOO: the model answers the prompt, and reward functions read the further columns."
KINDS: tuple[Kind, ...] = ("prompt",)
LIMITS = limits.ANY
SAME_COLUMNS = True
PATHS = {"messages": "prompt"}
# what the trainers make, drop or read by itself: keyword arguments of reward functions, pictures, the choice of environment
RESERVED = ("prompt", "prompts", "tools", "completion", "completions", "completion_ids", "image", "images", "environment",
            "environments", "trainer_state", "log_extra", "log_metric")  # fmt: skip


def problems(row: Example) -> Iterator[Finding]:
    """Columns whose names TRL uses itself; a prompt that does not end with the user; tools that are not shown."""
    for key in RESERVED:
        if key in row.item:
            yield error(
                "reserved_key", f"item.{key}", f"{key} is a name that the trainer uses itself; rename the field"
            )
    if row.messages and row.messages[-1]["role"] != "user":
        reason = f"the prompt ends with a {row.messages[-1]['role']} message, not the user's"
        yield warning("prompt_not_of_user", f"messages[{len(row.messages) - 1}]", reason)
    if row.tools:
        reason = f"{len(row.tools)} tools were offered; the trainer shows only functions that it is given as tools="
        yield warning("tools_not_shown", "tools", reason)
    yield from trl_sft.text_problems(row)


def write(row: Example) -> dict[str, Any]:
    """One line, with the columns of this row."""
    (prompt,) = trl_dpo.sides(row.messages)
    columns = {key: _column(value) for key, value in row.item.items()}
    return {"prompt": prompt, "tools": trl_sft.tools_column(row.tools), **columns}


def _column(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def claims(record: Mapping[str, Any]) -> bool:
    """A prompt as messages, and no answer."""
    return isinstance(record.get("prompt"), list) and record.keys().isdisjoint({"completion", "chosen", "rejected"})


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """{"prompt", "tools"?, columns}."""
    reader = strict.Reader(arguments="object", parts=False)
    item = {key: value for key, value in record.items() if key not in ("prompt", "tools", "metadata")}
    for key, value in item.items():
        if isinstance(value, (list, dict)):
            reason = "holds a list or an object; tables merge its keys with those of other lines. Write JSON text"
            reader.found.append(warning("column_not_plain", str(key)[:60], reason))
    prompt = reader.messages(record.get("prompt"), "prompt")
    tools = reader.tools(record.get("tools"), as_text=True)
    return (Example(messages=prompt, tools=tools, kind="prompt", item=item) if prompt else None), reader.found
