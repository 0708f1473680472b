"""From a tree back to text: canonical, with fixed times, without one of its conditions, and in words for people."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from curation.filters.parse import quote
from curation.filters.registry import FIELDS, Kind
from curation.filters.tree import HAS, IS, RANGE, And, Node, Not, Or, Term, conjunction, disjunction, negation
from curation.filters.values import write_moment

_PLAIN = re.compile(r"\w[\w./@+-]*", re.ASCII)
_PLAIN_VALUE = re.compile(r"[\w$-][\w./@+:-]*", re.ASCII)
_KEYWORDS = ("and", "or", "not")
_COMPARED = {">": "over", ">=": "at least", "<": "under", "<=": "at most"}


def write(node: Node | None) -> str:
    """The canonical text: parsing it gives the same tree again."""
    match node:
        case None:
            return ""
        case Term():
            return _term(node)
        case Not(part):
            return f"-{_grouped(part)}" if isinstance(part, And | Or) else f"-{write(part)}"
        case And(parts):
            return " ".join(_grouped(part) if isinstance(part, Or) else write(part) for part in parts)
        case Or(parts):
            return " OR ".join(write(part) for part in parts)


def _grouped(node: Node) -> str:
    return f"({write(node)})"


def _term(term: Term) -> str:
    if term.field == "text" and len(term.values) == 1:
        word = term.values[0]
        return word if _PLAIN.fullmatch(word) and word.lower() not in _KEYWORDS else quote(word)
    name = term.field
    if term.key:
        name += "." + (term.key if _PLAIN.fullmatch(term.key) else quote(term.key))
    if term.op == HAS:
        return f"{name}:*"
    if term.op == RANGE:
        return f"{name}:{'..'.join(term.values)}"
    return f"{name}{term.op}{','.join(write_value(value) for value in term.values)}"


def write_value(value: str) -> str:
    """A value as it is typed: in quotes where it needs them."""
    return value if _PLAIN_VALUE.fullmatch(value) and ".." not in value else quote(value)


def fix_times(node: Node | None, *, now: datetime) -> Node | None:
    """The same tree with every relative time (since:7d) as an absolute one, so that it means the same for ever."""
    match node:
        case Term(field=name, values=values) if FIELDS[name].kind is Kind.TIME:
            return replace(node, values=tuple(write_moment(value, now=now) for value in values))
        case Not(part):
            return negation(_some(fix_times(part, now=now)))
        case And(parts):
            return conjunction(_some(fix_times(part, now=now)) for part in parts)
        case Or(parts):
            return disjunction(_some(fix_times(part, now=now)) for part in parts)
    return node


def _some(node: Node | None) -> Node:
    assert node is not None
    return node


def conjuncts(node: Node | None) -> tuple[Node, ...]:
    """The conditions that must all hold: the parts of an And, else the tree itself."""
    return () if node is None else node.parts if isinstance(node, And) else (node,)


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition as shown under the filter: a label, the rest in words, and the filter without it."""

    label: str
    words: str
    negated: bool
    text: str
    without: str


def chips(node: Node | None) -> list[Chip]:
    """One chip for each condition that must hold."""
    parts = conjuncts(node)
    found = []
    for index, part in enumerate(parts):
        rest = parts[:index] + parts[index + 1 :]
        inner, negated = (part.part, True) if isinstance(part, Not) else (part, False)
        label, words = _words(inner)
        found.append(Chip(label, words, negated, write(part), write(conjunction(rest)) if rest else ""))
    return found


def _words(node: Node) -> tuple[str, str]:
    if not isinstance(node, Term):
        return "", write(node)
    field = FIELDS[node.field]
    label = f"{field.label} {node.key}" if node.key else field.label
    if node.op == HAS:
        return label, "is there"
    if node.op == RANGE:
        low, high = node.values
        return label, f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    said = " or ".join(node.values)
    if node.op in _COMPARED:
        return label, f"{_COMPARED[node.op]} {said}"
    if field.kind in (Kind.TIME, Kind.LIST):
        return label, said
    if field.kind is Kind.FREE:
        return label, f"holds “{said}”"
    return label, f"is {said}" if node.op == IS else f"= {said}"
