"""manage.py export_dataset NAME[@VERSION] --format openai-sft --output FILE|-"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.datasets import export, formats
from curation.models import DatasetVersion


class Command(BaseCommand):
    """Writes a version as JSONL to a file, which appears whole or not at all, or to the output."""

    help = "Writes a dataset version as JSONL. Counts go to stderr."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, how and where to."""
        parser.add_argument("dataset", metavar="NAME[@VERSION]", help="without a version: the newest")
        parser.add_argument("--project", metavar="SLUG", help="needed where several projects have such a dataset")
        parser.add_argument("--format", default="openai-sft", help=f"one of {', '.join(formats.FORMATS)}")
        parser.add_argument("--split", choices=["train", "validation", "test"], help="default: all rows")
        parser.add_argument("--output", default="-", metavar="FILE|-", help="- is the standard output")
        parser.add_argument("--skip-invalid", action="store_true", help="leave rows out that the format cannot hold")
        parser.add_argument("--metadata", action="store_true", help="add to every line what it came from")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, or say what is wrong."""
        version = _find(options["dataset"], options["project"])
        written = export.Written()
        try:
            pieces = export.write_jsonl(
                version,
                options["format"],
                options["split"],
                skip_invalid=options["skip_invalid"],
                metadata=options["metadata"],
                written=written,
            )
        except (formats.UnknownFormat, export.InvalidRows) as error:
            raise CommandError(str(error)) from None
        if options["output"] == "-":
            sink = getattr(self.stdout, "_out", sys.stdout)
            for piece in pieces:
                sink.buffer.write(piece) if hasattr(sink, "buffer") else sink.write(piece.decode())
            sink.flush()
        else:
            _write_file(Path(options["output"]), pieces)
        where = "stdout" if options["output"] == "-" else options["output"]
        skipped = f", {written.skipped:,} invalid rows left out" if written.skipped else ""
        self.stderr.write(f"{version}: {written.lines:,} lines, {written.size:,} bytes to {where}{skipped}")


def _find(text: str, slug: str | None) -> DatasetVersion:
    name, _, number = text.partition("@")
    if number and not number.isdecimal():
        raise CommandError(f"{number!r} is no version: write NAME@3, or NAME for the newest.")
    found = DatasetVersion.objects.select_related("dataset__project").filter(dataset__name=name)
    if slug:
        found = found.filter(dataset__project__slug=slug)
    slugs = sorted(found.values_list("dataset__project__slug", flat=True).distinct())
    if not slugs:
        where = f" in project {slug!r}" if slug else ""
        raise CommandError(f"There is no dataset {name!r}{where}.")
    if len(slugs) > 1:
        raise CommandError(f"{name!r} is in several projects; add --project with one of {', '.join(slugs)}.")
    version = (found.filter(number=int(number)) if number else found.order_by("-number")).first()
    if version is None:
        have = ", ".join(str(n) for n in sorted(found.values_list("number", flat=True)))
        raise CommandError(f"{name!r} has no version {number}; it has {have}.")
    return version


def _write_file(target: Path, pieces: Any) -> None:
    """Write beside the target and rename: nobody ever sees half a file."""
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
