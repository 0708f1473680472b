"""Writes down one conversation message by message, with times, tokens and cost that fit together."""

import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from curation.messages.form import Conversation, Message, Tool, ToolCall, message


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call and what came back. `milliseconds` is how long the tool took; None draws a plausible time."""

    tool: str
    arguments: dict[str, Any]
    result: Any
    error: bool = False
    milliseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how dear a model is: milliseconds until the first token and per token, USD per million tokens."""

    first_ms: int
    token_ms: float
    input_usd: float
    output_usd: float


@dataclass
class Talk:
    """A conversation that grows. Tokens are counted at four characters each, which is close for English."""

    rng: random.Random
    model: str
    pace: Pace
    clock: datetime
    tools: list[Tool]
    prefix: str
    name: str = ""
    kind: str = "main"
    messages: list[Message] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)
    _context: int = 0
    _calls: int = 0

    def __post_init__(self) -> None:
        self.started = self.clock
        self._context = sum(len(tool["parameters"]) + len(tool["description"]) for tool in self.tools) // 4

    def system(self, text: str) -> None:
        """The instructions the agent runs under."""
        self._add(message("system", text), text)

    def user(self, text: str, *, after_seconds: float = 0) -> None:
        """What the person says, so many seconds after the last answer."""
        self.clock += timedelta(seconds=after_seconds)
        self._add(message("user", text, started_at=self.clock.isoformat()), text)

    def say(self, text: str, *, reasoning: str = "") -> None:
        """An answer of the model without tool calls."""
        self._assistant(text=text, calls=[], reasoning=reasoning)

    def act(self, calls: list[Call], *, text: str = "", reasoning: str = "") -> None:
        """One model turn that asks for one or several (parallel) calls, and their results."""
        asked: list[ToolCall] = []
        for call in calls:
            self._calls += 1
            asked.append(
                {
                    "id": f"call_{self.prefix}{self._calls:03d}",
                    "type": "function",
                    "name": call.tool,
                    "arguments": json.dumps(call.arguments, ensure_ascii=False),
                }
            )
        self._assistant(text=text, calls=asked, reasoning=reasoning)
        longest = 0
        for call, request in zip(calls, asked, strict=True):
            took = call.milliseconds if call.milliseconds is not None else int(self.rng.lognormvariate(5.2, 0.6))
            longest = max(longest, took)
            text_back = call.result if isinstance(call.result, str) else json.dumps(call.result, ensure_ascii=False)
            result = message(
                "tool",
                text_back,
                tool_call_id=request["id"],
                name=call.tool,
                started_at=self.clock.isoformat(),
                latency_ms=took,
            )
            if call.error:
                result["is_error"] = True
            self._add(result, text_back)
        self.clock += timedelta(milliseconds=longest)

    def conversation(self, identifier: str) -> Conversation:
        """The finished conversation."""
        return {
            "id": identifier,
            "name": self.name,
            "kind": "sub_agent" if self.kind == "sub_agent" else "main",
            "messages": self.messages,
            "tools": self.tools,
        }

    def _assistant(self, *, text: str, calls: list[ToolCall], reasoning: str) -> None:
        written = len(text) + len(reasoning) + sum(len(call["name"]) + len(call["arguments"]) for call in calls)
        output = max(8, written // 4)
        cost = Decimal(f"{(self._context * self.pace.input_usd + output * self.pace.output_usd) / 1e6:.6f}")
        took = int((self.pace.first_ms + output * self.pace.token_ms) * self.rng.uniform(0.8, 1.35))
        said = message(
            "assistant",
            text,
            model=self.model,
            started_at=self.clock.isoformat(),
            latency_ms=took,
            usage={"input": self._context, "output": output, "reasoning": len(reasoning) // 4},
            cost_usd=str(cost),
            finish_reason="tool_calls" if calls else "stop",
        )
        if reasoning:
            said["reasoning"] = [{"text": reasoning}]
        if calls:
            said["tool_calls"] = calls
        self.input_tokens += self._context
        self.output_tokens += output
        self.cost += cost
        self.clock += timedelta(milliseconds=took)
        # what was thought is not sent back to the model
        self.messages.append(said)
        self._context += output - len(reasoning) // 4

    def _add(self, said: Message, text: str) -> None:
        self.messages.append(said)
        self._context += len(text) // 4 + 4


def tool(name: str, description: str, **properties: str) -> Tool:
    """A tool whose parameters are given as name="type: description"; those marked with `?` are optional."""
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for key, told in properties.items():
        kind, _, text = told.partition(": ")
        optional = kind.endswith("?")
        schema["properties"][key] = {"type": kind.rstrip("?"), "description": text}
        if not optional:
            schema["required"].append(key)
    return {"name": name, "description": description, "parameters": json.dumps(schema)}
