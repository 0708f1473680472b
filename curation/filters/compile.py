"""From a tree to a Django condition on Trace.

Every condition is either true or false of a trace, never unknown: a missing value matches no comparison, and the
negation of a condition matches exactly the traces that the condition does not.
"""

import json
import uuid
from datetime import datetime
from typing import Any, TypeGuard

from django.db.models import BooleanField, Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual

from curation.filters.compare import EVERYTHING, NOTHING, SUFFIXES, any_of, between, compared, named, ordered
from curation.filters.compile_steps import shape
from curation.filters.registry import FIELDS, Field, Kind
from curation.filters.related import corrected, flagged, rated, related
from curation.filters.topics import topic
from curation.filters.tree import EQUAL, HAS, IS, RANGE, And, Node, Not, Or, Shape, Term
from curation.filters.values import read_moment, read_number
from curation.models import Score
from curation.models.scores import COUNTS_FIRST
from curation.search import conditions, similar
from curation.search.conditions import Search

_LOOKUPS = {EQUAL: Exact, ">": GreaterThan, ">=": GreaterThanOrEqual, "<": LessThan, "<=": LessThanOrEqual}


def condition(node: Node | None, *, now: datetime, search: Search = conditions.walked) -> Q:
    """The condition on Trace that `node` stands for; None is every trace. `search` makes the condition of words."""
    match node:
        case None:
            return EVERYTHING
        case Term():
            return _term(node, now, search)
        case Shape():
            return shape(node)
        case Not(part):
            return ~condition(part, now=now, search=search)
        case And(parts):
            # words that must all be there are one question to the index
            said = tuple(part.values for part in parts if _free(part))
            rest = [condition(part, now=now, search=search) for part in parts if not _free(part)]
            return Q(*rest, search(said)) if said else Q(*rest)
        case Or(parts):
            return Q(*(condition(part, now=now, search=search) for part in parts), _connector=Q.OR)


def _free(node: Node) -> TypeGuard[Term]:
    return isinstance(node, Term) and FIELDS[node.field].kind is Kind.FREE


def _term(term: Term, now: datetime, search: Search) -> Q:
    field = FIELDS[term.field]
    match field.kind:
        case Kind.FREE:
            return search((term.values,))
        case Kind.TIME:
            moment = read_moment(term.values[0], now=now, whole_day=field.name == "until")
            return Q(received_at__gte=moment) if field.name == "since" else Q(received_at__lt=moment)
        case Kind.LIST:
            return ~Q(**{field.column: []}) if term.op == HAS else Q(**{f"{field.column}__overlap": list(term.values)})
        case Kind.CHOICE:
            return any_of(term, lambda value: _choice(field, value))
        case Kind.SCORE:
            return _score(term)
        case Kind.META:
            return _metadata(term)
        case Kind.RELATED if field.name == "topic":
            return topic(term, lambda rule: condition(rule, now=now, search=search))
        case Kind.RELATED:
            return related(term)
        case Kind.LIKE:
            return any_of(term, lambda value: Q(pk__in=similar.ids_like(value)))
        case Kind.TEXT if field.name == "id":
            return EVERYTHING if term.op == HAS else any_of(term, _id)
        case Kind.TEXT:
            return named(term, field.column)
        case _:
            return numeric(field, term)


def _choice(field: Field, value: str) -> Q:
    match field.name, value:
        case "status", _:
            return Q(status=value)
        case "error", _:
            failed = Q(errors__gt=0) | Q(status="error")
            return failed if value == "yes" else ~failed
        case "archived", _:
            return Q(archived_at__isnull=value == "no")
        case "empty", _:
            return Q(is_empty=value == "yes")
        case "replay", _:
            return Q(is_replay=value == "yes")
        case "corrected", _:
            return corrected() if value == "yes" else ~corrected()
        case "flagged", _:
            return flagged() if value == "yes" else ~flagged()
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


def numeric(field: Field, term: Term) -> Q:
    """A comparison with a column of the row; unknown matches nothing."""
    if field.name == "rating":
        return rated(lambda column: compared(field, term, column))
    if field.name == "tokens" and not field.column:
        # what is known counts; unknown on both sides is unknown
        present = Q(input_tokens__isnull=False) | Q(output_tokens__isnull=False)
        total: Combinable = Coalesce(F("input_tokens"), Value(0)) + Coalesce(F("output_tokens"), Value(0))
        return present if term.op == HAS else ordered(field, term, lambda op, v: present & Q(_LOOKUPS[op](total, v)))
    return compared(field, term, field.column)


def _score(term: Term) -> Q:
    """Compares the one value that is shown: a person's, then that of the project's own grader, then the newest."""
    counts = Score.objects.filter(trace=OuterRef("pk"), name=term.key).order_by(*COUNTS_FIRST)

    def compare(op: str, value: Any) -> Q:
        return Q(**{"number" + SUFFIXES[op]: value})

    if term.op == HAS:
        wanted = EVERYTHING
    elif term.op == RANGE:
        wanted = between(term, read_number, compare)
    elif term.op == IS:
        wanted = any_of(term, _score_is)
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
    return any_of(term, lambda value: _metadata_is(term.key, path, value))


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
