"""How far the inbox is behind. Beyond a limit new bodies are refused with 429: senders keep them and come again, where
taking more and more would only fill the disk."""

from threading import Lock
from time import monotonic

from django.conf import settings
from django.db import connection

from curation.models import RawRecord

LOOK_SECONDS = 1.0
WAIT_SECONDS = 15
_lock = Lock()
_looked = -LOOK_SECONDS
_full = False


def seconds_to_wait() -> int:
    """0 while the inbox takes bodies; else after how many seconds a sender shall come again.

    It is full with more than MAX_WAITING_BODIES bodies or MAX_WAITING_BYTES in them that nobody has worked off yet. Each
    process looks at most once a second, so a burst may go over the limit by what it sends in that second.
    """
    global _looked, _full  # one small answer per process, kept for a second
    with _lock:
        if monotonic() - _looked >= LOOK_SECONDS:
            _full = _is_full()
            _looked = monotonic()
        return WAIT_SECONDS if _full else 0


def forget() -> None:
    """Look again at the next question."""
    global _looked
    with _lock:
        _looked = -LOOK_SECONDS


def _is_full() -> bool:
    """octet_length of a column that is stored apart reads its header only, so this costs no reading of bodies."""
    sql = (
        "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT octet_length(body) AS size "  # noqa: S608
        f"FROM {RawRecord._meta.db_table} WHERE status = 'pending' LIMIT %s) AS waiting"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [settings.MAX_WAITING_BODIES + 1])
        bodies, size = cursor.fetchone()
    return bool(bodies > settings.MAX_WAITING_BODIES or size > settings.MAX_WAITING_BYTES)
