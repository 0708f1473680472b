"""One process under the watcher: started on a leash, its lines passed on, started again when it falls."""

import collections
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

FALLS, WINDOW = 5, 60.0  # so many ends in so many seconds mean that starting it again does not help


class Child:
    """`module` with `arguments`, run by this Python."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        leash: int,
        say: Callable[[str, str], None],
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "workspace.supervisor.leash", str(leash), *command]
        self._environment, self._leash, self._say = dict(environment), leash, say
        self._process: subprocess.Popen[str] | None = None
        self._falls: collections.deque[float] = collections.deque(maxlen=FALLS + 1)
        self._due: float | None = None
        self.last_lines: collections.deque[str] = collections.deque(maxlen=8)

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C in the terminal is the watcher's business."""
        self._due = None
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,
            pass_fds=(self._leash,),
        )
        threading.Thread(target=self._pass_on, args=(self._process,), daemon=True).start()

    def look(self) -> str:
        """Start it again if it has fallen and the pause is over. Returns "" or why it cannot go on."""
        if self._due is not None:
            if time.monotonic() >= self._due:
                self.start()
            return ""
        if self._process is None or self.alive:
            return ""
        code = self._process.returncode
        now = time.monotonic()
        self._falls.append(now)
        recent = sum(1 for fall in self._falls if now - fall < WINDOW)
        if recent > FALLS:
            return f"{self.name} ended {recent} times within a minute ({how_it_ended(code)})"
        pause = 0.25 * 2 ** (recent - 1)
        self._due = now + pause
        self._say("up", f"{self.name} {how_it_ended(code)}; starting it again in {pause:g} s")
        return ""

    @property
    def alive(self) -> bool:
        """Whether its first process is there. Once it is gone, what it left in its group is killed."""
        if self._process is None:
            return False
        if self._process.returncode is None and self._process.poll() is not None:
            self._kill_group(self._process.pid)
        return self._process.returncode is None

    def ask_to_end(self) -> None:
        """The orderly way."""
        self._due = None
        if self._process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """At once, with all processes of its group. What it started in other sessions (training) is not touched."""
        if self._process is not None and self.alive:
            self._kill_group(self._process.pid)
            self._process.wait()

    @staticmethod
    def _kill_group(group: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)

    def _pass_on(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.last_lines.append(line.rstrip())
            self._say(self.name, line.rstrip())


def how_it_ended(code: int) -> str:
    """In words: "ended with code 1" or "was killed by SIGKILL"."""
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
