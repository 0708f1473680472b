"""Comparing tool calls: name and arguments, as JSON values and never as text."""

import json
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any


class NotJson(ValueError):
    """A text that is no JSON, or JSON that different readers would read differently."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call: its name and its arguments as they came (a JSON text)."""

    name: str
    arguments: str


def calls_of(tools: Any) -> list[Call]:
    """Calls from OpenAI's list `[{"function": {"name", "arguments"}}]`. Raises ValueError for another shape."""
    if not isinstance(tools, Sequence) or isinstance(tools, str | bytes):
        raise ValueError("tool calls must be a list.")
    calls = []
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise ValueError(f"tool call {index} has no function name.")
        arguments = function.get("arguments")
        calls.append(Call(function["name"], arguments if isinstance(arguments, str) else json.dumps(arguments)))
    return calls


def read_json(text: str) -> Any:
    """The value of a JSON text; numbers as Decimal, so that no digit is lost. Raises NotJson for anything that is not
    strict JSON: NaN, a key twice, too deep a nest."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise NotJson("a key stands twice in one object")
        return found

    def never(constant: str) -> Any:
        raise NotJson(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=never, object_pairs_hook=once)
    except NotJson:
        raise
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except InvalidOperation:
        raise NotJson("a number is out of range") from None
    except ValueError as error:
        raise NotJson(str(error)) from None


def canonical(value: Any) -> Hashable:
    """A form that is equal exactly where two JSON values are: 1 = 1.0, 1 is not true, keys in any order, lists in
    order."""
    if value is None or isinstance(value, bool):
        return ("word", value)
    if isinstance(value, Decimal):
        return ("number", value)
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, dict):
        return ("object", frozenset((key, canonical(entry)) for key, entry in value.items()))
    return ("list", tuple(canonical(entry) for entry in value))


def arguments_of(call: Call, *, ignore: Sequence[str]) -> Hashable:
    """The arguments in canonical form, without the top-level names in `ignore`. No arguments at all ("") is {}.
    Raises NotJson."""
    value = read_json(call.arguments) if call.arguments.strip() else {}
    if isinstance(value, dict) and ignore:
        value = {key: entry for key, entry in value.items() if key not in ignore}
    try:
        return canonical(value)
    except RecursionError:
        raise NotJson("it is nested too deeply") from None


def matched(expected: Sequence[Hashable], called: Sequence[Hashable], *, ordered: bool) -> int:
    """How many expected calls were made: as a bag, or place by place."""
    if ordered:
        return sum(mine == theirs for mine, theirs in zip(expected, called, strict=False))
    return (Counter(expected) & Counter(called)).total()


def plain(value: Any) -> Any:
    """Decimals as int and float, which is what schema checkers know."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        whole = isinstance(exponent, int) and -100 < exponent <= 0 and value == value.to_integral_value()
        return int(value) if whole else float(value)
    return value
