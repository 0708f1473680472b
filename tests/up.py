"""Runs a real `manage.py up` in a folder of its own for tests."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], object], *, seconds: float = 30, what: str = "it") -> None:
    """Wait until it holds, or fail with `what`."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.05)


class Up:
    """One `manage.py up`; its lines are in `lines`."""

    def __init__(
        self,
        data: Path | None = None,
        *,
        port: int | None = None,
        python: Sequence[str] = (sys.executable,),
        environment: dict[str, str] | None = None,
        demo: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        self.data = data or Path(tempfile.mkdtemp(prefix="wt-up-", dir="/tmp"))
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        names = (
            "DJANGO_SETTINGS_MODULE",
            "SECRET_KEY",
            "WHETSTONE_DATA",
            "DATABASE_URL",
            "BROKER_URL",
            "PYTEST_CURRENT_TEST",
        )
        self.environment = {key: value for key, value in os.environ.items() if key not in names}
        self.environment.update(
            DJANGO_SETTINGS_MODULE="config.settings",
            WHETSTONE_DATA=str(self.data),
            PORT=str(self.port),
            **(environment or {}),
        )
        self.process = subprocess.Popen(
            [*python, "manage.py", "up", *([] if demo else ["--no-demo"]), *options],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def text(self) -> str:
        """All lines so far."""
        return "\n".join(self.lines)

    def ready(self, *, seconds: float = 90) -> "Up":
        """Wait until it says that it is."""

        def said() -> bool:
            if self.process.poll() is not None:
                self.reader.join(5)
                raise AssertionError(f"`up` ended with {self.process.returncode}:\n{self.text}")
            return "ready after" in self.text

        try:
            wait_until(said, seconds=seconds)
        except AssertionError:
            raise AssertionError(f"`up` is not ready:\n{self.text}") from None
        return self

    def said(self, words: str, *, seconds: float = 30) -> None:
        """Wait for a line with these words."""
        wait_until(lambda: words in self.text, seconds=seconds, what=f"{words!r} in the output:\n{self.text}\n--")

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=15) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def manage(self, *arguments: str, give: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run another command on the same data folder."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, input=give, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def child(self, name: str) -> int:
        """The pid of web, worker or beat: the process that leads its group. Waits until it is there."""
        found: list[int] = []
        wait_until(lambda: found.extend(self.leaders(name)) or found, seconds=20, what=f"{name} in:\n{self.text}\n--")
        return found[0]

    def leaders(self, name: str) -> list[int]:
        """As `child`, but what is there now: none or one."""
        word = {"web": "uvicorn", "worker": "worker", "beat": "beat"}[name]
        found = []
        for pid in self.processes():
            words = command_of(pid)
            if "workspace.supervisor.leash" in words and word in words and session_of(pid) == pid:
                found.append(pid)
        return found

    def processes(self) -> list[int]:
        """All living processes that belong to this data folder, whoever their parent is."""
        found = []
        mark = f"WHETSTONE_DATA={self.data}\0".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return sorted(found)

    def end(self, *, seconds: float = 40) -> int:
        """Ctrl-C, and the code it exits with."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(seconds)
        self.reader.join(5)
        return code

    def kill_all(self) -> None:
        """Leave nothing behind (after a test, whatever happened in it)."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)


def session_of(pid: int) -> int:
    """The session it belongs to; -1 when it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


def command_of(pid: int) -> list[str]:
    """The words of its command line; [] when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []
