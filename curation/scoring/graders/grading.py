"""Grading one answer. A grade that could not be made is None with an error, never 0.

`sample` is what the model said, in OpenAI's names: {"output_text": str, "output_tools": [{"id", "type": "function",
"function": {"name", "arguments"}}]}; None where no answer came. `item` is what is known about the question:
{"reference_text", "reference_tools", "tools": [{"name", "parameters"}], ...}.
"""

import json
import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from curation.messages.form import Message, Tool, text_of
from curation.scoring.graders import (
    calls,
    combine,
    definitions,
    judge,
    patterns,
    rules,
    sandbox,
    schemas,
    similarity,
    templates,
)
from curation.scoring.graders.grades import Grade, Item, Sample, clipped, failed, graded, missing, right

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
    answer or the item ends in the Grade. `ask` takes a judge's question to a model; without it a judge's grade is
    missing. judge.NotAsked ends in the Grade, whatever else `ask` raises goes through."""
    definitions.check(definition)
    return _grade(definition, sample, item, ask)


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


def _grade(definition: definitions.Definition, sample: Sample | None, item: Item, ask: judge.Ask | None) -> Grade:
    if definition["type"] == "multi":
        parts: dict[str, Grade] = {}
        for name in combine.order(definition["graders"]):
            parts[name] = _grade(definition["graders"][name], sample, item, ask)
            if parts[name].value is None:
                break  # the whole is missing whatever the others say, and some of them cost money
        return combine.together(definition, parts)
    if sample is None:
        if not rules.of_the_run_alone(definition):
            return failed("There is no answer to grade.")
        sample = {}
    try:
        if definition["type"] not in JUDGES:
            return _GRADERS[definition["type"]](definition, sample, item)
        request = judge.request_of(definition, sample, item)
    except (similarity.TooLong, patterns.TooMuch) as error:
        return failed(f"Not compared: {error}")
    except templates.MissingValue as error:
        return failed(f"Nothing stands under {error}.")
    except schemas.CannotCheck as error:
        return failed(f"Not checked: {error}")
    except Exception as error:  # a grader that breaks must not take the others with it, and must not count as 0
        return failed(f"The grader failed: {type(error).__name__}: {str(error)[:200]}")
    if ask is None:
        return failed("It asks a model, and here none is asked.")
    try:
        answer = ask(request)
    except judge.NotAsked as error:
        return failed(str(error))
    return judge.read(definition, answer.text)


def _string_check(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    text = templates.fill(definition["input"], sample=sample, item=item)
    wanted = templates.fill(definition["reference"], sample=sample, item=item)
    match definition["operation"]:
        case "eq":
            return right(text == wanted)
        case "ne":
            return right(text != wanted)
        case "like":
            return right(wanted in text)
        case _:
            return right(wanted.casefold() in text.casefold())


def _text_similarity(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    left = templates.fill(definition["input"], sample=sample, item=item)
    right = templates.fill(definition["reference"], sample=sample, item=item)
    return graded(similarity.measure(similarity.OPENAI[definition["evaluation_metric"]], left, right), definition)


def _exact_match(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    reference = item.get("reference_text")
    if reference is None:
        return missing("No reference is known.")
    if not reference.strip():
        return missing("The reference has no text.")
    steps = definition.get("normalise", ("case", "space"))
    same = normalise(sample["output_text"], steps=steps) == normalise(reference, steps=steps)
    return right(same, "" if same else "The text differs from the reference.")


def _similarity(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    reference = item.get("reference_text")
    if reference is None:
        return missing("No reference is known.")
    if not reference.strip():
        return missing("The reference has no text.")
    return graded(
        similarity.measure(similarity.OURS[definition["metric"]], sample["output_text"], reference), definition
    )


def _tool_call(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    if "expected" in definition:
        expected = [_written(call) for call in definition["expected"]]
    elif item.get("reference_tools") is None:
        return missing("No reference is known.")
    else:
        expected = calls.calls_of(item["reference_tools"])
    if not expected:
        return missing("The reference calls no tool.")
    called = rules.calls_in(definition.get("scope", "answer"), sample, item)
    if called is None:
        return missing("The tool calls of the run are not known.")
    if not called:
        return _zero(definition, f"No tool was called; expected {_names(expected)}.")
    names_only = definition.get("arguments", "equal") == "names_only"
    ignore = definition.get("ignore", [])
    try:
        wanted = [(call.name, None if names_only else calls.arguments_of(call, ignore=ignore)) for call in expected]
    except calls.NotJson as error:
        return failed(f"The arguments of the reference are not JSON: {error}.")
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
        return graded(found / most, definition, f"{found} of {most} calls are right.")
    if found == most:
        return right(True)
    if broken:
        return right(False, broken)
    if sorted(call.name for call in expected) != sorted(call.name for call in called):
        return right(False, f"Called {_names(called)}; expected {_names(expected)}.")
    return right(False, "The tools are right, their arguments (or order) are not.")


def _written(call: Mapping[str, Any]) -> calls.Call:
    arguments = call.get("arguments", {})
    return calls.Call(call["name"], arguments if isinstance(arguments, str) else json.dumps(arguments))


def _zero(definition: definitions.Definition, reason: str) -> Grade:
    return graded(0.0, definition, reason) if definition.get("partial") is True else right(False, reason)


def _json_schema(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    if definition["target"] == "answer":
        try:
            value = calls.plain(calls.read_json(sample["output_text"]))
        except calls.NotJson as error:
            return right(False, f"The answer is not JSON: {error}.")
        wrong = schemas.first_error(value, definition["schema"], trusted=True)
        return right(not wrong, wrong)
    called = calls.calls_of(sample["output_tools"])
    if not called:
        if item.get("reference_tools"):
            return right(False, "No tool was called.")
        return missing("No tool was called, and none was expected.")
    offered = {tool["name"]: tool.get("parameters", "") for tool in item.get("tools", [])}
    for call in called:
        if call.name not in offered:
            return right(False, f"{call.name} was not offered.")
        try:
            value = calls.plain(calls.read_json(call.arguments)) if call.arguments.strip() else {}
        except calls.NotJson as error:
            return right(False, f"The arguments of {call.name} are not JSON: {error}.")
        wrong = schemas.first_error(
            value, _offered_schema(definition, call.name, offered), trusted="schema" in definition
        )
        if wrong:
            return right(False, f"{call.name}: {wrong}")
    return right(True)


def _offered_schema(definition: definitions.Definition, name: str, offered: Mapping[str, Any]) -> Any:
    if "schema" in definition:
        return definition["schema"]
    text = offered[name]
    if not isinstance(text, str):
        return text
    if not text.strip():
        return {}
    try:
        return calls.plain(calls.read_json(text))
    except calls.NotJson as error:
        raise schemas.CannotCheck(f"the schema of {name} is not JSON: {error}.") from None


def _names(made: list[calls.Call]) -> str:
    return ", ".join(call.name for call in made[:5]) + (f" and {len(made) - 5} more" if len(made) > 5 else "")


def _python(definition: definitions.Definition, sample: Sample, item: Item) -> Grade:
    kind = definition.get("engine", sandbox.DEFAULT)
    try:
        value = sandbox.run(definition["source"], sample, item, kind=kind)
    except sandbox.Failed as error:
        return failed(str(error))
    if definition.get("binary") is True:
        if value not in (0.0, 1.0):
            return failed(f"{value!r} is neither 0 nor 1, and the grader says that it is binary.")
        return right(value == 1.0)
    return clipped(value, definition, definitions.range_of(definition))


JUDGES = ("score_model", "label_model")
_GRADERS: dict[str, Callable[[definitions.Definition, Sample, Item], Grade]] = {
    "string_check": _string_check,
    "text_similarity": _text_similarity,
    "exact_match": _exact_match,
    "tool_call": _tool_call,
    "json_schema": _json_schema,
    "similarity": _similarity,
    "python": _python,
    "tool_called": rules.tool_called,
    "tool_arguments": rules.tool_arguments,
    "no_error": rules.no_error,
    "limits": rules.limits,
    "regex": rules.regex,
}
