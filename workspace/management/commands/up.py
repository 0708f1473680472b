"""manage.py up: database, migrations, web, worker and beat in one terminal. Ctrl-C stops all of it."""

import argparse
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from workspace.embedded.binaries import EmbeddedPostgresError
from workspace.supervisor import prepare
from workspace.supervisor.claim import CannotStart, check_port, claim_folder
from workspace.supervisor.watch import Plan


def _several(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError("must be a number from 1 to 64")
    return int(text)


class Command(BaseCommand):
    """Exits with 3 where it runs already, 4 where the port cannot be had, 1 where something else stands in the way."""

    help = "Start Whetstone: database, migrations, web, worker and beat. Ctrl-C stops it; training runs go on."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="the port to listen on (PORT, or 8000)")
        parser.add_argument("--concurrency", type=int, default=2, help="how many tasks the worker does at once (2)")
        parser.add_argument("--web", type=_several, default=1, help="how many web processes answer (1)")
        parser.add_argument("--no-demo", action="store_true", help="do not create the demo project on the first start")
        parser.add_argument("--what-goes-on", action="store_true", help=argparse.SUPPRESS)

    def handle(
        self, *, host: str, port: int, concurrency: int, web: int, no_demo: bool, what_goes_on: bool, **options: Any
    ) -> None:
        if what_goes_on:
            for line in import_string(settings.UP_GOODBYE)():
                self.stdout.write(line)
            return
        self.begun = time.time()
        plan = Plan(host=host, port=port, concurrency=concurrency, web=web, started=self.begun, welcome=[], lock=-1)
        try:
            lock = claim_folder(settings.DATA_DIR, url=plan.url)
            check_port(host, port)
            plan = replace(plan, welcome=self._prepare(demo=not no_demo), lock=lock)
        except CannotStart as error:
            raise CommandError(str(error), returncode=error.code) from None
        except (DatabaseError, EmbeddedPostgresError) as error:
            raise CommandError(f"the database cannot be used: {error}") from None
        except OSError as error:
            raise CommandError(
                f"{error.strerror}: {error.filename}; look at the data folder {settings.DATA_DIR}"
            ) from None
        except KeyboardInterrupt:
            self.say("stopped before it was ready; the next start goes on from here")
            sys.exit(130)
        self._become(plan)

    def _prepare(self, *, demo: bool) -> list[str]:
        failures: list[BaseException] = []

        def static() -> None:
            try:
                prepare.prepare_static(self.say)
            except BaseException as error:
                failures.append(error)

        beside = threading.Thread(target=static)  # files beside the database: both take their time on a first start
        beside.start()
        try:
            prepare.clear_messages()
            prepare.prepare_database(self.say)
            welcome = prepare.first_account()
            if demo:
                prepare.first_project(self.say)
        finally:
            beside.join()
        if failures:
            raise failures[0]
        return welcome

    def _become(self, plan: Plan) -> None:
        postgres: dict[str, Any] = {}
        if settings.DATABASES["default"]["ENGINE"] == "workspace.pgbackend":
            server = connection.server()  # type: ignore[attr-defined]
            postgres = {"postgres": str(server.folder), "postgres_options": server.options, "users": server.hand_over()}
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        # what we start runs in the checkout, with the same data folder and port whatever the caller's folder was
        os.chdir(Path(settings.BASE_DIR))
        os.environ.update(WHETSTONE_DATA=str(settings.DATA_DIR), PORT=str(plan.port))
        replace(plan, **postgres).become()

    def say(self, text: str) -> None:
        """A line of progress, with the seconds since the start."""
        self.stdout.write(f"{time.time() - self.begun:5.1f} s  {text}")
        self.stdout.flush()
