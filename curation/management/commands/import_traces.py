"""manage.py import_traces FILE... --project SLUG [--format auto] [--verdict LABEL=VERDICT ...] [--json]"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from curation.ingest.formats import AUTO, FORMATS
from curation.ingest.import_files import import_file
from curation.ingest.labels import read_labels
from curation.ingest.outcome import Outcome
from curation.ingest.parsed import Unreadable
from workspace.access import SYSTEM
from workspace.models import Project

SHOWN = 20


class Command(BaseCommand):
    """Counts go to standard output, progress to standard error. The exit code is 1 where anything was rejected."""

    help = (
        "Import traces from files: chat messages and logs, training data with its preferences and labels, trajectories "
        "(tau-bench, ATIF), exports of tracing tools, annotations of Label Studio and Argilla. docs/formats.md has all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--project", required=True, metavar="SLUG")
        known = "; ".join(f"{name}: {found.label}" for name, found in FORMATS.items())
        parser.add_argument("--format", default=AUTO, choices=[AUTO, *FORMATS], help=known)
        parser.add_argument(
            "--verdict",
            action="append",
            default=[],
            metavar="LABEL=VERDICT",
            help="what a label of annotations means: acceptable, unacceptable or unsure (QUESTION/LABEL=... for one question)",
        )
        parser.add_argument("--json", action="store_true", help="print the counts as one line of JSON")

    def handle(self, *, files: list[Path], project: str, **options: Any) -> None:
        """Import file after file; a bad one does not stop the others."""
        target = Project.objects.filter(slug=project).first()
        if target is None:
            raise CommandError(f"There is no project {project!r}.")
        try:
            verdicts = read_labels(options["verdict"])
        except Unreadable as error:
            raise CommandError(f"{error}.") from None
        total = Outcome()
        for path in files:
            found = import_file(
                project=target, actor=SYSTEM, path=path, wanted=options["format"], verdicts=verdicts,
                report=self._progress(path),
            )  # fmt: skip
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
        if total.judgments or total.preferences or total.corrections:
            self.stdout.write(
                f"With them came {total.judgments:,} judgments, {total.preferences:,} preferences and "
                f"{total.corrections:,} corrections that are new"
            )
        if total.unknown_labels:
            labels = ", ".join(f"{label!r} ({count:,})" for label, count in total.unknown_labels.most_common(SHOWN))
            self.stdout.write(
                f"Labels that stand for no verdict: {labels}. Say what they mean with --verdict LABEL=VERDICT"
            )
        for item in total.rejected[:SHOWN]:
            self.stdout.write(f"  {item.where}: {item.reason}")
        if total.rejected_count > SHOWN:
            self.stdout.write(f"  and {total.rejected_count - SHOWN:,} more; --json lists the first 1,000")
