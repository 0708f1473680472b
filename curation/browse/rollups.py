"""Sums by hour and by day, computed from the traces of that hour and never added to.

What changes a trace marks its hour (curation.dirty) in the same transaction. The sweep takes marks, computes those hours
anew and writes them over; doing it twice, or two sweeps at once, comes to the same: an hour is computed by one at a time
(advisory lock), and after its marks were seen, so with whatever they stand for.

Latencies are counted in classes: class 0 is under 1 ms, class k (1 and up) is [GROWTH^(k-1), GROWTH^k) ms. A percentile
read from them is the geometric middle of its class, so it lies at most sqrt(GROWTH) - 1 = 1.49 % from the exact one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import connection, transaction

from curation.dirty import HOUR
from curation.models import DirtyHour
from workspace.models import Project

GROWTH = 1.03
ERROR = math.sqrt(GROWTH) - 1
BATCH = 50
SWEEP_SECONDS = 4.0
_SUMS = ("traces", "errors", "judged", "acceptable", "unacceptable", "costed", "timed")
_KNOWN = ("input_tokens", "output_tokens", "cost_usd")
_COLUMNS = (*_SUMS, *_KNOWN)

_CLASS = f"CASE WHEN latency_ms < 1 THEN 0 ELSE 1 + floor(ln(latency_ms) / {math.log(GROWTH)!r})::int END"
_PAIRS = """
    SELECT agent, model, array_agg(class ORDER BY class) || array_agg(counted::int ORDER BY class) AS latencies
    FROM classes GROUP BY agent, model
"""
# rows of (class, counted) from the column `latencies`; slicing first reads a packed array once, not once an element
UNPACKED = """unnest(
    latencies[:cardinality(latencies) / 2], latencies[cardinality(latencies) / 2 + 1:]
) AS pair (class, counted)"""
_HOUR = f"""
WITH said AS (
    SELECT agent, model, status, errors, verdict, verdict_stale, input_tokens, output_tokens, cost_usd, latency_ms
    FROM curation_trace
    WHERE project_id = %(project)s AND archived_at IS NULL AND NOT is_empty AND NOT is_replay
        AND coalesce(started_at, received_at) >= %(hour)s AND coalesce(started_at, received_at) < %(end)s
),
classes AS (
    SELECT agent, model, {_CLASS} AS class, count(*) AS counted FROM said WHERE latency_ms IS NOT NULL GROUP BY 1, 2, 3
),
pairs AS ({_PAIRS}),
sums AS (
    SELECT agent, model, count(*) AS traces, count(*) FILTER (WHERE errors > 0 OR status = 'error') AS errors,
        count(*) FILTER (WHERE verdict <> '' AND NOT verdict_stale) AS judged,
        count(*) FILTER (WHERE verdict = 'acceptable' AND NOT verdict_stale) AS acceptable,
        count(*) FILTER (WHERE verdict = 'unacceptable' AND NOT verdict_stale) AS unacceptable,
        count(cost_usd) AS costed, count(latency_ms) AS timed,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
    FROM said GROUP BY agent, model
)
INSERT INTO curation_rollup (project_id, hour, is_day, agent, model, {", ".join(_COLUMNS)}, latencies)
SELECT %(project)s, %(hour)s, false, agent, model, {", ".join(_COLUMNS)}, coalesce(latencies, ARRAY[]::int[])
FROM sums LEFT JOIN pairs USING (agent, model)
"""  # noqa: S608
_DAY = f"""
WITH hours AS (
    SELECT * FROM curation_rollup
    WHERE project_id = %(project)s AND NOT is_day AND hour >= %(hour)s AND hour < %(end)s
),
classes AS (
    SELECT agent, model, class, sum(counted) AS counted FROM hours, LATERAL {UNPACKED} GROUP BY 1, 2, 3
),
pairs AS ({_PAIRS}),
sums AS (
    SELECT agent, model, {", ".join(f"sum({name}) AS {name}" for name in _COLUMNS)} FROM hours GROUP BY agent, model
)
INSERT INTO curation_rollup (project_id, hour, is_day, agent, model, {", ".join(_COLUMNS)}, latencies)
SELECT %(project)s, %(hour)s, true, agent, model, {", ".join(_COLUMNS)}, coalesce(latencies, ARRAY[]::int[])
FROM sums LEFT JOIN pairs USING (agent, model)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Lag:
    """Hours whose sums are being computed, and since when the oldest waits."""

    waiting: int
    since: datetime | None


def lag(*, project: Project) -> Lag:
    """How far the sums of a project are behind."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT hour), min(marked_at) FROM curation_dirtyhour WHERE project_id = %s", [project.pk]
        )
        waiting, since = cursor.fetchone()
    return Lag(int(waiting), since)


def sweep(*, seconds: float = SWEEP_SECONDS) -> int:
    """Compute marked hours anew, for some seconds. Returns how many hours were computed."""
    end, done = monotonic() + seconds, 0
    while monotonic() < end:
        taken = sum_some()
        done += taken
        if taken < BATCH:
            break
    return done


def sum_some(*, most: int = BATCH) -> int:
    """Compute at most `most` marked hours and their days anew, those marked first. Returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT project_id, hour FROM curation_dirtyhour GROUP BY 1, 2 ORDER BY min(id) LIMIT %s", [most]
        )
        hours: list[tuple[int, datetime]] = sorted(cursor.fetchall())
        # whole days, in one order: two sweeps that want the same wait for each other and never in a circle
        days = sorted({(project, _day(hour)) for project, hour in hours})
        for project, day in days:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rollup {project} {day:%Y-%m-%d}"]
            )
        for project, hour in hours:
            cursor.execute("DELETE FROM curation_dirtyhour WHERE project_id = %s AND hour = %s", [project, hour])
            _replace(project, hour, end=hour + timedelta(hours=1))
        for project, day in days:
            _replace(project, day, end=day + timedelta(days=1))
    return len(hours)


def _day(hour: datetime) -> datetime:
    return hour.astimezone(UTC).replace(hour=0)


def _replace(project: int, hour: datetime, *, end: datetime) -> None:
    is_day = end - hour > timedelta(hours=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM curation_rollup WHERE project_id = %s AND hour = %s AND is_day = %s", [project, hour, is_day]
        )
        cursor.execute(_DAY if is_day else _HOUR, {"project": project, "hour": hour, "end": end})


def mark_all(*, project: Project | None = None) -> int:
    """Mark every hour that has traces or sums, of one project or of all. Returns how many."""
    one = "" if project is None else "AND project_id = %(project)s"
    sql = f"""
        INSERT INTO {DirtyHour._meta.db_table} (project_id, hour, marked_at)
        SELECT project_id, hour, now() FROM (
            SELECT project_id, {HOUR} AS hour FROM curation_trace WHERE true {one}
            UNION SELECT project_id, hour FROM curation_rollup WHERE NOT is_day {one}
        ) every
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, {"project": None if project is None else project.pk})
        return int(cursor.rowcount)


def percentile(pairs: Sequence[tuple[int, int]], share: float) -> float | None:
    """The latency in ms below which `share` (0 to 1) of the counted traces lie, from (class, number) pairs; nearest
    rank, off by at most ERROR. None where nothing is counted."""
    total = sum(number for _, number in pairs)
    if not total:
        return None
    rank, below = max(1, math.ceil(total * share)), 0
    for place, number in sorted(pairs):
        below += number
        if below >= rank:
            return middle(place)
    raise AssertionError("the numbers do not come to their sum")


def middle(place: int) -> float:
    """The geometric middle of a class, in ms; class 0 (under 1 ms) counts as 0."""
    return 0.0 if place == 0 else GROWTH ** (place - 0.5)
