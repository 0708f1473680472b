"""Prompt and completion for TRL's SFTTrainer: only the completion is learned, whatever the chat template marks.

{"prompt": [...], "completion": [...], "tools": "[...]"}, in the conversational form of huggingface/trl, docs "Dataset
formats". One line for a conversation: the completion is its last answer, all before it is the prompt. Messages and tools
are written as trl-sft writes them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, counted, error, warning
from curation.datasets.exporting.formats import content, limits, strict, trl_sft
from curation.messages.form import Message

NAME = "trl-prompt-completion"
LABEL = "TRL prompt and completion, last answer"
HELP = "Learns the last answer alone, also with templates that cannot mask. Earlier answers are context."
KINDS: tuple[Kind, ...] = ("chat",)
LIMITS = limits.ANY
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
first = trl_sft.first


def problems(row: Example) -> Iterator[Finding]:
    """A last answer that shall not be learned or has nothing before it; what a line leaves out."""
    last = content.last_answer(row)
    if last == 0:
        yield error("no_prompt", "messages[0]", "nothing stands before the only answer")
    if last >= 0 and not row.trained[last]:
        yield error(
            "answer_masked", f"messages[{last}]", "the last answer has weight 0, and this format learns nothing else"
        )
    if earlier := sum(row.trained[:last]) if last > 0 else 0:
        here = f"{counted(earlier, 'earlier answer')} {'is' if earlier == 1 else 'are'} context here"
        reason = f"{here}; trl-prompt-completion-turns learns each"
        yield warning("earlier_answers_not_learned", "messages", reason)
    if 0 <= last < len(row.messages) - 1:
        yield tail_left_out(row, last)
    yield from trl_sft.text_problems(row)


def tail_left_out(row: Example, last: int) -> Finding:
    """The remark that messages behind the last answer are not written."""
    behind = len(row.messages) - 1 - last
    reason = f"{counted(behind, 'message')} behind the last answer {'is' if behind == 1 else 'are'} not written"
    return warning("tail_left_out", f"messages[{last + 1}]", reason)


def write(row: Example) -> dict[str, Any]:
    """The line of the last answer."""
    return line(row, content.last_answer(row))


def line(row: Example, at: int) -> dict[str, Any]:
    """The line whose completion is the message `at`."""
    names: dict[str, str] = {}
    prompt = trl_sft.chat(row.messages[:at], names)
    for message in prompt:
        message.pop("weight", None)
    completion = trl_sft.chat(row.messages[at : at + 1], names)
    return {"prompt": prompt, "completion": completion, "tools": trl_sft.tools_column(row.tools)}


def claims(record: Mapping[str, Any]) -> bool:
    """A prompt and a completion without a label."""
    return "prompt" in record and "completion" in record and "label" not in record


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """{"prompt", "completion", "tools"}, both as messages."""
    reader = strict.Reader(arguments="object", parts=False)
    prompt = reader.messages(record.get("prompt"), "prompt")
    completion = reader.messages(record.get("completion"), "completion")
    if completion and completion[0]["role"] != "assistant":
        reader.wrong(
            "not_an_answer", "completion[0].role", f"the completion begins with a {completion[0]['role']} message"
        )
    said: list[Message] = [{**one, "weight": 0} if one["role"] == "assistant" else one for one in prompt]
    tools = reader.tools(record.get("tools"), as_text=True)
    messages = [*said, *completion]
    return (Example(messages=messages, tools=tools) if messages else None), reader.found
