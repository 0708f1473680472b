"""The formula of a multi grader: numbers, names of parts, + - * / ^, brackets and a few functions. It is parsed here and
never handed to Python.

    sum     = product {("+" | "-") product}
    product = sign {("*" | "/") sign}
    sign    = "-" sign | power
    power   = atom ["^" sign]                   to the right: 2^3^2 = 2^9; -2^2 = -4
    atom    = number | name | function "(" sum {"," sum} ")" | "(" sum ")"
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

_T = TypeVar("_T")
MOST_CHARACTERS = 2_000
DEEPEST = 50

FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "min": (-2, min),
    "max": (-2, max),
    "abs": (1, abs),
    "floor": (1, math.floor),
    "ceil": (1, math.ceil),
    "exp": (1, math.exp),
    "sqrt": (1, math.sqrt),
    "log": (1, math.log),
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(
    r"\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|([-+*/^(),]))"
)


class BadFormula(ValueError):
    """A formula that cannot be read, with the place and the reason in words."""


class NoValue(ValueError):
    """A formula that has no value for these parts: division by zero, the logarithm of 0, a number without end."""


@dataclass(frozen=True, slots=True)
class Node:
    """`kind`: number, name, - (sign), an operator or the name of a function."""

    kind: str
    number: float = 0.0
    name: str = ""
    inner: tuple["Node", ...] = ()


@lru_cache(maxsize=256)
def parse(text: str) -> Node:
    """The tree of a formula. Raises BadFormula."""
    if len(text) > MOST_CHARACTERS:
        raise BadFormula(f"{len(text):,} characters are more than the {MOST_CHARACTERS:,} of a formula.")
    return _Reader(text).whole()


def names(node: Node) -> set[str]:
    """The parts that a formula names."""
    return {one.name for one in _from_the_leaves(node) if one.kind == "name"}


def value(node: Node, parts: Mapping[str, float]) -> float:
    """The value for these parts. Raises NoValue; KeyError for a name that is no part."""
    try:
        found = _folded(node, lambda one, inner: _value(one, inner, parts))
    except ZeroDivisionError:
        raise NoValue("it divides by zero") from None
    except OverflowError:
        raise NoValue("a number in it grows without end") from None
    except ValueError as error:
        raise NoValue(str(error)) from None
    if isinstance(found, complex) or not math.isfinite(found):
        raise NoValue("it has no finite value")
    return float(found)


def keeps_binary(node: Node, binary: set[str]) -> bool:
    """Whether the value is 0 or 1 whenever the parts in `binary` are: products, minima and maxima of such parts."""

    def keeps(one: Node, inner: list[bool]) -> bool:
        if one.kind == "number":
            return one.number in (0.0, 1.0)
        if one.kind == "name":
            return one.name in binary
        return one.kind in ("*", "min", "max") and all(inner)

    return _folded(node, keeps)


def _folded(node: Node, of: Callable[[Node, list[_T]], _T]) -> _T:
    """What `of` makes of a node and of what it made of the nodes inside."""
    made: list[_T] = []
    for one in _from_the_leaves(node):
        start = len(made) - len(one.inner)
        made[start:] = [of(one, made[start:])]
    return made[0]


def _from_the_leaves(node: Node) -> list[Node]:
    """Every node after those inside it, left to right. A long sum is a deep tree, so nothing here calls itself."""
    found, left = [], [node]
    while left:
        found.append(one := left.pop())
        left += one.inner
    return found[::-1]


def _value(node: Node, inner: list[float], parts: Mapping[str, float]) -> float:
    if node.kind == "number":
        return node.number
    if node.kind == "name":
        return parts[node.name]
    if any(isinstance(one, complex) for one in inner):
        raise ValueError("it takes a root of a negative number")
    match node.kind:
        case "sign":
            return -inner[0]
        case "+":
            return inner[0] + inner[1]
        case "-":
            return inner[0] - inner[1]
        case "*":
            return inner[0] * inner[1]
        case "/":
            return inner[0] / inner[1]
        case "^":
            power: float = float(inner[0]) ** float(inner[1])
            return power
        case "log" if inner[0] <= 0:
            raise ValueError("it takes the logarithm of a number that is not above 0")
        case "sqrt" if inner[0] < 0:
            raise ValueError("it takes a root of a negative number")
        case _:
            return float(FUNCTIONS[node.kind][1](*inner))


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[int, str, str]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                raise BadFormula(f"{text[start]!r} at character {start + 1} means nothing in a formula.")
            kind = ("number", "name", "sign")[[match[1], match[2], match[3]].index(match[match.lastindex or 1])]
            self.tokens.append((match.start(match.lastindex or 1) + 1, kind, match[match.lastindex or 1]))
            place = match.end()
        self.next = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self._sum()
        if self.next < len(self.tokens):
            raise self._unexpected()
        return node

    def _sum(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadFormula(f"it is nested more than {DEEPEST} deep.")
        node = self._product()
        while sign := self._take("+", "-"):
            node = Node(sign, inner=(node, self._product()))
        self.depth -= 1
        return node

    def _product(self) -> Node:
        node = self._sign()
        while sign := self._take("*", "/"):
            node = Node(sign, inner=(node, self._sign()))
        return node

    def _sign(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadFormula(f"it is nested more than {DEEPEST} deep.")
        node = Node("sign", inner=(self._sign(),)) if self._take("-") else self._power()
        self.depth -= 1
        return node

    def _power(self) -> Node:
        node = self._atom()
        return Node("^", inner=(node, self._sign())) if self._take("^") else node

    def _atom(self) -> Node:
        if self._take("("):
            node = self._sum()
            self._expect(")")
            return node
        if self.next >= len(self.tokens):
            raise BadFormula("it ends where a number or a name is due.")
        _, kind, text = self.tokens[self.next]
        if kind == "sign":
            raise self._unexpected()
        self.next += 1
        if kind == "number":
            number = float(text)
            if not math.isfinite(number):
                raise BadFormula(f"{text} is too large a number.")
            return Node("number", number=number)
        return self._call(text) if self._take("(") else Node("name", name=text)

    def _call(self, function: str) -> Node:
        if function not in FUNCTIONS:
            raise BadFormula(f"{function} is not a function. Known: {', '.join(FUNCTIONS)}.")
        given = [self._sum()]
        while self._take(","):
            given.append(self._sum())
        self._expect(")")
        count, _ = FUNCTIONS[function]
        if (count > 0 and len(given) != count) or len(given) < abs(count):
            wanted = f"{count} value" if count > 0 else f"at least {-count} values"
            raise BadFormula(f"{function} takes {wanted}, not {len(given)}.")
        return Node(function, inner=tuple(given))

    def _take(self, *signs: str) -> str:
        if self.next < len(self.tokens) and self.tokens[self.next][1] == "sign" and self.tokens[self.next][2] in signs:
            self.next += 1
            return self.tokens[self.next - 1][2]
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            if self.next >= len(self.tokens):
                raise BadFormula(f"{sign!r} is missing at its end.")
            raise self._unexpected()

    def _unexpected(self) -> BadFormula:
        place, _, text = self.tokens[self.next]
        return BadFormula(f"{text!r} at character {place} is not expected there.")
