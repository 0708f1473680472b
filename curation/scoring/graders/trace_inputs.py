"""What graders see of a trace: its last answer is the sample, all that is known around it is the item."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from curation.messages import measure
from curation.messages.form import Conversation, Document, Message, ToolCall, text_of
from curation.scoring.graders import calls

# what may stand in `facts`; whatever is left out, or None, is not known
FACTS = (
    "latency_ms",
    "cost_usd",
    "steps",
    "errors",
    "input_tokens",
    "output_tokens",
    "metadata",
    "reference",
    "tool_calls",
)


def inputs_of(
    conversation: Conversation, facts: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """(sample, item) of a conversation.

    The sample is the last assistant message (None where there is none): `output_text`, `output_tools` in OpenAI's form,
    and `output_json` where the text is JSON. The item holds `messages` (all that was said before it, in OpenAI's form),
    `last_user_message`, `system_prompt`, `tools`, `tool_calls` (those of the facts, else every call of the conversation),
    and from `facts`
    `latency_ms`, `cost_usd`, `steps`, `errors`, `tokens` (in + out, both needed), `metadata`, and `reference_text` and
    `reference_tools` of a `reference` (a message: the answer that should have been given). Everything is plain JSON;
    what is not known is None. Names outside FACTS raise ValueError.
    """
    facts = facts or {}
    if unknown := [name for name in facts if name not in FACTS]:
        raise ValueError(f"no such fact: {', '.join(unknown)}. Known: {', '.join(FACTS)}.")
    messages = conversation["messages"]
    last = _last_answer(messages)
    sample = None if last is None else sample_of(messages[last])
    reference = facts.get("reference")
    made = facts.get("tool_calls")
    item = {
        "messages": [plain(message) for message in (messages if last is None else messages[:last])],
        "last_user_message": _last_text(messages[:last], ("user",)),
        "system_prompt": _first_text(messages, ("system", "developer")),
        "tools": [
            {
                "name": tool["name"],
                "description": tool.get("description", ""),
                "parameters": tool.get("parameters", ""),
            }
            for tool in conversation["tools"]
        ],
        "tool_calls": _every_call(messages) if made is None else openai_calls(made),
        "reference_text": None if reference is None else text_of(reference),
        "reference_tools": None if reference is None else openai_calls(reference.get("tool_calls", [])),
        "latency_ms": facts.get("latency_ms"),
        "cost_usd": _number(facts.get("cost_usd")),
        "steps": facts.get("steps"),
        "errors": facts.get("errors"),
        "tokens": _sum(facts.get("input_tokens"), facts.get("output_tokens")),
        "metadata": dict(facts.get("metadata") or {}),
    }
    return sample, item


def calls_of_run(document: Document) -> list[ToolCall]:
    """Every tool call of a whole trace, those of its sub-agents behind those of the main conversation; one that two
    conversations tell stands there once. It is `tool_calls` of the facts."""
    every = document["conversations"]
    return [
        every[step.conversation]["messages"][step.message]["tool_calls"][step.call]
        for step in measure.told_once(document, measure.steps_of(document))
        if step.call is not None
    ]


def sample_of(message: Message) -> dict[str, Any]:
    """The sample of one answer; `output_json` stands in it only where its text is strict JSON."""
    text = text_of(message)
    sample: dict[str, Any] = {"output_text": text, "output_tools": openai_calls(message.get("tool_calls", []))}
    if text.lstrip()[:1] in ("{", "["):
        try:
            calls.read_json(text)
            sample["output_json"] = json.loads(text)
        except ValueError:
            pass
    return sample


def openai_calls(made: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """Tool calls in OpenAI's form; arguments stay the JSON text they were."""
    return [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
        for call in made
    ]


def plain(message: Message) -> dict[str, Any]:
    """A message in OpenAI's chat form, its content as text (pictures and files are not in it, reasoning neither)."""
    said: dict[str, Any] = {"role": message["role"], "content": text_of(message)}
    if message.get("tool_calls"):
        said["tool_calls"] = openai_calls(message["tool_calls"])
    if message.get("tool_call_id"):
        said["tool_call_id"] = message["tool_call_id"]
    if message.get("name"):
        said["name"] = message["name"]
    return said


def _last_answer(messages: Sequence[Message]) -> int | None:
    for index in range(len(messages) - 1, -1, -1):
        if messages[index]["role"] == "assistant":
            return index
    return None


def _last_text(messages: Sequence[Message], roles: Sequence[str]) -> str | None:
    return next((text_of(message) for message in reversed(messages) if message["role"] in roles), None)


def _first_text(messages: Sequence[Message], roles: Sequence[str]) -> str | None:
    return next((text_of(message) for message in messages if message["role"] in roles), None)


def _every_call(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [call for message in messages for call in openai_calls(message.get("tool_calls", []))]


def _number(value: Any) -> float | None:
    if value is None:
        return None
    return float(value) if isinstance(value, Decimal | int | float) else None


def _sum(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right
