"""One row of a dataset before it is written in some format: messages and tools in the internal form."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import orjson

from curation.messages.form import Conversation, Document, Message, Tool, main_conversation, text_of

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Example:
    """What is trained: a conversation (corrected where a person corrected it) and the tools that were offered."""

    messages: list[Message]
    tools: list[Tool]

    @cached_property
    def trained(self) -> list[bool]:
        """For each message whether its words are learned: every assistant message that no weight of 0 takes out."""
        return [message["role"] == "assistant" and message.get("weight") != 0 for message in self.messages]

    @cached_property
    def tokens(self) -> list[int]:
        """An estimate for each message: characters / 4, rounded up, plus 3 for its frame (the rule of thumb of OpenAI's
        data preparation notebook). The tokenizer of a model counts differently."""
        return [_tokens(_length(message)) + 3 for message in self.messages]

    @cached_property
    def tool_tokens(self) -> int:
        """The same estimate for the schemas of all tools together."""
        return _tokens(
            sum(len(tool["name"]) + len(tool["description"]) + len(tool["parameters"]) for tool in self.tools)
        )

    @property
    def total_tokens(self) -> int:
        """Messages and tools."""
        return sum(self.tokens) + self.tool_tokens

    @property
    def trained_tokens(self) -> int:
        """Of the messages that are learned."""
        return sum(count for count, learned in zip(self.tokens, self.trained, strict=True) if learned)

    def digest(self) -> str:
        """SHA-256 of all that any format writes, call ids included."""
        return _sha256({"messages": [_said(m) for m in self.messages], "tools": [dict(tool) for tool in self.tools]})

    def sameness(self) -> bytes:
        """Equal for rows that say the same: input and answer, call ids numbered, tools left aside."""
        names: dict[str, str] = {}
        messages = [_said(message, names) for message in self.messages]
        return hashlib.blake2b(orjson.dumps(messages, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def main_index(document: Document) -> int:
    """The place of the conversation that a row is made of; 0 where there is none."""
    main = main_conversation(document)
    return next((index for index, one in enumerate(document["conversations"]) if one is main), 0)


def example_of(conversation: Conversation, corrected: list[Message] | None = None) -> Example:
    """The row of a conversation; `corrected` messages take the place of what was said."""
    return Example(
        messages=conversation["messages"] if corrected is None else corrected, tools=conversation.get("tools") or []
    )


def has_content(message: Message) -> bool:
    """Whether a message says anything: text, another part, or a tool call."""
    if message.get("tool_calls"):
        return True
    return any(part["type"] not in ("text", "refusal") or part.get("text", "").strip() for part in message["parts"])


def _said(message: Message, names: dict[str, str] | None = None) -> dict[str, Any]:
    """The keys of a message that are written out; ids of calls replaced by their number where `names` collects them."""

    def call_id(given: str) -> str:
        return given if names is None else names.setdefault(given, f"call-{len(names)}")

    said: dict[str, Any] = {"role": message["role"], "parts": message["parts"]}
    if calls := message.get("tool_calls"):
        said["tool_calls"] = [[call_id(call["id"]), call["name"], call["arguments"]] for call in calls]
    if "tool_call_id" in message:
        said["tool_call_id"] = call_id(message["tool_call_id"])
    for key in ("name", "weight"):
        if key in message:
            said[key] = cast(dict[str, Any], message)[key]
    return said


def _sha256(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _length(message: Message) -> int:
    calls = message.get("tool_calls") or []
    return len(text_of(message)) + sum(len(call["name"]) + len(call["arguments"]) for call in calls)


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
