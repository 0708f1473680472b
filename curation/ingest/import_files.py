"""Import files from disk, for the command. The raw bytes are kept, so that a better reader can try again."""

import gzip
import zlib
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
    verdict. A file packed with gzip is unpacked while it is read.
    """
    outcome = Outcome()
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not is_packed:
                return _import(project, actor, file, path.name, wanted, verdicts or {}, report)
            with gzip.GzipFile(fileobj=file) as inside:
                return _import(project, actor, inside, path.name.removesuffix(".gz"), wanted, verdicts or {}, report)  # type: ignore[arg-type]
    except (gzip.BadGzipFile, EOFError, zlib.error):
        outcome.reject(path.name, "it is packed with gzip, and broken or cut off")
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
    body = file.read(MOST_KEPT + 1)
    if len(body) > MOST_KEPT:
        del body
        return import_records(
            project=project, file=file, name=inbox.stem(name), wanted=wanted, verdicts=verdicts, report=report
        )
    kind = ""
    if wanted == AUTO and (signal := inbox.signal_of(body)):
        wanted, kind = signal, inbox.PROTOBUF
    record = inbox.keep(
        project=project, actor=actor, body=body, source=name, wanted=wanted, verdicts=verdicts, content_type=kind
    )
    return inbox.work_now(record_id=record.pk, report=report)
