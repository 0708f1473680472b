"""Mark the hours whose sums (curation.models.Rollup) have to be computed again.

Call it in the transaction that changes what is counted of a trace: its arrival, columns, judgment, archiving. Marks are
only ever added, so nobody waits for anybody; whoever computes an hour deletes the marks that it saw before it looked.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import connection

from curation.models import DirtyHour

# the hour a trace is counted in; the same expression wherever rollups are made
HOUR = "date_trunc('hour', coalesce(started_at, received_at), 'UTC')"


def mark_hours(*, project_id: int, moments: Iterable[datetime]) -> int:
    """Mark the hours (UTC) in which these moments lie, each once. Returns how many."""
    hours = {at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for at in moments}
    if hours:
        sql = (
            f"INSERT INTO {DirtyHour._meta.db_table} (project_id, hour, marked_at) "  # noqa: S608
            "SELECT %s, hour, now() FROM unnest(%s::timestamptz[]) AS hour"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql, [project_id, sorted(hours)])
    return len(hours)


def mark_traces(*, ids: Iterable[int]) -> int:
    """Mark the hours of the traces with these ids. Returns how many marks were made."""
    wanted = list(ids)
    if not wanted:
        return 0
    sql = (
        f"INSERT INTO {DirtyHour._meta.db_table} (project_id, hour, marked_at) "  # noqa: S608
        f"SELECT DISTINCT project_id, {HOUR}, now() FROM curation_trace WHERE id = ANY(%s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [wanted])
        return int(cursor.rowcount)
