"""manage.py demo_loop [--project demo] [--json]"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import demo
from config.loop import Loop, StationFailed
from curation.demo.generate import generate
from curation.demo.outcome import DemoTrace
from curation.demo.records import write_records
from curation.models import Trace
from workspace.access import Actor
from workspace.models import Project, User

FRESH = 12
SEED = 4_711


class Command(BaseCommand):
    help = (
        "Drive the whole loop without a browser: import, judge, freeze, export, train, register, suite, compare, over "
        "time. Prints each station's result; the exit code is 1 at the first one that fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", default=demo.SLUG, metavar="SLUG", help="A demo project; made if missing")
        parser.add_argument("--json", action="store_true", help="Print the results as one line of JSON at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        start = time.monotonic()
        try:
            walk = self._walk(options["project"], quiet=options["json"])
        except StationFailed as error:
            raise CommandError(str(error)) from None
        seconds = round(time.monotonic() - start, 1)
        if options["json"]:
            self.stdout.write(json.dumps({"project": walk.project.slug, "seconds": seconds, "stations": walk.results}))
        else:
            self.stdout.write(f"{'all':<10} {len(walk.results)} stations in {seconds:.0f} s")

    def _walk(self, slug: str, *, quiet: bool) -> Loop:
        def say(station: str, text: str) -> None:
            if not quiet:
                self.stdout.write(f"{station:<10} {text}")
                self.stdout.flush()

        walk = Loop(project=self._project(slug), actor=Actor(), say=say)
        walk.actor = Actor(user=User.objects.get(email=demo.REVIEWERS[0][0]))
        rows = generate(now=walk.project.created_at, seed=SEED, support=FRESH, coding=0)
        for row in rows:
            row.trace.external_id = f"loop-{row.trace.external_id}"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fresh-conversations.jsonl"
            write_records(rows, path)
            walk.bring_in(path)
        walk.judge(self._verdicts(walk.project, rows))
        version = walk.freeze(name="demo-loop", query="agent:fernhill-support judged:acceptable")
        walk.export(version)
        base, tuned = walk.train(version)
        walk.over_time(walk.compare(version, base, tuned))
        return walk

    def _project(self, slug: str) -> Project:
        if slug == demo.SLUG:
            try:
                return demo.create()[0]
            except demo.NotTheDemo as error:
                raise StationFailed("import", str(error)) from None
        raise StationFailed(
            "import", f"There is no demo project {slug!r}; generated traces go into {demo.SLUG!r} only."
        )

    def _verdicts(self, project: Project, rows: list[DemoTrace]) -> list[tuple[Trace, str, str]]:
        traces = {
            trace.external_id: trace for trace in Trace.objects.filter(project=project, external_id__startswith="loop-")
        }
        return [(traces[row.trace.external_id], "acceptable" if row.good else "unacceptable", row.note) for row in rows]
