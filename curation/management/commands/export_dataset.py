"""manage.py export_dataset NAME[@VERSION] --format openai-sft --output FILE|-"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.datasets import folds, leaks
from curation.datasets.exporting import export, formats, refused, send
from curation.datasets.exporting.personal import PersonalRows
from curation.management.asked import write_file, write_out
from curation.models import DatasetVersion
from workspace.access import SYSTEM


class Command(BaseCommand):
    """Writes a version as JSONL to a file, which appears whole or not at all, or to the output."""

    help = "Writes a dataset version as JSONL. Counts go to stderr."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, how and where to."""
        parser.add_argument("dataset", metavar="NAME[@VERSION]", help="without a version: the newest")
        parser.add_argument("--project", metavar="SLUG", help="needed where several projects have such a dataset")
        parser.add_argument("--format", default="openai-sft", help=f"one of {', '.join(formats.FORMATS)}")
        parser.add_argument("--split", choices=["train", "validation", "test"], help="default: all rows")
        parser.add_argument("--fold", type=int, metavar="N", help="one side of fold N (from 0) instead of a split")
        parser.add_argument("--of", choices=["train", "validation"], default="train", help="which side; default: train")
        parser.add_argument("--output", default="-", metavar="FILE|-", help="- is the standard output")
        parser.add_argument("--manifest", metavar="FILE", help="write beside it what each line came from")
        parser.add_argument("--skip-invalid", action="store_true", help="leave rows out that the format cannot hold")
        parser.add_argument(
            "--skip-held-out", action="store_true", help="leave rows out that another version holds out"
        )
        parser.add_argument("--personal", choices=["replace", "keep"], help="pseudonyms for personal data, or as it is")
        parser.add_argument("--reason", default="", help="why personal data goes out as it is; the audit log keeps it")
        parser.add_argument("--metadata", action="store_true", help="add to every line what it came from")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, or say what is wrong."""
        version = _find(options["dataset"], options["project"])
        wish = send.Wish(
            options["format"], options["split"] or "", options["skip_invalid"], options["skip_held_out"],
            options["personal"] or "", options["reason"], options["metadata"],
            options["fold"], options["of"],
        )  # fmt: skip
        written = export.Written()
        try:
            sending = send.lines(version=version, wish=wish, actor=SYSTEM, written=written)
        except (PersonalRows, send.NoReason) as error:
            raise CommandError(f"{error} Here: --personal replace, or --personal keep --reason TEXT.") from None
        except leaks.HeldOutRows as error:
            raise CommandError(f"{error} Here: --skip-held-out.") from None
        except (formats.UnknownFormat, refused.InvalidRows, folds.NoFold) as error:
            raise CommandError(str(error)) from None
        for note in sending.notes:
            self.stderr.write(f"warning: {note.reason}")
        if options["output"] == "-":
            write_out(self.stdout, sending.pieces)
        else:
            write_file(Path(options["output"]), sending.pieces)
        if options["manifest"]:
            write_file(Path(options["manifest"]), send.origins(version=version, wish=wish).pieces)
        where = "stdout" if options["output"] == "-" else options["output"]
        self.stderr.write(f"{version}: {told(written)} to {where}")


def told(written: export.Written) -> str:
    """What was written, in words: lines, bytes and the beginning of the hash, and what was left out or replaced."""
    words = [f"{written.lines:,} lines, {written.size:,} bytes (sha256 {written.sha256[:12]})"]
    if written.skipped:
        words.append(f"{written.skipped:,} invalid rows left out")
    if written.held_out:
        words.append(f"{written.held_out:,} held-out rows left out")
    if written.replaced:
        words.append(f"{written.replaced.total():,} pieces of personal data replaced")
    return ", ".join(words)


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
