"""Conversations made by hypothesis: parallel calls, results in any order, errors, hostile text."""

import json
from typing import Any

from hypothesis import strategies as st

from curation.datasets.example import Example
from curation.messages.form import Message, Tool, message

TOOLS: list[Tool] = [
    {
        "name": f"tool_{number}",
        "description": "Looks something up",
        "parameters": json.dumps({"type": "object", "properties": {f"p{number}": {"type": ["string", "null"]}}}),
    }
    for number in range(3)
]
# every character but halves of surrogate pairs and NUL, which nothing stores
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30).filter(
    lambda text: bool(text.strip())
)
_VALUE = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), WORDS, st.lists(WORDS, max_size=2))
ARGUMENTS = st.dictionaries(WORDS, _VALUE, max_size=3)


@st.composite
def talks(draw: Any, *, tools: bool = True) -> Example:
    """A whole conversation that ends with an answer."""
    said: list[Message] = [message("system", draw(WORDS))] if draw(st.booleans()) else []
    for turn in range(draw(st.integers(1, 3))):
        said.append(message("user", f"Question {turn}: {draw(WORDS)}"))
        if tools and draw(st.booleans()):
            said += draw(steps(turn))
        said.append(message("assistant", draw(WORDS)))
    return Example(messages=said, tools=TOOLS if tools else [])


@st.composite
def steps(draw: Any, turn: int) -> list[Message]:
    """An answer that calls tools, one or several at once, and their results in any order."""
    calls = [
        {
            "id": f"call_{turn}_{number}",
            "name": draw(st.sampled_from(TOOLS))["name"],
            "arguments": json.dumps(draw(ARGUMENTS), ensure_ascii=False),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    results = [
        message("tool", draw(WORDS), tool_call_id=call["id"], **({"is_error": True} if draw(st.booleans()) else {}))
        for call in draw(st.permutations(calls))
    ]
    return [message("assistant", draw(WORDS) if draw(st.booleans()) else "", tool_calls=calls), *results]


def told(messages: list[Message], *, ids: bool = True, ordered: bool = True) -> list[Any]:
    """What a conversation says, comparable: arguments as values, and call ids as they are or (`ids` False) by number.
    Without `ordered`, the results of one turn in the order of their calls."""
    numbers: dict[str, Any] = {}
    result: list[Any] = []
    for one in messages:
        text = "\n".join(part.get("text", "") for part in one["parts"])
        role = "system" if one["role"] == "developer" else one["role"]
        if role == "tool":
            result.append((role, numbers[one["tool_call_id"]], text))
            continue
        if one.get("tool_calls") and not ids:
            numbers |= {call["id"]: len(numbers) + at for at, call in enumerate(one["tool_calls"])}
        elif one.get("tool_calls"):
            numbers |= {call["id"]: call["id"] for call in one["tool_calls"]}
        calls = [
            (numbers[call["id"]], call["name"], json.loads(call["arguments"])) for call in one.get("tool_calls", [])
        ]
        result.append((role, text, calls))
    if ordered:
        return result
    at = 0
    while at < len(result):
        end = at
        while end < len(result) and result[end][0] == "tool":
            end += 1
        result[at:end] = sorted(result[at:end], key=lambda one: str(one[1]).zfill(9))
        at = end + 1
    return result
