"""Uploading files of traces, and what became of them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from curation import tasks
from curation.ingest import inbox
from curation.ingest.formats import AUTO, FORMATS, grouped
from curation.ingest.labels import read_labels
from curation.ingest.parsed import Unreadable
from curation.ingest.uploads import receive_upload, recent_uploads, unpacked, unreadable, uploads
from curation.models import RawRecord
from workspace.access import Entry, enter
from workspace.formats import size
from workspace.models import Role
from workspace.nudge import nudge

MOST_FILES = 50
MOST_REJECTED = 200
MOST_LABELS = 20
NOT_TAKEN = "not-taken"  # marks our messages among those that other pages left for a toast


@dataclass(frozen=True, slots=True)
class Result:
    """One file: its record, whether it was here before, the filter that shows its new traces, the first rejected pieces
    and how many more there are, what came with the traces, labels of annotations that nobody knows, what the file was read
    as, and the import notes with the number of traces that got each."""

    record: RawRecord
    again: bool
    traces: str
    rejected: list[dict[str, str]]
    rejected_count: int
    words: str
    labels: list[tuple[str, int]]
    more_labels: int
    format: str
    notes: list[tuple[str, int]]

    @property
    def more(self) -> int:
        """How many rejected pieces are not listed here."""
        return self.rejected_count - len(self.rejected)

    @property
    def waits(self) -> bool:
        """Whether it is still to be worked off."""
        return self.record.status == RawRecord.Status.PENDING


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose files; afterwards the counts of each."""
    entry = enter(request, slug, Role.ENGINEER)
    if request.method == "POST":
        return _receive(request, entry)
    return _page(request, entry)


def _page(request: HttpRequest, entry: Entry, status: int = 200, **more: Any) -> HttpResponse:
    results = _results(request, entry)
    person = entry.actor.user
    left = list(messages.get_messages(request))
    context = {
        "groups": grouped(),
        "labels": request.POST.get("labels", ""),
        "most": settings.MAX_BODY_BYTES,
        "results": results,
        "waits": any(result.waits for result in results),
        "recent": recent_uploads(project=entry.project, user=person) if person and not results else [],
        "unreadable": unreadable(project=entry.project) if not results else [],
        "not_taken": [str(said) for said in left if said.extra_tags == NOT_TAKEN],
        "messages": [said for said in left if said.extra_tags != NOT_TAKEN],
        **more,
    }
    return render(request, "curation/traces_upload.html", context, status=status)


def _receive(request: HttpRequest, entry: Entry) -> HttpResponse:
    files = request.FILES.getlist("files")
    format_name = request.POST.get("format", AUTO)
    errors = []
    verdicts: dict[str, str] = {}
    try:
        verdicts = read_labels(request.POST.get("labels", "").splitlines())
    except Unreadable as error:
        errors.append(f"{error}.")
    if not files:
        errors.append("No file was chosen.")
    if len(files) > MOST_FILES:
        errors.append(f"{len(files)} files at once are too many: {MOST_FILES} go together.")
    if format_name not in (AUTO, *FORMATS):
        errors.append("There is no such format.")
    if errors:  # said of all of them: nothing is taken before it is right
        return _page(request, entry, 422, errors=errors)
    query = []
    for file in files:  # one that cannot be taken holds up no other
        try:
            name, body = _content(file)
            record, before = receive_upload(
                project=entry.project, actor=entry.actor, name=name, body=body, wanted=format_name, verdicts=verdicts
            )
        except Unreadable as error:
            errors.append(f"{file.name} was not taken: {error}.")
            continue
        nudge(tasks.work_off, record.pk)
        query.append(("again" if before else "file", str(record.uid)))
    if errors and not query:
        return _page(request, entry, 422, errors=errors)
    for error_said in errors:
        messages.warning(request, error_said, extra_tags=NOT_TAKEN)
    return redirect(f"{reverse('curation:upload', args=[entry.project.slug])}?{urlencode(query)}")


def _content(file: UploadedFile) -> tuple[str, bytes]:
    """Name and content. Raises Unreadable."""
    most = settings.MAX_BODY_BYTES
    if (file.size or 0) > most:
        raise Unreadable(
            f"it has {size(file.size)}, and up to {size(most)} can be uploaded. Larger files: manage.py import_traces on "
            "the server"
        )
    return unpacked(name=file.name or "", body=file.read(), most=most)


@require_GET
def upload_results(request: HttpRequest, slug: str) -> HttpResponse:
    """Fragment: how far the files are; it asks for itself again until all are done."""
    entry = enter(request, slug, Role.ENGINEER)
    results = _results(request, entry)
    context = {"results": results, "waits": any(result.waits for result in results)}
    return render(request, "curation/_upload_results.html", context)


@require_POST
def upload_retry(request: HttpRequest, slug: str, uid: uuid.UUID) -> HttpResponse:
    """Try a file again that could not be read (after an upgrade that can)."""
    entry = enter(request, slug, Role.ENGINEER)
    for record in uploads(project=entry.project, uids=[uid]):
        inbox.retry(record=record)
        nudge(tasks.work_off, record.pk)
    return redirect(f"{reverse('curation:upload', args=[slug])}?{urlencode({'file': str(uid)})}")


def _results(request: HttpRequest, entry: Entry) -> list[Result]:
    named = {value: name == "again" for name in ("file", "again") for value in request.GET.getlist(name)[:MOST_FILES]}
    try:
        uids = {uuid.UUID(value): again for value, again in named.items()}
    except ValueError:
        raise SuspiciousOperation("This is not the id of a file.") from None
    if not uids:
        return []
    return [_result(record, uids[record.uid]) for record in uploads(project=entry.project, uids=list(uids))]


def _result(record: RawRecord, again: bool) -> Result:
    outcome = record.outcome
    rejected = [one for one in outcome.get("rejected", []) if one["where"] != "further"]
    labels = sorted(outcome.get("unknown_labels", {}).items(), key=lambda pair: -pair[1])
    taken = sum(outcome.get(name, 0) for name in ("created", "updated", "unchanged"))
    # all new traces of a file carry the very moment it came in
    came = record.received_at.astimezone(UTC)
    since, until = (f"{at:%Y-%m-%dT%H:%M:%S.%fZ}" for at in (came, came + timedelta(microseconds=1)))
    return Result(
        record=record,
        again=again,
        traces=f"since:{since} until:{until}" if outcome.get("created") else "",
        rejected=rejected[:MOST_REJECTED],
        # the outcome keeps the first reasons only, but counts everything that was read
        rejected_count=max(len(rejected), outcome.get("read", 0) - taken),
        words=_words(outcome),
        labels=labels[:MOST_LABELS],
        more_labels=max(0, len(labels) - MOST_LABELS),
        format=_format(outcome.get("format", "")),
        notes=sorted(outcome.get("notes", {}).items(), key=lambda pair: -pair[1]),
    )


def _format(name: str) -> str:
    return FORMATS[name].label if name in FORMATS else "OpenTelemetry" if name == inbox.OTLP else ""


def _words(outcome: dict[str, Any]) -> str:
    """ "150 judgments and 1 correction", of those that are new; "" where none came."""
    counts = [(outcome.get(f"{name}s", 0), name) for name in ("judgment", "preference", "correction")]
    said = [f"{count:,} {name}{'' if count == 1 else 's'}" for count, name in counts if count]
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))
