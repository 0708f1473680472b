"""From a tree to a Django condition on Trace.

Every condition is either true or false of a trace, never unknown: a missing value matches no comparison, and the
negation of a condition matches exactly the traces that the condition does not.
"""

import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Case, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual

from curation.filters import registry
from curation.filters.registry import FIELDS, Field, Kind
from curation.filters.tree import EQUAL, HAS, IS, RANGE, And, Node, Not, Or, Term
from curation.filters.values import read_moment, read_number
from curation.models import Score

NOTHING = Q(pk__in=[])
EVERYTHING = ~NOTHING
_LOOKUPS = {EQUAL: Exact, ">": GreaterThan, ">=": GreaterThanOrEqual, "<": LessThan, "<=": LessThanOrEqual}
_SUFFIXES = {EQUAL: "", ">": "__gt", ">=": "__gte", "<": "__lt", "<=": "__lte"}


def condition(node: Node | None, *, now: datetime) -> Q:
    """The condition on Trace that `node` stands for; None is every trace."""
    match node:
        case None:
            return EVERYTHING
        case Term():
            return _term(node, now)
        case Not(part):
            return ~condition(part, now=now)
        case And(parts):
            return Q(*(condition(part, now=now) for part in parts))
        case Or(parts):
            return Q(*(condition(part, now=now) for part in parts), _connector=Q.OR)


def _term(term: Term, now: datetime) -> Q:
    field = FIELDS[term.field]
    match field.kind:
        case Kind.FREE:
            return _any(term, lambda words: Q(preview__icontains=words) | Q(name__icontains=words))
        case Kind.TIME:
            moment = read_moment(term.values[0], now=now, whole_day=field.name == "until")
            return Q(received_at__gte=moment) if field.name == "since" else Q(received_at__lt=moment)
        case Kind.LIST:
            return ~Q(**{field.column: []}) if term.op == HAS else Q(**{f"{field.column}__overlap": list(term.values)})
        case Kind.CHOICE:
            return _any(term, lambda value: _choice(field, value))
        case Kind.SCORE:
            return _score(term)
        case Kind.META:
            return _metadata(term)
        case Kind.TEXT if field.name == "id":
            return EVERYTHING if term.op == HAS else _any(term, _id)
        case Kind.TEXT:
            return ~Q(**{field.column: ""}) if term.op == HAS else Q(**{f"{field.column}__in": term.values})
        case _:
            return _numeric(field, term)


def _any(term: Term, one: Callable[[str], Q]) -> Q:
    return Q(*(one(value) for value in term.values), _connector=Q.OR)


def _choice(field: Field, value: str) -> Q:
    match field.name, value:
        case "status", _:
            return Q(status=value)
        case "error", _:
            failed = Q(errors__gt=0) | Q(status="error")
            return failed if value == "yes" else ~failed
        case "archived", _:
            return Q(archived_at__isnull=value == "no")
        case _, "stale":
            return Q(verdict_stale=True)
        case _, "yes":
            return ~Q(verdict="") & Q(verdict_stale=False)
        case _, "no":
            return Q(verdict="") | Q(verdict_stale=True)
    return Q(verdict=value, verdict_stale=False)


def _id(value: str) -> Q:
    found = Q(external_id=value)
    try:
        return found | Q(uid=uuid.UUID(value))
    except ValueError:
        return found


def _numeric(field: Field, term: Term) -> Q:
    if field.name != "tokens":
        present = Q(**{f"{field.column}__isnull": False})

        def compare(op: str, value: Any) -> Q:
            return Q(**{field.column + _SUFFIXES[op]: value})
    else:
        # what is known counts; unknown on both sides is unknown
        present = Q(input_tokens__isnull=False) | Q(output_tokens__isnull=False)
        total: Combinable = Coalesce(F("input_tokens"), Value(0)) + Coalesce(F("output_tokens"), Value(0))

        def compare(op: str, value: Any) -> Q:
            return present & Q(_LOOKUPS[op](total, value))

    if term.op == HAS:
        return present
    if term.op == RANGE:
        return _between(term, lambda text: registry.read(field, text), compare)
    return _any(term, lambda text: compare(term.op, registry.read(field, text)))


def _between(term: Term, read: Callable[[str], Any], compare: Callable[[str, Any], Q]) -> Q:
    low, high = term.values
    ends = [compare(op, read(text)) for op, text in ((">=", low), ("<=", high)) if text]
    return Q(*ends)


def _score(term: Term) -> Q:
    """Compares the one value that counts: a person's before any other, then the newest."""
    counts = Score.objects.filter(trace=OuterRef("pk"), name=term.key).order_by(
        Case(When(source=Score.Source.HUMAN, then=0), default=1, output_field=IntegerField()), "-id"
    )

    def compare(op: str, value: Any) -> Q:
        return Q(**{"number" + _SUFFIXES[op]: value})

    if term.op == HAS:
        wanted = EVERYTHING
    elif term.op == RANGE:
        wanted = _between(term, read_number, compare)
    elif term.op == IS:
        wanted = _any(term, _score_is)
    else:
        wanted = compare(term.op, read_number(term.values[0]))
    answer = Case(When(wanted, then=True), default=False, output_field=BooleanField())
    # no row gives NULL: missing is false, so that its negation is true
    return Q(Coalesce(Subquery(counts.values(answer=answer)[:1]), Value(False), output_field=BooleanField()))


def _score_is(value: str) -> Q:
    found = Q(category=value)
    lowered = value.lower()
    if lowered in ("yes", "true", "no", "false"):
        found |= Q(boolean=lowered in ("yes", "true"))
    if lowered in ("passed", "failed"):
        found |= Q(passed=lowered == "passed")
    try:
        return found | Q(number=read_number(value))
    except ValueError:
        return found


def _metadata(term: Term) -> Q:
    """A value under a key, the key taken whole or as a path (meta.customer.tier); numbers match as text and number."""
    path = term.key.split(".")
    if term.op == HAS:
        found = Q(metadata__has_key=term.key)
        if len(path) > 1 and all(path):
            inner: Any = F("metadata")
            for name in path:
                inner = KeyTransform(name, inner)
            found |= Q(IsNull(inner, False))
        return found
    return _any(term, lambda value: _metadata_is(term.key, path, value))


def _metadata_is(key: str, path: list[str], value: str) -> Q:
    found = NOTHING
    for scalar in _scalars(value):
        found |= Q(metadata__contains={key: scalar})
        if len(path) > 1:
            nested: Any = scalar
            for name in reversed(path):
                nested = {name: nested}
            found |= Q(metadata__contains=nested)
    return found


def _scalars(value: str) -> list[Any]:
    """What a sender may have written: the text itself, or the number or truth value it spells."""
    if value.lower() in ("yes", "no"):
        return [value, value.lower() == "yes"]
    try:
        read_number(value)
    except ValueError:
        return [value, value == "true"] if value in ("true", "false") else [value]
    try:
        return [value, json.loads(value)]
    except ValueError:  # 007 is a number to people, not to JSON
        return [value]
