"""manage.py training_export --format openai --min-quality 4.0 --agent planner --output FILE"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.datasets import build, leaks, recipe
from curation.datasets.exporting import export, formats, refused, send
from curation.datasets.exporting.personal import PersonalRows
from curation.filters import FilterError
from curation.management import collecting
from curation.management.asked import project_of, telling, write_file
from curation.management.commands.export_dataset import told
from curation.models import DatasetVersion
from workspace.access import SYSTEM


class Command(BaseCommand):
    """Freezes a version of what is asked for and writes it: one step, and every line can still be traced."""

    help = "Collects, freezes and writes training data. What was frozen and written goes to stderr."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, how and where to."""
        collecting.add_arguments(parser)
        parser.add_argument(
            "--output", required=True, metavar="FILE", help="a validation file gets .validation in its name"
        )
        parser.add_argument("--name", default=collecting.NAME, help=f"of the dataset (default {collecting.NAME})")
        parser.add_argument("--skip-invalid", action="store_true", help="leave rows out that the format cannot hold")
        parser.add_argument("--reason", default="", help="why personal data goes out as it is (with --personal keep)")
        parser.add_argument("--manifest", metavar="FILE", help="write beside it what each line came from")

    def handle(self, *args: Any, **options: Any) -> None:
        """Freeze and write, or say what is wrong."""
        target = Path(options["output"])
        if not target.parent.is_dir():
            raise CommandError(f"There is no folder {target.parent}.")
        project = project_of(options["project"])
        files = {"train": target}
        if options["validation"]:
            files["validation"] = target.with_name(f"{target.stem}.validation{target.suffix}")
        wishes = {split: self._wish(split, options) for split in files}
        try:
            formats.find(options["format"])
            version = build.freeze(
                project=project, name=options["name"], query_text=collecting.query_of(options), actor=SYSTEM,
                recipe=collecting.recipe_of(options), tell=telling(self.stderr),
                # where the export is refused, nothing is frozen either
                accept=lambda made: _accept(made, wishes),
            )  # fmt: skip
        except (PersonalRows, send.NoReason) as error:
            ways = "--personal replace, --personal exclude, or --personal keep --reason TEXT"
            raise CommandError(f"{error} Nothing was frozen or written. Here: {ways}.") from None
        except (refused.InvalidRows, leaks.HeldOutRows) as error:
            raise CommandError(f"{error} Nothing was frozen or written.") from None
        except (formats.UnknownFormat, recipe.RecipeError, build.BadName, build.NothingToFreeze, FilterError) as error:
            raise CommandError(str(error)) from None
        for note in version.counts["warnings"]:
            self.stderr.write(f"warning: {note['text']}")
        for split, path in files.items():
            written = export.Written()
            sending = send.lines(version=version, wish=wishes[split], actor=SYSTEM, written=written)
            for one in sending.notes:
                self.stderr.write(f"warning: {split}: {one.reason}")
            write_file(path, sending.pieces)
            self.stderr.write(f"{version} {split}: {told(written)} to {path}")
        if options["manifest"]:
            write_file(Path(options["manifest"]), send.origins(version=version, wish=wishes["train"]).pieces)

    def _wish(self, split: str, options: dict[str, Any]) -> send.Wish:
        personal = "keep" if options["personal"] == "keep" else ""
        return send.Wish(
            options["format"], split, options["skip_invalid"], personal=personal, reason=options["reason"]
        )  # fmt: skip


def _accept(made: DatasetVersion, wishes: dict[str, send.Wish]) -> None:
    """Refuse what cannot be written: rows that may not go out, and a split that was asked for and got no row."""
    for split, wish in wishes.items():
        if not made.rows.filter(split=split).exists():
            rows = made.rows.count()
            raise CommandError(
                f"None of the {rows:,} row{'' if rows == 1 else 's'} fell into the {split} split, so its file would be empty. "
                "Nothing was frozen or written. A larger --validation, another --seed or more rows help."
            )
        send.plan(made, wish)
