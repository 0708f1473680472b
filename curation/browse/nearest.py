"""What somebody may have meant whose filter finds nothing because it names a value that no trace has."""

from dataclasses import dataclass, replace
from difflib import get_close_matches

from curation import filters
from curation.browse import complete
from curation.browse.patience import TooSlow, patience
from curation.filters.registry import FIELDS, STEP_FIELDS, Field, Kind
from curation.filters.text import write
from curation.filters.tree import (
    HAS,
    IS,
    And,
    Node,
    Not,
    Or,
    Shape,
    StepMatch,
    StepTest,
    Term,
    conjunction,
    disjunction,
)
from curation.review import blind
from workspace.models import Project, User

MOST_TRIED = 6  # values of one filter
ALIKE = 0.6  # how much of two spellings must be the same


@dataclass(frozen=True, slots=True)
class Repair:
    """Values that no trace has, in words ("tool get_ordr"), and the filter with the nearest known ones in their place."""

    unknown: list[str]
    text: str


def repair(*, project: Project, query: filters.Query, reader: User | None = None) -> Repair | None:
    """The filter as it may have been meant: values of tools, agents, models, tags and so on, and names of scores and
    metadata, that no trace of the project has are replaced by the known ones nearest in spelling. None where there is
    nothing to replace, or nothing near, or where it takes too long to find out. What must not match stays. What only
    traces have that are hidden from `reader` (see blind.among) is neither known nor offered."""
    if query.tree is None:
        return None
    found = _Repairs(project, reader)
    try:
        with patience():
            tree = found.node(query.tree)
    except TooSlow:
        return None
    return Repair(found.unknown, write(tree)) if found.unknown else None


class _Repairs:
    """Walks a filter once and notes what it replaced."""

    def __init__(self, project: Project, reader: User | None) -> None:
        self.project = project
        self.reader = reader
        self.unknown: list[str] = []
        self.tried = 0

    def node(self, node: Node) -> Node:
        match node:
            case Term():
                return self.term(node, FIELDS[node.field])
            case And(parts):
                return conjunction(self.node(part) for part in parts)
            case Or(parts):
                return disjunction(self.node(part) for part in parts)
            case Shape(steps):
                return replace(node, steps=tuple(self.step(step) for step in steps))
            case Not():
                return node

    def step(self, step: StepMatch) -> StepMatch:
        if step.absent:
            return step
        return replace(step, tests=tuple(self.test(test) for test in step.tests))

    def test(self, test: StepTest) -> StepTest:
        return test if test.negated else replace(test, term=self.term(test.term, STEP_FIELDS[test.term.field]))

    def term(self, term: Term, field: Field) -> Term:
        if field.keyed:
            key = self.nearest(
                Term(term.field, HAS, key=term.key), term.key, f"{field.label.lower()} named {term.key}", field
            )
            if key != term.key:
                return replace(term, key=key)
        is_named = field.completion in ("column", "array", "step", "scores", "metadata") or field.name == "queue"
        if term.op != IS or not is_named or (field.kind is Kind.SCORE and not self.is_category(term)):
            return term
        return replace(term, values=tuple(dict.fromkeys(self.value(term, one, field) for one in term.values)))

    def value(self, term: Term, value: str, field: Field) -> str:
        name = (FIELDS.get(term.field) or field).label.lower()
        words = f"{name} {term.key} {value}" if term.key else f"{name} {value}"
        return self.nearest(Term(term.field, IS, (value,), term.key), value, words, field)

    def is_category(self, term: Term) -> bool:
        """Whether a score is asked for a category, not for yes, no, passed, failed or a number."""
        return bool(complete.known(project=self.project, field=FIELDS["score"], key=term.key))

    def nearest(self, alone: Term, said: str, words: str, field: Field) -> str:
        """`said` where some trace has it, or nothing known is near; else the known one that is."""
        self.tried += 1
        if self.tried > MOST_TRIED:
            return said
        if self.is_had(alone):
            return said
        if alone.op == HAS:
            names = complete.known_keys(project=self.project, field=field)
        else:
            names = complete.known(project=self.project, field=field, key=alone.key)
        by_lowered = {one.lower(): one for one in reversed(names)}  # of two that differ in case the more frequent
        for near in get_close_matches(said.lower(), list(by_lowered), n=3, cutoff=ALIKE):
            meant = by_lowered[near]
            one = replace(alone, key=meant) if alone.op == HAS else replace(alone, values=(meant,))
            if meant != said and self.may_offer(one):
                self.unknown.append(words)
                return meant
        return said

    def is_had(self, alone: Term) -> bool:
        """Whether a trace that the reader may find so has it."""
        query = filters.Query(write(alone), alone)
        traces = blind.among(project=self.project, query=query, reader=self.reader)
        return filters.matching(traces, query).exists()

    def may_offer(self, alone: Term) -> bool:
        """What is known is known of all traces: where some are hidden from the reader, look whether others have it."""
        asks = blind.asks(filters.Query(write(alone), alone))
        return not asks or not blind.hides_any(project=self.project, reader=self.reader) or self.is_had(alone)
