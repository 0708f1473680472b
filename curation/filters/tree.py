"""The filter as a tree. Build it with `conjunction`, `disjunction` and `negation`: they keep it flat, so that two trees
that print the same are equal."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# what stands between a field and its values; HAS has no values, RANGE has two ("" is an open end)
IS, EQUAL, MORE, MORE_EQUAL, LESS, LESS_EQUAL, RANGE, HAS = ":", "=", ">", ">=", "<", "<=", "..", "*"
COMPARISONS = (MORE, MORE_EQUAL, LESS, LESS_EQUAL)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: `field[.key] op values`. Several values mean any of them.

    Values are kept as text that the registry has checked. `start` and `end` say where the term stood in what was
    typed; they do not count when trees are compared.
    """

    field: str
    op: str
    values: tuple[str, ...] = ()
    key: str = ""
    start: int = dataclasses.field(default=0, compare=False)
    end: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class StepTest:
    """One condition on a step: a term over registry.STEP_FIELDS, or its opposite."""

    term: Term
    negated: bool = False


@dataclass(frozen=True, slots=True)
class StepMatch:
    """A step that passes every test (none: any step). `count` compares how many there are instead of asking for one.
    `absent`: no such step; only the last of a shape can be."""

    tests: tuple[StepTest, ...] = ()
    count: Term | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """Steps in this order (other steps may stand between) in the newest revision of a trace; at least one.

    `start` and `end` as in Term.
    """

    steps: tuple[StepMatch, ...]
    start: int = dataclasses.field(default=0, compare=False)
    end: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """All traces that `part` does not match, those with a missing value included."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """Traces that every part matches; at least two parts, none of them And."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Traces that some part matches; at least two parts, none of them Or."""

    parts: tuple["Node", ...]


Node = Term | Shape | Not | And | Or


def conjunction(parts: Iterable[Node]) -> Node:
    """All of `parts` (at least one) as one node."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,)))
    return flat[0] if len(flat) == 1 else And(flat)


def disjunction(parts: Iterable[Node]) -> Node:
    """Any of `parts` (at least one) as one node."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def negation(part: Node) -> Node:
    """The opposite of `part`; the opposite of an opposite is the thing itself."""
    return part.part if isinstance(part, Not) else Not(part)


def leaves(node: Node | None) -> Iterator[Term | Shape]:
    """Every condition of the tree, from left to right."""
    match node:
        case Term() | Shape():
            yield node
        case Not(part):
            yield from leaves(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)


def terms(node: Node | None) -> Iterator[Term]:
    """Every condition on the trace itself, from left to right; those on steps are not among them."""
    return (leaf for leaf in leaves(node) if isinstance(leaf, Term))


def span(node: Node) -> tuple[int, int]:
    """Where the conditions of `node` stood in what was typed: first and last character."""
    places = [(leaf.start, leaf.end) for leaf in leaves(node)]
    return min(start for start, _ in places), max(end for _, end in places)
