"""Regular expressions whose time is bounded: searched by Rust's `regex` crate (through pydantic-core), whose time grows
with the length of the text times the size of the expression and never faster. What it cannot do (look-around and
references back) is refused, and so are expressions that are big once their counted repetitions are written out.
"""

import re
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, core_schema

MOST_PATTERN = 1_000
MOST_WRITTEN_OUT = 2_000
MOST_CHARACTERS = 100_000

_PIECE = re.compile(
    r"(?P<atom>\\[pPxuU]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[(){}|*+?])"
    r"|(?P<opens>\()|(?P<closes>\))|\{(?P<least>\d+)(?:,(?P<most>\d*))?\}|.",
    re.DOTALL,
)


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
    size = _written_out(pattern)
    if size > MOST_WRITTEN_OUT:
        raise BadPattern(f"its counted repetitions come to {size:,} characters; {MOST_WRITTEN_OUT:,} are the most.")
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[-1].removeprefix("error: ").removeprefix("SchemaError: ") if lines else "it cannot be read"
        raise BadPattern(f"not an expression that is run here: {reason[:200]}") from None


def _written_out(pattern: str) -> int:
    """How many characters and classes an expression has once its counted repetitions are written out."""
    # for each open bracket: what stands before the last piece, and the last piece, which a count would repeat
    open_ones = [[0, 0]]
    for piece in _PIECE.finditer(pattern):
        here = open_ones[-1]
        if piece["opens"]:
            open_ones.append([0, 0])
        elif piece["closes"] and len(open_ones) > 1:
            inner = sum(open_ones.pop())
            open_ones[-1] = [sum(open_ones[-1]), inner]
        elif piece["least"]:
            here[1] *= max(int(piece["least"][:9]), int((piece["most"] or "0")[:9]), 1)
        elif piece["atom"]:
            here[0], here[1] = here[0] + here[1], 1
    return sum(map(sum, open_ones))
