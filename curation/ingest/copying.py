"""COPY: the cheapest way to write many new rows."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def copy_in(*, model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows, each with one value for each column. Raises the errors of django.db, as statements do."""
    sql = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(row)
