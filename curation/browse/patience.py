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
    within = connection.in_atomic_block  # then the limit would outlive this block, with the transaction around it
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
        try:
            yield
        except OperationalError as error:
            if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise TooSlow(f"The database took longer than {seconds:g} s.") from error
            raise
        if within:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
