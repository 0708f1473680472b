"""Topics in conditions: the one a trace was given, by hand or by a clustering, else that of the first rule that matches.

Rules are tried in the order of the tree: what stands below a topic before the topic itself, beside each other by position.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import In

from curation.filters.compare import NOTHING
from curation.filters.errors import FilterError
from curation.filters.parse import parse_tree
from curation.filters.tree import HAS, Node, Term, terms
from curation.models import Topic, TraceTopic

Read = Callable[[Node | None], Q]

NONE = 0  # the topic of a trace without one


def in_order(topics: Iterable[Topic]) -> list[Topic]:
    """The topics of a project in the order in which their rules are tried."""
    below: dict[int | None, list[Topic]] = defaultdict(list)
    known = list(topics)
    ids = {topic.pk for topic in known}
    for topic in sorted(known, key=lambda one: (one.position, one.pk)):
        below[topic.parent_id if topic.parent_id in ids else None].append(topic)
    found: list[Topic] = []

    def walk(parent: int | None) -> None:
        for topic in below[parent]:
            walk(topic.pk)
            found.append(topic)

    walk(None)
    return found


def subtree(topics: Iterable[Topic], wanted: Iterable[int]) -> set[int]:
    """`wanted` (ids) and all topics below them."""
    known = list(topics)
    found = set(wanted)
    more = True
    while more:
        below = {topic.pk for topic in known if topic.parent_id in found} - found
        found |= below
        more = bool(below)
    return found


def effective(topics: Sequence[Topic], read: Read) -> Combinable:
    """The id of a trace's topic as an expression on Trace, NONE where it has none. `topics` are all of its project, and
    `read` makes a condition of a rule."""
    given = Subquery(TraceTopic.objects.filter(trace=OuterRef("pk")).values("topic")[:1])
    return Coalesce(given, ruled(topics, read), output_field=BigIntegerField())


def ruled(topics: Sequence[Topic], read: Read) -> Combinable:
    """The id of the first topic whose rule matches, as an expression; NONE where none does."""
    rules = ((one, rule_of(one, read)) for one in in_order(topics) if one.query)
    cases = [When(rule, then=Value(one.pk)) for one, rule in rules if rule is not None]
    return Case(*cases, default=Value(NONE), output_field=BigIntegerField()) if cases else Value(NONE)


def rule_of(topic: Topic, read: Read) -> Q | None:
    """The condition of a topic's rule; None where it cannot be read (any more)."""
    try:
        tree = parse_tree(topic.query)
    except FilterError:
        return None
    # a rule that asks for a topic would ask for itself
    return None if any(term.field == "topic" for term in terms(tree)) else read(tree)


def topic(term: Term, read: Read) -> Q:
    """The condition for `topic:a,b` (each with all below it) or `topic:*`, over all projects that know such a topic."""
    if term.op == HAS:
        projects: dict[int, list[Topic]] = defaultdict(list)
        for found in Topic.objects.exclude(query=""):
            projects[found.project_id].append(found)
        conditions = [_given(None)] + [
            Q(project=project) & _ruled_in(known, {one.pk for one in known}, read)
            for project, known in projects.items()
        ]
        return Q(*conditions, _connector=Q.OR)
    named = set(Topic.objects.filter(slug__in=term.values).values_list("project_id", flat=True))
    conditions = []
    for project in sorted(named):
        known = list(Topic.objects.filter(project=project))
        wanted = subtree(known, [one.pk for one in known if one.slug in term.values])
        ruled = _ruled_in(known, wanted, read) & ~_given(None)
        conditions.append(Q(project=project) & (_given(wanted) | ruled))
    return Q(*conditions, _connector=Q.OR) if conditions else NOTHING


def _given(wanted: set[int] | None) -> Q:
    rows = TraceTopic.objects.filter(trace=OuterRef("pk"))
    return Q(Exists(rows if wanted is None else rows.filter(topic__in=wanted)))


def _ruled_in(topics: Sequence[Topic], wanted: set[int], read: Read) -> Q:
    """That the first rule that matches is one of those of `wanted`."""
    rules = [one for one in in_order(topics) if one.query]
    last = max((index for index, one in enumerate(rules) if one.pk in wanted), default=None)
    if last is None:
        return NOTHING
    tried = rules[: last + 1]
    if all(one.pk in wanted for one in tried):
        found = [rule for one in tried if (rule := rule_of(one, read)) is not None]
        return Q(*found, _connector=Q.OR) if found else NOTHING
    return Q(In(ruled(tried, read), sorted(wanted)))
