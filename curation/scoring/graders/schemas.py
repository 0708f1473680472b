"""Checking a value against a JSON schema that may come from a stranger's trace.

No reference is ever fetched, the number of references followed is bounded, and the regular expressions of a schema
that came with a trace are not run (some take longer than the universe has).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from curation.scoring.graders import patterns

MOST_REFERENCES = 10_000
Keyword = Any


class CannotCheck(ValueError):
    """A schema that cannot be applied; the answer is then neither valid nor invalid."""


def first_error(value: Any, schema: Any, *, trusted: bool) -> str:
    """What is wrong with `value` in words, empty where it is valid. `trusted` schemas (written by an engineer of the
    project) may use regular expressions, which are run in bounded time (patterns). Raises CannotCheck."""
    followed = 0

    def budget(keyword: str) -> Keyword:
        original = Draft202012Validator.VALIDATORS[keyword]

        def follow(validator: Any, target: Any, instance: Any, parent: Any) -> Iterator[ValidationError]:
            nonlocal followed
            followed += 1
            if followed > MOST_REFERENCES:
                raise CannotCheck(f"the schema follows more than {MOST_REFERENCES:,} references.")
            yield from original(validator, target, instance, parent) or ()

        return follow

    keywords: dict[str, Keyword] = {"$ref": budget("$ref"), "$dynamicRef": budget("$dynamicRef")}
    if trusted:
        keywords |= {"pattern": _pattern, "patternProperties": _pattern_properties}
        keywords["additionalProperties"] = _additional_to
        written = json.dumps(schema, default=str)
        if '"unevaluatedProperties"' in written and '"patternProperties"' in written:
            # telling what was evaluated would run the library's own expressions, whose time has no bound
            raise CannotCheck("unevaluatedProperties beside patternProperties is not checked.")
    else:
        keywords |= {"pattern": _skip, "patternProperties": _skip, "unevaluatedProperties": _skip}
        keywords["additionalProperties"] = _additional
    checker = validators.extend(Draft202012Validator, keywords)
    try:
        Draft202012Validator.check_schema(schema)
        for error in checker(schema, registry=Registry()).iter_errors(value):
            place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
            return f"{place.lstrip('.') or 'the value'}: {error.message[:300]}"
    except CannotCheck:
        raise
    except SchemaError as error:
        raise CannotCheck(f"the schema is not valid: {error.message[:200]}") from None
    except Unresolvable as error:
        raise CannotCheck(f"the schema refers to something outside itself: {str(error)[:200]}") from None
    except RecursionError:
        raise CannotCheck("the schema is nested too deeply.") from None
    except Exception as error:  # a schema can break its checker in many ways; none of them is the answer's fault
        raise CannotCheck(f"the schema could not be applied ({type(error).__name__}).") from None
    return ""


def _skip(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    yield from ()


def _additional(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # with patternProperties beside it, telling what is additional would run the expressions
    if isinstance(schema, Mapping) and "patternProperties" in schema:
        return
    yield from Draft202012Validator.VALIDATORS["additionalProperties"](validator, keyword, instance, schema) or ()


def _found(pattern: str, text: str) -> bool:
    try:
        return patterns.found(pattern, text)
    except (patterns.BadPattern, patterns.TooMuch) as error:
        raise CannotCheck(f"the pattern {pattern[:80]!r} is not run: {error}") from None


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance[:200]!r} does not match {pattern[:80]!r}")


def _pattern_properties(validator: Any, properties: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in properties.items():
        for key, value in instance.items():
            if _found(pattern, key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_to(validator: Any, keyword: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    expressions = list(schema.get("patternProperties", {}))
    for key, value in instance.items():
        if key in known or any(_found(expression, key) for expression in expressions):
            continue
        if isinstance(keyword, Mapping):
            yield from validator.descend(value, keyword, path=key)
        elif not keyword:
            yield ValidationError(f"additional property {key[:200]!r} is not allowed")
