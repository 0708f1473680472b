"""Turns with speakers: {"conversations": [{"from", "value"}, ...], "system": "...", "tools": "[...]"}.

Source: hiyouga/LLaMA-Factory, data/README.md ("ShareGPT format"): speakers human, gpt, function_call and observation,
tools as JSON text. Calls have no ids; several at once are a JSON list, and so are their results ({"name", "content"}). An
answer that says something and calls tools is two turns, gpt and function_call.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error, warning
from curation.datasets.exporting.formats import content, limits, strict
from curation.messages.form import Message, ToolCall, message

NAME = "sharegpt"
LABEL = "ShareGPT turns, JSONL"
HELP = "For LLaMA-Factory and trainers that take the same files. Results of tools are observations, never learned."
KINDS: tuple[Kind, ...] = ("chat",)
LIMITS = limits.ANY
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
_COLUMNS = {"conversations", "system", "tools", "metadata"}
_FROM = {"user": "human", "assistant": "gpt", "system": "system"}
_ROLE = {"human": "user", "gpt": "assistant", "system": "system", "user": "user", "assistant": "assistant"}


def problems(row: Example) -> Iterator[Finding]:
    """Content that is not text, weights that few trainers read, turns that LLaMA-Factory skips a row for."""
    ignored = sum(one.get("weight") == 0 for one in row.messages)
    if ignored:
        reason = f"weight 0 on {ignored} assistant messages is written on their turns, and most trainers pass over it"
        yield warning("weight_not_kept", "messages", reason)
    for path, one in content.said(row):
        for part, kind in content.other_parts(one):
            yield error("content_not_text", f"{path}.content[{part}]", f"this format takes text only, not {kind}")
    sides = [_side(one) for one in row.messages if content.role_of(one) != "system"]
    both = any(
        one.get("tool_calls") and content.plain_text(one) for one in row.messages if not content.other_parts(one)
    )
    if both or any(left == right == "answer" for left, right in pairwise(sides)):
        yield warning(
            "turns_do_not_alternate",
            "messages",
            "two turns of the model follow each other; LLaMA-Factory skips such rows",
        )


def _side(one: Message) -> str:
    return "answer" if one["role"] == "assistant" else "asking"


def write(row: Example) -> dict[str, Any]:
    """One line."""
    messages, system = row.messages, ""
    if messages and content.role_of(messages[0]) == "system":
        system, messages = content.plain_text(messages[0]), messages[1:]
    turns: list[dict[str, Any]] = []
    at = 0
    while at < len(messages):
        one = messages[at]
        at += 1
        if one["role"] == "tool":
            turns.append({"from": "observation", "value": content.plain_text(one)})
            continue
        calls = one.get("tool_calls") or []
        if content.plain_text(one) or not calls:
            turns.append(_weighed({"from": _FROM[content.role_of(one)], "value": content.plain_text(one)}, one))
        if calls:
            turns.append(_weighed({"from": "function_call", "value": _calls(calls)}, one))
            results = messages[at : at + len(calls)]
            if len(calls) > 1 and _answered(calls, results):
                turns.append({"from": "observation", "value": _results(calls, results)})
                at += len(calls)
    return {"conversations": turns, "system": system, "tools": content.tools_text(row.tools)}


def _weighed(turn: dict[str, Any], one: Message) -> dict[str, Any]:
    return {**turn, "weight": 0} if one.get("weight") == 0 else turn


def _calls(calls: list[ToolCall]) -> str:
    texts = [
        f'{{"name": {json.dumps(call["name"], ensure_ascii=False)}, "arguments": {call["arguments"]}}}'
        for call in calls
    ]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _answered(calls: list[ToolCall], results: list[Message]) -> bool:
    return {one.get("tool_call_id") for one in results if one["role"] == "tool"} == {call["id"] for call in calls}


def _results(calls: list[ToolCall], results: list[Message]) -> str:
    texts = {one["tool_call_id"]: content.plain_text(one) for one in results}
    return json.dumps([{"name": call["name"], "content": texts[call["id"]]} for call in calls], ensure_ascii=False)


def claims(record: Mapping[str, Any]) -> bool:
    """Turns, neither preferred nor labelled."""
    given = record.get("conversations")
    if not isinstance(given, list) or not record.keys().isdisjoint({"chosen", "rejected", "kto_tag", "label"}):
        return False
    return bool(given) and isinstance(given[0], dict) and "from" in given[0]


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """A line of this form; calls get ids by their place, results those of the calls before them."""
    reader = strict.Reader(arguments="object", parts=False)
    reader.keys(record, _COLUMNS)
    given = record.get("conversations")
    if not isinstance(given, list):
        reason = f"conversations is {strict.kind_of(given)}, not a list of turns"
        return None, [*reader.found, error("missing_messages", "conversations", reason)]
    messages: list[Message] = []
    if isinstance(record.get("system"), str) and record["system"]:
        messages.append(message("system", record["system"]))
    waiting: list[ToolCall] = []
    for index, turn in enumerate(given):
        path = f"conversations[{index}]"
        if (
            not isinstance(turn, dict)
            or not isinstance(turn.get("from"), str)
            or not isinstance(turn.get("value"), str)
        ):
            reader.wrong("not_a_turn", path, "a turn is an object with from and value, both text")
        elif turn["from"] == "function_call":
            waiting = _read_calls(turn["value"], path, reader, index)
            if messages and messages[-1]["role"] == "assistant" and "tool_calls" not in messages[-1]:
                messages[-1]["tool_calls"] = waiting
            else:
                messages.append({"role": "assistant", "parts": [], "tool_calls": waiting})
            waiting = list(waiting)
        elif turn["from"] in ("observation", "tool"):
            messages += _read_results(turn["value"], waiting)
        elif turn["from"] in _ROLE:
            messages.append(message(_ROLE[turn["from"]], turn["value"]))  # type: ignore[arg-type]
        else:
            known = "human, gpt, function_call, observation, system"
            reader.wrong("unknown_role", f"{path}.from", f"{turn['from'][:40]!r} is not one of {known}")
    tools = reader.tools(record.get("tools"), as_text=True)
    return (Example(messages=messages, tools=tools) if messages else None), reader.found


def _read_calls(text: str, path: str, reader: strict.Reader, place: int) -> list[ToolCall]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        reader.wrong("call_not_json", f"{path}.value", f"the call is not valid JSON: {wrong}")
        return []
    calls: list[ToolCall] = []
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            reader.wrong("call_not_object", f"{path}.value", "a call is an object with a name and arguments")
            continue
        arguments = one.get("arguments", {})
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        calls.append({"id": f"call_{place}_{number}", "name": one["name"], "arguments": text})
    return calls


def _read_results(text: str, waiting: list[ToolCall]) -> list[Message]:
    if len(waiting) > 1 and text.lstrip().startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list) and len(value) == len(waiting):
            pairs = list(zip(waiting, value, strict=True))
            if all(
                isinstance(one, dict) and one.get("name") == call["name"] and "content" in one for call, one in pairs
            ):
                waiting.clear()
                return [message("tool", _plain(one["content"]), tool_call_id=call["id"]) for call, one in pairs]
    return [message("tool", text, tool_call_id=waiting.pop(0)["id"] if waiting else "")]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
