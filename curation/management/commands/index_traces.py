"""manage.py index_traces [--project SLUG] [--again]"""

from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.search import index
from workspace.models import Project

MANY = 50_000


class Command(BaseCommand):
    """Puts the words of traces into the search index now, instead of leaving it to the worker."""

    help = "Put traces that are not in the search index into it; with --again all of them anew."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which project, and whether anew."""
        parser.add_argument("--project", metavar="SLUG", help="default: all projects")
        parser.add_argument("--again", action="store_true", help="index every trace anew, also those in the index")

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue what is missing, work the queue off, and say how many."""
        project = None
        if options["project"]:
            project = Project.objects.filter(slug=options["project"]).first()
            if project is None:
                raise CommandError(f"There is no project {options['project']!r}.")
        key = None if project is None else project.pk
        begun, done = monotonic(), 0
        if options["again"]:
            index.backfill(project_id=key, every=True, most=None)
        else:
            index.backfill(project_id=key, most=None)
        while taken := index.index_some():
            done += taken
            if done % MANY < taken:
                self.stderr.write(f"{done:,} traces so far")
        self.stdout.write(f"{done:,} traces indexed in {monotonic() - begun:.1f} s.")
