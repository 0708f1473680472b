"""Import files from disk, for the command. The raw bytes are kept, so that a better reader can try again."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from curation.ingest import inbox
from curation.ingest.formats import AUTO
from curation.ingest.outcome import Outcome
from curation.ingest.parsed import Unreadable
from curation.ingest.records import Report, import_records
from workspace.access import Actor
from workspace.models import Project

MOST_KEPT = 64 * 1024 * 1024


def import_file(
    *,
    project: Project,
    actor: Actor,
    path: Path,
    wanted: str = AUTO,
    verdicts: Mapping[str, str] | None = None,
    report: Report = lambda outcome: None,
) -> Outcome:
    """Import one file from disk. A file that cannot be opened or read is one rejection of the outcome.

    Up to 64 MiB all of it stands or nothing, and its bytes are kept; a larger one is stored batch by batch, its bytes
    are not kept, and doing it again goes on where it stopped. `verdicts` says which labels of annotations mean which
    verdict.
    """
    outcome = Outcome()
    try:
        with path.open("rb") as file:
            return _import(project, actor, file, path.name, wanted, verdicts or {}, report)
    except Unreadable as error:
        outcome.reject(path.name, str(error))
    except OSError as error:
        outcome.reject(str(path), f"cannot be opened: {error.strerror or error}")
    return outcome


def _import(
    project: Project,
    actor: Actor,
    file: IO[bytes],
    name: str,
    wanted: str,
    verdicts: Mapping[str, str],
    report: Report,
) -> Outcome:
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(0)
    if size > MOST_KEPT:
        return import_records(
            project=project, file=file, name=inbox.stem(name), wanted=wanted, verdicts=verdicts, report=report
        )
    record = inbox.keep(project=project, actor=actor, body=file.read(), source=name, wanted=wanted, verdicts=verdicts)
    return inbox.work_now(record_id=record.pk, report=report)
