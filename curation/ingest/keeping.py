"""Write a received body: bytes travel in binary, and a large one in pieces, so that nothing holds it twice."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from curation.models import RawRecord
from workspace.uuid7 import uuid7

_LARGE = 1024 * 1024
_TYPES = {
    "id": "int8", "uid": "uuid", "project_id": "int8", "token_id": "int8", "user_id": "int8", "source": "varchar",
    "content_type": "varchar", "format": "varchar", "options": "jsonb", "body": "bytea", "packing": "varchar",
    "size": "int8", "sha256": "varchar",
    "status": "varchar", "attempts": "int2", "outcome": "jsonb", "error": "text", "received_at": "timestamptz",
}  # fmt: skip
_TABLE = RawRecord._meta.db_table


def insert(*, body: bytes, options: dict[str, Any], packed: bytes | None = None, **columns: Any) -> RawRecord | None:
    """A new pending record; None where these bytes are here already. `packed` is the body as gzip, to be kept instead of
    it. `columns`: project_id, token_id, user_id, source,
    content_type, format, sha256."""
    values: dict[str, Any] = {
        "uid": uuid7(), **columns, "options": Jsonb(options, dumps=orjson.dumps), "body": body if packed is None else packed,
        "packing": "" if packed is None else "gzip", "size": len(body), "status": "pending",
        "attempts": 0, "outcome": Jsonb({}, dumps=orjson.dumps), "error": "", "received_at": timezone.now(),
    }  # fmt: skip
    pk = _insert(values) if len(values["body"]) <= _LARGE else _copy(values)
    return None if pk is None else _as_record(pk, values, options)


def _insert(values: dict[str, Any]) -> int | None:
    given = ", ".join("%b" if name == "body" else "%s" for name in values)
    sql = (
        f"INSERT INTO {_TABLE} ({', '.join(values)}) VALUES ({given}) "  # noqa: S608
        "ON CONFLICT (project_id, sha256, source, format) DO NOTHING RETURNING id"
    )
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(sql, list(values.values())).fetchone()
    return None if row is None else int(row[0])


def _copy(values: dict[str, Any]) -> int | None:
    """As `_insert`, in pieces of some MB: libpq would keep room for the largest statement it ever sent."""
    place = {name: values[name] for name in ("project_id", "sha256", "source", "format")}
    if RawRecord.objects.filter(**place).exists():
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{_TABLE}', 'id'))")
        pk = int(cursor.fetchone()[0])
    row = {"id": pk, **values}
    sql = f"COPY {_TABLE} ({', '.join(row)}) FROM STDIN (FORMAT BINARY)"
    try:
        with (
            transaction.atomic(),
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(sql) as copy,
        ):
            copy.set_types([_TYPES[name] for name in row])
            copy.write_row(list(row.values()))
    except IntegrityError:
        if RawRecord.objects.filter(**place).exists():
            return None  # somebody else was quicker
        raise
    return pk


def _as_record(pk: int, values: dict[str, Any], options: dict[str, Any]) -> RawRecord:
    """The row as the ORM would have read it, but for its body."""
    plain: dict[str, int | str | UUID | datetime | dict[str, Any] | None] = {
        **values, "id": pk, "options": options, "outcome": {}, "done_at": None,
    }  # fmt: skip
    names = [field.attname for field in RawRecord._meta.concrete_fields if field.attname != "body"]
    return RawRecord.from_db(DEFAULT_DB_ALIAS, names, [plain[name] for name in names])
