"""From a shape, step(…) then step(…), to a condition on Trace: EXISTS over the steps of its newest revision.

One step is found by (tool, error, revision), the ones behind it by (revision, position); see the indexes of Step.
"""

from typing import Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from curation.filters.compare import compared, named, ordered
from curation.filters.registry import STEP_FIELDS, Kind
from curation.filters.tree import EQUAL, HAS, RANGE, Shape, StepMatch, StepTest, Term
from curation.filters.values import read_count
from curation.models import Step

_LOOKUPS = {EQUAL: Exact, ">": GreaterThan, ">=": GreaterThanOrEqual, "<": LessThan, "<=": LessThanOrEqual}


def shape(node: Shape) -> Q:
    """The condition on Trace that `node` stands for."""
    first, *behind = node.steps
    if first.count is not None and first.count.op != HAS:
        return _counted(first, first.count)
    return Q(Exists(_steps(first, tuple(behind)).filter(revision=OuterRef("revision"))))


def _steps(match: StepMatch, behind: tuple[StepMatch, ...]) -> Any:
    """The steps that `match` describes and that have those `behind` them at later positions of the same revision."""
    found = Step.objects.filter(*(_test(test) for test in match.tests))
    if not behind:
        return found
    later = _steps(behind[0], behind[1:]).filter(revision=OuterRef("revision"), position__gt=OuterRef("position"))
    return found.filter(~Exists(later) if behind[0].absent else Exists(later))


def _counted(match: StepMatch, count: Term) -> Q:
    """How many steps fit; none is 0, for a trace without a revision too."""
    rows = _steps(match, ()).filter(revision=OuterRef("revision")).order_by()
    number: Combinable = Coalesce(
        Subquery(rows.values("revision").annotate(number=Count("pk")).values("number")),
        Value(0),
        output_field=IntegerField(),
    )
    fits = ordered(STEP_FIELDS["count"], count, lambda op, value: Q(_LOOKUPS[op](number, value)))
    # whoever has more than none has one: that finds rare steps by their index, and counts few traces
    return Q(Exists(_steps(match, ()).filter(revision=OuterRef("revision")))) & fits if _needs_one(count) else fits


def _needs_one(count: Term) -> bool:
    """Whether no step at all is too few."""
    low, *_ = [read_count(text) if text else 0 for text in count.values]
    if count.op == EQUAL:
        return all(read_count(text) > 0 for text in count.values)
    return count.op == ">" or (count.op in (">=", RANGE) and low > 0)


def _test(test: StepTest) -> Q:
    return ~_holds(test.term) if test.negated else _holds(test.term)


def _holds(term: Term) -> Q:
    field = STEP_FIELDS[term.field]
    if field.kind is Kind.TEXT:
        return named(term, field.column)
    if term.field == "error":
        return Q(is_error__in=[value == "yes" for value in term.values])
    if field.kind is Kind.CHOICE:
        return Q(**{f"{field.column}__in": term.values})
    # an unknown number matches nothing, so that its opposite matches it
    return Q(**{f"{field.column}__isnull": False}) & compared(field, term, field.column)
