"""`python -m training.runner FOLDER`: keeps watch over one worker process and survives everything else.

It claims the folder, starts `training.workers.<what>` in its own process group, shows signs of life, passes on the
wish to stop, kills a worker that does not stop in time, and says in result.json how it ended. It knows neither Django
nor torch. What happens to the web server, the Celery worker or the database does not reach it.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from training import rundir
from workspace import identity

BEAT = 2.0
LOOK = 0.2
# seconds a worker gets after its SIGTERM to save and stop; then it is killed
GRACE = {"keep": 600.0, "discard": 120.0}


def main(folder: Path) -> int:
    """Run the job of `folder`. 0 when the worker ended by itself, however; 2 when the folder belongs to another."""
    if not rundir.claim(folder, identity.of_process()):
        _say(f"{folder.name} is held by another process, nothing to do")
        return 2
    job = rundir.read_json(folder / rundir.JOB)
    what = str((job or {}).get("what", ""))
    if what not in ("train", "answer"):
        rundir.write_json(folder / rundir.RESULT, {"exit_code": rundir.BAD_CONFIG, "error": "job.json cannot be read"})
        return 1
    wish = _Wish(folder)
    signal.signal(signal.SIGTERM, wish.by_signal)
    signal.signal(signal.SIGINT, wish.by_signal)
    before = _oom_kills()
    worker = subprocess.Popen([sys.executable, "-m", f"training.workers.{what}", str(folder)], stdin=subprocess.DEVNULL)
    rundir.write_json(folder / "worker.json", identity.of_process(worker.pid))
    code = _watch(folder, worker, wish)
    result: dict[str, Any] = {
        "at": time.time(),
        "exit_code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
    }
    result["out_of_memory"] = code == -signal.SIGKILL and _oom_kills() > before
    # a worker that is told to stop before its own handler stands simply dies of the signal: that is a stop, too
    result["obeyed"] = bool(wish.mode) and code == -signal.SIGTERM
    result["grace_over"] = wish.killed
    rundir.write_json(folder / rundir.RESULT, result)
    _say(f"worker ended with {code}")
    return 0


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S', time.gmtime())} runner: {line}", flush=True)  # noqa: T201


class _Wish:
    """Whether the worker shall stop: from control.json or from a signal to the runner itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mode = ""
        self.killed = False
        self.signalled = False

    def by_signal(self, _number: int, _frame: object) -> None:
        self.signalled = True

    def look(self) -> str:
        """ "" to go on, else keep or discard; a later discard overrides keep."""
        control = rundir.read_json(self.folder / rundir.CONTROL)
        asked = str((control or {}).get("stop", ""))
        if asked not in GRACE:
            asked = "keep" if self.signalled else ""
        if asked and self.mode != "discard":
            self.mode = asked
        return self.mode


def _watch(folder: Path, worker: "subprocess.Popen[bytes]", wish: _Wish) -> int:
    """Wait for the end of the worker; returns its return code (negative: the signal that ended it)."""
    beaten = stopped_at = 0.0
    told = ""
    while (code := worker.poll()) is None:
        now = time.monotonic()
        if now - beaten >= BEAT:
            rundir.write_json(folder / rundir.HEARTBEAT, {"at": time.time(), "worker": worker.pid})
            beaten = now
        mode = wish.look()
        if mode and not told:
            _say(f"asked to stop ({mode})")
            worker.send_signal(signal.SIGTERM)
            stopped_at, told = now, mode
        if mode and now - stopped_at > GRACE[mode]:
            wish.killed = True
            worker.kill()
        time.sleep(LOOK)
    return code


def _oom_kills() -> int:
    """How often the kernel has killed for memory in our cgroup; 0 where it cannot be read."""
    try:
        path = Path("/proc/self/cgroup").read_text().strip().splitlines()[-1].partition("::")[2]
        events = Path("/sys/fs/cgroup" + path, "memory.events").read_text()
    except (OSError, IndexError):
        return 0
    return sum(int(line.split()[1]) for line in events.splitlines() if line.startswith("oom_kill "))


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main(Path(sys.argv[1]).resolve()))
