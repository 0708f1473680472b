"""manage.py demo --create | --delete"""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import demo
from config.erase import StillRunning
from workspace.models import Project, User


class Command(BaseCommand):
    help = "Make the demo project (or finish one that is incomplete), or delete it with everything in it."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--create", action="store_true", help="Make or complete the project")
        what.add_argument(
            "--delete", action="store_true", help="Delete the project, its files and its made-up reviewers"
        )
        parser.add_argument("--member", metavar="EMAIL", default="", help="With --create: make this person its admin")

    def handle(self, *args: Any, **options: Any) -> None:
        start = time.monotonic()
        try:
            if options["create"]:
                self._create(options["member"])
            else:
                self._delete()
        except (demo.NotTheDemo, StillRunning) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{time.monotonic() - start:.1f} s")

    def _create(self, email: str) -> None:
        member = User.objects.filter(email__iexact=email).first() if email else None
        if email and member is None:
            raise CommandError(f"There is no account {email}.")
        project, made = demo.create(member=member, say=self.stdout.write)
        state = "ready" if made else "already there and complete"
        self.stdout.write(f"The project {project.slug} ({project.name}) is {state}.")

    def _delete(self) -> None:
        project = Project.objects.filter(slug=demo.SLUG, is_demo=True).first()
        if project is None:
            self.stdout.write("There is no demo project.")
            return
        demo.delete(project=project, say=self.stdout.write)
        self.stdout.write(f"The project {project.slug} is deleted.")
