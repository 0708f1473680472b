"""Checking a value against a JSON schema that may come from a stranger's trace.

No reference is ever fetched, the number of references followed is bounded, and the regular expressions of a schema
that came with a trace are not run (some take longer than the universe has).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

MOST_REFERENCES = 10_000
Keyword = Any


class CannotCheck(ValueError):
    """A schema that cannot be applied; the answer is then neither valid nor invalid."""


def first_error(value: Any, schema: Any, *, trusted: bool) -> str:
    """What is wrong with `value` in words, empty where it is valid. `trusted` schemas (written by an engineer of the
    project) may use regular expressions. Raises CannotCheck."""
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
    if not trusted:
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
