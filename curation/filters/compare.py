"""Comparing a column with the values of a term, whatever table the column is in."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q

from curation.filters import registry
from curation.filters.registry import Field
from curation.filters.tree import EQUAL, HAS, RANGE, Term

NOTHING = Q(pk__in=[])
EVERYTHING = ~NOTHING
SUFFIXES = {EQUAL: "", ">": "__gt", ">=": "__gte", "<": "__lt", "<=": "__lte"}


def any_of(term: Term, one: Callable[[str], Q]) -> Q:
    """Some value of `term` fits."""
    return Q(*(one(value) for value in term.values), _connector=Q.OR)


def between(term: Term, read: Callable[[str], Any], compare: Callable[[str, Any], Q]) -> Q:
    """Within the two ends of a range, either of which may be open."""
    low, high = term.values
    ends = [compare(op, read(text)) for op, text in ((">=", low), ("<=", high)) if text]
    return Q(*ends)


def ordered(field: Field, term: Term, compare: Callable[[str, Any], Q]) -> Q:
    """A comparison or a range of a field of numbers; not HAS."""

    def read(text: str) -> Any:
        return registry.read(field, text)

    if term.op == RANGE:
        return between(term, read, compare)
    return any_of(term, lambda text: compare(term.op, read(text)))


def compared(field: Field, term: Term, column: str) -> Q:
    """`term` about `column`, a number; unknown matches nothing."""
    if term.op == HAS:
        return Q(**{f"{column}__isnull": False})
    return ordered(field, term, lambda op, value: Q(**{column + SUFFIXES[op]: value}))


def named(term: Term, column: str) -> Q:
    """`term` about `column`, a text that is empty where it is unknown."""
    return ~Q(**{column: ""}) if term.op == HAS else Q(**{f"{column}__in": term.values})
