"""Prompt and completion for TRL's SFTTrainer, one line for every answer that is learned.

The lines of trl-prompt-completion, but a conversation with three answers gives three: each with all that was said before
it as its prompt. This trains every answer with any chat template, at the price of reading the beginning several times.
"""

from collections.abc import Iterator
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error
from curation.datasets.exporting.formats import content, limits, trl_prompt_completion, trl_sft

NAME = "trl-prompt-completion-turns"
LABEL = "TRL prompt and completion, every answer"
HELP = "One line for each answer that is learned, with all before it as its prompt."
KINDS: tuple[Kind, ...] = ("chat",)
LIMITS = limits.ANY
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
claims = trl_prompt_completion.claims
read = trl_prompt_completion.read
first = trl_sft.first


def problems(row: Example) -> Iterator[Finding]:
    """An answer that nothing stands before; what lies behind the last one."""
    last = content.last_answer(row)
    if row.trained and row.trained[0]:
        yield error("no_prompt", "messages[0]", "nothing stands before the first answer")
    if 0 <= last < len(row.messages) - 1:
        yield trl_prompt_completion.tail_left_out(row, last)
    yield from trl_sft.text_problems(row)


def write(row: Example) -> dict[str, Any]:
    """The last of its lines."""
    return trl_prompt_completion.line(row, max(at for at, learned in enumerate(row.trained) if learned))


def write_all(row: Example) -> list[dict[str, Any]]:
    """A line for each answer that is learned. Each message is written once, and lines share what they have in common."""
    said = trl_sft.chat(row.messages, {})
    for message in said:
        message.pop("weight", None)
    tools = trl_sft.tools_column(row.tools)
    return [
        {"prompt": said[:at], "completion": said[at : at + 1], "tools": tools}
        for at, learned in enumerate(row.trained)
        if learned
    ]
