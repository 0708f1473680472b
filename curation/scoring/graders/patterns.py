"""Regular expressions whose time is bounded: searched by Rust's `regex` crate (through pydantic-core), whose time grows
with the length of the text times the size of the expression and never faster. What it cannot do (look-around and
references back) is refused, and so are expressions that are big once their counted repetitions are written out.
"""

import re
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, core_schema

MOST_PATTERN = 1_000
MOST_REPEATED = 1_000
MOST_CHARACTERS = 200_000

_COUNTED = re.compile(r"\{(\d+)(?:,(\d*))?\}")


class BadPattern(ValueError):
    """An expression that is not run, with the reason in words."""


class TooMuch(ValueError):
    """A text longer than MOST_CHARACTERS, which is not searched."""


def problem(pattern: Any) -> str:
    """What is wrong with an expression, in words; empty where nothing is."""
    if not isinstance(pattern, str) or not pattern:
        return "an expression is needed."
    try:
        _compiled(pattern)
    except BadPattern as error:
        return str(error)
    return ""


def found(pattern: str, text: str) -> bool:
    """Whether the expression occurs in the text (syntax of Rust's regex: (?i) and the other flags stand in front).
    Raises BadPattern and TooMuch."""
    if len(text) > MOST_CHARACTERS:
        raise TooMuch(f"{len(text):,} characters are more than the {MOST_CHARACTERS:,} that are searched.")
    # halves of characters cannot be searched for; one that stands alone is read as the sign for unknown ones
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return bool(_compiled(pattern).isinstance_python(whole))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> SchemaValidator:
    if len(pattern) > MOST_PATTERN:
        raise BadPattern(f"{len(pattern):,} characters are more than the {MOST_PATTERN:,} of an expression.")
    repeated = 1
    for least, most in _COUNTED.findall(pattern):
        repeated *= max(int(least[:9]), int((most or "0")[:9]), 1)
    if repeated > MOST_REPEATED:
        raise BadPattern(f"its counted repetitions come to {repeated:,} together; {MOST_REPEATED:,} are the most.")
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1].removeprefix("error: ").removeprefix("SchemaError: ") if lines else "it cannot be read"
        raise BadPattern(f"not an expression that is run here: {reason[:200]}") from None
