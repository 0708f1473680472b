"""Judgments as CSV for spreadsheets, streamed.

A cell that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line end; OWASP, "CSV Injection") gets
an apostrophe before it, and so does what would begin a cell where a spreadsheet separates by semicolons or tabs: then quotes
hold nothing together, and a cell begins behind each of these and behind each line end inside a text. Every cell is quoted,
lines end with CRLF (RFC 4180). A byte order mark stands first where asked for: old spreadsheets take the file for Latin-1
without it. Whom it was given to stands in the audit log.
"""

import csv
import io
import re
from collections.abc import Generator, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from curation import filters
from curation.datasets.exporting.export import CHUNK_BYTES
from curation.models import DatasetRow, DatasetVersion, Judgment, Trace
from curation.search.conditions import planned
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

COLUMNS = ("judgment", "trace", "external_id", "revision", "current_revision", "verdict", "rating", "note", "judged_by",
           "adjudicated", "judged_at", "withdrawn_at", "seconds", "agent", "model", "task_id", "session_id")  # fmt: skip
_FIELDS = (
    "uid", "trace__uid", "trace__external_id", "revision__number", "trace__revision__number", "verdict", "rating", "note",
    "author", "adjudicated", "created_at", "withdrawn_at", "seconds", "trace__agent", "trace__model", "trace__task_id",
    "trace__session_id",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# what may stand between the end of one cell and the beginning of another; each run of it is looked at once
_BETWEEN = re.compile(r'(?<![;"\s])[;"\s]++(?=[=+\-@])')
_ENDS_A_CELL = re.compile(r"[;\t\r\n\v\f]")


def of_version(*, version: DatasetVersion, actor: Actor, bom: bool = False) -> Generator[bytes]:
    """The judgments on the revisions that the version's rows show: for pairs, of both answers."""
    rows = DatasetRow.objects.filter(version=version).order_by()
    shown = Q(revision__in=rows.values("revision")) | Q(
        revision__in=rows.filter(other_revision__isnull=False).values("other_revision")
    )
    project = version.dataset.project
    found = _narrow(Judgment.objects.filter(shown, project=project))
    _tell(project, actor, f"dataset_version:{version.uid}", found, name=str(version))
    return _write(found, bom)


def of_filter(*, project: Project, actor: Actor, query_text: str = "", bom: bool = False) -> Generator[bytes]:
    """The judgments of all traces that a filter matches. Raises filters.FilterError."""
    query = filters.parse(query_text)
    traces = filters.apply(Trace.objects.filter(project=project), query, search=planned(project.pk))
    found = _narrow(Judgment.objects.filter(project=project, trace__in=traces.order_by().values("pk")))
    _tell(project, actor, f"project:{project.slug}", found)
    return _write(found, bom)


def _narrow(judgments: "QuerySet[Judgment]") -> "QuerySet[Judgment]":
    return judgments.filter(trace__erased_at=None)


def _tell(project: Project, actor: Actor, target: str, judgments: "QuerySet[Judgment]", **detail: str) -> None:
    """Notes and names of reviewers leave: who took how many. The filter is not kept, it may name a person."""
    audit.record(
        project=project, actor=actor, action="judgments.exported", target=target, judgments=judgments.count(), **detail
    )


def _write(judgments: "QuerySet[Judgment]", bom: bool) -> Generator[bytes]:
    narrow = judgments.order_by("id").values_list(*_FIELDS)
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
    """A cell that no spreadsheet runs, whatever it separates by. Numbers and times are written by us; only texts can begin
    with anything."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if not isinstance(value, str):
        return str(value)
    text = _BETWEEN.sub(lambda met: met[0] + "'" if _ENDS_A_CELL.search(met[0]) else met[0], value)
    return f"'{text}" if text.startswith(_FORMULA) else text
