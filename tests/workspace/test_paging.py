"""Keyset pages: each row once, both ways, whatever the order, nulls included."""

from decimal import Decimal

import pytest
from django.core.exceptions import SuspiciousOperation

from curation.models import Trace
from tests import make
from workspace.models import Project
from workspace.paging import paginate


@pytest.mark.parametrize(
    "order", [["-received_at", "-id"], ["latency_ms", "id"], ["-cost_usd", "-id"], ["agent", "-id"]]
)
def test_every_row_comes_once_forwards_and_backwards(project: Project, order: list[str]) -> None:
    for number in range(11):
        make.trace(
            project,
            latency_ms=None if number % 3 == 0 else 100 - number % 4,
            cost_usd=None if number % 2 else Decimal(number),
        )
    rows = Trace.objects.filter(project=project)
    seen, cursor, pages = [], "", []
    while True:
        page = paginate(rows, order=order, cursor=cursor, size=4)
        seen += [row.pk for row in page.rows]
        pages.append([row.pk for row in page.rows])
        cursor = page.older
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 11
    back = page
    for expected in reversed(pages[:-1]):
        back = paginate(rows, order=order, cursor=back.newer, size=4)
        assert [row.pk for row in back.rows] == expected
    assert back.newer == ""


@pytest.mark.parametrize("cursor", ["x", "AAAA", "W3RydWVd", "eyJ9", "WzEsMiwzXQ"])
def test_a_damaged_cursor_is_refused(project: Project, cursor: str) -> None:
    with pytest.raises(SuspiciousOperation):
        list(paginate(Trace.objects.all(), order=["-received_at", "-id"], cursor=cursor, size=4).rows)
