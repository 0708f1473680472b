"""Hypothesis strategies: trees that the parser could have made."""

from hypothesis import strategies as st

from curation.filters.registry import FIELDS, STEP_FIELDS, Field, Kind
from curation.filters.tree import (
    COMPARISONS,
    EQUAL,
    HAS,
    IS,
    RANGE,
    And,
    Not,
    Or,
    Shape,
    StepMatch,
    StepTest,
    Term,
    conjunction,
    disjunction,
    negation,
)

# any text a person could type or paste, quotes, backslashes, dots and signs more often than chance has them
LETTERS = st.one_of(
    st.sampled_from('"\\.,:*()<>=-! '),
    st.characters(codec="utf-8", exclude_characters="\0"),
)
WORDS = st.text(LETTERS, min_size=1, max_size=12).filter(lambda text: bool(text.strip()))

_NUMBERS = st.decimals(-9999, 9999, places=2).map(str)
_VALUES = {
    Kind.COUNT: st.one_of(st.integers(0, 10**9).map(str), st.sampled_from(["12k", "1.5m"])),
    Kind.MONEY: st.one_of(_NUMBERS, st.sampled_from(["$0.05", "0"])),
    Kind.DURATION: st.builds(
        lambda n, unit: f"{n}{unit}", st.integers(0, 99999), st.sampled_from(["ms", "s", "m", "h", "d"])
    ),
    Kind.SCORE: _NUMBERS,
    Kind.TIME: st.one_of(
        st.sampled_from(["7d", "24h", "2w", "today", "yesterday", "now", "2026-11-01", "2026-11-01T09:30:00+02:00"])
    ),
}


@st.composite
def leaves(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Term:
    """One condition of any field, with any operator the field knows."""
    return draw(_terms(draw(st.sampled_from(list(FIELDS.values()))), words))


@st.composite
def shapes(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Shape:
    """Up to three steps with up to two tests each; one alone may be counted."""
    tests = st.sampled_from([field for field in STEP_FIELDS.values() if field.name != "count"]).flatmap(
        lambda field: st.builds(StepTest, _terms(field, words), st.booleans())
    )
    some = st.lists(tests, max_size=2).map(tuple)
    if draw(st.integers(0, 3)) == 0:
        return Shape((StepMatch(draw(some), draw(_terms(STEP_FIELDS["count"], words))),))
    steps = [StepMatch(draw(some)) for _ in range(draw(st.integers(1, 3)))]
    if len(steps) > 1 and draw(st.booleans()):
        steps[-1] = StepMatch(steps[-1].tests, absent=True)
    return Shape(tuple(steps))


@st.composite
def _terms(draw: st.DrawFn, field: Field, words: st.SearchStrategy[str]) -> Term:
    key = draw(words) if field.keyed else ""
    op = draw(st.sampled_from(field.operators))
    if op == HAS:
        return Term(field.name, op, (), key)
    if op == RANGE:
        low, high = draw(_VALUES[field.kind]), draw(_VALUES[field.kind])
        return Term(field.name, op, draw(st.sampled_from([(low, high), ("", high), (low, "")])), key)
    if op in COMPARISONS:
        return Term(field.name, op, (draw(_VALUES[field.kind]),), key)
    assert op in (IS, EQUAL)
    if field.kind is Kind.CHOICE:
        values = st.sampled_from(field.choices)
    elif field.kind is Kind.TIME:
        return Term(field.name, op, (draw(_VALUES[field.kind]),))
    elif field.kind is Kind.LIKE:
        values = st.uuids().map(str)
    elif field.kind in (Kind.COUNT, Kind.MONEY, Kind.DURATION):
        values = _VALUES[field.kind]
    else:
        values = words
    return Term(field.name, op, tuple(draw(st.lists(values, min_size=1, max_size=3))), key)


def trees(leaf: st.SearchStrategy[Term | Shape] | None = None) -> st.SearchStrategy[Term | Shape | Not | And | Or]:
    """Trees of some depth."""
    return st.recursive(
        st.one_of(leaves(), leaves(), shapes()) if leaf is None else leaf,
        lambda inner: st.one_of(
            inner.map(negation),
            st.lists(inner, min_size=2, max_size=4).map(conjunction),
            st.lists(inner, min_size=2, max_size=4).map(disjunction),
        ),
        max_leaves=12,
    )
