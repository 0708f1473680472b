"""Model output to a message in the internal form: reasoning, text, tool calls. Standard library only.

Understood: <think>...</think>; Hermes and Qwen (<tool_call>{"name", "arguments"}</tool_call>); Mistral
([TOOL_CALLS][{...}]); Llama 3 (the whole text is {"name", "parameters"}). What looks like a call and cannot be read
stays text, and is reported.
"""

import json
import re
from typing import Any

THINK = re.compile(r"<think>(.*?)</think>\s*", re.DOTALL)
HERMES = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
MISTRAL = "[TOOL_CALLS]"


def parse_answer(text: str) -> tuple[dict[str, Any], list[str]]:
    """(message of role assistant in the internal form, problems in words)."""
    problems: list[str] = []
    reasoning = [thought.strip() for thought in THINK.findall(text) if thought.strip()]
    rest = THINK.sub("", text)
    if "<think>" in rest:  # thought to the end of its tokens
        rest, _, thought = rest.partition("<think>")
        reasoning.append(thought.strip())
        problems.append("The thinking was cut off before an answer.")
    rest, found = _calls(rest, problems)
    message: dict[str, Any] = {"role": "assistant", "parts": []}
    if rest.strip():
        message["parts"] = [{"type": "text", "text": rest.strip()}]
    if reasoning:
        message["reasoning"] = [{"text": thought} for thought in reasoning]
    if found:
        message["tool_calls"] = [
            {"id": f"call_{number}", "name": name, "arguments": arguments, "type": "function"}
            for number, (name, arguments) in enumerate(found, start=1)
        ]
    return message, problems


def _calls(text: str, problems: list[str]) -> tuple[str, list[tuple[str, str]]]:
    found: list[tuple[str, str]] = []

    def take(match: re.Match[str]) -> str:
        call = _read(match.group(1))
        if call is None:
            problems.append("A tool call is not valid JSON; it is kept as text.")
            return match.group(0)
        found.append(call)
        return ""

    rest = HERMES.sub(take, text)
    if "<tool_call>" in rest and "</tool_call>" not in rest:
        problems.append("A tool call was cut off; it is kept as text.")
    if not found and MISTRAL in rest:
        head, _, block = rest.partition(MISTRAL)
        try:
            calls = json.loads(block)
        except ValueError:
            calls = None
        read = [_as_call(call) for call in calls] if isinstance(calls, list) else []
        if read and all(read):
            return head, [call for call in read if call]
        problems.append("A tool call is not valid JSON; it is kept as text.")
    if not found and rest.strip().startswith("{") and (call := _read(rest.strip())):
        return "", [call]
    return rest, found


def _read(text: str) -> tuple[str, str] | None:
    try:
        return _as_call(json.loads(text))
    except ValueError:
        return None


def _as_call(value: Any) -> tuple[str, str] | None:
    """(name, arguments as a JSON string) of a decoded call; None where it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        return value["name"], arguments
    if not isinstance(arguments, dict):
        return None
    return value["name"], json.dumps(arguments, ensure_ascii=False)
