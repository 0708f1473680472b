"""Preference rows for TRL's DPOTrainer and RewardTrainer.

{"prompt": [...], "chosen": [...], "rejected": [...], "tools": "[...]"}: the explicit prompt of huggingface/trl, docs
"Dataset formats", conversational. Messages and tools are written as trl-sft writes them; weights have no meaning here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding
from curation.datasets.exporting.formats import limits, strict, trl_sft
from curation.messages.form import Message

NAME = "trl-dpo"
LABEL = "TRL preferences (DPO), JSONL"
HELP = "A prompt with a chosen and a rejected answer, for DPO and reward models. Every line has the same columns."
KINDS: tuple[Kind, ...] = ("pair",)
LIMITS = limits.ANY
SAME_COLUMNS = False
PATHS = {"messages": "prompt"}
first = trl_sft.first


def problems(row: Example) -> Iterator[Finding]:
    """What no chat template can print."""
    yield from trl_sft.text_problems(row)


def write(row: Example) -> dict[str, Any]:
    """One line."""
    prompt, chosen, rejected = sides(row.messages, row.chosen, row.rejected)
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, "tools": trl_sft.tools_column(row.tools)}


def sides(prompt: list[Message], *ends: list[Message]) -> list[list[dict[str, Any]]]:
    """Prompt and ends without weights; results name the tool whose call stood before them."""
    names: dict[str, str] = {}
    written = [trl_sft.chat(prompt, names)]
    written += [trl_sft.chat(end, dict(names)) for end in ends]
    for side in written:
        for message in side:
            message.pop("weight", None)
    return written


def claims(record: Mapping[str, Any]) -> bool:
    """A chosen and a rejected side."""
    return "chosen" in record and "rejected" in record


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """With the prompt beside the answers, or inside both (the implicit form): then what both begin with is the prompt."""
    reader = strict.Reader(arguments="object", parts=False)
    chosen = reader.messages(record.get("chosen"), "chosen")
    rejected = reader.messages(record.get("rejected"), "rejected")
    tools = reader.tools(record.get("tools"), as_text=True)
    if "prompt" in record:
        prompt = reader.messages(record["prompt"], "prompt")
        return Example(messages=prompt, tools=tools, kind="pair", chosen=chosen, rejected=rejected), reader.found
    most = max(0, min(len(chosen), len(rejected)) - 1)
    shared = next((i for i in range(most) if chosen[i] != rejected[i]), most)
    if not shared:
        reader.wrong("no_shared_prefix", "chosen", "there is no prompt, and the two sides begin differently")
    prompt, chosen, rejected = chosen[:shared], chosen[shared:], rejected[shared:]
    return Example(messages=prompt, tools=tools, kind="pair", chosen=chosen, rejected=rejected), reader.found
