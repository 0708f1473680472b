"""What a grader is made of: a plain JSON object, checked as a whole before anything runs.

Shapes follow OpenAI's graders where one exists (string_check, text_similarity, score_model, label_model, python, multi);
the other types are ours. Types whose value is not simply right or wrong may carry `pass_threshold`. docs/graders.md
names every key.

    {"type": "string_check", "name": "...", "input": "{{ sample.output_text }}", "reference": "...", "operation": "eq"}
    {"type": "text_similarity", "name": "...", "input": "...", "reference": "...", "evaluation_metric": "rouge_l"}
    {"type": "score_model", "name": "...", "model": "...", "input": [{"role", "content"}], "range": [0, 1]}
    {"type": "label_model", "name": "...", "model": "...", "input": [...], "labels": [...], "passing_labels": [...]}
    {"type": "python", "name": "...", "source": "def grade(sample, item): ..."}
    {"type": "multi", "name": "...", "graders": {"a": {...}, "b": {...}}, "calculate_output": "0.6 * a + 0.4 * b"}
    {"type": "exact_match", "name": "...", "normalise": ["case", "space", "punctuation"]}
    {"type": "similarity", "name": "...", "metric": "chrf"}
    {"type": "json_schema", "name": "...", "target": "answer", "schema": {...}}
    {"type": "json_schema", "name": "...", "target": "tool_arguments"}
    {"type": "tool_call", "name": "...", "arguments": "equal", "order": "any", "partial": false, "ignore": []}
    {"type": "tool_called", "name": "...", "names": [...], "match": "all", "min_times": 1}
    {"type": "tool_arguments", "name": "...", "tool": "...", "schema": {...}}
    {"type": "no_error", "name": "..."}
    {"type": "limits", "name": "...", "latency_ms": 30000, "cost_usd": 0.05}
    {"type": "regex", "name": "...", "pattern": "...", "expect": "no_match"}
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from curation.scoring.graders import calls, fields, formula, sandbox
from curation.scoring.graders.fields import LIMITS as LIMITS

# counts up when the same definition would give another value than before
ENGINES = {
    "string_check": 1,
    "text_similarity": 2,
    "score_model": 1,
    "label_model": 1,
    "python": 1,
    "multi": 2,
    "exact_match": 1,
    "similarity": 2,
    "json_schema": 2,
    "tool_call": 1,
    "tool_called": 1,
    "tool_arguments": 1,
    "no_error": 1,
    "limits": 1,
    "regex": 1,
}
NOT_RUN = {"endpoint": "its form was never published"}
# right or wrong, nothing between: compared by tests for proportions
BINARY = (
    "string_check",
    "label_model",
    "exact_match",
    "json_schema",
    "tool_call",
    "tool_called",
    "tool_arguments",
    "no_error",
    "limits",
    "regex",
)
MOST_PARTS = 20

Definition = Mapping[str, Any]


class BadDefinition(ValueError):
    """A definition that cannot be run: `where` is the place in it, `reason` says what is wrong."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def check(definition: Any, *, where: str = "grader") -> None:
    """Raise BadDefinition for anything that could not be run: an unknown type, an unknown or missing key, a value of
    the wrong kind, code that no sandbox of this machine can hold. Nothing is graded with a definition that was not
    checked."""
    if not isinstance(definition, Mapping):
        raise BadDefinition(where, "a grader must be an object.")
    kind = definition.get("type")
    if not isinstance(kind, str) or kind not in ENGINES:
        known = ", ".join(ENGINES)
        if isinstance(kind, str) and kind in NOT_RUN:
            raise BadDefinition(f"{where}.type", f"{kind} is not run here ({NOT_RUN[kind]}). Known types: {known}.")
        raise BadDefinition(f"{where}.type", f"{kind!r} is not a type of grader. Known types: {known}.")
    name = definition.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        raise BadDefinition(f"{where}.name", "a name of 1 to 100 characters is needed.")
    required, optional = fields.TYPES[kind]
    for key in required:
        if key not in definition:
            raise BadDefinition(f"{where}.{key}", f"{kind} needs it.")
    for key in definition:
        if key not in ("type", "name", *required, *optional):
            raise BadDefinition(f"{where}.{key}", f"{kind} has no such key.")
    for key, test in (required | optional).items():
        if key in definition and (reason := test(definition[key])):
            raise BadDefinition(f"{where}.{key}", reason)
    _check_together(definition, where)


def check_all(definitions: Any, *, judges: bool = False) -> None:
    """Check a list of definitions: at least one, no name twice. Without `judges`, those that ask a model are refused:
    nobody there could be asked."""
    if isinstance(definitions, (str, bytes, Mapping)) or not isinstance(definitions, Sequence) or not definitions:
        raise BadDefinition("graders", "at least one grader is needed.")
    names: set[str] = set()
    for index, definition in enumerate(definitions):
        check(definition, where=f"graders[{index}]")
        if not judges and needs_model(definition):
            raise BadDefinition(f"graders[{index}].type", f"{definition['type']} asks a model; here none is asked.")
        if definition["name"] in names:
            raise BadDefinition(f"graders[{index}].name", f"{definition['name']!r} is used twice.")
        names.add(definition["name"])


def digest(definition: Definition) -> str:
    """Version of a grader: SHA-256 (64 hex digits) over the definition and the engine that runs it."""
    content = {"definition": definition, "engine": _engine(definition)}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_binary(definition: Definition) -> bool:
    """Whether the grader says only right or wrong (value 1 or 0): its type does, a python grader says so of itself, or
    a multi puts only such parts together, by products, minima and maxima."""
    kind = definition["type"]
    if kind == "python":
        return definition.get("binary") is True
    if kind == "multi":
        binary = {name for name, part in definition["graders"].items() if is_binary(part)}
        return formula.keeps_binary(formula.parse(definition["calculate_output"]), binary)
    return kind in BINARY and definition.get("partial") is not True


def needs_model(definition: Definition) -> bool:
    """Whether grading with it asks a model: a judge, or a multi with a judge in it."""
    if definition["type"] == "multi":
        return any(needs_model(part) for part in definition["graders"].values())
    return definition["type"] in ("score_model", "label_model")


def runs_code(definition: Definition) -> bool:
    """Whether grading with it runs somebody's code in a sandbox: python, or a multi with one in it."""
    if definition["type"] == "multi":
        return any(runs_code(part) for part in definition["graders"].values())
    return bool(definition["type"] == "python")


def range_of(definition: Definition) -> tuple[float, float] | None:
    """Lowest and highest value of the grader; None where none is declared (python and multi without `range`)."""
    if "range" in definition:
        low, high = definition["range"]
        return float(low), float(high)
    if definition["type"] in ("python", "multi") and not is_binary(definition):
        return None
    return 0.0, 1.0


def _engine(definition: Definition) -> Any:
    kind = definition["type"]
    if kind == "python":
        return [ENGINES[kind], sandbox.version_of(definition.get("engine", sandbox.DEFAULT))]
    if kind == "multi":
        return [ENGINES[kind], {name: _engine(part) for name, part in definition["graders"].items()}]
    return ENGINES[kind]


def _check_together(definition: Definition, where: str) -> None:
    """What the keys of a definition must be to each other."""
    match definition["type"]:
        case "json_schema" if definition["target"] == "answer" and "schema" not in definition:
            raise BadDefinition(f"{where}.schema", "target answer needs a schema.")
        case "tool_call":
            _check_calls(definition, where)
        case "tool_called":
            _check_times(definition, where)
        case "limits" if not any(name in definition for name in LIMITS):
            raise BadDefinition(
                where,
                f"at least one limit is needed, of time, cost, steps, tool calls or tokens ({', '.join(LIMITS)}).",
            )
        case "label_model":
            if unknown := [label for label in definition["passing_labels"] if label not in definition["labels"]]:
                raise BadDefinition(f"{where}.passing_labels", f"{unknown[0]!r} is not one of the labels.")
            if len(definition["labels"]) < 2:
                raise BadDefinition(f"{where}.labels", "at least two are needed to choose from.")
        case "python":
            _check_python(definition, where)
        case "multi":
            _check_multi(definition, where)
    if "pass_threshold" in definition and (bounds := range_of(definition)):
        low, high = bounds
        if not low <= definition["pass_threshold"] <= high:
            given = definition["pass_threshold"]
            raise BadDefinition(f"{where}.pass_threshold", f"{given!r} is not a number from {low:g} to {high:g}.")


def _check_calls(definition: Definition, where: str) -> None:
    if definition.get("partial") is not True and "pass_threshold" in definition:
        raise BadDefinition(f"{where}.pass_threshold", "without partial credit a call is right or wrong.")
    for index, call in enumerate(definition.get("expected", ())):
        arguments = call.get("arguments", {})
        if isinstance(arguments, str) and arguments.strip():
            try:
                calls.read_json(arguments)
            except calls.NotJson as error:
                raise BadDefinition(f"{where}.expected[{index}].arguments", f"not JSON: {error}.") from None


def _check_times(definition: Definition, where: str) -> None:
    least, most = definition.get("min_times"), definition.get("max_times")
    if definition.get("match") == "none" and (least is not None or most is not None):
        key = "min_times" if least is not None else "max_times"
        raise BadDefinition(f"{where}.{key}", "where none may be called there is nothing to count.")
    if most is not None and most < (least or 1):
        raise BadDefinition(f"{where}.max_times", f"{most} is below the least ({least or 1}).")


def _check_python(definition: Definition, where: str) -> None:
    if definition.get("binary") is True and ("range" in definition or "pass_threshold" in definition):
        raise BadDefinition(f"{where}.binary", "a value of 0 or 1 needs neither range nor pass_threshold.")
    kind = definition.get("engine", sandbox.DEFAULT)
    if reason := sandbox.refusal(kind):
        raise BadDefinition(f"{where}.type", reason)
    if reason := sandbox.problem(definition["source"], kind):
        raise BadDefinition(f"{where}.source", reason)


def _check_multi(definition: Definition, where: str) -> None:
    parts = definition["graders"]
    if not isinstance(parts, Mapping) or not parts:
        raise BadDefinition(f"{where}.graders", 'an object of named graders is needed: {"accuracy": {...}}.')
    if len(parts) > MOST_PARTS:
        raise BadDefinition(f"{where}.graders", f"{len(parts)} parts are more than {MOST_PARTS}.")
    for name, part in parts.items():
        if not isinstance(name, str) or not formula.NAME.fullmatch(name) or name in formula.FUNCTIONS:
            reason = "a part's name is letters, digits and _, begins with no digit and is no function's."
            raise BadDefinition(f"{where}.graders.{name}", reason)
        if isinstance(part, Mapping) and part.get("type") == "multi":
            raise BadDefinition(f"{where}.graders.{name}.type", "a multi cannot stand in a multi.")
        # its name is that of its key, where it says none
        check({"name": name, **part} if isinstance(part, Mapping) else part, where=f"{where}.graders.{name}")
    try:
        used = formula.names(formula.parse(definition["calculate_output"]))
    except formula.BadFormula as error:
        raise BadDefinition(f"{where}.calculate_output", str(error)) from None
    if unknown := sorted(used - set(parts)):
        raise BadDefinition(f"{where}.calculate_output", f"{unknown[0]} is not a part. Parts: {', '.join(parts)}.")
    if unused := sorted(set(parts) - used):
        raise BadDefinition(f"{where}.calculate_output", f"the part {unused[0]} is not used.")
