"""manage.py import_traces FILE... --project SLUG [--format auto] [--json]"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from curation.ingest.formats import AUTO, FORMATS
from curation.ingest.import_files import import_file
from curation.ingest.outcome import Outcome
from workspace.access import SYSTEM
from workspace.models import Project

SHOWN = 20


class Command(BaseCommand):
    """Counts go to standard output, progress to standard error. The exit code is 1 where anything was rejected."""

    help = "Import traces from files: OpenAI chat JSONL and logs, Responses / Agents SDK items, tau-bench results."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--project", required=True, metavar="SLUG")
        known = "; ".join(f"{name}: {found.label}" for name, found in FORMATS.items())
        parser.add_argument("--format", default=AUTO, choices=[AUTO, *FORMATS], help=known)
        parser.add_argument("--json", action="store_true", help="print the counts as one line of JSON")

    def handle(self, *, files: list[Path], project: str, **options: Any) -> None:
        """Import file after file; a bad one does not stop the others."""
        target = Project.objects.filter(slug=project).first()
        if target is None:
            raise CommandError(f"There is no project {project!r}.")
        total = Outcome()
        for path in files:
            found = import_file(
                project=target, actor=SYSTEM, path=path, wanted=options["format"], report=self._progress(path)
            )
            self._end_progress(path, found)
            total.add(found, where=f"{path.name}: " if len(files) > 1 else "")
        if options["json"]:
            self.stdout.write(json.dumps(total.as_json()))
        else:
            self._say(total)
        if total.rejected_count:
            sys.exit(1)

    def _progress(self, path: Path) -> Any:
        def report(outcome: Outcome) -> None:
            if self.stderr.isatty():
                self.stderr.write(f"\r{path.name}: {outcome.read:,} read", ending="")

        return report

    def _end_progress(self, path: Path, outcome: Outcome) -> None:
        start = "\r" if self.stderr.isatty() else ""
        kind = f" as {outcome.format}" if outcome.format else ""
        self.stderr.write(f"{start}{path.name}: {outcome.read:,} read{kind}, {outcome.rejected_count:,} rejected")

    def _say(self, total: Outcome) -> None:
        self.stdout.write(
            f"{total.read:,} read: {total.created:,} created, {total.updated:,} updated, "
            f"{total.unchanged:,} unchanged, {total.rejected_count:,} rejected"
        )
        for item in total.rejected[:SHOWN]:
            self.stdout.write(f"  {item.where}: {item.reason}")
        if total.rejected_count > SHOWN:
            self.stdout.write(f"  and {total.rejected_count - SHOWN:,} more; --json lists the first 1,000")
