"""manage.py forget_person --project SLUG [--user ID] [--text TEXT ...] [--yes]"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.forget import forget_person
from curation.forget.person import NotASubject, Subject, counts_of, holdings
from workspace.access import Actor
from workspace.models import Project


class Command(BaseCommand):
    help = (
        "Forget a person: delete the traces of a user and all that mention a text, empty received bodies, turn rows of "
        "frozen datasets into tombstones, and list what was trained on them. Without --yes it only says what would go."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--user", default="", metavar="ID", help="The user as the sender of traces named them")
        parser.add_argument(
            "--text", action="append", default=[], metavar="TEXT",
            help="An email address, phone number or name; every trace that mentions it goes. May be given several times",
        )  # fmt: skip
        parser.add_argument("--yes", action="store_true", help="Erase; this cannot be taken back")
        parser.add_argument("--json", action="store_true", help="Print what was erased as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = Project.objects.get(slug=options["project"])
        except Project.DoesNotExist:
            raise CommandError(f"There is no project {options['project']!r}.") from None
        subject = Subject(user_id=options["user"], texts=tuple(options["text"]))
        try:
            if not options["yes"]:
                self.stdout.write(said(counts_of(holdings(project=project, subject=subject))))
                self.stdout.write("Nothing was changed. Run it again with --yes to erase this for good.")
                return
            erasure = forget_person(project=project, actor=Actor(), subject=subject)
        except NotASubject as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            found = {"erasure": str(erasure.uid), "counts": erasure.counts, "touched": erasure.touched}
            self.stdout.write(json.dumps(found))
            return
        for name, count in erasure.counts.items():
            self.stdout.write(f"{count:>10,} {name}")
        for one in erasure.touched:
            self.stdout.write(f"   touched {one['kind']} {one['name'] or one['id']}")


def said(counts: dict[str, Any]) -> str:
    """A preview in one sentence."""
    held = (
        f", {counts['frozen']:,} of them in frozen datasets ({', '.join(counts['versions'])})"
        if counts["frozen"]
        else ""
    )
    return f"{counts['traces']:,} traces{held}; {counts['bodies']:,} received bodies; {counts['spans']:,} loose spans."
