"""From a tree back to text: canonical, with fixed times, without one of its conditions, and in words for people."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from curation.filters.registry import FIELDS, STEP_FIELDS, Field, Kind
from curation.filters.scan import KEYWORDS, quote
from curation.filters.tree import (
    HAS,
    IS,
    RANGE,
    And,
    Node,
    Not,
    Or,
    Shape,
    StepMatch,
    Term,
    conjunction,
    disjunction,
    negation,
    span,
)
from curation.filters.values import write_moment

_PLAIN = re.compile(r"\w[\w./@+-]*", re.ASCII)
_PLAIN_VALUE = re.compile(r"[\w$-][\w./@+:-]*", re.ASCII)
_COMPARED = {">": "over", ">=": "at least", "<": "under", "<=": "at most"}


def write(node: Node | None) -> str:
    """The canonical text: parsing it gives the same tree again."""
    match node:
        case None:
            return ""
        case Term():
            return _term(node)
        case Shape(steps):
            return " then ".join(_step(step) for step in steps)
        case Not(part):
            return f"-{_grouped(part)}" if isinstance(part, And | Or) else f"-{write(part)}"
        case And(parts):
            return " ".join(_grouped(part) if isinstance(part, Or) else write(part) for part in parts)
        case Or(parts):
            return " OR ".join(write(part) for part in parts)


def _grouped(node: Node) -> str:
    return f"({write(node)})"


def _step(step: StepMatch) -> str:
    tests = [("-" if test.negated else "") + _term(test.term) for test in step.tests]
    inside = " ".join([*tests, *([_term(step.count)] if step.count else [])])
    return f"{'-' if step.absent else ''}step({inside})"


def _term(term: Term) -> str:
    if term.field == "text" and len(term.values) == 1:
        word = term.values[0]
        return word if _PLAIN.fullmatch(word) and word.lower() not in KEYWORDS else quote(word)
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
    """One condition as shown under the filter: a label, the rest in words, the filter without it, and where it stands
    in what was typed."""

    label: str
    words: str
    negated: bool
    text: str
    without: str
    start: int = 0
    end: int = 0


def chips(node: Node | None) -> list[Chip]:
    """One chip for each condition that must hold."""
    parts = conjuncts(node)
    found = []
    for index, part in enumerate(parts):
        rest = parts[:index] + parts[index + 1 :]
        inner, negated = (part.part, True) if isinstance(part, Not) else (part, False)
        label, words = _words(inner)
        found.append(Chip(label, words, negated, write(part), write(conjunction(rest)) if rest else "", *span(part)))
    return found


def _words(node: Node) -> tuple[str, str]:
    if isinstance(node, Shape):
        return "Step" if len(node.steps) == 1 else "Steps", _shape_words(node)
    if not isinstance(node, Term):
        return "", write(node)
    field = FIELDS[node.field]
    return (f"{field.label} {node.key}" if node.key else field.label), _said(field, node)


def _said(field: Field, term: Term) -> str:
    if term.op == HAS:
        return "is there"
    if term.op == RANGE:
        low, high = term.values
        return f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    said = " or ".join(term.values)
    if term.op in _COMPARED:
        return f"{_COMPARED[term.op]} {said}"
    if field.kind in (Kind.TIME, Kind.LIST):
        return said
    if field.kind is Kind.FREE:
        return f"holds “{said}”"
    return f"is {said}" if term.op == IS else f"= {said}"


def _shape_words(shape: Shape) -> str:
    """`search failed → refund`: the steps as people would say them."""
    return " → ".join(("never " if step.absent else "") + _step_words(step) for step in shape.steps)


def _step_words(step: StepMatch) -> str:
    said = [("not " if test.negated else "") + _test_words(test.term) for test in step.tests]
    text = " ".join(said) or "any step"
    return f"{text}, count {_said(STEP_FIELDS['count'], step.count)}" if step.count else text


def _test_words(term: Term) -> str:
    field = STEP_FIELDS[term.field]
    if term.field == "error":
        return "failed" if term.values == ("yes",) else "fine" if term.values == ("no",) else "failed or fine"
    if field.kind in (Kind.TEXT, Kind.CHOICE):
        return f"any {term.field}" if term.op == HAS else " or ".join(term.values)
    return f"{term.field} {_said(field, term)}"
