"""Turns as training data writes them: ShareGPT's {"from", "value"}, and parts of LLaMA-Factory's v1 rows.

Source: hiyouga/LLaMA-Factory, data/README.md ("ShareGPT format", tags human, gpt, function_call, observation, system) and
its v1 demo files (content parts text, reasoning, tool_call under `value`; loss_weight).
"""

import json
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.openai_messages import read_messages
from curation.ingest.parsed import Unreadable
from curation.ingest.text import parse
from curation.messages.clean import Notes
from curation.messages.form import Message

SPEAKERS = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
    "model": "assistant", "bard": "assistant", "bing": "assistant", "system": "system", "function_call": "call",
    "tool_call": "call", "observation": "tool", "tool": "tool", "tool_response": "tool", "function_response": "tool",
}  # fmt: skip
_SPLIT = "one tool message held the results of several calls and was split"


def is_turns(value: Any) -> bool:
    """Whether this is a list of {"from", "value"} turns."""
    return isinstance(value, list) and bool(value) and all(_is_turn(item) for item in value if item is not None)


def _is_turn(value: Any) -> bool:
    return isinstance(value, dict) and "from" in value and "value" in value


def read_turns(values: Any, notes: Notes, *, field: str = "conversations", system: Any = None) -> list[Message]:
    """Messages out of turns; calls without ids are given some, and results that of their call. `system` is the text of a
    system prompt that stands beside the turns. Raises Unreadable naming the turn (0-based) and the reason."""
    if not isinstance(values, list):
        raise Unreadable(f"{field} is not a list")
    plain: list[Any] = [{"role": "system", "content": as_text(system)}] if system else []
    for number, turn in enumerate(values):
        if turn is None:
            notes.add(f"an empty entry (null) in {field} was skipped")
            continue
        if not _is_turn(turn):
            raise Unreadable(f"{field}[{number}]: is no object with from and value")
        speaker = SPEAKERS.get(turn["from"].strip().lower()) if isinstance(turn["from"], str) else None
        if speaker is None:
            raise Unreadable(f"{field}[{number}]: from {str(turn['from'])[:40]!r} is none of {', '.join(SPEAKERS)}")
        for key in turn.keys() - {"from", "value", "weight"}:
            notes.add(f"the key {key[:40]!r} of a turn was not taken over")
        if speaker == "call":
            _join_calls(plain, calls_in(turn["value"], f"{field}[{number}]"))
        else:
            said = {"role": speaker, "content": turn["value"]}
            if speaker == "assistant" and "weight" in turn:
                said["weight"] = turn["weight"]
            plain.append(said)
    return read_messages(split_results(plain, notes), notes, field=field)


def calls_in(value: Any, where: str) -> list[dict[str, Any]]:
    """Tool calls out of the JSON text (or value) {"name", "arguments"}, or a list of such. Raises Unreadable."""
    if isinstance(value, str):
        try:
            value = parse(value)
        except Unreadable as error:
            raise Unreadable(f"{where}: the call is {error}") from None
    calls = value if isinstance(value, list) else [value]
    if not calls or not all(isinstance(call, dict) and call.get("name") for call in calls):
        raise Unreadable(f"{where}: the call is no object with a name")
    return [{"function": {"name": call["name"], "arguments": call.get("arguments", {})}} for call in calls]


def unfold(message: Any, where: str) -> Any:
    """A message whose content holds LLaMA-Factory's parts, as chat completions write it; any other as it is."""
    if not isinstance(message, dict):
        return message
    if "loss_weight" in message:
        message = dict(message)
        weight = message.pop("loss_weight")
        if message.get("role") == "assistant":
            message["weight"] = weight
    parts = message.get("content")
    if not isinstance(parts, list) or not any(_is_folded(part) for part in parts):
        return message
    kept = [part for part in parts if not _is_folded(part)]
    thoughts = [as_text(part["value"]) for part in parts if _is_folded(part) and part["type"] == "reasoning"]
    calls = [calls_in(part["value"], where) for part in parts if _is_folded(part) and part["type"] == "tool_call"]
    unfolded = {**message, "content": kept}
    if thoughts:
        unfolded["reasoning_content"] = "\n\n".join(thoughts)
    if calls:
        unfolded["tool_calls"] = [call for found in calls for call in found]
    return unfolded


def split_results(messages: list[Any], notes: Notes) -> list[Any]:
    """Messages in which a tool message that answers several calls at once, as a JSON list of {"name", "content"} in their
    order, is one message for each."""
    split: list[Any] = []
    for message in messages:
        asked = split[-1].get("tool_calls") if split and isinstance(split[-1], dict) else None
        names = [call["function"]["name"] for call in asked if _has_name(call)] if isinstance(asked, list) else []
        results = _results(message, names) if len(names) > 1 else None
        if results is None:
            split.append(message)
        else:
            notes.add(_SPLIT)
            split += results
    return split


def _has_name(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("function"), dict) and "name" in call["function"]


def _results(message: Any, names: list[Any]) -> list[dict[str, Any]] | None:
    if not isinstance(message, dict) or message.get("role") != "tool" or message.get("tool_call_id"):
        return None
    text = _text(message.get("content"))
    try:
        found = parse(text) if text.lstrip().startswith("[") else None
    except Unreadable:
        return None
    if not isinstance(found, list) or len(found) != len(names):
        return None
    if not all(
        isinstance(one, dict) and one.get("name") == name and "content" in one
        for one, name in zip(found, names, strict=True)
    ):
        return None
    return [
        {"role": "tool", "name": one["name"],
         "content": one["content"] if isinstance(one["content"], str) else json.dumps(one["content"], ensure_ascii=False)}
        for one in found
    ]  # fmt: skip


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        found = content[0].get("text", content[0].get("value"))
        return found if isinstance(found, str) else ""
    return ""


def _is_folded(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in ("reasoning", "tool_call") and "value" in part


def _join_calls(plain: list[Any], calls: list[dict[str, Any]]) -> None:
    """Calls that follow each other are asked for at once; a text right before them belongs to the same message."""
    if plain and plain[-1]["role"] == "assistant":
        plain[-1].setdefault("tool_calls", []).extend(calls)
    else:
        plain.append({"role": "assistant", "content": None, "tool_calls": calls})


def read_said(values: Any, notes: Notes, *, field: str, system: Any = None) -> list[Message]:
    """Turns, or chat messages with or without LLaMA-Factory's parts. Raises Unreadable with the place and the reason."""
    if is_turns(values):
        return read_turns(values, notes, field=field, system=system)
    if not isinstance(values, list):
        return read_messages(values, notes, field=field)
    plain = [unfold(message, f"{field}[{number}]") for number, message in enumerate(values)]
    if system and any(isinstance(one, dict) and one.get("role") in ("system", "developer") for one in plain[:1]):
        notes.add("a system prompt beside the messages was left out, since they begin with one")
    elif system:
        plain = [{"role": "system", "content": as_text(system)}, *plain]
    return read_messages(split_results(plain, notes), notes, field=field)
