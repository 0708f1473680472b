"""Rules over what happened in a run: tools, errors, limits, expressions. What was not measured is missing, and never
counts as kept."""

import math
from collections import Counter
from typing import Any

from curation.scoring.graders import calls, patterns, schemas, templates
from curation.scoring.graders.definitions import LIMITS, Definition
from curation.scoring.graders.grades import Grade, Item, Sample, failed, missing, right


def calls_in(scope: str, sample: Sample, item: Item) -> list[calls.Call] | None:
    """The tool calls of the whole run, or of the answer alone; None where those of the run are not known."""
    if scope == "answer":
        return calls.calls_of(sample["output_tools"])
    made = item.get("tool_calls")
    return None if made is None else calls.calls_of(made)


def of_the_run_alone(definition: Definition) -> bool:
    """Whether the rule looks at no answer, so that a run that never came to one can be graded."""
    if definition["type"] in ("tool_called", "tool_arguments"):
        return bool(definition.get("scope", "run") == "run")
    return definition["type"] in ("no_error", "limits")


def tool_called(definition: Definition, sample: Sample, item: Item) -> Grade:
    """Whether tools were called, or were not, and how often."""
    made = calls_in(definition.get("scope", "run"), sample, item)
    if made is None:
        return missing("The tool calls of the run are not known.")
    names = list(dict.fromkeys(definition["names"]))
    counts = Counter(call.name for call in made)
    match = definition.get("match", "all")
    if match == "none":
        called = [name for name in names if counts[name]]
        return right(not called, f"Called: {', '.join(called)}." if called else "")
    least, most = definition.get("min_times", 1), definition.get("max_times")
    counted = [(name, counts[name]) for name in names]
    if match == "any":
        counted = [(" or ".join(names), sum(count for _, count in counted))]
    for name, count in counted:
        if count < least:
            wanted = "" if least == 1 else f"; at least {least} times was expected"
            return right(False, f"{name} was {_times(count)}{wanted}.")
        if most is not None and count > most:
            return right(False, f"{name} was {_times(count)}; {most} is the most.")
    return right(True)


def tool_arguments(definition: Definition, sample: Sample, item: Item) -> Grade:
    """Whether the arguments of every call of one tool match a JSON schema; missing where it was not called."""
    made = calls_in(definition.get("scope", "run"), sample, item)
    if made is None:
        return missing("The tool calls of the run are not known.")
    tool = definition["tool"]
    wanted = [call for call in made if call.name == tool]
    if not wanted:
        return missing(f"{tool} was not called.")
    for number, call in enumerate(wanted, 1):
        place = tool if len(wanted) == 1 else f"{tool}, call {number} of {len(wanted)}"
        try:
            value = calls.plain(calls.read_json(call.arguments)) if call.arguments.strip() else {}
        except calls.NotJson as error:
            return right(False, f"{place}: the arguments are not JSON: {error}.")
        if wrong := schemas.first_error(value, definition["schema"], trusted=True):
            return right(False, f"{place}: {wrong}")
    return right(True)


def no_error(definition: Definition, sample: Sample, item: Item) -> Grade:
    """Whether no tool call and no model call of the run failed."""
    errors = _measured(item.get("errors"))
    if errors is None:
        return missing("Whether anything failed in the run is not known.")
    return right(errors == 0, "" if errors == 0 else f"{errors:g} failed in the run.")


def limits(definition: Definition, sample: Sample, item: Item) -> Grade:
    """Whether the run stayed within its limits. One that is broken decides; else one that was not measured makes the
    whole missing."""
    unknown = []
    for name in LIMITS:
        if name not in definition:
            continue
        value = _amount(name, item)
        if value is None:
            unknown.append(name)
        elif value > definition[name]:
            return right(False, f"{name} is {value:g}; {definition[name]:g} is the most.")
    if unknown:
        return missing(f"Not measured: {', '.join(unknown)}.")
    return right(True)


def regex(definition: Definition, sample: Sample, item: Item) -> Grade:
    """Whether an expression occurs in a text, or does not."""
    text = templates.fill(definition.get("input", "{{ sample.output_text }}"), sample=sample, item=item)
    pattern = f"(?i){definition['pattern']}" if definition.get("ignore_case") is True else definition["pattern"]
    try:
        found = patterns.found(pattern, text)
    except patterns.TooMuch as error:
        return failed(f"Not searched: {error}")
    wanted = definition.get("expect", "match") == "match"
    return right(found is wanted, "" if found is wanted else ("The text has it." if found else "The text lacks it."))


def _amount(name: str, item: Item) -> float | None:
    if name != "tool_calls":
        return _measured(item.get(name))
    made = item.get("tool_calls")
    return None if made is None else float(len(made))


def _measured(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _times(count: int) -> str:
    return {0: "not called", 1: "called once"}.get(count, f"called {count} times")
