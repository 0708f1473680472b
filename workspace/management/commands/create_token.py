"""manage.py create_token --project SLUG --role ROLE --name NAME"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workspace import tokens
from workspace.access import SYSTEM
from workspace.models import ApiToken, Project, Role


class Command(BaseCommand):
    help = "Make an API token and print it, alone on its line. It cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--name", required=True, help="What it is for, as the settings page shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        name = " ".join(options["name"].split())
        most = ApiToken._meta.get_field("name").max_length or 0
        if not 1 <= len(name) <= most:
            raise CommandError(f"--name needs 1 to {most} characters.")
        _, text = tokens.issue(project=project, name=name, role=Role(options["role"]), actor=SYSTEM)
        self.stdout.write(text)
