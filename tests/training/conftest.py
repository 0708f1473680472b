"""What the training tests share."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from training import rundir
from training.launch import start
from training.launchers import local
from training.models import TrainingRun
from training.models.runs import RunStatus
from training.progress import reconcile
from workspace import identity


@pytest.fixture(autouse=True)
def own_folders(settings: object, tmp_path: Path) -> None:
    """Runs, models and the host's name of each test lie in a folder of its own."""
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    settings.RUNS_DIR = tmp_path / "runs"  # type: ignore[attr-defined]
    settings.MODELS_DIR = tmp_path / "models"  # type: ignore[attr-defined]
    settings.MODEL_FOLDERS = [tmp_path / "bases"]  # type: ignore[attr-defined]


@pytest.fixture
def drive() -> Iterator[Callable[..., TrainingRun]]:
    """Do what Celery's nudges do (sweep, start) until `until(run)` or the run is over; ends what is left after it."""
    seen: list[TrainingRun] = []

    def go(run: TrainingRun, until: Callable[[TrainingRun], bool] | None = None, seconds: float = 120) -> TrainingRun:
        seen.append(run)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            reconcile.sweep()
            start.start_next()
            run.refresh_from_db()
            if until is not None and until(run):
                return run
            if run.status in RunStatus.final():
                if until is None:
                    return run
                raise AssertionError(f"{run.status} before it was so far: {run.status_reason}\n{_console(run)}")
            time.sleep(0.2)
        raise AssertionError(f"Not after {seconds} s: {run.status} {run.step}\n{_console(run)}")

    yield go
    for run in seen:
        for attempt in run.attempts.all():
            local.stop(attempt, keep=False)
            local.kill_worker(attempt)
            owner = rundir.read_json(Path(attempt.folder) / rundir.RUNNER) or {}
            for _ in range(50):
                if not identity.lives(str(owner.get("boot_id", "")), owner.get("pid"), owner.get("ticks")):
                    break
                time.sleep(0.1)


@contextlib.contextmanager
def held(run: TrainingRun, *, at: Callable[[list[dict[str, Any]]], bool]) -> Iterator[threading.Event]:
    """Stop (SIGSTOP) the first trainer of `run` where its own events satisfy `at`, and let it go on after the block.

    Yields an event that is set once it stands. However slow the machine is, the trainer cannot run past the point at
    which the test wants to find it.
    """
    stopped: list[int] = []
    over, stands = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for path in Path(settings.RUNS_DIR).glob(f"{run.uid}/*/{rundir.EVENTS}"):
                trainer = (rundir.read_json(path.parent / "worker.json") or {}).get("pid")
                if not trainer or not at(rundir.read_events(path, 0)[0]):
                    continue
                os.kill(trainer, signal.SIGSTOP)
                if at(rundir.read_events(path, 0)[0]):
                    stopped.append(trainer)
                    stands.set()
                    return
                os.kill(trainer, signal.SIGCONT)  # it had gone past the point meanwhile: wait for the next

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield stands
    finally:
        over.set()
        watcher.join()
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _console(run: TrainingRun) -> str:
    newest = run.attempts.order_by("-number").first()
    return rundir.tail(Path(newest.folder) / rundir.CONSOLE)[0][-3000:] if newest else ""
