"""manage.py add_score --project SLUG --trace ID --name NAME --number X | --boolean true | --category WORD"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.known_scores import KNOWN
from curation.models import Score
from curation.review import said
from curation.review.invalid import Invalid
from curation.review.said import About
from curation.review.scores import Value
from workspace.access import SYSTEM
from workspace.models import Project


class Command(BaseCommand):
    """Keeps a measured value of a trace and prints what became of it."""

    help = "Add a score to a trace. Where the trace has not come yet, the score waits for it (prints: waiting)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which trace, and the value."""
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--trace", "--example", default="", metavar="ID", help="our id, or the sender's")
        parser.add_argument("--session", default="", metavar="ID", help="or a session: its newest trace")
        parser.add_argument("--name", required=True, help=f"any; with a meaning of their own: {', '.join(KNOWN)}")
        value = parser.add_mutually_exclusive_group(required=True)
        value.add_argument("--number", type=float)
        value.add_argument("--boolean", choices=["true", "false"])
        value.add_argument("--category", default="")
        parser.add_argument("--low", type=float, help="lower end of the number's range")
        parser.add_argument("--high", type=float, help="upper end of the number's range")
        parser.add_argument("--reason", default="")
        parser.add_argument("--source", choices=list(Score.Source.values), default=Score.Source.IMPORTED)
        parser.add_argument("--id", default="", help="the same again under this id replaces the value")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add it, or say what is wrong."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        value = Value(
            boolean=None if options["boolean"] is None else options["boolean"] == "true",
            external_id=options["id"],
            **{name: options[name] for name in ("name", "number", "category", "low", "high", "reason", "source")},
        )
        about = About(trace=options["trace"], session=options["session"])
        try:
            done = said.say_score(project=project, actor=SYSTEM, about=about, value=value)
        except Invalid as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{done.outcome} {done.trace.uid if done.trace else ''}".strip())
        if done.note:
            self.stderr.write(done.note)
