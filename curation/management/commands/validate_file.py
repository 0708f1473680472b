"""manage.py validate_file FILE --format openai-dpo"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.datasets.exporting import files, formats
from curation.datasets.exporting.findings import Finding

SHOWN = 100


class Command(BaseCommand):
    """Checks a file of training data of any size; ends with 1 where there are errors. Needs no database."""

    help = "Checks a JSONL file of training data row by row. Findings go to the output; ends with 1 where there are errors."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Which file, as what."""
        parser.add_argument("file", metavar="FILE|-", help="JSON lines; - is the standard input")
        known = ", ".join(formats.FORMATS)
        parser.add_argument("--format", default=files.AUTO, help=f"auto (what the first row is), or one of {known}")
        parser.add_argument("--validation", metavar="FILE", help="a second file, which must not hold the same rows")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, and say what was found."""
        with ExitStack() as opened:
            try:
                stream = (
                    sys.stdin.buffer
                    if options["file"] == "-"
                    else opened.enter_context(Path(options["file"]).open("rb"))
                )
                other = options["validation"]
                second = None if other is None else opened.enter_context(Path(other).open("rb"))
                report = files.check(stream, options["format"], validation=second)
            except OSError as error:
                raise CommandError(f"Cannot read {error.filename}: {error.strerror}.") from None
            except formats.UnknownFormat as error:
                raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.plain()))
        else:
            self._show(options["file"], report)
            if report.validation is not None:
                self._show(options["validation"], report.validation)
        if not report.ok:
            raise CommandError("The file does not fit the format.", returncode=1)

    def _show(self, name: str, report: files.Report) -> None:
        for one in report.whole:
            self._line("file", one)
        for row in report.rows_found[:SHOWN]:
            self._line(f"line {row.line}", row.finding)
        more = report.more + max(0, len(report.rows_found) - SHOWN)
        if more:
            counts = ", ".join(f"{count:,} × {code}" for code, count in (report.errors + report.warnings).most_common())
            self.stdout.write(f"... {more:,} more. In all: {counts}")
        lines = f" on {report.lines:,} lines" if report.rows and report.lines != report.rows else ""
        self.stdout.write(
            f"{name}: {report.rows:,} rows{lines} as {report.format or 'no known format'}, {report.invalid:,} with errors, "
            f"{report.warned:,} with remarks, about {report.tokens:,} tokens"
        )

    def _line(self, where: str, one: Finding) -> None:
        self.stdout.write(f"{where}: {one.level} {one.code}{f' at {one.path}' if one.path else ''}: {one.reason}")
