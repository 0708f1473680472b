"""A limit to how long the database may think about one page."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import OperationalError, connection, transaction

SECONDS = 3.0


class TooSlow(Exception):
    """The database did not answer in time: the filter fits too little of too much. A span of time narrows it."""


@contextmanager
def patience(seconds: float = SECONDS) -> Iterator[None]:
    """Every statement inside may take this long. Raises TooSlow; nothing that was written inside stands then."""
    limit = f"SET LOCAL statement_timeout = {int(seconds * 1000)}"
    try:
        if connection.in_atomic_block:
            with _savepoint(limit):
                yield
        else:
            with transaction.atomic():
                _execute(limit)
                yield
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise TooSlow(f"The database took longer than {seconds:g} s.") from error
        raise


@contextmanager
def _savepoint(limit: str) -> Iterator[None]:
    """Inside a transaction the limit would outlive the block: it is set and taken back together with the savepoint, in
    one statement each."""
    _execute(f"SAVEPOINT patience; {limit}")
    try:
        yield
    except BaseException:
        connection.needs_rollback = False  # what failed inside is undone here, and the limit with it
        _execute("ROLLBACK TO SAVEPOINT patience; RELEASE SAVEPOINT patience")
        raise
    _execute("SET LOCAL statement_timeout TO DEFAULT; RELEASE SAVEPOINT patience")


def _execute(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)
