"""One row of a dataset before it is written in some format: messages and tools in the internal form."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, cast

import orjson

from curation.messages.form import Conversation, Document, Message, Tool, ToolCall, main_conversation, text_of
from curation.messages.measure import results_of

CHARACTERS_PER_TOKEN = 4
FRAME_TOKENS = 3


Kind = Literal["chat", "pair", "label", "prompt"]


@dataclass(frozen=True)
class Example:
    """What is trained: a conversation (corrected where a person corrected it) and the tools that were offered.

    kind chat: `messages` is all of it. pair: `messages` is the prompt, `chosen` and `rejected` are what follows. label:
    `messages` is the prompt, `chosen` what follows and `label` whether it is wanted. prompt: `messages` is the prompt, and
    `item` holds what graders may use ({{item.*}}), such as reference_text.
    """

    messages: list[Message]
    tools: list[Tool]
    kind: Kind = "chat"
    chosen: list[Message] = field(default_factory=list)
    rejected: list[Message] = field(default_factory=list)
    label: bool | None = None
    item: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON, for rows whose words are not those of one pinned conversation (DatasetRow.content)."""
        held = {"messages": self.messages, "tools": self.tools, "chosen": self.chosen, "rejected": self.rejected}
        return {**held, "label": self.label, "item": self.item}

    @cached_property
    def trained(self) -> list[bool]:
        """For each message whether its words are learned: every assistant message that no weight of 0 takes out."""
        return [message["role"] == "assistant" and message.get("weight") != 0 for message in self.messages]

    @cached_property
    def tokens(self) -> list[int]:
        """An estimate for each message: characters / 4, rounded up, plus 3 for its frame (the rule of thumb of OpenAI's
        data preparation notebook). The tokenizer of a model counts differently."""
        return [_tokens(_length(message)) + FRAME_TOKENS for message in self.messages]

    @cached_property
    def tool_tokens(self) -> int:
        """The same estimate for the schemas of all tools together."""
        return _tokens(
            sum(len(tool["name"]) + len(tool["description"]) + len(tool["parameters"]) for tool in self.tools)
        )

    @property
    def total_tokens(self) -> int:
        """Messages and tools, with the longer of two answers."""
        return sum(self.tokens) + self.tool_tokens + max(_all_tokens(self.chosen), _all_tokens(self.rejected))

    @property
    def trained_tokens(self) -> int:
        """Of the messages that are learned; of answers beside a prompt, those alone."""
        if self.kind != "chat":
            return _all_tokens(self.chosen) + _all_tokens(self.rejected)
        return sum(count for count, learned in zip(self.tokens, self.trained, strict=True) if learned)

    def digest(self) -> str:
        """SHA-256 of all that any format writes, call ids included."""
        written: dict[str, Any] = {"messages": self._said, "tools": self.tools}
        if self.kind != "chat":
            written |= {
                "kind": self.kind,
                "chosen": [_said(message) for message in self.chosen],
                "rejected": [_said(message) for message in self.rejected],
                "label": self.label,
                "item": self.item,
            }
        return hashlib.sha256(orjson.dumps(written, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def sameness(self) -> bytes:
        """Equal for rows that say the same: input and answer, call ids numbered, tools left aside."""
        if self.kind != "chat":
            answers = [_numbered([_said(message) for message in said]) for said in (self.chosen, self.rejected)]
            whole = [self.kind, _numbered(self._said), *answers, self.label]
            return hashlib.blake2b(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
        numbered = _numbered(self._said)
        return hashlib.blake2b(orjson.dumps(numbered, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()

    @cached_property
    def _said(self) -> list[dict[str, Any]]:
        return [_said(message) for message in self.messages]


def main_index(document: Document) -> int:
    """The place of the conversation that a row is made of; 0 where there is none."""
    main = main_conversation(document)
    return next((index for index, one in enumerate(document["conversations"]) if one is main), 0)


def example_of(conversation: Conversation, corrected: list[Message] | None = None) -> Example:
    """The row of a conversation; `corrected` messages take the place of what was said."""
    return Example(
        messages=conversation["messages"] if corrected is None else corrected, tools=conversation.get("tools") or []
    )


def stored(kind: Kind, content: dict[str, Any]) -> Example:
    """The row that `Example.plain` wrote."""
    return Example(
        messages=content["messages"],
        tools=content.get("tools") or [],
        kind=kind,
        chosen=content.get("chosen") or [],
        rejected=content.get("rejected") or [],
        label=content.get("label"),
        item=content.get("item") or {},
    )


def edited(messages: list[Message], edits: Mapping[str, str]) -> list[Message]:
    """Messages with the uses of steps carried out. `edits` maps the index of a message ("3"), or of one call in it
    ("3.0"), to "mask" (weight 0: context only) or "cut" (left out, with the results of its calls). A message that has
    nothing left after its calls were cut is left out, too."""
    return [message for _, message in kept(messages, edits)]


def kept(messages: list[Message], edits: Mapping[str, str]) -> list[tuple[int, Message]]:
    """What `edited` gives, each message with its index before."""
    if not edits:
        return list(enumerate(messages))
    gone = {int(place) for place, use in edits.items() if use == "cut" and "." not in place}
    calls = {(int(at), int(call)) for at, _, call in _split(edits)}
    answers, _ = results_of({"id": "", "name": "", "kind": "main", "messages": messages, "tools": []})
    gone |= {result for (at, call), result in answers.items() if at in gone or (at, call) in calls}
    left_over: list[tuple[int, Message]] = []
    for index, message in enumerate(messages):
        if index in gone:
            continue
        left = [call for turn, call in enumerate(message.get("tool_calls", [])) if (index, turn) not in calls]
        if len(left) < len(message.get("tool_calls", [])):
            message = _with_calls(message, left)
            if not has_content(message):
                continue
        masked = edits.get(str(index)) == "mask" and message["role"] == "assistant"
        left_over.append((index, {**message, "weight": 0} if masked else message))
    return left_over


def _split(edits: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [place.partition(".") for place, use in edits.items() if use == "cut" and "." in place]


def _with_calls(message: Message, calls: list[ToolCall]) -> Message:
    changed = message.copy()
    changed["tool_calls"] = calls
    if not calls:
        del changed["tool_calls"]
    return changed


def has_content(message: Message) -> bool:
    """Whether a message says anything: text, another part, or a tool call."""
    if message.get("tool_calls"):
        return True
    return any(part["type"] not in ("text", "refusal") or part.get("text", "").strip() for part in message["parts"])


def _said(message: Message) -> dict[str, Any]:
    """The keys of a message that are written out."""
    said: dict[str, Any] = {"role": message["role"], "parts": message["parts"]}
    if calls := message.get("tool_calls"):
        said["tool_calls"] = [[call["id"], call["name"], call["arguments"]] for call in calls]
    for key in ("tool_call_id", "name", "weight"):
        if key in message:
            said[key] = cast(dict[str, Any], message)[key]
    return said


def _numbered(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with ids of calls replaced by their number: agents make them anew for every run."""
    numbers: dict[str, int] = {}
    result = []
    for one in said:
        changed: dict[str, Any] = {}
        if "tool_calls" in one:
            changed["tool_calls"] = [
                [numbers.setdefault(call[0], len(numbers)), *call[1:]] for call in one["tool_calls"]
            ]
        if "tool_call_id" in one:
            changed["tool_call_id"] = numbers.setdefault(one["tool_call_id"], len(numbers))
        result.append({**one, **changed} if changed else one)
    return result


def _length(message: Message) -> int:
    calls = message.get("tool_calls") or []
    return len(text_of(message)) + sum(len(call["name"]) + len(call["arguments"]) for call in calls)


def _all_tokens(messages: list[Message]) -> int:
    return sum(_tokens(_length(message)) + FRAME_TOKENS for message in messages)


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)
