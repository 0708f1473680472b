"""manage.py training_prepare --min-quality 4.0 --min-confidence 0.9"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.datasets import build, reasons, recipe
from curation.datasets.exporting import formats
from curation.filters import FilterError
from curation.management import collecting
from curation.management.asked import project_of


class Command(BaseCommand):
    """Says what training_export with the same options would write, step by step; nothing is frozen or written."""

    help = "Collects and checks what training_export would write, and says it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which traces."""
        collecting.add_arguments(parser)
        parser.add_argument("--name", default=collecting.NAME, help="of the dataset that it would be frozen into")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count, or say what is wrong."""
        project = project_of(options["project"])
        query = collecting.query_of(options)
        try:
            chosen = formats.find(options["format"])
            wanted = collecting.recipe_of(options)
            seen = build.preview(
                project=project, query_text=query, recipe=wanted, name=options["name"], seconds=None
            )  # fmt: skip
        except (formats.UnknownFormat, recipe.RecipeError, FilterError) as error:
            raise CommandError(str(error)) from None
        counts = seen.counts
        self.stdout.write(f"project   {project.slug}")
        self.stdout.write(f"filter    {seen.resolved_query or 'every trace'}")
        for step in reasons.waterfall(counts):
            gone = f"  ({step.dropped:,} {step.words})" if step.dropped else ""
            self.stdout.write(f"{step.kept:>9,} {step.label}{gone}")
        if not counts["rows"]:
            raise CommandError(str(build.NothingToFreeze(query, counts)))
        self.stdout.write(f"rows      {counts['train']:,} train, {counts['validation']:,} validation")
        self.stdout.write(f"tokens    about {counts['tokens']:,}, of which {counts['trained_tokens']:,} are trained")
        checked = counts["checks"].get(chosen.NAME, {"invalid": {}, "errors": {}, "warnings": {}})
        invalid = sum(checked["invalid"].values())
        self.stdout.write(f"format    {chosen.NAME}: {counts['rows'] - invalid:,} rows fit, {invalid:,} do not")
        for level in ("errors", "warnings"):
            for code, count in checked[level].items():
                self.stdout.write(f"          {count:,} × {code}{' (error)' if level == 'errors' else ''}")
        if invalid:
            self.stdout.write("          training_export stops at them; --skip-invalid leaves them out")
        for note in counts["warnings"]:
            self.stdout.write(f"note      {note['text']}")
