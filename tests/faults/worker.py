"""A process of its own on the test's database, which waits for its start and can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "import sys, django\ndjango.setup()\n"
AFTER = 'print("ready", flush=True)\nsys.stdin.readline()\n'


class Worker:
    """Runs `does` (Python; `sys.argv[1:]` are the arguments) once `go` is called; `imports` come before."""

    def __init__(self, imports: str, does: str, *arguments: object) -> None:
        known = connection.get_connection_params()
        names = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "dbname"}
        address = " ".join(f"{name}={known[key]}" for key, name in names.items() if known.get(key))
        environment = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": address,
            "SECRET_KEY": settings.SECRET_KEY,
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{BEFORE}{imports}\n{AFTER}{does}\n", *map(str, arguments)], cwd=ROOT,
            env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def go(self) -> None:
        """Begin."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """kill -9."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    def end(self, seconds: float = 60) -> None:
        """Wait until it has ended without an error."""
        assert self.process.wait(seconds) == 0


def wait_for(done: Callable[[], object], seconds: float = 60) -> None:
    """Until `done` says so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def cut_connections() -> None:
    """End every other connection to the database, as a restart of the server does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
