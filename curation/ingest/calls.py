"""From single model calls to conversations.

Every call repeats all that was said before, so a conversation is its last call's input and output. Calls are taken in
order: where what a call was given begins with all that an earlier chain has said, it goes on with that chain;
otherwise it begins a new one (a sub-agent, a parallel branch, a rewritten history).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from curation.ingest.parsed import Unreadable
from curation.ingest.text import parse
from curation.messages.clean import Notes
from curation.messages.form import Conversation, Message, Tool, Usage, text_of

_FROM_OUTPUT = (
    "reasoning", "usage", "cost_usd", "latency_ms", "started_at", "span_id", "model", "finish_reason",
)  # fmt: skip


@dataclass(slots=True)
class ModelCall:
    """One request to a model. `outputs` are its choices, the first is the one that was used; `error` is why it failed.
    `start` orders calls (nanoseconds or a running number)."""

    key: str
    inputs: list[Message]
    outputs: list[Message]
    start: int = 0
    tools: list[Tool] = field(default_factory=list)
    model: str = ""
    response_id: str = ""
    previous_id: str = ""
    usage: Usage = field(default_factory=lambda: Usage())
    error: str = ""
    agent: str = ""
    started_at: str = ""
    latency_ms: int | None = None
    cost_usd: str = ""
    finish_reason: str = ""
    parent: str = ""

    @property
    def has_content(self) -> bool:
        """Whether anything that was said came with it."""
        return bool(self.inputs or self.outputs)

    def answer(self, number: int = 0) -> Message:
        """The output message with what is known of the call on it."""
        message: Message = {**self.outputs[number]} if self.outputs else {"role": "assistant", "parts": []}
        if self.error and not self.outputs:
            message["parts"] = [{"type": "error", "text": self.error}]
        if self.error:
            message["is_error"] = True
        found: dict[str, Any] = {
            "usage": self.usage if number == 0 else None,
            "cost_usd": self.cost_usd if number == 0 else None,
            "latency_ms": self.latency_ms,
            "started_at": self.started_at,
            "span_id": self.key,
            "model": self.model,
            "finish_reason": message.get("finish_reason") or self.finish_reason,
        }
        message.update({key: value for key, value in found.items() if value not in (None, "", {})})  # type: ignore[typeddict-item]
        return message


@dataclass(slots=True)
class Chain:
    """Calls that belong to one conversation, oldest first, and what the last of them has seen and said."""

    calls: list[ModelCall]
    messages: list[Message]


class Chains:
    """Takes calls in the order they were made and keeps the chains they form."""

    def __init__(self, notes: Notes) -> None:
        self.chains: list[Chain] = []
        self._notes = notes
        self._ends: dict[tuple[bytes, bytes], Chain] = {}
        self._answers: dict[bytes, Message] = {}  # by all that was said up to and with this answer
        self._asked: set[bytes] = set()
        self._by_response: dict[str, list[Message]] = {}
        self._failed: list[tuple[ModelCall, bytes, list[bytes], list[Message]]] = []

    def add(self, call: ModelCall) -> None:
        """Take one more call."""
        inputs = call.inputs
        if call.previous_id and (before := self._by_response.get(call.previous_id)):
            inputs = _behind(before, inputs)
        system, body = _split(inputs)
        marks = _roll(body)
        body = [_enriched(message, self._answers.get(mark)) for message, mark in zip(body, marks[1:], strict=True)]
        rules = _roll(system)[-1]
        if call.error and not call.outputs:
            self._failed.append((call, rules, marks, [*system, *body]))
            return
        self._asked.update(marks[1:])
        self._join(call, rules, marks, [*system, *body])

    def finish(self) -> list[Chain]:
        """All chains; a failed call ends its chain unless the same was asked again with success."""
        for call, rules, marks, messages in self._failed:
            if len(marks) > 1 and marks[-1] in self._asked:
                self._notes.add("a model call failed and was made again")
            else:
                self._join(call, rules, marks, messages)
        if len(self.chains) > 1:
            _note_rewrites(self.chains, self._notes)
        return self.chains

    def _join(self, call: ModelCall, rules: bytes, marks: list[bytes], said: list[Message]) -> None:
        answer = call.answer()
        end = _step(marks[-1], answer)
        messages = [*said, answer]
        chain = None
        for mark in reversed(marks[1:]):
            chain = self._ends.pop((rules, mark), None)
            if chain is not None:
                break
        if chain is None:
            chain = Chain([], [])
            self.chains.append(chain)
        chain.calls.append(call)
        chain.messages = messages
        self._ends[(rules, end)] = chain
        self._answers.setdefault(end, answer)
        if call.response_id:
            self._by_response[call.response_id] = messages


def _note_rewrites(chains: list[Chain], notes: Notes) -> None:
    """Note where a later conversation under the same rules begins otherwise than an earlier one and then repeats some of
    it: its history was made shorter."""
    said: dict[str, set[tuple[str, str]]] = {}
    for chain in sorted(chains, key=lambda chain: chain.calls[0].start):
        system, body = _split(chain.calls[0].inputs)
        before = said.setdefault("\n".join(text_of(message) for message in system), set())
        words = [(message["role"], text_of(message)) for message in body]
        if words and words[0] not in before and any(text and (role, text) in before for role, text in words[1:]):
            notes.add("the history was rewritten between two calls (compaction); what stood before is told on its own")
        before.update((message["role"], text_of(message)) for message in chain.messages)


def longest_first(chains: list[Chain]) -> list[Chain]:
    """The main chain (most messages; of equals the earliest) and behind it the others in their order."""
    if not chains:
        return []
    main = max(chains, key=lambda chain: (len(chain.messages), -chain.calls[0].start))
    return [main, *(chain for chain in chains if chain is not main)]


def as_conversation(chain: Chain, *, main: bool) -> Conversation:
    """A chain in the internal form; further choices of its last call are candidates."""
    first, last = chain.calls[0], chain.calls[-1]
    conversation: Conversation = {
        "id": "main" if main else first.key,
        "name": last.agent,
        "kind": "main" if main else "sub_agent",
        "messages": chain.messages,
        "tools": merged_tools(chain.calls),
    }
    if len(last.outputs) > 1:
        conversation["candidates"] = [last.answer(number) for number in range(1, len(last.outputs))]
    return conversation


def merged_tools(calls: Iterable[ModelCall]) -> list[Tool]:
    """All tools that were offered, each name once, the newest wording."""
    found: dict[str, Tool] = {}
    for call in calls:
        for tool in call.tools:
            found[tool["name"]] = tool
    return list(found.values())


def merge_adjacent(messages: list[Message]) -> list[Message]:
    """Put assistant messages together that follow each other and are pieces of one response (Responses are traced with
    one message per output item): everything except two texts in a row."""
    merged: list[Message] = []
    for message in messages:
        before = merged[-1] if merged else None
        if (
            before is not None
            and before["role"] == message["role"] == "assistant"
            and not (before["parts"] and message["parts"])
        ):
            joined: Message = {**before, "parts": [*before["parts"], *message["parts"]]}
            thoughts = [*before.get("reasoning", []), *message.get("reasoning", [])]
            calls = [*before.get("tool_calls", []), *message.get("tool_calls", [])]
            if thoughts:
                joined["reasoning"] = thoughts
            if calls:
                joined["tool_calls"] = calls
            if message.get("finish_reason"):
                joined["finish_reason"] = message["finish_reason"]
            merged[-1] = joined
        else:
            merged.append(message)
    return merged


def same_arguments(text: str) -> str:
    """Arguments with sorted keys and without blanks, so that two ways to write them compare equal."""
    try:
        return _sorted(parse(text)).decode()
    except Unreadable:
        return text.strip()


def _split(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """The rules at the start (system, developer) and the rest."""
    count = 0
    while count < len(messages) and messages[count]["role"] in ("system", "developer"):
        count += 1
    return messages[:count], messages[count:]


def _behind(before: list[Message], inputs: list[Message]) -> list[Message]:
    """Inputs that go on after a response the provider remembers; new rules take the place of the old ones."""
    system, body = _split(inputs)
    old_system, old_body = _split(before)
    return [*(system or old_system), *old_body, *body]


def _roll(messages: list[Message]) -> list[bytes]:
    """Marks of all prefixes: the first is that of nothing, the last that of everything."""
    marks = [b""]
    for message in messages:
        marks.append(_step(marks[-1], message))
    return marks


def _step(before: bytes, message: Message) -> bytes:
    """The mark of what was said so far and this message. Ids, reasoning and metadata do not count: providers drop or
    change them when they repeat the history."""
    role = "system" if message["role"] == "developer" else message["role"]
    said = [
        role,
        text_of(message).strip(),
        [part.get("url") or part.get("value") for part in message["parts"] if part["type"] not in ("text", "refusal")],
        [[call["name"], same_arguments(call["arguments"])] for call in message.get("tool_calls", [])],
    ]
    return hashlib.blake2b(before + _sorted(said), digest_size=16).digest()


def _sorted(value: Any) -> bytes:
    """JSON with sorted keys."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str)
    except TypeError:  # lone surrogates, huge integers, deep nesting
        return json.dumps(value, sort_keys=True, default=str).encode()


def _enriched(message: Message, answer: Message | None) -> Message:
    """History as it was repeated, with what the call that said it knew (its span, its usage, its reasoning)."""
    if answer is None or message["role"] != "assistant":
        return message
    enriched: Message = {**message}
    for key in _FROM_OUTPUT:
        if key in answer and key not in enriched:
            enriched[key] = answer[key]  # type: ignore[literal-required]
    return enriched
