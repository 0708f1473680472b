"""Which of a trace's scores counts, where something is decided by it: gates, weights, measures, tasks and outcomes.

A score counts that is about what the trace says now: it was given for the newest revision, for one with the same words, or,
sent from elsewhere, for no revision in particular. Of what a grader of the project scored, only the version in use (its
newest confirmed one) counts, and what programs send under a grader's name does not count at all: who may send scores must not
speak for a grader. Of those that are left a person's word comes before any other, then the newest. Where none is left the
trace is not measured.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.db import connection

from curation import known_scores

# of `score`: whether a grader of the project gave it itself (curation.models.scores.OWN)
OWN = "(score.source IN ('judge', 'code') AND score.external_id LIKE 'grader:%%')"


def says_now(row: str) -> str:
    """SQL of `row` (a table's alias) and `trace`: whether the row is about what the trace says now. Two plain look-ups, and
    only where the revision is another one: many traces may say the same, so their digests must not be joined."""
    return f"""({row}.revision_id = trace.revision_id OR nullif(
        (SELECT said_digest FROM curation_tracerevision WHERE id = {row}.revision_id), '')
        = (SELECT said_digest FROM curation_tracerevision WHERE id = trace.revision_id))"""  # noqa: S608


SAYS_NOW = says_now("score")
_COUNTING = f"""
    SELECT DISTINCT ON (score.trace_id, score.name) score.trace_id, score.name, score.number, score.low, score.high,
        score.boolean, score.category, score.passed
    FROM curation_score score JOIN curation_trace trace ON trace.id = score.trace_id
    WHERE score.trace_id = ANY(%(traces)s::bigint[]) {{named}}
        AND CASE WHEN {OWN}
            THEN {SAYS_NOW} AND (score.project_id, score.grader_version) IN (
                SELECT DISTINCT ON (grader.id) grader.project_id, grader.slug || '@' || version.number
                FROM curation_grader grader JOIN curation_graderversion version ON version.grader_id = grader.id
                WHERE version.confirmed_at IS NOT NULL ORDER BY grader.id, version.number DESC)
            ELSE (score.source = 'human' OR (score.project_id, score.name) NOT IN (
                    SELECT grader.project_id, grader.slug FROM curation_grader grader))
                AND (score.revision_id IS NULL OR {SAYS_NOW}) END
    ORDER BY score.trace_id, score.name, (score.source = 'human') DESC, score.id DESC
"""  # noqa: S608


class Value(NamedTuple):
    """A score's value: exactly one of number, boolean and category; `low` and `high` are its declared range."""

    number: float | None = None
    low: float | None = None
    high: float | None = None
    boolean: bool | None = None
    category: str = ""
    passed: bool | None = None


def raw(value: Value | None) -> float | None:
    """A score as one number: as it was stored, true is 1, false 0. A category counts by whether it passed, where it says
    so. None: not measured."""
    if value is None:
        return None
    if value.number is not None:
        return value.number if math.isfinite(value.number) else None
    said = value.boolean if value.boolean is not None else value.passed
    return None if said is None else float(said)


def has_passed(value: Value | None) -> bool | None:
    """Whether a score passed: its own word, else its boolean; None where it says neither or is missing."""
    if value is None:
        return None
    return value.passed if value.passed is not None else value.boolean


def of_traces(traces: Iterable[int], names: Iterable[str] | None = None) -> dict[int, dict[str, Value]]:
    """Trace id -> name -> the score that counts, of the `names` (None: of all); what is missing is missing. Numbers of
    known scores have their range. One statement, however many traces."""
    found: dict[int, dict[str, Value]] = {}
    wanted = None if names is None else sorted(names)
    ids = "{" + ",".join(map(str, traces)) + "}"
    if wanted == [] or ids == "{}":
        return found
    for trace, name, number, low, high, boolean, category, passed in _rows(ids, wanted):
        known = known_scores.KNOWN.get(name)
        if known is not None and number is not None and low is None and high is None:
            low, high = known.low, known.high
        found.setdefault(trace, {})[name] = Value(number, low, high, boolean, category, passed)
    return found


def _rows(ids: str, names: list[str] | None) -> Iterator[tuple[Any, ...]]:
    statement = _COUNTING.format(named="" if names is None else "AND score.name = ANY(%(names)s)")
    with connection.cursor() as cursor:
        cursor.execute(statement, {"traces": ids, "names": names})
        while some := cursor.fetchmany(10_000):
            yield from some
