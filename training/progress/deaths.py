"""How a worker ended, in one word and one sentence, with what to do about it."""

import signal
from dataclasses import dataclass
from pathlib import Path

from training import rundir
from training.launchers.local import Sight

# the machine's fault, not the job's: tried again
INFRASTRUCTURE = ("killed", "lost", "interrupted")
LABELS = {
    "oom": "out of memory",
    "data": "data",
    "config": "base or settings",
    "import": "not installed",
    "disk": "disk full",
    "killed": "killed",
    "lost": "vanished",
    "interrupted": "interrupted",
    "crash": "crashed",
    "error": "error",
}
ADVICE = {
    "oom": "Lower the batch size (and raise gradient accumulation), lower the longest row, or choose a smaller base.",
    "data": "Mend the rows that are named, freeze a new dataset version and start again.",
    "config": "Change what is named and start again.",
    "import": "Install what training needs with one command: make train",
    "disk": "Make room on the disk of the data folder, then resume from the newest checkpoint.",
    "killed": "Something outside ended the process. Resume from the newest checkpoint.",
    "lost": "The process vanished, as after a crash or restart of the machine. Resume from the newest checkpoint.",
    "interrupted": "The process was asked to stop by the system. Resume from the newest checkpoint.",
    "crash": "The process crashed inside a library. The last lines of the log may say where.",
    "error": "The last lines of the log say where it went wrong.",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """kind: "finished", "stopped" or "failed"; error_class and message are empty unless it failed."""

    kind: str
    error_class: str = ""
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None

    @property
    def may_retry(self) -> bool:
        """Whether the machine is to blame, so that trying again makes sense."""
        return self.error_class in INFRASTRUCTURE


def classify(folder: Path, sight: Sight) -> Ending:
    """The ending of a process that is over (`sight.state` is ended or gone)."""
    if sight.state == "gone" or sight.result is None:
        message = "The process is gone and left no word: killed together with its watcher, or the machine restarted."
        return Ending("failed", "lost", message)
    code, number = sight.result.get("exit_code"), sight.result.get("signal")
    if code == rundir.FINISHED:
        return Ending("finished", exit_code=0)
    if code == rundir.STOPPED or sight.result.get("grace_over") or sight.result.get("obeyed"):
        return Ending("stopped", exit_code=code, signal=number)
    if number is not None:
        return _by_signal(int(number), bool(sight.result.get("out_of_memory")))
    said = last_failure(folder)
    error_class = said[0] or rundir.CLASS_BY_CODE.get(int(code) if code is not None else rundir.ERROR, "error")
    return Ending(
        "failed", error_class, said[1] or sight.result.get("error") or f"It ended with code {code}.", exit_code=code
    )


def _by_signal(number: int, out_of_memory: bool) -> Ending:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if out_of_memory:
        return Ending("failed", "oom", "The system ended the process because memory ran out.", signal=number)
    if number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE):
        return Ending("failed", "crash", f"The process crashed ({name}).", signal=number)
    return Ending("failed", "killed", f"The process was ended from outside ({name}).", signal=number)


def last_failure(folder: Path) -> tuple[str, str]:
    """(class, message) of the newest `failed` event; empty where there is none."""
    path = folder / rundir.EVENTS
    try:
        start = max(0, path.stat().st_size - 64_000)
    except OSError:
        return "", ""
    events, _, _ = rundir.read_events(path, start)  # a first half line is no JSON and is passed over
    for event in reversed(events):
        if event["kind"] == "failed":
            return str(event.get("class", "error")), str(event.get("message", ""))
    return "", ""


def advice(error_class: str) -> str:
    """What to do about it; empty for a class that is not known."""
    return ADVICE.get(error_class, "")
