"""What every worker does around its work: environment, events, stopping, and saying how it failed."""

import ctypes
import errno
import json
import math
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from training import rundir


class JobError(Exception):
    """Work that cannot go on, for a reason that can be told. `code` is the exit code of training.rundir."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class DataError(JobError):
    """The rows cannot be trained on (or answered)."""

    def __init__(self, message: str) -> None:
        super().__init__(rundir.BAD_DATA, message)


class ConfigError(JobError):
    """The base or the settings cannot be used."""

    def __init__(self, message: str) -> None:
        super().__init__(rundir.BAD_CONFIG, message)


STAGES = {
    "load": "loading the libraries and the tokenizer",
    "check": "reading the rows",
    "train": "training",
    "answer": "answering",
}


def say(line: str) -> None:
    """A line of the console, with the time (UTC)."""
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", flush=True)  # noqa: T201


class Stopped(Exception):
    """The wish to stop came while there was nothing yet to save."""


class Worker:
    """One job in its folder: reads job.json, writes events.jsonl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        job = rundir.read_json(folder / rundir.JOB)
        if job is None:
            raise SystemExit(f"{folder / rundir.JOB} cannot be read")
        self.job: dict[str, Any] = job
        self.stopping = False  # set by a signal handler: a plain value, no lock to wait for
        self._lock = threading.Lock()
        path = folder / rundir.EVENTS
        events, offset, _ = rundir.read_events(path, 0, most=1 << 40)
        self._seq = events[-1]["seq"] if events else 0
        self._file = path.open("a", encoding="utf-8")
        if path.stat().st_size > offset:  # a torn last line of an earlier process: end it, it will be counted
            self._file.write("\n")
        self.began = time.monotonic()

    def emit(self, kind: str, **payload: Any) -> None:
        """Append one event and flush it. Numbers that are not finite become null."""
        with self._lock:
            self._seq += 1
            event = {"seq": self._seq, "at": datetime.now(UTC).isoformat(), "kind": kind, **payload}
            self._file.write(json.dumps(_finite(event), ensure_ascii=False, default=str) + "\n")
            self._file.flush()

    def warn(self, message: str, **payload: Any) -> None:
        """A warning: for the page and for the console."""
        say(f"warning: {message}")
        self.emit("warning", message=message, **payload)

    def stage(self, name: str) -> None:
        """Say which part begins (load, check, train, save); stops here if somebody wished so."""
        self.check()
        say(STAGES.get(name, name))
        self.emit("stage", name=name)

    def check(self) -> None:
        """Raise Stopped when somebody wished to stop."""
        if self.stopping:
            raise Stopped

    @property
    def keep(self) -> bool:
        """Whether a stop shall save a checkpoint."""
        control = rundir.read_json(self.folder / rundir.CONTROL)
        return (control or {}).get("stop") != "discard"

    def path(self, name: str) -> Path:
        """A path of job.json, relative to the folder."""
        return (self.folder / name).resolve()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def prepare_environment(folder: Path, *, online: bool) -> None:
    """Before anything heavy is imported: no telemetry, caches in the folder, the hub only where the base needs it."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HF_DATASETS_CACHE"] = str(folder / "cache")
    os.environ["HF_DATASETS_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_NO_ADVISORY_WARNINGS"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")
    warnings.simplefilter("ignore", FutureWarning)
    if online:
        os.environ.pop("HF_HUB_OFFLINE", None)
    else:
        os.environ["HF_HUB_OFFLINE"] = "1"
    # several visible devices in one process are refused by the trainer; one device is one slot
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")


def die_with_runner(folder: Path) -> bool:
    """Linux: get SIGTERM when the runner is killed, so that no worker trains on unwatched.

    False where it is dead already: the signal comes only for a death after the call, so the parent is looked at after
    it. A worker that was started by hand has no runner.json and no runner.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
    runner = rundir.read_json(folder / rundir.RUNNER)
    return runner is None or runner.get("pid") == os.getppid()


def run(folder: Path, work: Callable[[Worker], str]) -> int:
    """Do `work`, which returns the kind of its last event ("finished" or "stopped"). Returns the exit code."""
    worker = Worker(folder)

    def on_signal(_number: int, _frame: object) -> None:
        worker.stopping = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    if not die_with_runner(folder):
        say("the runner is gone: nothing was begun")
        return rundir.ERROR
    base = worker.job.get("base") or {}
    prepare_environment(folder, online=base.get("source") == "hub")
    worker.emit("started", pid=os.getpid(), what=worker.job.get("what"), python=sys.version.split()[0])
    try:
        return rundir.FINISHED if work(worker) == "finished" else rundir.STOPPED
    except Stopped:
        worker.emit("stopped", step=None, saved=False)
        return rundir.STOPPED
    except BaseException as error:
        code, message = classify(error)
        if not isinstance(error, JobError):
            traceback.print_exc()
        say(f"failed: {message}")
        worker.emit(
            "failed", **{"class": rundir.CLASS_BY_CODE[code]}, message=message[:2000], type=type(error).__name__
        )
        return code


def classify(error: BaseException) -> tuple[int, str]:
    """Exit code and words for what went wrong."""
    text = str(error) or type(error).__name__
    if isinstance(error, JobError):
        return error.code, text
    name = type(error).__name__
    if (
        isinstance(error, MemoryError)
        or name == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
    ):
        return rundir.OOM, f"Out of memory: {text}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return rundir.DISK_FULL, f"The disk is full: {text}"
    if isinstance(error, ImportError):
        return rundir.NO_IMPORT, f"A package is missing: {text}"
    return rundir.ERROR, f"{name}: {text}"
