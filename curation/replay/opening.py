"""What a replay sends: the conversation up to a step, and the pieces of it that a person may change."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from curation.datasets.example import Example
from curation.datasets.exporting import validate
from curation.datasets.exporting.formats import content, openai_sft
from curation.ingest.openai_messages import read_tools
from curation.messages.clean import Notes, mend_inside, read_inside
from curation.messages.form import Document, Message, Tool, message, text_of, text_part
from curation.messages.measure import steps_of

# what says how a message came to be, not what it says: it belongs to the original, whose costs are not paid again
HOW = ("usage", "cost_usd", "latency_ms", "started_at", "span_id", "model", "finish_reason", "weight")
LONGEST = 400_000  # characters of one edited text


class CannotReplay(ValueError):
    """A replay that cannot be: `where` names the field at fault, the text says why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


@dataclass(slots=True)
class Opening:
    """The conversation before a step. `original` is what was answered there, None where the run ended before an answer.
    `last` is the index of the message that a person may rewrite: the newest with text before the answer."""

    messages: list[Message]
    tools: list[Tool]
    original: Message | None
    step_key: str
    system: str = ""
    last: int | None = None

    @property
    def prompt(self) -> str:
        """The text of the message that may be rewritten."""
        return text_of(self.messages[self.last]) if self.last is not None else ""

    @property
    def between(self) -> int:
        """How many messages are sent as they are."""
        return len(self.messages) - (self.last is not None) - bool(self.system)

    @property
    def tools_text(self) -> str:
        """The tools as JSON that a person may edit; empty where none were offered."""
        if not self.tools:
            return ""
        return json.dumps([_shown(tool) for tool in self.tools], indent=2, ensure_ascii=False)


@dataclass(slots=True)
class Sent:
    """What will be sent, and what of it differs from the original, in words."""

    messages: list[Message]
    tools: list[Tool]
    changed: list[str] = field(default_factory=list)

    @property
    def example(self) -> Example:
        """The same as a row, for its length and for the writer of the wire."""
        return Example(self.messages, self.tools)


def opening(document: Document, step_key: str) -> Opening:
    """The conversation before the assistant's message that the step `step_key` belongs to (a tool call: the message that
    asked for it; a user's message: itself is still sent). Raises CannotReplay where there is no such step, or nothing
    was asked before it."""
    step = next((one for one in steps_of(document) if one.key == step_key), None)
    if step is None:
        raise CannotReplay("step", f"There is no step {step_key[:60]!r} in this trace.")
    conversation = document["conversations"][step.conversation]
    messages = conversation["messages"]
    at = step.message
    while at < len(messages) and messages[at]["role"] != "assistant":
        at += 1
    before = [_bare(one) for one in messages[:at]]
    if not any(one["role"] == "user" for one in before):
        raise CannotReplay("step", "Nobody asked anything before this step, so there is nothing to send.")
    texts = [index for index, one in enumerate(before) if one["role"] in ("user", "tool") and text_of(one)]
    system = text_of(before[0]) if before[0]["role"] in ("system", "developer") else ""
    tools = conversation.get("tools") or []
    whole = [cast(Tool, {**tool, "parameters": mend_inside(tool["parameters"], Notes())}) for tool in tools]
    return Opening(
        before, whole, messages[at] if at < len(messages) else None, step_key, system, texts[-1] if texts else None
    )


def edited(found: Opening, given: Mapping[str, str]) -> Sent:
    """The opening with what a person changed: `system`, `prompt` and `tools` (a JSON list); what is not given stays.
    Raises CannotReplay naming the field."""
    sent = Sent(list(found.messages), found.tools)
    for name in ("system", "prompt"):
        if len(given.get(name, "")) > LONGEST:
            raise CannotReplay(name, f"This is longer than {LONGEST:,} characters.")
    if "prompt" in given and found.last is not None and _plain(given["prompt"]) != _plain(found.prompt):
        if not given["prompt"].strip():
            raise CannotReplay("prompt", "The message may not be empty.")
        sent.messages[found.last] = _with_text(found.messages[found.last], _plain(given["prompt"]))
        role = {"user": "the question", "tool": "the tool's result"}[found.messages[found.last]["role"]]
        sent.changed.append(role)
    if "tools" in given and _plain(given["tools"]).strip() != _plain(found.tools_text).strip():
        sent.tools = _tools(given["tools"])
        sent.changed.append("tools")
    if "system" in given and _plain(given["system"]) != _plain(found.system):
        _set_system(sent, found, _plain(given["system"]))
        sent.changed.append("system prompt")
    found_wrong = (*validate.tool_problems(sent.example), *openai_sft.problems(sent.example))
    problems = [one for one in found_wrong if one.level == "error"]
    if problems:
        raise CannotReplay(
            "step", f"This cannot be sent over a chat connection: {problems[0].path}: {problems[0].reason}."
        )
    return sent


def wire(sent: Sent) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Messages and tools as a chat completion takes them."""
    written = openai_sft.write(sent.example)
    return written["messages"], written.get("tools", [])


def _set_system(sent: Sent, found: Opening, text: str) -> None:
    if found.system:
        if text.strip():
            sent.messages[0] = _with_text(sent.messages[0], text)
        else:
            del sent.messages[0]
    elif text.strip():
        sent.messages.insert(0, message("system", text))


def _shown(tool: Tool) -> dict[str, Any]:
    """A tool as it is sent; a schema that is no JSON as its text."""
    shown = content.tool_schema({**tool, "parameters": ""})
    if not tool["parameters"].strip():
        return shown
    try:
        schema = read_inside(tool["parameters"])
    except ValueError:
        schema = tool["parameters"]
    return {**shown, "function": {**shown["function"], "parameters": schema}}


def _tools(text: str) -> list[Tool]:
    if not text.strip():
        return []
    try:
        value = json.loads(mend_inside(text, Notes()))
    except (ValueError, RecursionError) as error:
        raise CannotReplay("tools", f"This is no JSON: {error}.") from None
    if not isinstance(value, list):
        raise CannotReplay("tools", "A list of tools is needed, as a chat completion takes it.")
    notes = Notes()
    tools = read_tools(value, notes)
    if len(tools) != len(value):
        raise CannotReplay("tools", f"{len(value) - len(tools)} of {len(value)} entries are no tools with a name.")
    return tools


def _with_text(one: Message, text: str) -> Message:
    """The message with another text; pictures and files stay."""
    kept = [part for part in one["parts"] if part["type"] not in ("text", "refusal", "json")]
    return cast(Message, {**one, "parts": [text_part(text), *kept]})


def _bare(one: Message) -> Message:
    return cast(Message, {key: value for key, value in one.items() if key not in HOW})


def _plain(text: str) -> str:
    # a browser sends \r\n for every line break in a form
    return text.replace("\r\n", "\n").replace("\r", "\n")
