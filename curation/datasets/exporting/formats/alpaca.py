"""Instruction rows: {"instruction", "input", "output", "system", "history"}, every column on every line.

Source: tatsu-lab/stanford_alpaca, and hiyouga/LLaMA-Factory, data/README.md ("Alpaca format"), whose `history` holds the
earlier turns as pairs. The output is the last answer. This form has no place for tools, so rows that call any are errors.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error, warning
from curation.datasets.exporting.formats import content, limits, strict
from curation.datasets.exporting.formats.trl_prompt_completion import tail_left_out
from curation.messages.form import Message, message

NAME = "alpaca"
LABEL = "Alpaca instructions, JSONL"
HELP = "Question and answer, earlier turns in history. Takes no tool calls; input is always empty."
KINDS: tuple[Kind, ...] = ("chat",)
LIMITS = limits.ANY
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
_COLUMNS = ("instruction", "input", "output", "system", "history")


def problems(row: Example) -> Iterator[Finding]:
    """Tools, turns out of step, content that is not text, weights."""
    last = content.last_answer(row)
    if any(one["role"] == "tool" or one.get("tool_calls") for one in row.messages):
        yield error(
            "tools_not_carried", "messages", "the row calls tools, and this format has no place for calls or results"
        )
    elif row.tools:
        yield warning("tools_left_out", "tools", f"{len(row.tools)} tools were offered; this format does not show them")
    if (wrong := _out_of_step(row.messages[: last + 1])) is not None:
        reason = "turns do not take turns: after one system message this format wants user, assistant, user, assistant"
        yield error("turns_not_carried", f"messages[{wrong}]", reason)
    if last >= 0 and not row.trained[last]:
        yield error(
            "answer_masked", f"messages[{last}]", "the last answer has weight 0, and it is what this format teaches"
        )
    elif not all(row.trained[index] for index, one in enumerate(row.messages) if one["role"] == "assistant"):
        yield warning("weight_not_kept", "messages", "answers in history have weight 0; most trainers would learn them")
    if 0 <= last < len(row.messages) - 1:
        yield tail_left_out(row, last)
    for path, one in content.said(row):
        for part, kind in content.other_parts(one):
            yield error("content_not_text", f"{path}.content[{part}]", f"this format takes text only, not {kind}")


def _out_of_step(messages: list[Message]) -> int | None:
    """Index of the first message that is not where this format has a place for it."""
    wanted = "user"
    for index, one in enumerate(messages):
        role = content.role_of(one)
        if role == "tool":
            return None  # said by another finding
        if index == 0 and role == "system":
            continue
        if role != wanted:
            return index
        wanted = "assistant" if wanted == "user" else "user"
    return None


def write(row: Example) -> dict[str, Any]:
    """One line."""
    last = content.last_answer(row)
    system = ""
    turns = row.messages[: last + 1]
    if content.role_of(turns[0]) == "system":
        system, turns = content.plain_text(turns[0]), turns[1:]
    texts = [content.plain_text(one) for one in turns]
    earlier = [list(pair) for pair in zip(texts[:-2:2], texts[1:-2:2], strict=True)]
    return {"instruction": texts[-2], "input": "", "output": texts[-1], "system": system, "history": earlier}


def claims(record: Mapping[str, Any]) -> bool:
    """An instruction and an output."""
    return "instruction" in record and "output" in record


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """A line of this form; `input`, `system` and `history` may be missing."""
    found = [
        warning("unknown_key", str(key)[:60], "this key is not part of the format")
        for key in record
        if key not in _COLUMNS
    ]
    found += [
        error(f"missing_{key}", key, f"{key} is {strict.kind_of(record.get(key))}, not text")
        for key in ("instruction", "output")
        if not isinstance(record.get(key), str)
    ]
    found += [
        error("not_text", key, f"{key} is {strict.kind_of(record[key])}, not text")
        for key in ("input", "system")
        if not isinstance(record.get(key, ""), str)
    ]
    messages = (
        [message("system", record["system"])] if isinstance(record.get("system"), str) and record["system"] else []
    )
    history = record.get("history") or []
    if not isinstance(history, list):
        found.append(error("not_a_list", "history", f"history is {strict.kind_of(history)}, not a list of pairs"))
        history = []
    for index, pair in enumerate(history):
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
            found.append(error("not_a_pair", f"history[{index}]", "this is no pair of what was asked and answered"))
        else:
            messages += [message("user", pair[0]), message("assistant", pair[1])]
    if any(one.level == "error" for one in found):
        return None, found
    asked = "\n".join(filter(None, [record["instruction"], record.get("input", "")]))
    return Example(
        messages=[*messages, message("user", asked), message("assistant", record["output"])], tools=[]
    ), found
