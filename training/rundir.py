"""The folder of one attempt: names of its files, and how each is written and read without tearing.

    job.json           what to do; written before the process starts, never changed
    data/*.jsonl       rows to train on (beside the attempts of one run: ../data), or prompts.jsonl to answer
    runner.json        who holds the folder: (boot_id, pid, ticks); linked into place whole, so only one process ever can
    heartbeat.json     rewritten by the runner every 2 s
    control.json       a wish from outside: {"stop": "keep" | "discard"}
    events.jsonl       what the worker did, one JSON object a line, appended and flushed; `seq` counts from 1
    console.log        all that runner and worker print
    checkpoints/       checkpoint-STEP folders, each sealed by whetstone.json, which is written last
    model/             the result
    result.json        how the worker ended; written once by the runner

Standard library only: the runner, the workers and the Django side all import this module.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import struct
import uuid
from pathlib import Path
from typing import Any

JOB = "job.json"
RUNNER = "runner.json"
HEARTBEAT = "heartbeat.json"
CONTROL = "control.json"
EVENTS = "events.jsonl"
CONSOLE = "console.log"
RESULT = "result.json"
CHECKPOINTS = "checkpoints"
MODEL = "model"
SEAL = "whetstone.json"

# how a worker ends; anything else is a crash
FINISHED, ERROR, STOPPED, OOM, BAD_DATA, BAD_CONFIG, NO_IMPORT, DISK_FULL = 0, 1, 3, 4, 5, 6, 7, 8
CLASS_BY_CODE = {
    ERROR: "error",
    OOM: "oom",
    BAD_DATA: "data",
    BAD_CONFIG: "config",
    NO_IMPORT: "import",
    DISK_FULL: "disk",
}


def write_json(path: Path, value: Any) -> None:
    """Write `value` so that a reader sees the old file or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`; None where the file is missing or holds anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def claim(folder: Path, owner: dict[str, Any]) -> bool:
    """Take the folder for good. False where somebody has it already (or gave it up for lost).

    The file appears whole or not at all. One that holds no object is what a power cut has left of a process that is
    dead since, and counts as absent. Raises OSError where nothing can be written (the disk is full).
    """
    path, temporary = folder / RUNNER, folder / f".{RUNNER}.{os.getpid()}.{uuid.uuid4().hex}"
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(owner, file)
            file.flush()
            os.fsync(file.fileno())
        if _link(temporary, path):
            return True
        if not _is_torn(path):
            return False
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # of two that find a torn file, the second must not remove the first's
            if _is_torn(path):
                path.unlink(missing_ok=True)
            return _link(temporary, path)
        finally:
            os.close(lock)
    finally:
        temporary.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    return True


def _is_torn(path: Path) -> bool:
    """Whether the file is there, can be read, and holds no object."""
    try:
        return not isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        return True
    except OSError:
        return False


def read_events(path: Path, offset: int, *, most: int = 4_000_000) -> tuple[list[dict[str, Any]], int, int]:
    """The whole lines of an events file from byte `offset`: (events, offset behind them, damaged lines).

    A last line without a line break waits for its rest. A line that is no JSON object is counted and left out. Reads
    at most about `most` bytes at a time.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            # never more than there is: the whole of `most` would be set aside at once
            block = file.read(max(0, min(most, os.fstat(file.fileno()).st_size - offset)))
            if len(block) == most:
                block += file.readline()
    except FileNotFoundError:
        return [], offset, 0
    end = block.rfind(b"\n") + 1
    events, damaged = [], 0
    for line in block[:end].splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and isinstance(event.get("seq"), int) and isinstance(event.get("kind"), str):
            events.append(event)
        elif line.strip():
            damaged += 1
    return events, offset + end, damaged


def tail(path: Path, *, after: int | None = None, most: int = 16_000) -> tuple[str, int]:
    """Text of a growing file from byte `after` (None: its last `most` bytes), and the offset behind it."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - most) if after is None else min(after, size)
            file.seek(start)
            block = file.read(most)
    except FileNotFoundError:
        return "", 0
    if after is None and start and b"\n" in block:  # begin with a whole line
        cut = block.index(b"\n") + 1
        start, block = start + cut, block[cut:]
    if len(block) == most and b"\n" in block:  # never cut a line (or a character) in two
        block = block[: block.rindex(b"\n") + 1]
    return block.decode("utf-8", "replace"), start + len(block)


def recipe_hash(job: dict[str, Any]) -> str:
    """A hash over what makes checkpoints interchangeable: base, settings and data. A checkpoint of another recipe is
    never continued from."""
    base = job.get("base") or {}
    parts = {
        "base": {key: base.get(key) for key in ("source", "reference", "digest", "model")},
        "settings": job.get("settings"),
        "data_hash": job.get("data_hash"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def checkpoint_problem(folder: Path, recipe: str) -> str:
    """Why a checkpoint cannot be continued from; "" where it can.

    Checked: the seal (written last) with the recipe, the step against the folder's name and the trainer's own state,
    the safetensors header against the file's size, and that optimizer and scheduler are there and not empty.
    """
    seal = read_json(folder / SEAL)
    if seal is None:
        return "it was not written to the end"
    if seal.get("recipe") != recipe:
        return "it belongs to other data or settings"
    state = read_json(folder / "trainer_state.json")
    if state is None or folder.name != f"checkpoint-{state.get('global_step')}":
        return "its state does not match its name"
    weights = [path for path in folder.glob("*.safetensors") if path.is_file()]
    if not weights:
        return "it holds no weights"
    for path in weights:
        if not safetensors_whole(path):
            return f"{path.name} is damaged"
    for name in ("optimizer.pt", "scheduler.pt"):
        with contextlib.suppress(OSError):
            if (folder / name).stat().st_size:
                continue
        return f"{name} is missing"
    return ""


def safetensors_whole(path: Path) -> bool:
    """Whether a safetensors file is as long as its own header says."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(size, 100_000_000):
                return False
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, IndexError, struct.error):
        return False
    return bool(ends) and size == 8 + length + max(ends)


def checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """(step, path) of every checkpoint folder under `folder`, newest first; valid or not."""
    found = []
    if folder.is_dir():
        for path in folder.iterdir():
            head, _, step = path.name.partition("-")
            if head == "checkpoint" and step.isdecimal() and path.is_dir():
                found.append((int(step), path))
    return sorted(found, reverse=True)


def folder_bytes(folder: Path) -> int:
    """Size of all files under `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def digest(folder: Path) -> str:
    """SHA-256 over the files of a folder: each name and content hash, sorted by name."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
