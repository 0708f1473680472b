"""The validator: every row against the rules of chat training data, and against those of a format.

Nothing is mended silently: a row with an error is not exported, and the finding says where and why.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from curation.datasets.example import Example, Kind, has_content
from curation.datasets.exporting import validate_answers
from curation.datasets.exporting.findings import Finding, counted, error, renamed, warning
from curation.datasets.exporting.formats import Format
from curation.messages.clean import MOST_LEVELS
from curation.messages.form import Message, ToolCall, text_of

# raise it when a rule changes: results kept on versions are then worked out anew
RULES = 6
LARGEST_ROW = 8_000
SHORTEST_REQUEST = 10
# what a row of each kind is, and what a format wants; a row without a rejected answer is no pair
KIND_WORDS: dict[Kind, tuple[str, str]] = {
    "chat": ("a conversation (no rejected answer, no label)", "conversations"),
    "pair": ("a pair", "pairs of a preferred and a rejected answer"),
    "label": ("a labelled answer", "answers with a label"),
    "prompt": ("a prompt without an answer", "prompts without an answer"),
}
ROLES = ("system", "developer", "user", "assistant", "tool")
# what a JSON text with a value that cannot be written out has somewhere: half a character as an escape, a large exponent
_PERHAPS_UNWRITABLE = re.compile(r"\\u[dD][89a-fA-F]|\d[eE]\+?0*\d{3}|\d{300}")
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Tally:
    """What a check of many rows found. Rows are counted once per level, codes once per row."""

    rows: int = 0
    invalid: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)

    def add(self, split: str, findings: Iterable[Finding]) -> None:
        """Count one row of `split`."""
        found = list(findings)
        bad = {finding.code for finding in found if finding.level == "error"}
        told = {finding.code for finding in found if finding.level == "warning"}
        self.rows += 1
        self.invalid[split] += bool(bad)
        self.warned[split] += bool(told)
        self.errors.update(bad)
        self.warnings.update(told)

    def plain(self) -> dict[str, Any]:
        """As JSON: {"rules", "rows", "invalid": {split: rows}, "warned", "errors": {code: rows}, "warnings"}."""
        return {
            "rules": RULES,
            "rows": self.rows,
            "invalid": {split: count for split, count in self.invalid.items() if count},
            "warned": {split: count for split, count in self.warned.items() if count},
            "errors": dict(self.errors.most_common()),
            "warnings": dict(self.warnings.most_common()),
        }


def check(row: Example, chosen: Format, shared: Iterable[Finding] | None = None) -> list[Finding]:
    """All findings on one row, errors first, paths as this format writes them. `shared` is what `common` said of the row,
    where it is known. A row of a kind that the format does not take has one error that says so."""
    if row.kind not in chosen.KINDS:
        return [not_taken(row.kind, chosen)]
    found = in_order([*(common(row) if shared is None else shared), *chosen.problems(row)])
    return [renamed(one, chosen.PATHS) for one in found] if chosen.PATHS else found


def not_taken(kind: Kind, chosen: Format) -> Finding:
    """The error of a row that is of another kind than the format takes."""
    wanted = " or ".join(KIND_WORDS[one][1] for one in chosen.KINDS)
    return error("kind_not_taken", "", f"the row is {KIND_WORDS[kind][0]}; {chosen.NAME} takes {wanted}")


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Errors first, then what changes what is learned, else as found."""
    return sorted(found, key=lambda finding: (finding.level != "error", finding.code != "weight_not_kept"))


def common(row: Example) -> list[Finding]:
    """The findings that no format changes."""
    return list(_all(row))


def _all(row: Example) -> Iterator[Finding]:
    if not row.messages:
        yield error("no_messages", "messages", "the row has no messages")
        return
    said = list(_said(row))
    unknown = [(path, message) for path, message in said if message.get("role") not in ROLES]
    for path, message in unknown:
        role = str(message.get("role"))[:40]
        yield error("unknown_role", f"{path}.role", f"{role!r} is not one of {', '.join(ROLES)}")
    if unknown:
        return
    yield from _users(row)
    if row.kind == "chat":
        yield from _answers(row)
    yield from _empty(said)
    yield from validate_answers.problems(row)
    yield from _order(row.messages)
    yield from _calls(row)
    yield from tool_problems(row)
    if row.total_tokens > LARGEST_ROW:
        reason = (
            f"about {row.total_tokens:,} tokens, more than {LARGEST_ROW:,}: most trainers cut it unless told otherwise"
        )
        yield warning("long_row", "messages", reason)
    if thoughts := sum(bool(message.get("reasoning")) for _, message in said):
        yield warning(
            "reasoning_left_out", "messages", f"the reasoning of {counted(thoughts, 'message')} is not exported"
        )


def _said(row: Example) -> Iterator[tuple[str, Message]]:
    """Every message of a row with its path."""
    for name, messages in (("messages", row.messages), ("chosen", row.chosen), ("rejected", row.rejected)):
        for index, message in enumerate(messages):
            yield f"{name}[{index}]", message


def _users(row: Example) -> Iterator[Finding]:
    asked = [(index, message) for index, message in enumerate(row.messages) if message["role"] == "user"]
    if not asked:
        yield error("no_user_message", "messages", "nobody asks anything: there is no user message")
    for index, message in asked:
        if not has_content(message):
            yield error("empty_user_message", f"messages[{index}].content", "the user message is empty")
        elif (
            all(part["type"] == "text" for part in message["parts"])
            and len(text_of(message).strip()) < SHORTEST_REQUEST
        ):
            reason = f"the user message has fewer than {SHORTEST_REQUEST} characters"
            yield warning("short_user_message", f"messages[{index}].content", reason)


def _answers(row: Example) -> Iterator[Finding]:
    if not any(message["role"] == "assistant" for message in row.messages):
        yield error("no_assistant_message", "messages", "there is no assistant message to learn from")
    elif not any(row.trained):
        yield error("nothing_trained", "messages", "every assistant message has weight 0")
    if row.messages[-1]["role"] != "assistant":
        path = f"messages[{len(row.messages) - 1}]"
        yield warning(
            "ends_without_answer", path, f"the row ends with a {row.messages[-1]['role']} message, not an answer"
        )


def _empty(said: list[tuple[str, Message]]) -> Iterator[Finding]:
    for path, message in said:
        if message["role"] == "assistant" and not has_content(message):
            reason = "the assistant message has neither content nor tool calls"
            yield error("empty_assistant_message", f"{path}.content", reason)
        if message["role"] != "assistant" and message.get("tool_calls"):
            yield error("calls_of_others", f"{path}.tool_calls", "only assistant messages may call tools")


def _order(messages: list[Message]) -> Iterator[Finding]:
    talk = [
        (index, message) for index, message in enumerate(messages) if message["role"] not in ("system", "developer")
    ]
    for index, message in enumerate(messages):
        if message["role"] in ("system", "developer") and talk and index > talk[0][0]:
            yield warning(
                "system_not_first", f"messages[{index}]", "many chat templates take a system message only first"
            )
    for (_, before), (index, message) in pairwise(talk):
        if before["role"] == message["role"] and message["role"] in ("user", "assistant"):
            reason = f"two {message['role']} messages follow each other; some chat templates refuse that"
            yield warning(f"consecutive_{message['role']}s", f"messages[{index}]", reason)


def _calls(row: Example) -> Iterator[Finding]:
    """Calls and results: each result answers an open call, each call is answered before the talk goes on. Both answers of
    a pair go on from the same place."""
    declared = {tool["name"] for tool in row.tools}
    open_calls: dict[str, str] = {}
    seen: set[str] = set()
    prompt = [(f"messages[{index}]", message) for index, message in enumerate(row.messages)]
    yield from _walk(prompt, open_calls, seen, declared)
    for name, side in (("chosen", row.chosen), ("rejected", row.rejected)):
        answer = [(f"{name}[{index}]", message) for index, message in enumerate(side)]
        yield from _walk(answer, dict(open_calls), set(seen), declared)


def _walk(
    said: list[tuple[str, Message]], open_calls: dict[str, str], seen: set[str], declared: set[str]
) -> Iterator[Finding]:
    for path, message in said:
        if message["role"] == "tool":
            yield from _result(path, message, open_calls, seen)
            continue
        if message["role"] in ("user", "assistant"):
            for where in open_calls.values():
                yield error("unanswered_call", where, "no tool result follows before the next turn")
            open_calls.clear()
        for number, call in enumerate(message.get("tool_calls") or []):
            where = f"{path}.tool_calls[{number}]"
            yield from _call(where, call, declared)
            if not call["id"]:
                yield error("missing_call_id", f"{where}.id", "the tool call has no id")
            elif call["id"] in open_calls:
                yield error("repeated_call_id", f"{where}.id", f"{call['id'][:80]!r} stands on two calls of one turn")
            elif call["id"] in seen:
                reason = f"{call['id'][:80]!r} was the id of an earlier call, which had been answered"
                yield warning("reused_call_id", f"{where}.id", reason)
            seen.add(call["id"])
            open_calls[call["id"]] = where


def _result(path: str, message: Message, open_calls: dict[str, str], seen: set[str]) -> Iterator[Finding]:
    call_id = message.get("tool_call_id", "")
    if not call_id:
        yield error(
            "missing_tool_call_id", f"{path}.tool_call_id", "the tool result does not say which call it answers"
        )
    elif call_id in open_calls:
        del open_calls[call_id]
    elif call_id in seen:
        reason = f"call {call_id[:80]!r} was answered before, or the talk had gone on"
        yield error("late_tool_result", f"{path}.tool_call_id", reason)
    else:
        yield error("orphan_tool_result", f"{path}.tool_call_id", f"no call before it has the id {call_id[:80]!r}")


def _call(where: str, call: ToolCall, declared: set[str]) -> Iterator[Finding]:
    if not call["name"]:
        yield error("missing_tool_name", f"{where}.function.name", "the tool call does not name a tool")
    elif call["name"] not in declared:
        reason = f"{call['name'][:80]!r} is not among the row's tools: the model learns to call what it was not shown"
        yield warning("undeclared_tool", f"{where}.function.name", reason)
    path = f"{where}.function.arguments"
    try:
        value = read_json(call["arguments"])
    except ValueError as wrong:
        yield error("arguments_not_json", path, f"the arguments are not valid JSON: {wrong}")
        return
    if not isinstance(value, dict):
        yield error("arguments_not_object", path, "the arguments are JSON, but not an object")
    if held := unwritable(call["arguments"], value):
        yield error(held[0], path, f"the arguments hold {held[1]}")


def tool_problems(row: Example) -> Iterator[Finding]:
    """What is wrong with the tools of a row, whatever the format."""
    names = Counter(tool["name"] for tool in row.tools)
    for index, tool in enumerate(row.tools):
        path = f"tools[{index}].function"
        if not tool["name"]:
            yield error("missing_tool_name", f"{path}.name", "the tool has no name")
        elif names[tool["name"]] > 1:
            yield warning(
                "repeated_tool", f"{path}.name", f"{tool['name'][:80]!r} is offered {names[tool['name']]} times"
            )
        if wrong := _schema_problem(tool["parameters"]):
            yield error(wrong[0], f"{path}.parameters", wrong[1])


@lru_cache(maxsize=512)  # the same few tools stand on nearly every row
def _schema_problem(schema: str) -> tuple[str, str] | None:
    if not schema.strip():
        return None
    try:
        value = read_json(schema)
    except ValueError as wrong:
        return "schema_not_json", f"the schema is not valid JSON: {wrong}"
    if not isinstance(value, dict):
        return "schema_not_object", "the schema is JSON, but not an object"
    held = unwritable(schema, value)
    return (held[0], f"the schema holds {held[1]}") if held else None


def unwritable(text: str, value: Any) -> tuple[str, str] | None:
    """Why `value`, which stands as `text` inside a row, cannot be written out as JSON that says the same: code and what it
    holds. Half a character is no UTF-8, a number beyond all floats no number, and parsers refuse deep nesting."""
    deep = text.count("{") + text.count("[") > MOST_LEVELS
    if not deep and not _PERHAPS_UNWRITABLE.search(text):
        return None
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        one, level = waiting.pop()
        if isinstance(one, str) and _HALF.search(one):
            return "lone_surrogate", "half of a character (\\ud800 to \\udfff without its pair)"
        if isinstance(one, float) and not math.isfinite(one):
            return "number_too_large", "a number that is too large for a float"
        if isinstance(one, (dict, list)):
            if level > MOST_LEVELS:
                return "nested_too_deeply", f"objects or lists nested deeper than {MOST_LEVELS} levels"
            inner = [*one, *one.values()] if isinstance(one, dict) else one
            waiting += [(each, level + 1) for each in inner]
    return None


def read_json(text: str) -> Any:
    """Parse strictly: no NaN, no Infinity, no key twice. Raises ValueError with the reason, which counts characters of `text`:
    lines are those of the file that it stands in."""
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1:,}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) < len(pairs):
        key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {key[:80]!r} stands twice in one object")
    return built
