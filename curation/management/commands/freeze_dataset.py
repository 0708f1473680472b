"""manage.py freeze_dataset --project SLUG --name NAME --filter "QUERY" """

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.datasets import build, recipe
from curation.filters import FilterError
from workspace.access import SYSTEM
from workspace.models import Project


class Command(BaseCommand):
    """Freezes the next version of a dataset and prints its name, its rows and its content hash."""

    help = "Freeze what a filter matches now, and prints NAME@VERSION, the number of rows and the content hash."

    def add_arguments(self, parser: CommandParser) -> None:
        """Options; those of the recipe have the recipe's defaults."""
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="made where it does not exist yet")
        parser.add_argument(
            "--filter", required=True, metavar="QUERY", dest="query", help='such as "judged:acceptable"'
        )
        parser.add_argument("--judgments", help=f"with commas, of {', '.join(recipe.JUDGMENTS)} (default acceptable)")
        parser.add_argument("--corrections", choices=list(recipe.CORRECTIONS))
        parser.add_argument("--validation", type=float, help="share of the validation split (default 0.1)")
        parser.add_argument("--test", type=float, help="share of the test split (default 0.1)")
        parser.add_argument("--group-by", choices=list(recipe.GROUPS), help="what is never split (default task)")
        parser.add_argument("--seed", type=int)
        parser.add_argument("--limit", type=int, help="at most so many rows")
        parser.add_argument("--order", choices=list(recipe.ORDERS), help="which come first (default newest)")
        parser.add_argument("--keep-duplicates", action="store_true")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Freeze, or say what is wrong."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        wanted = {key: options[key] for key in _RECIPE if options[key] is not None}
        if "judgments" in wanted:
            wanted["judgments"] = [word.strip() for word in wanted["judgments"].split(",") if word.strip()]
        try:
            chosen = recipe.parse({**wanted, "dedupe": not options["keep_duplicates"]})
            frozen = build.freeze(
                project=project, name=options["name"], query_text=options["query"], actor=SYSTEM, recipe=chosen
            )
        except (recipe.RecipeError, build.BadName, build.NothingToFreeze, FilterError) as error:
            raise CommandError(str(error)) from None
        for told in frozen.counts["warnings"]:
            self.stderr.write(f"warning: {told['text']}")
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "dataset": frozen.dataset.name,
                        "version": frozen.number,
                        "id": str(frozen.uid),
                        "rows": frozen.counts["rows"],
                        "hash": frozen.content_hash,
                        "counts": frozen.counts,
                    }
                )
            )
        else:
            self.stdout.write(f"{frozen} {frozen.counts['rows']} {frozen.content_hash}")


_RECIPE = ("judgments", "corrections", "validation", "test", "group_by", "seed", "limit", "order")
