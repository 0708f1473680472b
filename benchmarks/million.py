"""A database with a million traces, made by SQL: what `list_page` and `search` measure on.

One project with `traces` rows received over 90 days, and three small ones beside it, so that an index that forgets the
project shows. Rows are narrow: no revision, steps or documents. Four agents, five models, tags, tools, sessions, users,
tasks and metadata are spread as in life (few values are frequent, many are rare); three in ten traces have a score.
The words of a trace are 60 to 120 draws from 50,000 by Zipf's law (the k-th word comes up in proportion to 1/k),
so that w8 stands in about half of all traces and w40000 in a few hundred.
"""

import os
import time
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from curation.browse import rollups
from curation.models import Trace
from workspace.models import Membership, Project, User

CHUNK = 100_000
OTHERS = 3
_TABLES = ("curation_trace", "curation_tracetext", "curation_score", "curation_rollup")

_TRACES = """
INSERT INTO curation_trace (uid, project_id, external_id, name, session_id, user_id, task_id, environment, agent, model,
    status, received_at, started_at, latency_ms, input_tokens, output_tokens, cost_usd, turns, steps, tool_calls, errors,
    tools, tags, metadata, preview, input_fingerprint, source_format, archived_at, is_empty, verdict, verdict_stale,
    judged_at)
SELECT gen_random_uuid(), %(project)s, 'req-' || n, '', 's-' || n / 4, 'u-' || floor(exp(r1 * 9))::int,
    CASE WHEN n %% 5 = 0 THEN 'task-' || n %% 2000 ELSE '' END, CASE WHEN r2 < 0.9 THEN 'production' ELSE 'staging' END,
    (ARRAY['support', 'planner', 'coder', 'triage'])[1 + floor(r3 * r3 * 4)::int],
    (ARRAY['gpt-large', 'gpt-small', 'local-8b', 'local-1b', 'tuned-3'])[1 + floor(r4 * r4 * 5)::int],
    CASE WHEN r5 < 0.04 THEN 'error' WHEN r5 < 0.6 THEN 'ok' ELSE 'unset' END,
    at, at - interval '3 seconds', CASE WHEN r6 < 0.97 THEN floor(exp(6 + 4 * r7))::int END,
    floor(exp(5 + 4 * r8))::int, floor(exp(3 + 4 * r1))::int, CASE WHEN r2 < 0.95 THEN round((r4 * r4 * 0.2)::numeric, 6) END,
    1 + floor(r1 * 4)::int, 2 + floor(r8 * r8 * 40)::int, floor(r8 * 12)::int,
    CASE WHEN r5 < 0.07 THEN 1 + floor(r6 * 4)::int ELSE 0 END,
    CASE WHEN r3 < 0.6 THEN ARRAY['get_order', 'tool_' || floor(exp(r7 * 6))::int] ELSE ARRAY[]::varchar[] END,
    CASE WHEN r8 < 0.5 THEN ARRAY['tag' || floor(exp(r5 * 5))::int] ELSE ARRAY[]::varchar[] END,
    jsonb_build_object('tier', (ARRAY['gold', 'silver', 'free'])[1 + floor(r6 * 3)::int], 'customer', 'c' || floor(r7 * 50000)::int),
    'Where is order ' || n || ', and what about the refund of item ' || floor(r2 * 1000)::int || '?', md5(n::text),
    'openai_chat', CASE WHEN r7 < 0.02 THEN at END, r3 > 0.995,
    CASE WHEN r1 < 0.06 THEN 'acceptable' WHEN r1 < 0.09 THEN 'unacceptable' WHEN r1 < 0.1 THEN 'unsure' ELSE '' END, false,
    CASE WHEN r1 < 0.1 THEN at + interval '1 day' END
FROM (SELECT n, now() - (%(total)s - n) * (interval '90 days' / %(total)s) AS at, random() r1, random() r2, random() r3,
        random() r4, random() r5, random() r6, random() r7, random() r8
      FROM generate_series(%(first)s, %(last)s) n OFFSET 0) drawn
"""
_WORDS = """
INSERT INTO curation_tracetext (trace_id, project_id, received_at, words, cut)
SELECT id, project_id, received_at, to_tsvector('simple', external_id || ' ' || (
        SELECT string_agg('w' || floor(exp(random() * ln(50000)))::int, ' ') FROM generate_series(1, 60 + id % 60)
    )), false
FROM curation_trace WHERE project_id = %(project)s AND id > %(after)s
"""
_SCORES = """
INSERT INTO curation_score (project_id, trace_id, name, number, low, high, category, reason, source, author,
    grader_version, external_id, created_at)
SELECT project_id, id, 'helpful', random(), 0, 1, '', '', 'judge', 'judge', 'v1', '', received_at
FROM curation_trace WHERE project_id = %(project)s AND id > %(after)s AND id % 10 < 3
"""


def fill(traces: int) -> dict[str, float]:
    """Fill an empty database. Returns seconds of rows, indexes and analyze, and MB of the tables with their indexes."""
    user = User.objects.create_user("bench@example.com", None, name="Bench")
    seconds: dict[str, float] = {}
    begun = time.perf_counter()
    dropped = _drop_indexes()
    for number, size in enumerate([traces, *[traces // 50] * OTHERS]):
        project = Project.objects.create(slug=f"bench-{number}", name=f"Bench {number}")
        Membership.objects.create(project=project, user=user, role="admin")
        for first in range(1, size + 1, CHUNK):
            _chunk(project, first, min(first + CHUNK - 1, size), size)
    seconds["rows_s"] = time.perf_counter() - begun
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for statement in dropped:
            cursor.execute(statement)
    seconds["indexes_s"] = time.perf_counter() - begun
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        for table in _TABLES[:-1]:
            cursor.execute(f"VACUUM ANALYZE {table}")
    seconds["analyze_s"] = time.perf_counter() - begun
    return seconds


def _chunk(project: Project, first: int, last: int, total: int) -> None:
    values: dict[str, Any] = {"project": project.pk, "first": first, "last": last, "total": total}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM curation_trace")
        values["after"] = cursor.fetchone()[0]
        cursor.execute(_TRACES, values)
        for statement in (_WORDS, _SCORES):
            cursor.execute(statement.replace("% 60", "%% 60").replace("% 10", "%% 10"), values)
    print(f"  {timezone.now():%H:%M:%S} {project.slug}: {last:,} traces", flush=True)


def _drop_indexes() -> list[str]:
    """Take the plain indexes off the tables; returns the statements that make them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(%s) "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
            [list(_TABLES[:-1])],
        )
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f'DROP INDEX "{name}"')
    return [statement for _, statement in found]


def sizes() -> dict[str, tuple[float, float]]:
    """Table -> (MB of rows, MB of indexes)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_table_size(oid) / 1e6, pg_indexes_size(oid) / 1e6 FROM pg_class WHERE relname = ANY(%s)",
            [list(_TABLES)],
        )
        return {name: (float(rows), float(indexes)) for name, rows, indexes in cursor.fetchall()}


def prepare(traces: int) -> tuple[Any, dict[str, float]]:
    """A database with everything in it, sums by hour too: what `setup_databases` gave, and seconds and MB of the making
    (empty where WHETSTONE_BENCH_KEEP=1 found the database of an earlier run, for work on one query)."""
    kept = os.environ.get("WHETSTONE_BENCH_KEEP") == "1"
    databases = setup_databases(verbosity=0, interactive=False, keepdb=kept, serialized_aliases=[])
    if kept and Trace.objects.count() >= traces:
        return databases, {}
    print(f"Making a project of {traces:,} traces:", flush=True)
    figures = fill(traces)
    begun = time.perf_counter()
    rollups.mark_all()
    while rollups.sum_some():
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE curation_rollup")
    figures["sums_by_hour_s"] = time.perf_counter() - begun
    for table, (rows, indexes) in sizes().items():
        figures[f"{table}_rows_mb"], figures[f"{table}_indexes_mb"] = rows, indexes
    return databases, figures


def release(databases: Any) -> None:
    """Drop the database, unless it is to be kept."""
    connection.close()
    if os.environ.get("WHETSTONE_BENCH_KEEP") != "1":
        teardown_databases(databases, verbosity=0)


def client() -> Client:
    """Somebody who may see the large project."""
    settings.ALLOWED_HOSTS = ["testserver"]
    found = Client()
    found.force_login(User.objects.get(email="bench@example.com"))
    return found


def timed(browser: Client, address: str, *, fragment: bool = False) -> tuple[float, Any]:
    """Milliseconds of one request in this process, middleware and templates included; and the answer."""
    headers = {"HX-Request": "true"} if fragment else {}
    begun = time.perf_counter()
    answer = browser.get(address, headers=headers)
    answer.content  # noqa: B018 - rendered by now
    return (time.perf_counter() - begun) * 1000, answer
