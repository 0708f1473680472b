"""Judgments as CSV for spreadsheets, streamed.

A cell that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line end; OWASP, "CSV Injection") gets
an apostrophe before it. Every cell is quoted, lines end with CRLF (RFC 4180). A byte order mark stands first where asked
for: old spreadsheets take the file for Latin-1 without it.
"""

import csv
import io
from collections.abc import Generator, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from curation import filters
from curation.datasets.exporting.export import CHUNK_BYTES
from curation.models import DatasetRow, DatasetVersion, Judgment, Trace
from curation.search.conditions import planned
from workspace.models import Project

COLUMNS = ("judgment", "trace", "external_id", "revision", "current_revision", "verdict", "rating", "note", "judged_by",
           "adjudicated", "judged_at", "withdrawn_at", "seconds", "agent", "model", "task_id", "session_id")  # fmt: skip
_FIELDS = (
    "uid", "trace__uid", "trace__external_id", "revision__number", "trace__revision__number", "verdict", "rating", "note",
    "author", "adjudicated", "created_at", "withdrawn_at", "seconds", "trace__agent", "trace__model", "trace__task_id",
    "trace__session_id",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def of_version(*, version: DatasetVersion, bom: bool = False) -> Generator[bytes]:
    """The judgments on the revisions that the version's rows show: for pairs, of both answers."""
    rows = DatasetRow.objects.filter(version=version).order_by()
    shown = Q(revision__in=rows.values("revision")) | Q(
        revision__in=rows.filter(other_revision__isnull=False).values("other_revision")
    )
    return _write(Judgment.objects.filter(shown, project=version.dataset.project_id), bom)


def of_filter(*, project: Project, query_text: str = "", bom: bool = False) -> Generator[bytes]:
    """The judgments of all traces that a filter matches. Raises filters.FilterError."""
    query = filters.parse(query_text)
    traces = filters.apply(Trace.objects.filter(project=project), query, search=planned(project.pk))
    return _write(Judgment.objects.filter(project=project, trace__in=traces.order_by().values("pk")), bom)


def _write(judgments: "QuerySet[Judgment]", bom: bool) -> Generator[bytes]:
    narrow = judgments.filter(trace__erased_at=None).order_by("id").values_list(*_FIELDS)
    return _pieces(narrow.iterator(chunk_size=2_000), bom)


def _pieces(rows: Iterable[tuple[Any, ...]], bom: bool) -> Generator[bytes]:
    sheet = io.StringIO()
    writer = csv.writer(sheet, quoting=csv.QUOTE_ALL)
    if bom:
        sheet.write("\ufeff")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([safe(value) for value in row])
        if sheet.tell() >= CHUNK_BYTES:
            yield sheet.getvalue().encode(errors="replace")
            sheet.seek(0)
            sheet.truncate()
    yield sheet.getvalue().encode(errors="replace")


def safe(value: Any) -> str:
    """A cell that no spreadsheet runs. Numbers and times are written by us; only texts can begin with anything."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
