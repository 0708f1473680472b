"""Import the records of one file or body: recognise the format, read, store in batches."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import IO

from django.db import DataError, transaction

from curation.ingest.formats import AUTO, choose
from curation.ingest.outcome import Outcome
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.store import store_traces
from curation.ingest.text import open_source
from curation.ingest.words import keep_content, write_words
from curation.models import RawRecord
from curation.privacy import rules
from workspace.models import Project

BATCH = 100
Report = Callable[[Outcome], None]


def import_records(
    *,
    project: Project,
    file: IO[bytes],
    name: str,
    wanted: str,
    raw: RawRecord | None = None,
    received_at: datetime | None = None,
    verdicts: Mapping[str, str] | None = None,
    report: Report = lambda outcome: None,
) -> Outcome:
    """Store every trace that can be read from a seekable binary file; the rest is rejected with its place and reason.

    `wanted` is a format's name or "auto". `verdicts` says which labels of annotations mean acceptable, unacceptable or
    unsure. `report` hears the counts after each batch. Raises Unreadable where nothing can be read: no JSON, no known
    format.
    """
    source = open_source(file, name=name)
    if isinstance(source, Rejected):
        raise Unreadable(source.reason)
    source.verdicts = verdicts or {}
    outcome = Outcome()
    known = choose(source, wanted) if source.sample or wanted != AUTO else None
    if known is None:
        for item in source.records():
            if isinstance(item, Rejected):
                outcome.reject(item.where, item.reason)
        return outcome
    outcome.format = known.name
    redactor = rules.redactor(project.pk) if raw is None else None  # what was kept as a body is redacted already
    for batch in _batches(known.read(source), outcome):
        if redactor:
            batch = [(where, redactor.parsed(trace)) for where, trace in batch]
        _store(batch, project, raw, received_at, outcome)
        report(outcome)
    return outcome


def _batches(
    items: Iterator[tuple[str, ParsedTrace] | Rejected], outcome: Outcome
) -> Iterator[list[tuple[str, ParsedTrace]]]:
    batch: list[tuple[str, ParsedTrace]] = []
    for item in items:
        if isinstance(item, Rejected):
            outcome.read += 1
            outcome.reject(item.where, item.reason)
            continue
        batch.append(item)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(
    batch: list[tuple[str, ParsedTrace]],
    project: Project,
    raw: RawRecord | None,
    received_at: datetime | None,
    outcome: Outcome,
) -> None:
    """One transaction for the batch; where PostgreSQL refuses a value in it, one per trace, so that only it is lost."""
    try:
        with transaction.atomic():
            traces, missing = keep_content(project=project, parsed=[trace for _, trace in batch])
            traces = [trace for trace in traces if trace.external_id not in missing]
            became = store_traces(project=project, parsed=traces, raw=raw, received_at=received_at)
            words = write_words(project=project, parsed=traces)
        for where, trace in batch:
            if trace.external_id in missing:
                outcome.read += 1
                outcome.reject(
                    where, f"there is no trace {trace.external_id[:80]!r} here, and this brings no conversation"
                )
        for trace, found in zip(traces, became, strict=True):
            outcome.count(found)
            if found != "unchanged":
                outcome.note(trace.import_notes)
        outcome.judgments += words.judgments
        outcome.preferences += words.preferences
        outcome.corrections += words.corrections
        for trace in traces:
            outcome.unknown_labels.update(trace.unknown_labels)
    except DataError as error:
        if len(batch) > 1:
            for one in batch:
                _store([one], project, raw, received_at, outcome)
        else:
            outcome.read += 1
            outcome.reject(batch[0][0], f"the database refused it: {str(error).splitlines()[0]}")
