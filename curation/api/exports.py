"""Exports of dataset versions, what each line came from, and checks of files that somebody made."""

from typing import Any, Literal

from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Field, Path, Query, Schema

from curation.api.routing import router
from curation.datasets import folds, read
from curation.datasets.exporting import export, files, formats, judgments_csv, refused, send
from curation.datasets.exporting.personal import PersonalRows
from curation.datasets.leaks import HeldOutRows
from curation.filters import FilterError
from curation.models import DatasetVersion
from workspace.access import enter
from workspace.models import Role
from workspace.problems import Problem
from workspace.streams import stream

Split = Literal["train", "validation", "test"]
TAGS = ["datasets"]
MOST_LEAKS = 50
_REFUSED = (formats.UnknownFormat, refused.InvalidRows, HeldOutRows, PersonalRows, send.NoReason,
            folds.NoFold)  # fmt: skip


class ExportIn(Schema):
    """What is written and how. Personal data: without a word the recipe decides, which refuses or replaces it."""

    format: str = Field("openai-sft", description="A format of exports; the docs list them.")
    split: Split | None = None
    skip_invalid: bool = Field(False, description="Leave rows out that the format cannot hold.")
    skip_held_out: bool = Field(False, description="Leave rows out that another version holds out.")
    personal: Literal["", "replace", "keep"] = Field(
        "", description="replace: pseudonyms take its place. keep: as it is, with personal_reason, which is audited."
    )
    personal_reason: str = Field("", max_length=1000, description="Why personal data goes out as it is.")
    metadata: bool = Field(False, description="Add to each line what it came from.")
    fold: int | None = Field(
        None, description="One side of a fold (from 0) instead of a split: train and validation rows."
    )
    of: Literal["train", "validation"] = Field("train", description="Which side of the fold.")

    def wish(self) -> send.Wish:
        """For the work."""
        return send.Wish(
            self.format, self.split or "", self.skip_invalid, self.skip_held_out, self.personal, self.personal_reason,
            self.metadata, self.fold, self.of,
        )  # fmt: skip


class FindingOut(Schema):
    """One thing wrong (error) or worth knowing (warning). `line` counts all lines from 1, `row` those that are not empty.
    Both are null for the file as such, `row` for an empty line."""

    line: int | None
    row: int | None
    level: Literal["error", "warning"]
    code: str
    field: str
    reason: str


class ReportOut(Schema):
    """What a check of a file found. Tokens are estimates (characters / 4)."""

    ok: bool
    format: str
    lines: int = Field(description="All lines, empty ones too.")
    rows: int = Field(description="Lines that are not empty.")
    invalid: int = Field(description="Rows with errors.")
    warned: int
    bytes: int
    tokens: int
    longest: int = Field(description="Tokens of the longest row.")
    errors: dict[str, int] = Field(description="Rows per code.")
    warnings: dict[str, int]
    file: list[FindingOut]
    findings: list[FindingOut] = Field(description="The first ones, in the order of the rows.")
    findings_left_out: int
    validation: Any = None


@router.get(
    "/datasets/{name}/versions/{n}/export",
    tags=TAGS,
    summary="Download as JSONL",
    response=None,
    url_name="dataset_export",
)
def export_version(request: HttpRequest, slug: Path[str], name: str, n: int, given: Query[ExportIn]):
    """One row a line, streamed. 409 where rows do not fit the format, hold personal data or are held out elsewhere, with
    the ways on. `skip_invalid=1` leaves rows out that do not fit (the header X-Whetstone-Skipped says how many),
    `skip_held_out=1` those that are held out (X-Whetstone-Held-Out). `metadata=1` adds to each line what it came from."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry.project, name, n)
    try:
        sending = send.lines(version=found, wish=given.wish(), actor=entry.actor)
    except _REFUSED as error:
        raise _problem(error) from None
    return _sent(request, sending)


@router.get(
    "/datasets/{name}/versions/{n}/manifest", tags=TAGS, summary="What each exported line came from", response=None
)
def export_manifest(request: HttpRequest, slug: Path[str], name: str, n: int, given: Query[ExportIn]):
    """JSON lines: first {"manifest"} with version, recipe, counts, personal data and held-out check; then for each line of
    the export with the same arguments its line, row, trace, judgment, correction; at last {"end"} with lines, bytes and
    the SHA-256 of the exported file."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry.project, name, n)
    try:
        sending = send.origins(version=found, wish=given.wish())
    except _REFUSED as error:
        raise _problem(error) from None
    return _sent(request, sending)


@router.get(
    "/datasets/{name}/versions/{n}/judgments", tags=TAGS, summary="Judgments of a version as CSV", response=None
)
def version_judgments(request: HttpRequest, slug: Path[str], name: str, n: int, bom: bool = False):
    """Every judgment on the revisions that the version's rows show, both sides of pairs, as CSV that no spreadsheet runs
    as a formula. `bom=1` adds a byte order mark, which old spreadsheets need for letters beyond ASCII."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry.project, name, n)
    pieces = judgments_csv.of_version(version=found, actor=entry.actor, bom=bom)
    return stream(
        request,
        pieces,
        filename=export.file_name(found, "judgments", None, "csv"),
        content_type="text/csv; charset=utf-8",
    )


@router.get("/judgments", tags=["judgments"], summary="Judgments as CSV", response=None)
def filtered_judgments(
    request: HttpRequest,
    slug: Path[str],
    filter: str = "",  # noqa: A002 (the name in the address)
    bom: bool = False,
):
    """The judgments of all traces that a filter matches, as CSV; without one, of all that are not archived."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        pieces = judgments_csv.of_filter(project=entry.project, actor=entry.actor, query_text=filter, bom=bom)
    except FilterError as error:
        where = [{"where": f"filter:{error.position}", "reason": error.message}]
        raise Problem(422, "invalid_filter", str(error), details=where) from None
    name = f"{entry.project.slug}.judgments.csv"
    return stream(request, pieces, filename=name, content_type="text/csv; charset=utf-8")


@router.post("/validate", response=ReportOut, tags=TAGS, summary="Check a file of training data")
def validate_file(request: HttpRequest, slug: Path[str], format: str = files.AUTO):  # noqa: A002
    """Check JSON lines (the body as it is, Content-Type application/jsonl) against a format; "auto" takes the format of the
    first row. Nothing is stored. The answer is 200 whether or not there are errors: `ok` says it."""
    enter(request, slug, Role.REVIEWER)
    try:
        return files.check(request, format).plain()
    except formats.UnknownFormat as error:
        raise _problem(error) from None


def _sent(request: HttpRequest, sending: send.Sending) -> StreamingHttpResponse:
    response = stream(request, sending.pieces, filename=sending.file_name)
    if sending.skipped:
        response["X-Whetstone-Skipped"] = str(sending.skipped)
    if sending.held_out:
        response["X-Whetstone-Held-Out"] = str(sending.held_out)
    if sending.personal:
        response["X-Whetstone-Personal"] = str(sending.personal)
    return response


def _find(project: Any, name: str, number: int) -> DatasetVersion:
    try:
        return read.version(project, name, number)
    except DatasetVersion.DoesNotExist:
        raise Http404(f"There is no version {number} of a dataset {name!r} in this project.") from None


def _problem(error: Exception) -> Problem:
    """What the work refused, in the API's one shape."""
    text = str(error)
    if isinstance(error, refused.InvalidRows):
        details = [{"where": code, "reason": f"{count} rows"} for code, count in error.reasons.items()]
        return Problem(409, "invalid_rows", text, details=details)
    if isinstance(error, HeldOutRows):
        details = [{"where": f"row {leak.position}", "reason": str(leak)} for leak in error.leaks[:MOST_LEAKS]]
        return Problem(409, "held_out_rows", text, details=details)
    if isinstance(error, PersonalRows):
        details = [{"where": kind, "reason": f"{count} pieces"} for kind, count in error.kinds.items()]
        return Problem(409, "personal_data", text, details=details)
    if isinstance(error, folds.NoFold):
        return Problem(422, "no_fold", text, details=[{"where": "fold", "reason": text}])
    if isinstance(error, send.NoReason):
        return Problem(422, "no_reason", text, details=[{"where": "personal_reason", "reason": text}])
    return Problem(422, "unknown_format", text, details=[{"where": "format", "reason": text}])
