"""manage.py grade_traces --project SLUG --grader SLUG[@NUMBER] --filter "QUERY" """

import json
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.filters import FilterError
from curation.models import Batch, GraderVersion
from curation.scoring import batches, keep
from curation.scoring.refused import Refused
from workspace import formats
from workspace.access import SYSTEM
from workspace.models import Project


class Command(BaseCommand):
    """Grades what a filter matches with a confirmed grader and prints what came of it."""

    help = (
        "Score traces with a confirmed grader; those that have its score already are left alone. What may cost money is "
        "only priced, unless --confirm names that price."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which grader, which traces, and the price that was agreed to."""
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--grader", required=True, metavar="SLUG[@NUMBER]")
        parser.add_argument("--filter", default="", metavar="QUERY", dest="query", help="default: every listed trace")
        parser.add_argument("--sample", type=int, metavar="N", help="only so many, drawn at random")
        parser.add_argument("--seed", type=int, default=0, help="of the sample")
        parser.add_argument("--regrade", action="store_true", help="also where there is a score already")
        parser.add_argument("--confirm", default="", metavar="PRICE", help='US dollars as printed, or "unknown"')
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Price it, and do it where nothing stands against that."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        try:
            version = keep.named(project=project, label=options["grader"])
            wanted = {name: options[name] for name in ("query", "sample", "seed", "regrade")}
            price = batches.price(project=project, version=version, **wanted)
            if not price.is_free and not options["confirm"]:
                raise CommandError(
                    f"{price.items:,} of {price.traces:,} traces would be graded by {version} with {price.calls:,} calls, "
                    f"for at most {formats.money(price.usd) if price.usd is not None else 'an unknown sum'}. Nothing was "
                    f"asked: run it again with --confirm {price.text}"
                )
            batch = batches.start(
                project=project, version=version, actor=SYSTEM, confirmed=options["confirm"], key=str(uuid.uuid4()),
                until=price.until, **wanted,
            )  # fmt: skip
        except (Refused, FilterError) as error:
            raise CommandError(str(error)) from None
        while not batches.work(batch.pk, 3600):
            pass
        self._tell(batch, version, as_json=options["json"])

    def _tell(self, batch: Batch, version: GraderVersion, *, as_json: bool) -> None:
        batch.refresh_from_db()
        told = {
            "batch": str(batch.uid), "grader": str(version), "status": batch.status, "done": batch.done,
            "failed": batch.failed, "reused": batch.reused, "cost_usd": f"{batch.cost_usd:f}",
        }  # fmt: skip
        if as_json:
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(
                f"{version}: {batch.done:,} graded, {batch.failed:,} could not be, {batch.reused:,} had their score; "
                f"{formats.money(batch.cost_usd)}"
            )
        if batch.status not in (Batch.Status.DONE, Batch.Status.QUEUED, Batch.Status.RUNNING):
            raise CommandError(batch.error or f"The batch is {batch.status}.")
        if batch.error:
            self.stderr.write(batch.error)
