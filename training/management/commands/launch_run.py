"""`manage.py launch_run --project acme --dataset support@3 --base tiny --set epochs=2 --wait`"""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from training.artifacts import bases
from training.launch import request, start
from training.models import TrainingRun
from training.models.runs import RunStatus
from training.progress import follow, reconcile
from training.recipes import sft
from workspace.access import SYSTEM
from workspace.models import Project


class Command(BaseCommand):
    """Starts a training run; with --wait it also does the Celery worker's part, so that none is needed."""

    help = "Start a training run on a frozen dataset version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--dataset", required=True, metavar="NAME[@N]", help="Without @N the newest version.")
        parser.add_argument(
            "--base", default="tiny", metavar="tiny|PATH|HUB", help="Also a model of the project: NAME@N."
        )
        parser.add_argument("--name", default="", help="Name of the run and of the model that comes out.")
        parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="chosen")
        parser.add_argument("--wait", action="store_true", help="Wait for the end; exit code 1 unless it succeeded.")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *arguments: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        version = follow.find_version(project, options["dataset"])
        if version is None:
            raise CommandError(f"There is no dataset version {options['dataset']!r} in {project.slug}.")
        try:
            run = request.request(
                project=project, actor=SYSTEM, dataset_version=version, base=bases.find(project, options["base"], actor=SYSTEM),
                name=options["name"], settings=self._settings(options["chosen"]),
            )  # fmt: skip
        except (sft.InvalidSettings, request.Refused, bases.UnusableBase) as error:
            raise CommandError(str(error)) from None
        if options["wait"]:
            self._wait(run, quiet=options["as_json"])
        run.refresh_from_db()
        if options["as_json"]:
            self.stdout.write(json.dumps(self._outcome(run)))
        elif not options["wait"]:
            self.stdout.write(f"{run.name} is queued. {run.status_reason}".strip())
        if options["wait"] and run.status != RunStatus.SUCCEEDED:
            raise CommandError(f"{run.name}: {run.get_status_display().lower()}. {run.status_reason}")

    @staticmethod
    def _settings(pairs: list[str]) -> dict[str, str]:
        broken = [pair for pair in pairs if "=" not in pair]
        if broken:
            raise CommandError(f"--set {broken[0]!r} is not KEY=VALUE.")
        return {key.strip(): value for key, _, value in (pair.partition("=") for pair in pairs)}

    def _wait(self, run: TrainingRun, *, quiet: bool) -> None:
        """Sweep and start until the run is over. Ctrl-C leaves it running; the next `up` goes on looking after it."""
        said = ""
        while run.status not in RunStatus.final():
            reconcile.sweep()
            start.start_next()
            run.refresh_from_db()
            if run.status == RunStatus.QUEUED and run.status_reason and request.missing_packages():
                raise CommandError(run.status_reason)
            line = f"{run.get_status_display()}" + (
                f", step {run.step} of {run.total_steps}" if run.step is not None else ""
            )
            if line != said and not quiet:
                self.stdout.write(line)
                said = line
            time.sleep(0.5)

    @staticmethod
    def _outcome(run: TrainingRun) -> dict[str, Any]:
        model = getattr(run, "model", None)
        return {
            "run": str(run.uid), "name": run.name, "status": run.status, "reason": run.status_reason, "step": run.step,
            "total_steps": run.total_steps, "metrics": follow.last_losses([run]).get(run.pk, {}),
            "model": str(model.uid) if model else None, "model_name": str(model) if model else None,
        }  # fmt: skip
