"""Conditions on Trace that ask the index of words.

There are two ways to answer, and which is quick depends on how frequent the words are. To *walk* is to look at traces in
the order of the list and ask for each whether the words are in it: a page of a frequent word is found among the newest
few hundred. To *gather* is to fetch every hit from the index (GIN) and sort them: right for rare words and for words
that are nowhere. `planned` looks at the newest SAMPLE entries of the project and decides by what it finds there.
Measured at a million traces, both take some 20 ms where the words are in one trace of two hundred (OFTEN).

A trace that is not in the index yet is searched by its preview and name.
"""

from collections.abc import Callable

from django.db import connection
from django.db.models import BooleanField, Case, F, Func, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from curation.models import TraceText
from curation.search.words import asked_all

SAMPLE = 1_000
OFTEN = 5
# what must all hold; each condition is a tuple of alternatives, as typed
Conditions = tuple[tuple[str, ...], ...]
Search = Callable[[Conditions], Q]

_GATHER = """
WITH hits AS MATERIALIZED (SELECT trace_id FROM curation_tracetext WHERE {scope} words @@ %s::tsquery)
SELECT trace_id FROM hits
UNION ALL
SELECT f.trace_id FROM curation_followup f JOIN curation_trace t ON t.id = f.trace_id
WHERE f.kind = 'search' {waiting} AND {preview}
    AND NOT EXISTS (SELECT FROM curation_tracetext w WHERE w.trace_id = f.trace_id)
"""
_SAMPLE = """
SELECT count(*) FROM (
    SELECT words FROM curation_tracetext WHERE project_id = %s ORDER BY received_at DESC, trace_id DESC LIMIT %s OFFSET 0
) newest WHERE words @@ %s::tsquery
"""


def walked(conditions: Conditions) -> Q:
    """Asks trace by trace. Right for every use; quick where the hits are frequent in the order of the list."""
    query = asked_all(conditions)
    if not query:
        return _in_preview(conditions)
    entry = TraceText.objects.filter(trace=OuterRef("pk"))
    said = Case(When(_in_preview(conditions), then=True), default=False, output_field=BooleanField())
    found = Subquery(entry.values(found=_matches(query))[:1], output_field=BooleanField())
    return Q(Coalesce(found, said, output_field=BooleanField()))


def gathered(conditions: Conditions, *, project_id: int | None = None) -> Q:
    """Fetches all hits from the index at once; quick where they are few. Traces outside the index are found as long as
    they wait for it."""
    query = asked_all(conditions)
    if not query:
        return _in_preview(conditions)
    preview = " AND ".join(
        f"({' OR '.join(['t.preview ILIKE %s OR t.name ILIKE %s'] * len(alternatives))})" for alternatives in conditions
    )
    likes = [_like(typed) for alternatives in conditions for typed in alternatives for _ in range(2)]
    scope, waiting = ("project_id = %s AND", "AND f.project_id = %s") if project_id is not None else ("", "")
    one = [] if project_id is None else [project_id]
    sql = _GATHER.format(scope=scope, waiting=waiting, preview=preview)
    return Q(pk__in=RawSQL(sql, [*one, query, *one, *likes]))  # noqa: S611 - every value is a parameter


def planned(project_id: int) -> Search:
    """The way that is quick for the words at hand, in one project. One small query for each group of conditions."""

    def search(conditions: Conditions) -> Q:
        query = asked_all(conditions)
        if not query:
            return _in_preview(conditions)
        with connection.cursor() as cursor:
            cursor.execute(_SAMPLE, [project_id, SAMPLE, query])
            (found,) = cursor.fetchone()
        return walked(conditions) if found >= OFTEN else gathered(conditions, project_id=project_id)

    return search


def _matches(query: str) -> Func:
    return Func(
        F("words"), Value(query), template="(%(expressions)s::tsquery)", arg_joiner=" @@ ", output_field=BooleanField()
    )


def _in_preview(conditions: Conditions) -> Q:
    found = Q()
    for alternatives in conditions:
        any_of = Q()
        for typed in alternatives:
            any_of |= Q(preview__icontains=_bare(typed)) | Q(name__icontains=_bare(typed))
        found &= any_of
    return found


def _bare(typed: str) -> str:
    return typed.rstrip().removesuffix("*") or typed


def _like(typed: str) -> str:
    escaped = _bare(typed).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
