"""manage.py add_feedback --project SLUG --trace ID --rating 1..5"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.review import said
from curation.review.feedback import Opinion
from curation.review.invalid import Invalid
from curation.review.said import About
from workspace.access import SYSTEM
from workspace.models import Project


class Command(BaseCommand):
    """Keeps what somebody thought of a trace and prints what became of it."""

    help = "Add feedback to a trace. Where the trace has not come yet, the feedback waits for it (prints: waiting)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which trace, and what was thought of it."""
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--trace", "--example", default="", metavar="ID", help="our id, or the sender's")
        parser.add_argument("--session", default="", metavar="ID", help="or a session: its newest trace")
        parser.add_argument("--rating", type=int, help="1 to 5, 5 is best")
        parser.add_argument(
            "--aspect", action="append", default=[], metavar="NAME=1..5",
            help="such as toolSelection=4, responseQuality=5, speed=3; may be given several times",
        )  # fmt: skip
        parser.add_argument("--comment", default="")
        parser.add_argument("--suggested-tool", action="append", default=[], metavar="NAME")
        parser.add_argument("--suggested-response", default="")
        parser.add_argument("--author", default="", help="who said it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add it, or say what is wrong."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        opinion = Opinion(
            rating=options["rating"],
            aspects=dict(_aspect(text) for text in options["aspect"]),
            comments=options["comment"],
            suggested_tools=options["suggested_tool"],
            suggested_response=options["suggested_response"],
            author=options["author"],
        )
        about = About(trace=options["trace"], session=options["session"])
        try:
            done = said.say_feedback(project=project, actor=SYSTEM, about=about, opinion=opinion)
        except Invalid as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{done.outcome} {done.trace.uid if done.trace else ''}".strip())


def _aspect(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not name or not value.isascii() or not value.isdigit():
        raise CommandError(f"--aspect {text!r} is not NAME=1..5.")
    return name, int(value[:9])
