"""Keyset paging: a page begins after the last row of the one before, so no row is counted or skipped over."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.core.exceptions import FieldError, SuspiciousOperation, ValidationError
from django.db import models
from django.db.models import F, Q

Row = TypeVar("Row", bound=models.Model)


@dataclass(slots=True)
class Page(Generic[Row]):
    """Rows and the cursors of the pages beside them ("" where there is none)."""

    rows: list[Row]
    older: str
    newer: str


def paginate(query: models.QuerySet[Row], *, order: Sequence[str], cursor: str, size: int) -> Page[Row]:
    """One page of `query` in `order` (fields or annotations, `-` for falling; the last must be unique; nulls come last).

    `cursor` is "" for the first page, else what an earlier page gave. Raises SuspiciousOperation (400) for a cursor
    that was not made here.
    """
    backwards, values = _read(cursor, len(order))
    fields = [name.lstrip("-") for name in order]
    falling = [name.startswith("-") for name in order]
    if values is not None:
        try:
            beyond = _after(fields, [down != backwards for down in falling], values, nulls_last=not backwards)
            query = query.filter(beyond)
        except (TypeError, ValueError, ValidationError, FieldError):
            raise SuspiciousOperation(
                "This page address belongs to another order; go back to the first page."
            ) from None
    ordering = []
    for name, down in zip(fields, falling, strict=True):
        # a computed column may always be unknown
        nullable = name in query.query.annotations or query.model._meta.get_field(name).null
        turn = F(name).desc if down != backwards else F(name).asc
        # say where nulls go only where there can be some: a plain order can use a plain index
        ordering.append(
            turn(nulls_first=True) if nullable and backwards else turn(nulls_last=True) if nullable else turn()
        )
    rows = list(query.order_by(*ordering)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    before = more if backwards else values is not None
    behind = True if backwards else more
    return Page(
        rows=rows,
        older=_write(fields, rows[-1], backwards=False) if rows and behind else "",
        newer=_write(fields, rows[0], backwards=True) if rows and before else "",
    )


def _after(fields: list[str], falling: list[bool], values: list[Any], *, nulls_last: bool) -> Q:
    """Rows that come behind `values`, compared field by field."""
    behind = Q(pk__in=[])
    equal = Q()
    for name, down, value in zip(fields, falling, values, strict=True):
        if value is None:
            beyond = Q(**{f"{name}__isnull": False}) if not nulls_last else Q(pk__in=[])
            same = Q(**{f"{name}__isnull": True})
        else:
            beyond = Q(**{f"{name}__{'lt' if down else 'gt'}": value})
            if nulls_last:
                beyond |= Q(**{f"{name}__isnull": True})
            same = Q(**{name: value})
        behind |= equal & beyond
        equal &= same
    return behind


def _write(fields: list[str], row: models.Model, *, backwards: bool) -> str:
    values = [getattr(row, name) for name in fields]
    plain = [
        {"t": value.isoformat()}
        if isinstance(value, datetime)
        else {"d": str(value)}
        if isinstance(value, Decimal)
        else value
        for value in values
    ]
    return base64.urlsafe_b64encode(json.dumps([backwards, *plain]).encode()).decode().rstrip("=")


def _read(cursor: str, length: int) -> tuple[bool, list[Any] | None]:
    if not cursor:
        return False, None
    try:
        backwards, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [
            datetime.fromisoformat(v["t"])
            if isinstance(v, dict) and "t" in v
            else Decimal(v["d"])
            if isinstance(v, dict)
            else v
            for v in values
        ]
    except (binascii.Error, ValueError, TypeError, KeyError, ArithmeticError):
        raise SuspiciousOperation("This page address is damaged; go back to the first page.") from None
    if len(values) != length or not isinstance(backwards, bool):
        raise SuspiciousOperation("This page address belongs to another order; go back to the first page.")
    return backwards, values
