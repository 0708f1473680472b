"""What a grader is made of: a plain JSON object, checked as a whole before anything runs.

Shapes follow OpenAI's graders where one exists (`string_check`, `text_similarity`: type, name, input, reference,
operation / evaluation_metric); the other types are ours. Every definition may carry `pass_threshold` (0 to 1) where its
value is not simply right or wrong.

    {"type": "string_check", "name": "...", "input": "{{ sample.output_text }}", "reference": "...", "operation": "eq"}
    {"type": "text_similarity", "name": "...", "input": "...", "reference": "...", "evaluation_metric": "rouge_l"}
    {"type": "exact_match", "name": "...", "normalise": ["case", "space", "punctuation"]}
    {"type": "tool_call", "name": "...", "arguments": "equal", "order": "any", "partial": false, "ignore": []}
    {"type": "json_schema", "name": "...", "target": "answer", "schema": {...}}
    {"type": "json_schema", "name": "...", "target": "tool_arguments"}
    {"type": "similarity", "name": "...", "metric": "chrf"}
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from curation.scoring.graders import similarity, templates

# counts up when the same definition would give another value than before
ENGINES = {
    "string_check": 1,
    "text_similarity": 1,
    "exact_match": 1,
    "tool_call": 1,
    "json_schema": 1,
    "similarity": 1,
}
NOT_RUN = {
    "score_model": "it asks a model to judge",
    "label_model": "it asks a model to judge",
    "python": "it runs code",
    "multi": "it combines other graders",
    "endpoint": "its form was never published",
}
NORMALISATIONS = ("case", "space", "punctuation", "articles", "numbers")
# right or wrong, nothing between: compared by tests for proportions
BINARY = ("string_check", "exact_match", "tool_call", "json_schema")

Definition = Mapping[str, Any]


class BadDefinition(ValueError):
    """A definition that cannot be run: `where` is the place in it, `reason` says what is wrong."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


def check(definition: Any, *, where: str = "grader") -> None:
    """Raise BadDefinition for anything that could not be run: an unknown type, an unknown or missing key, a value of
    the wrong kind. Nothing is graded with a definition that was not checked."""
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
    required, optional, checks = _KEYS[kind]
    for key in required:
        if key not in definition:
            raise BadDefinition(f"{where}.{key}", f"{kind} needs it.")
    for key in definition:
        if key not in ("type", "name", *required, *optional):
            raise BadDefinition(f"{where}.{key}", f"{kind} has no such key.")
    for key, test in checks.items():
        if key in definition and (reason := test(definition[key])):
            raise BadDefinition(f"{where}.{key}", reason)
    if kind == "json_schema" and definition["target"] == "answer" and "schema" not in definition:
        raise BadDefinition(f"{where}.schema", "target answer needs a schema.")
    if kind == "tool_call" and definition.get("partial") is not True and "pass_threshold" in definition:
        raise BadDefinition(f"{where}.pass_threshold", "without partial credit a call is right or wrong.")


def check_all(definitions: Any) -> None:
    """Check a list of definitions: at least one, no name twice."""
    if isinstance(definitions, (str, bytes, Mapping)) or not isinstance(definitions, Sequence) or not definitions:
        raise BadDefinition("graders", "at least one grader is needed.")
    names: set[str] = set()
    for index, definition in enumerate(definitions):
        check(definition, where=f"graders[{index}]")
        if definition["name"] in names:
            raise BadDefinition(f"graders[{index}].name", f"{definition['name']!r} is used twice.")
        names.add(definition["name"])


def digest(definition: Definition) -> str:
    """Version of a grader: SHA-256 (64 hex digits) over the definition and the engine that runs it."""
    content = {"definition": definition, "engine": ENGINES[definition["type"]]}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_binary(definition: Definition) -> bool:
    """Whether the grader says only right or wrong (value 1 or 0)."""
    return definition["type"] in BINARY and definition.get("partial") is not True


def needs_model(definition: Definition) -> bool:
    """Whether grading with it asks a model: a judge, or a multi with a judge in it."""
    if definition["type"] == "multi":
        return any(needs_model(part) for part in definition["graders"].values())
    return definition["type"] in ("score_model", "label_model")


def _one_of(*options: str) -> Callable[[Any], str]:
    def test(value: Any) -> str:
        known = isinstance(value, str) and value in options
        return "" if known else f"{value!r} is not one of {', '.join(options)}."

    return test


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else f"{value!r} is neither true nor false."


def _share(value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if number and 0 <= value <= 1 else f"{value!r} is not a number from 0 to 1."


def _words(value: Any) -> str:
    texts = isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(word, str) for word in value)
    return "" if texts else "a list of texts is needed."


def _normalise(value: Any) -> str:
    if reason := _words(value):
        return reason
    unknown = [word for word in value if word not in NORMALISATIONS]
    return f"unknown: {', '.join(unknown)}. Known: {', '.join(NORMALISATIONS)}." if unknown else ""


def _metric(value: Any) -> str:
    if isinstance(value, str) and value in similarity.NOT_COMPUTED:
        return (
            f"{value} is not computed here ({similarity.NOT_COMPUTED[value]}). Known: {', '.join(similarity.OPENAI)}."
        )
    return _one_of(*similarity.OPENAI)(value)


def _schema(value: Any) -> str:
    if not isinstance(value, Mapping | bool):
        return "a JSON schema (an object) is needed."
    try:
        Draft202012Validator.check_schema(value)
    except (SchemaError, RecursionError) as error:
        return f"not a JSON schema: {getattr(error, 'message', 'nested too deeply')[:200]}."
    return ""


Checks = dict[str, Callable[[Any], str]]
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Checks]] = {
    "string_check": (
        ("input", "reference", "operation"),
        (),
        {"input": templates.problem, "reference": templates.problem, "operation": _one_of("eq", "ne", "like", "ilike")},
    ),
    "text_similarity": (
        ("input", "reference", "evaluation_metric"),
        ("pass_threshold",),
        {
            "input": templates.problem,
            "reference": templates.problem,
            "evaluation_metric": _metric,
            "pass_threshold": _share,
        },
    ),
    "exact_match": ((), ("normalise",), {"normalise": _normalise}),
    "tool_call": (
        (),
        ("arguments", "order", "partial", "ignore", "pass_threshold"),
        {
            "arguments": _one_of("equal", "names_only"),
            "order": _one_of("any", "same"),
            "partial": _flag,
            "ignore": _words,
            "pass_threshold": _share,
        },
    ),
    "json_schema": (
        ("target",),
        ("schema",),
        {"target": _one_of("answer", "tool_arguments"), "schema": _schema},
    ),
    "similarity": (("metric",), ("pass_threshold",), {"metric": _one_of(*similarity.OURS), "pass_threshold": _share}),
}
