"""What several commands do with what they were asked: find the project, write a file whole or not at all."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from workspace.models import Project


def project_of(slug: str | None) -> Project:
    """The project called `slug`; without it the only one there is. Raises CommandError, which names them."""
    slugs = sorted(Project.objects.values_list("slug", flat=True))
    if slug is None and len(slugs) == 1:
        return Project.objects.get(slug=slugs[0])
    if slug is None:
        raise CommandError(f"Say which project with --project: {', '.join(slugs) or 'there is none yet'}.")
    found = Project.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no project {slug!r}; there are {', '.join(slugs) or 'none yet'}.")
    return found


def telling(stderr: Any) -> Callable[[str, int, int], None] | None:
    """Says on a terminal how far a freeze is (build.Told), on one line; None where nobody looks."""
    if not stderr.isatty():
        return None

    def tell(stage: str, done: int, total: int) -> None:
        told = f"{stage} {done:,} of {total:,}" if total else stage
        stderr.write(f"\r{told:<50}", ending="\n" if total and done >= total else "")

    return tell


def write_out(stdout: Any, pieces: Iterable[bytes]) -> None:
    """Write pieces to the standard output, as bytes."""
    sink = getattr(stdout, "_out", sys.stdout)
    for piece in pieces:
        sink.buffer.write(piece) if hasattr(sink, "buffer") else sink.write(piece.decode())
    sink.flush()


def write_file(target: Path, pieces: Iterable[bytes]) -> None:
    """Write beside the target and rename: nobody ever sees half a file. Raises CommandError."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise CommandError(f"Cannot write in {target.parent}: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(target)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise CommandError(f"Cannot write {target}: {error.strerror}.") from None
        raise
