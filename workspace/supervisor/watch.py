"""The process that stays: it starts web, worker and beat, keeps them and the database alive, and stops them.

It holds nothing but this module and the standard library, so it costs little memory. `manage.py up` becomes it by exec
once everything is prepared, and passes a `Plan` in the environment.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from workspace.embedded.binaries import EmbeddedPostgresError
from workspace.embedded.postgres import EmbeddedPostgres
from workspace.supervisor.bell import Bell
from workspace.supervisor.child import FALLS, WINDOW, Child

VARIABLE = "WHETSTONE_UP"
PATIENCE = 20.0  # seconds for an orderly end
COLOURS = {"web": "36", "worker": "35", "beat": "34", "up": "1"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run and what to say. `lock` and `users` are descriptors that stay open: `up.lock` and the database share."""

    host: str
    port: int
    concurrency: int
    web: int
    started: float
    welcome: list[str]
    lock: int
    postgres: str = ""
    postgres_options: dict[str, str] | None = None
    users: int = -1

    @property
    def url(self) -> str:
        """The address to open."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def become(self) -> None:
        """Turn this process into the watcher."""
        os.set_inheritable(self.lock, True)
        environment = {**os.environ, VARIABLE: json.dumps(asdict(self))}
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, "-m", "workspace.supervisor.watch"], environment)


class Watcher:
    """Runs the plan until Ctrl-C, SIGTERM, or until a child cannot be kept alive."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
        # the checks of Django import every page, which the worker never shows
        self.environment.update(PYTHONUNBUFFERED="1", CELERY_SKIP_CHECKS="1")
        self.bell = Bell()
        self.hits = 0
        self.failure = ""
        self._printing = threading.Lock()
        self._leash, self._leash_end = os.pipe()  # our end closes with us
        self._colour = sys.stdout.isatty()
        self.database: EmbeddedPostgres | None = None
        self._database_falls: list[float] = []
        self._database_pid: tuple[int, int | None] | None = None
        os.set_inheritable(plan.lock, False)
        if plan.postgres:
            os.set_inheritable(plan.users, False)
            self.database = EmbeddedPostgres(Path(plan.postgres), options=plan.postgres_options)
            self.database.adopt(plan.users)
        self.children = [
            self._child("web", "uvicorn", "config.asgi:application", "--host", plan.host, "--port", str(plan.port),
                        "--no-access-log", "--no-server-header", "--lifespan", "off", "--log-level", "warning",
                        "--timeout-graceful-shutdown", "3", *(["--workers", str(plan.web)] if plan.web > 1 else [])),
            self._child("worker", "celery", "-q", "-A", "config", "worker", "--loglevel", "WARNING",
                        "--concurrency", str(plan.concurrency), "--without-gossip", "--without-mingle",
                        "--without-heartbeat"),
            self._child("beat", "celery", "-q", "-A", "config", "beat", "--loglevel", "WARNING", "--pidfile="),
        ]  # fmt: skip

    def _child(self, name: str, *command: str) -> Child:
        return Child(name, command, environment=self.environment, leash=self._leash, say=self.say)

    def say(self, name: str, text: str) -> None:
        """One line with the name of who says it. A terminal that is gone is no reason to fall."""
        mark = f"\033[{COLOURS[name]}m{name:6}\033[0m" if self._colour else f"{name:6}"
        with self._printing, contextlib.suppress(OSError, ValueError):
            sys.stdout.write(f"{mark} | {text}\n")
            sys.stdout.flush()

    def run(self) -> int:
        """Returns what to exit with: 0 after a wish to stop, 1 where something could not be kept alive."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: self.bell.ring())
        for child in self.children:
            child.start()
        announced = False
        while not self._is_stopping():
            self.bell.wait(0.5 if announced else 0.05)
            if self._is_stopping():
                break
            self._keep_database()
            for child in self.children:
                if reason := child.look():
                    self.failure = reason
                    break
            if not announced and answers(self.plan.host, self.plan.port):
                announced = True
                self._announce()
        return self._stop()

    def _is_stopping(self) -> bool:
        return self.hits > 0 or self.failure != ""

    def _on_stop(self, number: int, frame: object) -> None:
        # only what can interrupt any line of the main loop without harm: no lock, no waiting, no print
        self.hits += 1
        self.bell.ring()

    def _announce(self) -> None:
        seconds = time.time() - self.plan.started
        self.say("up", f"ready after {seconds:.1f} s: {self.plan.url}")
        for line in self.plan.welcome:
            self.say("up", line)
        self.say("up", "Ctrl-C stops everything.")

    def _keep_database(self) -> None:
        """Start the embedded server again when its first process has died."""
        if self.database is None or not self._database_is_gone(self.database):
            return
        now = time.monotonic()
        self._database_falls = [fall for fall in self._database_falls if now - fall < WINDOW] + [now]
        if len(self._database_falls) > FALLS:
            self.failure = (
                f"PostgreSQL ended {len(self._database_falls)} times within a minute (log: {self.database.log})"
            )
            return
        self.say("up", "PostgreSQL is gone; starting it again")
        try:
            self.database.revive()
        except EmbeddedPostgresError as error:
            self.say("up", str(error))
            self.bell.wait(1)
        else:
            self.say("up", f"PostgreSQL is back after {time.monotonic() - now:.1f} s")

    def _database_is_gone(self, database: EmbeddedPostgres) -> bool:
        if self._database_pid is None:
            pid = database.pid()
            if pid is None:
                return True
            opened = None
            if hasattr(os, "pidfd_open"):
                try:
                    opened = os.pidfd_open(pid)
                except ProcessLookupError:
                    return True
                except OSError:
                    opened = None  # a kernel without it: the pid itself must do
            self._database_pid = (pid, opened)
        pid, opened = self._database_pid
        # a pidfd is readable once the process has ended, zombie or not
        gone = not _exists(pid) if opened is None else bool(select.select([opened], [], [], 0)[0])
        if gone:
            self._database_pid = None
            if opened is not None:
                os.close(opened)
        return gone

    def _stop(self) -> int:
        begun = time.monotonic()
        if self.failure:
            self.say("up", f"stopping: {self.failure}")
        else:
            self.say("up", "stopping (Ctrl-C again kills at once)")
        for child in self.children:
            child.ask_to_end()
        goodbye = self._ask_what_goes_on()
        while any(child.alive for child in self.children):
            if time.monotonic() - begun > PATIENCE:
                late = ", ".join(child.name for child in self.children if child.alive)
                self.say("up", f"{late} did not end within {PATIENCE:.0f} s and is killed")
                break
            if self.hits > 1:
                break
            self.bell.wait(0.05)
        for child in self.children:
            child.kill()
        for line in self._heard(goodbye):
            self.say("up", line)
        if self.database is not None:
            self.database.release()
        os.ftruncate(self.plan.lock, 0)
        self.say("up", f"stopped after {time.monotonic() - begun:.1f} s")
        return 1 if self.failure else 0

    def _ask_what_goes_on(self) -> "subprocess.Popen[str] | None":
        """Another process with Django in it answers that while the children end."""
        if self.hits > 1:
            return None
        command = [sys.executable, "manage.py", "up", "--what-goes-on"]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _heard(self, goodbye: "subprocess.Popen[str] | None") -> list[str]:
        if goodbye is None:
            return []
        end = time.monotonic() + 10
        while self.hits < 2 and time.monotonic() < end:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return goodbye.communicate(timeout=0.1)[0].splitlines()
        goodbye.kill()
        goodbye.wait()
        return []


def answers(host: str, port: int) -> bool:
    """Whether /healthz says 200."""
    address = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(Watcher(Plan(**json.loads(os.environ[VARIABLE]))).run())
