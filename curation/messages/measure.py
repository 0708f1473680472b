"""What can be read off a document: its steps, its counts, its first words, what it cost.

A step is one system, user or assistant message, or one tool call together with its result. The result's own message
makes no step, unless no call asked for it.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Literal

from curation.messages.form import Conversation, Document, Message, Usage, main_conversation, text_of

KEY_LENGTH = 200
PREVIEW_LENGTH = 300
NAME_LENGTH = 200
StepKind = Literal["system", "user", "assistant", "tool"]
_SIDES: tuple[Literal["input"], Literal["output"]] = ("input", "output")
_KINDS: dict[str, StepKind] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


@dataclass(slots=True)
class MeasuredStep:
    """One step. `message` is the index of the message that made it (for a call: the assistant's), `call` the index of
    the call in that message, `result` the index of the tool message that answered it; None where there is none.
    `latency_ms` in milliseconds, `tokens` are input plus output of one model call, None where unknown."""

    position: int
    conversation: int
    message: int
    key: str
    kind: StepKind
    tool: str = ""
    is_error: bool = False
    latency_ms: int | None = None
    tokens: int | None = None
    cost_usd: Decimal | None = None
    call: int | None = None
    result: int | None = None


@dataclass(slots=True)
class Measures:
    """The columns of a trace that come from its document. None means unknown, never 0."""

    turns: int = 0
    steps: int = 0
    tool_calls: int = 0
    errors: int = 0
    tools: list[str] = field(default_factory=list)
    preview: str = ""
    input_fingerprint: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    latency_ms: int | None = None
    model: str = ""
    rows: list[MeasuredStep] = field(default_factory=list)


def measure(document: Document) -> Measures:
    """Everything at once; `rows` holds the steps.

    Usage, cost and latency are sums over the model calls (latency: and tool calls) that say them; a call that stands in
    two conversations (the same span) counts once, in steps, tool calls and errors too. Errors are failed tool results
    and failed model calls.
    """
    every = steps_of(document)
    rows = told_once(document, every)
    main = main_conversation(document)
    input_tokens, output_tokens, cost = usage_of(document)
    times = [row.latency_ms for row in rows if row.latency_ms is not None]
    calls = [row for row in rows if row.kind == "tool" and row.call is not None]
    return Measures(
        turns=sum(message["role"] == "user" for message in main["messages"]),
        steps=len(calls) + sum(row.kind == "assistant" for row in rows),
        tool_calls=len(calls),
        errors=sum(row.is_error for row in rows),
        tools=sorted({row.tool for row in calls if row.tool}),
        preview=preview(main),
        input_fingerprint=fingerprint(main),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_usd=cost,
        latency_ms=sum(times) if times else None,
        model=next((message["model"] for message in reversed(main["messages"]) if message.get("model")), ""),
        rows=every,
    )


def steps_of(document: Document) -> list[MeasuredStep]:
    """All steps in reading order, conversation after conversation; a call stands right behind its message.

    Keys are stable while the document grows: the call's id (with "#2", "#3" where one comes again), else
    "c<conversation>m<message>".
    """
    steps: list[MeasuredStep] = []
    keys = _Keys()
    for number, conversation in enumerate(document["conversations"]):
        answers, orphans = results_of(conversation)
        for step in _conversation_steps(conversation, number, answers, orphans, keys):
            step.position = len(steps)
            steps.append(step)
    return steps


def told_once(document: Document, steps: list[MeasuredStep]) -> list[MeasuredStep]:
    """The steps without those of messages that an earlier conversation told already (a sub-agent's shared history)."""
    first: dict[str, int] = {}
    kept = []
    for step in steps:
        messages = document["conversations"][step.conversation]["messages"]
        span = messages[step.message].get("span_id", "")
        if not span or first.setdefault(span, step.conversation) == step.conversation:
            kept.append(step)
    return kept


def results_of(conversation: Conversation) -> tuple[dict[tuple[int, int], int], set[int]]:
    """Which tool message answers which call: {(message, call): index of the tool message}, and the tool messages that
    answer none. Where an id was used for several calls, the answer belongs to the newest message that asked with it,
    and there to its first call without an answer."""
    waiting: dict[str, list[tuple[int, int]]] = {}
    answers: dict[tuple[int, int], int] = {}
    orphans: set[int] = set()
    for index, message in enumerate(conversation["messages"]):
        if "tool_calls" in message:
            for number, call in enumerate(message["tool_calls"]):
                waiting.setdefault(call["id"], []).append((index, number))
        if message["role"] != "tool":
            continue
        asked = waiting.get(message.get("tool_call_id", ""))
        if not asked:
            orphans.add(index)
        elif len(asked) == 1:
            answers[asked.pop()] = index
        else:
            newest = asked[-1][0]
            answered = next(place for place in asked if place[0] == newest)
            asked.remove(answered)
            answers[answered] = index
    return answers, orphans


def usage_of(document: Document) -> tuple[int | None, int | None, Decimal | None]:
    """Tokens in, tokens out and US dollars over all model calls; each is None where no call says it."""
    seen: set[str] = set()
    tokens_in: list[int] = []
    tokens_out: list[int] = []
    costs: list[Decimal] = []
    for message in _every_message(document):
        span = message.get("span_id", "")
        if message["role"] != "assistant" or span in seen:
            continue
        if span:
            seen.add(span)
        usage = message.get("usage", {})
        if "input" in usage:
            tokens_in.append(usage["input"])
        if "output" in usage:
            tokens_out.append(usage["output"])
        if (cost := _dollars(message)) is not None:
            costs.append(cost)
    return (
        sum(tokens_in) if tokens_in else None,
        sum(tokens_out) if tokens_out else None,
        sum(costs, Decimal(0)) if costs else None,
    )


def preview(conversation: Conversation) -> str:
    """The first words of the first user message, else of the first message that has any; blanks run together."""
    messages = conversation["messages"]
    first = [message for message in messages if message["role"] == "user"]
    for message in [*first, *messages]:
        text = " ".join(text_of(message).split())
        if text:
            return text if len(text) <= PREVIEW_LENGTH else text[: PREVIEW_LENGTH - 1] + "…"
    for message in first:
        if message["parts"]:
            return f"[{message['parts'][0]['type']}]"[:PREVIEW_LENGTH]
    return ""


def fingerprint(conversation: Conversation) -> str:
    """32 hex digits, equal where the same thing was asked: the user's words and files before the first answer, blanks
    and Unicode forms evened out. The system prompt is left out, so that two versions of an agent can be paired.
    Empty where the user said nothing."""
    asked: list[str] = []
    for message in conversation["messages"]:
        if message["role"] == "assistant":
            break
        if message["role"] == "user":
            words = " ".join(unicodedata.normalize("NFC", text_of(message)).split())
            files = [part["url"] for part in message["parts"] if part.get("url")]
            asked += [words, *files]
    if not any(asked):
        return ""
    return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:32]


class _Keys:
    """Gives every step a key of its own, at most 200 characters long."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        key = wanted
        if len(key) > KEY_LENGTH - 10:
            key = f"{key[:150]}~{hashlib.sha256(key.encode()).hexdigest()[:24]}"
        count = self._taken.get(key, 0) + 1
        found = key if count == 1 else f"{key}#{count}"
        while found != key and found in self._taken:
            count += 1
            found = f"{key}#{count}"
        self._taken[key] = count
        self._taken.setdefault(found, 1)
        return found


def _conversation_steps(
    conversation: Conversation,
    number: int,
    answers: dict[tuple[int, int], int],
    orphans: set[int],
    keys: _Keys,
) -> Iterator[MeasuredStep]:
    messages = conversation["messages"]
    for index, message in enumerate(messages):
        place = f"c{number}m{index}"
        if message["role"] == "tool":
            if index in orphans:
                key = keys.take(message.get("tool_call_id", "") or place)
                name = message.get("name", "")[:NAME_LENGTH]
                failed = bool(message.get("is_error"))
                yield MeasuredStep(0, number, index, key, "tool", name, failed, message.get("latency_ms"), result=index)
            continue
        # by position: millions of these are made, and names cost as much as all the rest
        tokens = _tokens(message["usage"]) if "usage" in message else None
        key, kind, failed = keys.take(place), _KINDS[message["role"]], bool(message.get("is_error"))
        yield MeasuredStep(
            0, number, index, key, kind, "", failed, message.get("latency_ms"), tokens, _dollars(message)
        )  # fmt: skip
        if "tool_calls" not in message:
            continue
        for turn, call in enumerate(message["tool_calls"]):
            result = answers.get((index, turn))
            key, name = keys.take(call["id"] or f"{place}t{turn}"), call["name"][:NAME_LENGTH]
            failed, latency = False, None
            if result is not None:
                failed, latency = bool(messages[result].get("is_error")), messages[result].get("latency_ms")
            yield MeasuredStep(0, number, index, key, "tool", name, failed, latency, None, None, turn, result)


def _every_message(document: Document) -> Iterator[Message]:
    for conversation in document["conversations"]:
        yield from conversation["messages"]


def _tokens(usage: Usage) -> int | None:
    said = [usage[side] for side in _SIDES if side in usage]
    return sum(said) if said else None


def _dollars(message: Message) -> Decimal | None:
    if "cost_usd" not in message:
        return None
    try:
        cost = Decimal(message["cost_usd"])
    except InvalidOperation:
        return None
    return cost if cost.is_finite() else None
