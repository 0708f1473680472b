"""Does the machinery work? What is wrong, in a sentence, and what to do about it, in another."""

import functools
import os
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.db.utils import InterfaceError

from workspace.models import Heartbeat

STALE = 35.0  # seconds without a sign of life; beat sends one every 10
FRESH_FOR = 5.0  # seconds that an answer is kept in this process
_BORN = time.monotonic()

_ONE_QUERY = """
select array(select app || '.' || name from django_migrations),
       extract(epoch from clock_timestamp() - (select at from workspace_heartbeat where name = 'worker'))
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that does not work. `kind`: database, migrations, broker, worker, folder."""

    kind: str
    what: str
    remedy: str


def beat(name: str, **detail: Any) -> None:
    """Write that the process called `name` works, by the database's clock."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": Now(), "detail": detail})


class _Kept:
    """The newest answer of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.troubles: list[Trouble] = []
        self.until = 0.0


_kept = _Kept()


def troubles(*, fresh: bool = False) -> list[Trouble]:
    """What is wrong now, the worst first; [] when all is well. Costs one query at most every five seconds.

    Only where the worker gives no sign of life is the broker asked, to tell which of the two it is.
    """
    if not fresh and time.monotonic() < _kept.until:
        return _kept.troubles
    with _kept.lock:
        if fresh or time.monotonic() >= _kept.until:
            _kept.troubles = _look()
            _kept.until = time.monotonic() + FRESH_FOR
    return _kept.troubles


def forget() -> None:
    """Look again at the next question (tests)."""
    _kept.until = 0.0


def _look() -> list[Trouble]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ONE_QUERY)
            applied, age = cursor.fetchone()
    except (DatabaseError, InterfaceError) as error:
        return [trouble_of(error) or database_away()]
    missing = sorted(expected_migrations() - set(applied))
    if missing:
        return [migrations_missing(missing)]
    if age is not None and age < STALE:
        return []
    if age is None and time.monotonic() - _BORN < STALE:
        return []  # everything is just starting
    return [broker_trouble() or worker_away(age)]


def trouble_of(error: BaseException) -> Trouble | None:
    """The trouble behind a database error; None where the error is the code's own."""
    text = str(error)
    if getattr(error.__cause__, "sqlstate", None) in {"42P01", "42703"} or (
        "relation" in text and "does not exist" in text
    ):
        return migrations_missing(_missing_now())
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    # no state: there was no server to give one; 08: connection; 57P: shutting down; 53: out of something
    if type(error).__name__ in {"OperationalError", "InterfaceError"} and (
        not state or state[:2] in {"08", "53"} or state[:3] == "57P"
    ):
        return database_away()
    return None


def _missing_now() -> list[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select app || '.' || name from django_migrations")
            return sorted(expected_migrations() - {row[0] for row in cursor.fetchall()})
    except DatabaseError:
        return sorted(expected_migrations())


@functools.cache
def expected_migrations() -> frozenset[str]:
    """app.name of every migration that the code has, read from disk once."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    return frozenset(f"{app}.{name}" for app, name in loader.disk_migrations)


def database_away() -> Trouble:
    """The database cannot be reached."""
    return Trouble(
        "database",
        "The database does not answer.",
        "Look at DATABASE_URL and whether that server runs."
        if os.environ.get("DATABASE_URL")
        else f"It comes back by itself where `make up` runs; its reasons are in {settings.DATA_DIR}/postgres/server.log.",
    )


def migrations_missing(names: list[str]) -> Trouble:
    """The tables are older than the code."""
    count = f"{len(names)} migration{'s are' if len(names) != 1 else ' is'} missing" if names else "Tables are missing"
    return Trouble(
        "migrations",
        f"The database is older than the code: {count}." if names else "The database is not set up.",
        "Stop Whetstone and run `make up` again, or run `.venv/bin/python manage.py migrate`.",
    )


def worker_away(age: float | None) -> Trouble:
    """No worker gives a sign of life; `age` in seconds, None for never."""
    since = "has not started yet" if age is None else f"has given no sign of life for {_span(float(age))}"
    return Trouble(
        "worker",
        f"The worker {since}: new traces wait, and runs and comparisons stand still. Nothing is lost.",
        "Start it with `make up`, or see docs/operations.md for how to run worker and beat alone.",
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"


def broker_trouble() -> Trouble | None:
    """Whether Celery's broker cannot be reached; asks it, for a second at most."""
    from celery import current_app

    scheme = str(settings.CELERY_BROKER_URL).partition(":")[0]
    if scheme == "memory":
        return None
    if scheme == "filesystem":
        folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"])
        if reason := unwritable(folder):
            return Trouble("broker", f"Messages to the worker cannot be written: {reason}.", f"Make {folder} writable.")
        return None
    try:
        with current_app.connection_for_write(connect_timeout=1) as link:
            link.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=1)
    except Exception as error:  # whatever the transport raises
        return Trouble(
            "broker",
            f"The message broker ({scheme}) does not answer ({type(error).__name__}): work waits for it. Nothing is lost.",
            "Look at BROKER_URL and whether that server runs.",
        )
    return None


def unwritable(folder: Path) -> str:
    """ "" or why nothing can be written there; found out by writing."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return ""


def unready() -> list[Trouble]:
    """What keeps this process from doing its work: the database, its tables, the data folder. A missing worker does not."""
    found = [trouble for trouble in troubles(fresh=True) if trouble.kind in {"database", "migrations"}]
    if reason := unwritable(settings.DATA_DIR):
        found.append(
            Trouble("folder", f"The data folder cannot be written ({reason}).", "Free space, or change its owner.")
        )
    return found
