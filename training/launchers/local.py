"""Worker processes of this machine: started detached, found again after any restart, stopped.

Works on rows of any model made from training.models.WorkerProcess, and for both kinds of job ("train", "answer"). What
is known about a process is in its folder (training.rundir); rows are only a copy of it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.utils import timezone

from training import rundir
from training.models import WorkerProcess
from workspace import identity

LEASE = timedelta(seconds=30)
# what a worker may know of our environment: no keys, no database address
PASSED = {
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES",
    "HF_HOME", "HF_HUB_CACHE", "HF_ENDPOINT", "SSL_CERT_FILE",
}  # fmt: skip
PASSED_FOR_HUB = {
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "REQUESTS_CA_BUNDLE",
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen of a process now.

    state: "starting" (not yet there), "alive", "ended" (result says how), "gone" (died without a word).
    """

    state: Literal["starting", "alive", "ended", "gone"]
    result: dict[str, Any] | None = None
    heartbeat_at: datetime | None = None


def host_id() -> str:
    """A name for the machine (or container) that owns the data folder; made once, kept in it."""
    path: Path = settings.DATA_DIR / "host_id"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    made = f"{socket.gethostname()[:80]}-{uuid.uuid4().hex[:12]}"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        time.sleep(0.05)
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(made)
    return made


def claim_fields() -> dict[str, Any]:
    """Fields of a new process row: who will start it, and until when it may take to do so."""
    return {"host": socket.gethostname()[:200], "lease_owner": host_id(), "lease_until": timezone.now() + 10 * LEASE}


def begin(process: WorkerProcess, *, what: Literal["train", "answer"], job: Mapping[str, Any]) -> None:
    """Write job.json and start the runner, detached. The row must be committed before, so that nothing runs unknown.

    Calling it twice is harmless: the folder can be claimed once only.
    """
    folder = Path(process.folder)
    folder.mkdir(parents=True, exist_ok=True)
    rundir.write_json(folder / rundir.JOB, {**job, "what": what})
    hub = job.get("base", {}).get("source") == "hub"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED or name.startswith("LC_") or (hub and name in PASSED_FOR_HUB)
    }
    with (folder / rundir.CONSOLE).open("ab") as console:
        started = subprocess.Popen(
            [sys.executable, "-m", "training.runner", str(folder)],
            cwd=settings.BASE_DIR,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            close_fds=True,
            start_new_session=True,
        )
    owner = identity.of_process(started.pid)
    _save(
        process,
        boot_id=owner["boot_id"],
        pid=owner["pid"],
        pid_started=owner["ticks"],
        lease_until=timezone.now() + LEASE,
    )


def _save(process: WorkerProcess, **fields: Any) -> None:
    """Guarded: a row that is over is never changed any more."""
    model = type(process)._default_manager
    model.filter(pk=process.pk, status__in=["starting", "running"]).update(**fields)
    for name, value in fields.items():
        setattr(process, name, value)


def is_ours(process: WorkerProcess) -> bool:
    """Whether this machine looks after the process."""
    return process.lease_owner == host_id()


def look(process: WorkerProcess) -> Sight:
    """What can be seen of the process. Costs a few small file reads."""
    folder = Path(process.folder)
    heartbeat = rundir.read_json(folder / rundir.HEARTBEAT)
    beaten = datetime.fromtimestamp(float(heartbeat["at"]), UTC) if heartbeat and "at" in heartbeat else None
    if (result := rundir.read_json(folder / rundir.RESULT)) is not None:
        return Sight("ended", result, beaten)
    owner = rundir.read_json(folder / rundir.RUNNER)
    if owner is None:
        return Sight("starting" if _may_still_come(process, folder) else "gone", None, beaten)
    if identity.lives(str(owner.get("boot_id", "")), owner.get("pid"), owner.get("ticks")):
        return Sight("alive", None, beaten)
    if (result := rundir.read_json(folder / rundir.RESULT)) is not None:  # it ended between the two looks
        return Sight("ended", result, beaten)
    return Sight("gone", None, beaten)


def _may_still_come(process: WorkerProcess, folder: Path) -> bool:
    """A process that has not claimed its folder yet: true while it lives or its starter still has time.

    False is final: the folder is claimed here, so a runner that comes later finds it taken and leaves.
    """
    if identity.lives(process.boot_id, process.pid, process.pid_started):
        return True
    if process.lease_until is not None and process.lease_until > timezone.now():
        return True
    folder.mkdir(parents=True, exist_ok=True)
    return not rundir.claim(folder, {"given_up": True, "boot_id": "", "pid": None, "ticks": None})


def renew(process: WorkerProcess, sight: Sight) -> None:
    """Write down the sign of life and take the lease for another 30 s; adopts a process that was started before."""
    fields: dict[str, Any] = {"lease_until": timezone.now() + LEASE}
    if sight.heartbeat_at is not None:
        fields["heartbeat_at"] = sight.heartbeat_at
    if sight.state == "alive":
        owner = rundir.read_json(Path(process.folder) / rundir.RUNNER) or {}
        fields |= {"status": "running", "boot_id": owner["boot_id"], "pid": owner["pid"], "pid_started": owner["ticks"]}
    _save(process, **fields)


def stop(process: WorkerProcess, *, keep: bool) -> None:
    """Ask the worker to stop, saving its work or not. The runner passes it on within a moment and enforces it."""
    folder = Path(process.folder)
    wanted = {"stop": "keep" if keep else "discard"}
    if folder.is_dir() and rundir.read_json(folder / rundir.CONTROL) != wanted:
        rundir.write_json(folder / rundir.CONTROL, wanted)


def kill_worker(process: WorkerProcess) -> bool:
    """After the runner's death: end a worker that goes on alone. True while it still lives (look again later)."""
    owner = rundir.read_json(Path(process.folder) / "worker.json") or {}
    boot, pid, ticks = str(owner.get("boot_id", "")), owner.get("pid"), owner.get("ticks")
    if pid is None or not identity.lives(boot, pid, ticks):
        return False
    os.kill(pid, signal.SIGKILL)
    for _ in range(20):
        if not identity.lives(boot, pid, ticks):
            return False
        time.sleep(0.05)
    return True
