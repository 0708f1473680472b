"""manage.py freeze_dataset --project SLUG --name NAME --filter "QUERY" """

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.datasets import build, recipe
from curation.filters import FilterError
from curation.management.asked import telling
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
        parser.add_argument(
            "--recipe",
            metavar="FILE",
            help="the whole recipe as JSON (- reads it from the standard input); options go first",
        )
        parser.add_argument("--task", choices=list(recipe.TASKS), help="what a row teaches (default chat)")
        parser.add_argument("--judgments", help=f"with commas, of {', '.join(recipe.JUDGMENTS)} (default acceptable)")
        parser.add_argument("--corrections", choices=list(recipe.CORRECTIONS))
        parser.add_argument("--validation", type=float, help="share of the validation split (default 0.1)")
        parser.add_argument("--test", type=float, help="share of the test split (default 0.1)")
        parser.add_argument("--group-by", choices=list(recipe.GROUPS), help="what is never split (default task)")
        parser.add_argument("--seed", type=int)
        parser.add_argument("--limit", type=int, help="at most so many rows")
        parser.add_argument("--order", choices=list(recipe.ORDERS), help="which come first (default newest)")
        parser.add_argument("--dedupe", choices=list(recipe.DEDUPES), help="what counts as a copy (default exact)")
        parser.add_argument("--keep-duplicates", action="store_true", help="the same as --dedupe none")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Freeze, or say what is wrong."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        wanted = _given(options["recipe"]) if options["recipe"] else {}
        wanted |= {key: options[key] for key in _RECIPE if options[key] is not None}
        if options["judgments"] is not None:
            wanted["judgments"] = [word.strip() for word in options["judgments"].split(",") if word.strip()]
        if options["keep_duplicates"]:
            wanted["dedupe"] = "none"
        try:
            chosen = recipe.parse(wanted)
            frozen = build.freeze(
                project=project, name=options["name"], query_text=options["query"], actor=SYSTEM, recipe=chosen,
                tell=telling(self.stderr),
            )  # fmt: skip
        except build.NothingToFreeze as error:
            raise CommandError(f"{error}{_way_on(error, chosen)}") from None
        except (recipe.RecipeError, build.BadName, FilterError) as error:
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


def _way_on(error: build.NothingToFreeze, chosen: recipe.Recipe) -> str:
    """The option that lets in what stayed out for its judgment; "" where none did."""
    more = [word for word in recipe.JUDGMENTS if error.dropped.get(word) and word not in chosen.judgments]
    return f" Here: --judgments {','.join([*chosen.judgments, *more])} takes them too." if more else ""


def _given(path: str) -> dict[str, Any]:
    """The recipe in a file. Raises CommandError where there is none."""
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        found = json.loads(text)
    except OSError as error:
        raise CommandError(f"The recipe cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise CommandError(f"{path} must hold one JSON object.")
    return found


_RECIPE = ("task", "judgments", "corrections", "validation", "test", "group_by", "seed", "limit", "order", "dedupe")
