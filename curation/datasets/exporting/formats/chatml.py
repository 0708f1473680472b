"""One text a line with ChatML marks: {"text": "<|im_start|>system\\n...<|im_end|>\\n..."}, without a line break behind the
last mark: trainers put an end of their own behind a text that does not end with it.

Source: openai/openai-python, chatml.md (the marks), and the chat template of Qwen 2.5 for how tools are shown (signatures
in <tools> at the end of the system message) and called (<tool_call>{"name", "arguments"}</tool_call> in the assistant's
turn). A tool's result is a turn of its own with the role `tool`, never text of the assistant: a model that learns results
as its own words learns to make them up.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from curation.datasets.example import Example, Kind
from curation.datasets.exporting.findings import Finding, error, warning
from curation.datasets.exporting.formats import content, limits, strict
from curation.messages.form import Message, Tool, ToolCall, message

NAME = "chatml"
LABEL = "ChatML text, JSONL"
HELP = (
    "One text column with <|im_start|> marks. Mask every turn but the assistant's: a text cannot say what is learned."
)
KINDS: tuple[Kind, ...] = ("chat",)
LIMITS = limits.ANY
SAME_COLUMNS = False
PATHS: dict[str, str] = {}
START, END = "<|im_start|>", "<|im_end|>"
_MARKS = (START, END, "<|endoftext|>", "<tool_call>", "</tool_call>")
_TOOL_MARKS = (*_MARKS[:3], "</tools>")
_ROLE = re.compile(r"[a-z_]{1,20}")
_OPEN, _CLOSE = "<tool_call>\n", "\n</tool_call>"
_OBSERVED = re.compile(r"<tool_response>|^(?:Observation|Tool result|Function result)\s*:", re.MULTILINE)
_HEADING = "\n\n# Tools\n"
_HOW = """

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def problems(row: Example) -> Iterator[Finding]:
    """Marks inside what was said (they would end a turn), content that is not text, weights that a text cannot hold."""
    ignored = sum(one.get("weight") == 0 for one in row.messages)
    if ignored:
        yield warning("weight_not_kept", "messages", f"weight 0 on {ignored} assistant messages; a text cannot say so")
    for path, one in content.said(row):
        for part, kind in content.other_parts(one):
            yield error("content_not_text", f"{path}.content[{part}]", f"this format takes text only, not {kind}")
        marks = _MARKS if one["role"] == "assistant" else _MARKS[:3]
        words = [content.part_text(part) for part in one["parts"]]
        for call in one.get("tool_calls", []):
            words += (call["name"], call["arguments"])
        if held := [mark for mark in marks if any(mark in text for text in words)]:
            yield error("mark_in_content", f"{path}.content", f"holds {held[0]}, which the format itself uses")
    for index, tool in enumerate(row.tools):
        if mark := _mark_in(tool["name"], tool["description"], tool["parameters"]):
            yield error("mark_in_content", f"tools[{index}]", f"holds {mark}, which the format itself uses")


@lru_cache(maxsize=512)  # the same few tools stand on nearly every row
def _mark_in(name: str, description: str, parameters: str) -> str:
    """The mark that the line of a tool holds; "" for none, and where its schema is no JSON: the common rules report that."""
    try:
        shown = _signature({"name": name, "description": description, "parameters": parameters})
    except (ValueError, RecursionError):
        return ""
    return next((mark for mark in _TOOL_MARKS if mark in shown), "")


def write(row: Example) -> dict[str, Any]:
    """One line."""
    messages = row.messages
    turns = []
    if row.tools:
        shown = "\n".join(map(_signature, row.tools))
        first = messages[0] if messages and content.role_of(messages[0]) == "system" else None
        head = content.plain_text(first) if first is not None else ""
        turns.append(f"{START}system\n{head}{_HOW.format(tools=shown)}{END}\n")
        messages = messages[1:] if first is not None else messages
    turns += [f"{START}{content.role_of(one)}\n{_words(one)}{END}\n" for one in messages]
    return {"text": "".join(turns).removesuffix("\n")}


def _signature(tool: Tool) -> str:
    """The line of a tool."""
    return json.dumps(content.tool_schema(tool), ensure_ascii=False)


def _words(one: Message) -> str:
    text = content.plain_text(one)
    for call in one.get("tool_calls") or []:
        name = json.dumps(call["name"], ensure_ascii=False)
        text += (
            f'{chr(10) if text else ""}<tool_call>\n{{"name": {name}, "arguments": {call["arguments"]}}}\n</tool_call>'
        )
    return text


def claims(record: Mapping[str, Any]) -> bool:
    """A text that begins with a mark."""
    return isinstance(record.get("text"), str) and record["text"].lstrip().startswith(START)


def read(record: dict[str, Any]) -> tuple[Example | None, list[Finding]]:
    """{"text"}: turns with marks and nothing between them."""
    text = record.get("text")
    if not isinstance(text, str) or not text:
        return None, [error("missing_text", "text", f"text is {strict.kind_of(text)}, not the marked conversation")]
    found: list[Finding] = []
    messages: list[Message] = []
    tools: list[Tool] = []
    waiting: list[str] = []
    at = 0
    while text.startswith(START, at):
        end = text.find(END, at)
        role, line_end, words = text[at + len(START) : end].partition("\n")
        if end < 0 or not line_end or not _ROLE.fullmatch(role):
            break
        _turn(role, words, f"turn[{len(messages)}]", messages, tools, waiting, found)
        at = end + len(END)
        at += text.startswith("\n", at)
    if at != len(text):
        shown = text[at : at + 40]
        found.append(error("broken_marks", "text", f"character {at:,} begins no whole turn: {shown!r}"))
    return Example(messages=messages, tools=tools), found


def _turn(
    role: str,
    words: str,
    path: str,
    messages: list[Message],
    tools: list[Tool],
    waiting: list[str],
    found: list[Finding],
) -> None:
    if role == "system" and not messages:
        # the last such heading, and only with signatures behind it: a prompt may have one of its own
        head, _, shown = words.rpartition(_HEADING)
        _, opened, listed = shown.partition("<tools>\n")
        if opened:
            tools += _signatures(listed.partition("\n</tools>")[0], found)
            if not head:
                return
            words = head
    if role == "assistant":
        if observed := _OBSERVED.search(words):
            reason = (
                f"the assistant's own turn holds {observed[0]!r}: a model learns to make results up. Use a tool turn"
            )
            found.append(error("result_in_answer", path, reason))
        words, asked = _split_calls(words)
        calls = [_call(text, f"{path}.tool_call[{index}]", found) for index, text in enumerate(asked)]
        said = message("assistant", words)
        if calls:
            named: list[ToolCall] = [{**call, "id": f"call_{len(messages)}_{n}"} for n, call in enumerate(calls)]
            said["tool_calls"] = named
            waiting[:] = [call["id"] for call in named]
        messages.append(said)
    elif role == "tool":
        messages.append(message("tool", words, tool_call_id=waiting.pop(0) if waiting else ""))
    else:
        messages.append(message(role, words))  # type: ignore[arg-type]  # an unknown role is an error of the common rules


def _split_calls(words: str) -> tuple[str, list[str]]:
    """What is said before the first call, and the texts of the calls; words between or behind calls stay words."""
    pieces: list[str] = []
    calls: list[str] = []
    while True:
        before, opened, rest = words.partition(_OPEN)
        call, closed, after = rest.partition(_CLOSE)
        if not opened or not closed:
            pieces.append(words)
            return "".join(pieces), calls
        pieces.append(before.removesuffix("\n"))
        calls.append(call)
        words = after


def _call(text: str, path: str, found: list[Finding]) -> ToolCall:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        found.append(error("call_not_json", path, f"the call is not valid JSON: {wrong}"))
        value = {}
    if not isinstance(value, dict):
        found.append(error("call_not_object", path, f"the call is {strict.kind_of(value)}, not an object"))
        value = {}
    name = value.get("name")
    arguments = json.dumps(value.get("arguments", {}), ensure_ascii=False)
    return {"id": "", "name": name if isinstance(name, str) else "", "arguments": arguments}


def _signatures(text: str, found: list[Finding]) -> list[Tool]:
    reader = strict.Reader(arguments="object", parts=False)
    tools = []
    for index, line in enumerate(text.split("\n")):
        try:
            tools.append(json.loads(line))
        except (ValueError, RecursionError):
            found.append(error("tools_not_json", f"tools[{index}]", "the signature of a tool is not valid JSON"))
    read = reader.tools(tools)
    found += reader.found
    return read
