"""Which process is which, for good: a pid alone is reused, (boot id, pid, start ticks) is not.

Standard library only. On Linux from /proc; elsewhere (macOS) from `ps`, whose start time has whole seconds.
"""

import os
import subprocess
import time
from pathlib import Path
from typing import Any


def boot_id() -> str:
    """Changes with every start of the machine; "" where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        pass
    try:
        return subprocess.run(
            ["sysctl", "-n", "kern.boottime"], capture_output=True, text=True, timeout=5, check=False
        ).stdout.strip()[:64]
    except (OSError, subprocess.SubprocessError):
        return ""


def started(pid: int) -> float | None:
    """When the process began, in a unit of this machine; None where there is none, or only its corpse (a zombie)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        fields = stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    return None if fields[0] in ("Z", "X") else float(fields[19])


def _started_by_ps(pid: int) -> float | None:
    try:
        answer = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    words = answer.stdout.split(maxsplit=1)
    if len(words) < 2 or words[0].startswith("Z"):
        return None
    return time.mktime(time.strptime(words[1].strip(), "%a %b %d %H:%M:%S %Y"))


def of_process(pid: int | None = None) -> dict[str, Any]:
    """The identity of a process (this one by default) as it is kept in files and rows."""
    pid = os.getpid() if pid is None else pid
    return {"boot_id": boot_id(), "pid": pid, "ticks": started(pid)}


def lives(boot: str, pid: int | None, ticks: float | None) -> bool:
    """Whether exactly this process still runs. A reused pid, an earlier boot or a zombie is not it."""
    if pid is None or ticks is None or boot != boot_id():
        return False
    return started(pid) == ticks
