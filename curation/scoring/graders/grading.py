"""Grading one answer. A grade that could not be made is None with an error, never 0.

`sample` is what the model said, in OpenAI's names: {"output_text": str, "output_tools": [{"id", "type": "function",
"function": {"name", "arguments"}}]}; None where no answer came. `item` is what is known about the question:
{"reference_text", "reference_tools", "tools": [{"name", "parameters"}], ...}.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from curation.messages.form import Message, Tool, text_of
from curation.scoring.graders import calls, definitions, judge, schemas, similarity, templates
from curation.scoring.graders.grades import Grade, Item, Sample

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NUMBER = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_PUNCTUATION = frozenset(string.punctuation)


def sample_of(message: Message) -> dict[str, Any]:
    """The sample of an answer in the internal form."""
    return {"output_text": text_of(message), "output_tools": _tools_of(message)}


def item_of(*, reference: Message, tools: list[Tool]) -> dict[str, Any]:
    """The item of a scenario: the reference answer and the tools offered."""
    return {
        "reference_text": text_of(reference),
        "reference_tools": _tools_of(reference),
        "tools": [{"name": tool["name"], "parameters": tool.get("parameters", "")} for tool in tools],
    }


def grade(
    definition: definitions.Definition, sample: Sample | None, item: Item, *, ask: judge.Ask | None = None
) -> Grade:
    """Grade one answer. Raises BadDefinition for a definition that cannot be run; everything that is wrong with the
    answer or the item ends in the Grade."""
    definitions.check(definition)
    if sample is None:
        return Grade(None, None, error="There is no answer to grade.")
    try:
        return _GRADERS[definition["type"]](definition, sample, item)
    except similarity.TooLong as error:
        return Grade(None, None, error=f"Not compared: {error}")
    except templates.MissingValue as error:
        return Grade(None, None, error=f"Nothing stands under {error}.")
    except schemas.CannotCheck as error:
        return Grade(None, None, error=f"Not checked: {error}")
    except Exception as error:  # a grader that breaks must not take the others with it, and must not count as 0
        return Grade(None, None, error=f"The grader failed: {type(error).__name__}: {str(error)[:200]}")


def normalise(text: str, *, steps: tuple[str, ...] | list[str]) -> str:
    """The text in the form that is compared. Always NFC; then, where named: case (folded), numbers (1,000 = 1000),
    punctuation (ASCII marks dropped), articles (a, an, the), space (runs of blanks are one, none at the ends)."""
    text = unicodedata.normalize("NFC", text)
    if "case" in steps:
        text = unicodedata.normalize("NFC", text.casefold())
    if "numbers" in steps:
        text = _NUMBER.sub("", text)
    if "punctuation" in steps:
        text = "".join(letter for letter in text if letter not in _PUNCTUATION)
    if "articles" in steps:
        text = _ARTICLES.sub(" ", text)
    return " ".join(text.split()) if "space" in steps else text


def _tools_of(message: Message) -> list[dict[str, Any]]:
    return [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
        for call in message.get("tool_calls", [])
    ]


def _right(yes: bool, reason: str = "") -> Grade:
    return Grade(float(yes), yes, reason=reason)


def _graded(value: float, definition: definitions.Definition, reason: str = "") -> Grade:
    threshold = definition.get("pass_threshold")
    return Grade(value, None if threshold is None else value >= threshold, reason=reason)


def _string_check(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    left = templates.fill(definition["input"], sample=sample, item=item)
    right = templates.fill(definition["reference"], sample=sample, item=item)
    match definition["operation"]:
        case "eq":
            return _right(left == right)
        case "ne":
            return _right(left != right)
        case "like":
            return _right(right in left)
        case _:
            return _right(right.casefold() in left.casefold())


def _text_similarity(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    left = templates.fill(definition["input"], sample=sample, item=item)
    right = templates.fill(definition["reference"], sample=sample, item=item)
    return _graded(similarity.measure(similarity.OPENAI[definition["evaluation_metric"]], left, right), definition)


def _exact_match(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    reference = item["reference_text"]
    if not reference.strip():
        return Grade(None, None, reason="The reference has no text.")
    steps = definition.get("normalise", ("case", "space"))
    same = normalise(sample["output_text"], steps=steps) == normalise(reference, steps=steps)
    return _right(same, "" if same else "The text differs from the reference.")


def _similarity(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    reference = item["reference_text"]
    if not reference.strip():
        return Grade(None, None, reason="The reference has no text.")
    return _graded(
        similarity.measure(similarity.OURS[definition["metric"]], sample["output_text"], reference), definition
    )


def _tool_call(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    expected = calls.calls_of(item["reference_tools"])
    if not expected:
        return Grade(None, None, reason="The reference calls no tool.")
    called = calls.calls_of(sample["output_tools"])
    if not called:
        return _zero(definition, f"No tool was called; expected {_names(expected)}.")
    names_only = definition.get("arguments", "equal") == "names_only"
    ignore = definition.get("ignore", [])
    try:
        wanted = [(call.name, None if names_only else calls.arguments_of(call, ignore=ignore)) for call in expected]
    except calls.NotJson as error:
        return Grade(None, None, error=f"The arguments of the reference are not JSON: {error}.")
    made: list[Any] = []
    broken = ""
    for call in called:
        try:
            made.append((call.name, None if names_only else calls.arguments_of(call, ignore=ignore)))
        except calls.NotJson as error:
            made.append(("", call.name, call.arguments))
            broken = f"The arguments of {call.name} are not JSON: {error}."
    found = calls.matched(wanted, made, ordered=definition.get("order", "any") == "same")
    most = max(len(wanted), len(made))
    if definition.get("partial") is True:
        return _graded(found / most, definition, f"{found} of {most} calls are right.")
    if found == most:
        return _right(True)
    if broken:
        return _right(False, broken)
    if sorted(call.name for call in expected) != sorted(call.name for call in called):
        return _right(False, f"Called {_names(called)}; expected {_names(expected)}.")
    return _right(False, "The tools are right, their arguments (or order) are not.")


def _zero(definition: definitions.Definition, reason: str) -> Grade:
    return _graded(0.0, definition, reason) if definition.get("partial") is True else _right(False, reason)


def _json_schema(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    if definition["target"] == "answer":
        try:
            value = _plain(calls.read_json(sample["output_text"]))
        except calls.NotJson as error:
            return _right(False, f"The answer is not JSON: {error}.")
        wrong = schemas.first_error(value, definition["schema"], trusted=True)
        return _right(not wrong, wrong)
    called = calls.calls_of(sample["output_tools"])
    if not called:
        if item["reference_tools"]:
            return _right(False, "No tool was called.")
        return Grade(None, None, reason="No tool was called, and none was expected.")
    offered = {tool["name"]: tool.get("parameters", "") for tool in item.get("tools", [])}
    for call in called:
        if call.name not in offered:
            return _right(False, f"{call.name} was not offered.")
        try:
            value = _plain(calls.read_json(call.arguments)) if call.arguments.strip() else {}
        except calls.NotJson as error:
            return _right(False, f"The arguments of {call.name} are not JSON: {error}.")
        wrong = schemas.first_error(
            value, _offered_schema(definition, call.name, offered), trusted="schema" in definition
        )
        if wrong:
            return _right(False, f"{call.name}: {wrong}")
    return _right(True)


def _offered_schema(definition: definitions.Definition, name: str, offered: Mapping[str, Any]) -> Any:
    if "schema" in definition:
        return definition["schema"]
    text = offered[name]
    if not isinstance(text, str):
        return text
    if not text.strip():
        return {}
    try:
        return _plain(calls.read_json(text))
    except calls.NotJson as error:
        raise schemas.CannotCheck(f"the schema of {name} is not JSON: {error}.") from None


def _plain(value: Any) -> Any:
    """Decimals as int and float, which is what schema checkers know."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        whole = isinstance(exponent, int) and -100 < exponent <= 0 and value == value.to_integral_value()
        return int(value) if whole else float(value)
    return value


def _names(made: list[calls.Call]) -> str:
    return ", ".join(call.name for call in made[:5]) + (f" and {len(made) - 5} more" if len(made) > 5 else "")


_GRADERS: dict[str, Callable[[definitions.Definition, Sample, Item], Grade]] = {
    "string_check": _string_check,
    "text_similarity": _text_similarity,
    "exact_match": _exact_match,
    "tool_call": _tool_call,
    "json_schema": _json_schema,
    "similarity": _similarity,
}
