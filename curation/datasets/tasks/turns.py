"""What tasks read off a conversation: who asked last, what tools returned, what the final answer is."""

import json
from collections.abc import Sequence

from curation.datasets.example import has_content
from curation.messages.form import Message, text_of


def last_answer(messages: Sequence[Message]) -> int | None:
    """Index of the last assistant message that says or calls anything; None where there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index]["role"] == "assistant" and has_content(messages[index]):
            return index
    return None


def final_words(messages: Sequence[Message]) -> int | None:
    """Index of the last assistant message with text; None where there is none."""
    found = (at for at in range(len(messages) - 1, -1, -1) if messages[at]["role"] == "assistant")
    return next((at for at in found if text_of(messages[at]).strip()), None)


def last_request(messages: Sequence[Message], before: int | None = None) -> int | None:
    """Index of the last user message that says anything, in front of the index `before`; None where there is none."""
    for index in range((len(messages) if before is None else before) - 1, -1, -1):
        if messages[index]["role"] == "user" and has_content(messages[index]):
            return index
    return None


def calls_in(messages: Sequence[Message]) -> list[str]:
    """Names of the tools called, each once, in the order of their first call."""
    return list(dict.fromkeys(call["name"] for one in messages for call in one.get("tool_calls", []) if call["name"]))


def call_count(messages: Sequence[Message]) -> int:
    """How many calls there are; parallel ones count each."""
    return sum(len(one.get("tool_calls", [])) for one in messages)


def is_masked(message: Message) -> bool:
    """Whether nothing of the message is learned: somebody masked it, or it came with weight 0."""
    return message.get("weight") == 0


def result_text(message: Message) -> str:
    """A tool's result as text; structured content as JSON, other parts as [kind]."""
    texts = []
    for part in message["parts"]:
        if part["type"] in ("text", "refusal"):
            texts.append(part.get("text", ""))
        elif part["type"] == "json":
            texts.append(json.dumps(part.get("value"), ensure_ascii=False))
        else:
            texts.append(f"[{part['type']}]")
    return "\n".join(texts)


def results_in_words(messages: Sequence[Message]) -> list[str]:
    """Every tool result as "tool(arguments) -> result", failed ones marked, in the order in which they came. An id that
    was used again belongs to the newest call with it."""
    asked: dict[str, str] = {}
    told = []
    for one in messages:
        for call in one.get("tool_calls", []):
            asked[call["id"]] = f"{call['name']}({call['arguments']})"
        if one["role"] == "tool":
            name = asked.get(one.get("tool_call_id", ""), one.get("name", "") or "a tool")
            failed = " (failed)" if one.get("is_error") else ""
            told.append(f"{name}{failed} -> {result_text(one)}")
    return told


def talk(messages: Sequence[Message]) -> str:
    """What user and assistant said, a line each, without calls and results; "" where nothing was said."""
    said = ((one["role"], text_of(one).strip()) for one in messages if one["role"] in ("user", "assistant"))
    return "\n".join(f"{role.capitalize()}: {text}" for role, text in said if text)


def thought_of(message: Message) -> str:
    """What the model thought before a message, else what it said beside its calls."""
    thoughts = [one["text"].strip() for one in message.get("reasoning", []) if one["text"] and not one.get("redacted")]
    return "\n".join(thoughts) or text_of(message).strip()
