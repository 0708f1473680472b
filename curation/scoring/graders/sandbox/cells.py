"""Python in a locked process: how it is started, spoken to and ended.

A process serves many rows, one after the other (`cell.py`): starting Python costs tens of milliseconds, a fork of it one
or two. It is used by one thread at a time and kept for the next; it ends by itself when nothing came for a minute, when
this process ends, and at once, with all that is in it, where it does not answer in time.
"""

import atexit
import base64
import json
import os
import secrets
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from curation.scoring.graders.sandbox import calls, holds, locks
from curation.scoring.graders.sandbox.form import Failed, Limits, Lost, Unavailable

CELL = (Path(__file__).parent / "cell.py").read_text(encoding="utf-8")
START_S = 20.0
# the warden ends a row that is too long; where it does not, we end the warden
GRACE_S = 5.0
NONCE = 16


@dataclass(eq=False)
class Cell:
    """One locked process."""

    process: subprocess.Popen[bytes]
    to: int
    back: int
    nonce: bytes
    rows: int = 0

    def grade(self, content: bytes, limits: Limits) -> float:
        """The score of one row. Raises Failed; Lost where the process cannot go on."""
        self.rows += 1
        deadline = time.monotonic() + limits.wall_s + GRACE_S
        task = {
            "row": self.rows,
            "wall": limits.wall_s,
            "cpu": limits.cpu_s,
            "memory": limits.memory_bytes,
            "output": limits.output_bytes,
        }
        _send(self.to, _frame(json.dumps(task).encode()) + _frame(content), deadline)
        answer = _receive_frame(self.back, deadline)
        head = self.nonce + struct.pack(">Q", self.rows)
        if not answer.startswith(head) or len(answer) == len(head):
            raise Lost("it answered in a form that is not its own")
        return _score(answer[len(head) : len(head) + 1], answer[len(head) + 1 :], limits)

    def end(self) -> None:
        """Kill it with all that is in it."""
        for fd in (self.to, self.back):
            try:
                os.close(fd)
            except OSError:
                continue
        if self.process.returncode is None:  # its number is still its own
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()
            self.process.wait()


@dataclass(eq=False)
class Cells:
    """Locked processes of one way of locking, started when they are needed."""

    lock: locks.Lock
    idle: list[Cell] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)
    places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
    )

    @property
    def name(self) -> str:
        """How it is locked."""
        return self.lock.name

    def grade(self, content: bytes, limits: Limits) -> float:
        """The score of one row, in a process that is there or a new one. Raises Failed and Lost; a process that had
        gone before the row came is replaced."""
        with self.places:
            for fresh in (False, True):
                cell = self._start() if fresh else self._take()
                try:
                    score = cell.grade(content, limits)
                except Failed:
                    self._give_back(cell)
                    raise
                except Lost:
                    cell.end()
                    if fresh or cell.rows == 1:
                        raise
                    continue
                except BaseException:
                    cell.end()
                    raise
                self._give_back(cell)
                return score
        raise AssertionError

    def end(self) -> None:
        """End the processes that wait."""
        with self.guard:
            waiting, self.idle = self.idle, []
        for cell in waiting:
            cell.end()

    def _take(self) -> Cell:
        while True:
            with self.guard:
                cell = self.idle.pop() if self.idle else None
            if cell is None:
                return self._start()
            if cell.process.poll() is None:
                return cell
            cell.end()

    def _give_back(self, cell: Cell) -> None:
        with self.guard:
            self.idle.append(cell)

    def _start(self) -> Cell:
        return start(self.lock)


def start(lock: locks.Lock) -> Cell:
    """A locked process that said it is ready. Raises Lost where it does not come up."""
    inbound, to = os.pipe()
    back, outbound = os.pipe()
    try:
        process = subprocess.Popen(
            [*lock.argv, *lock.python, "-c", CELL, str(inbound), str(outbound)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PYTHONHASHSEED": "0"},
            cwd="/",
            pass_fds=(inbound, outbound),
            start_new_session=True,
        )
    except OSError as error:
        os.close(to)
        os.close(back)
        raise Lost(f"it could not be started ({error})") from None
    finally:
        os.close(inbound)
        os.close(outbound)
    cell = Cell(process, to, back, secrets.token_bytes(NONCE))
    settings = {
        "nonce": base64.b64encode(cell.nonce).decode(),
        "seccomp": base64.b64encode(calls.program()).decode(),
        "uid": lock.uid,
        "landlock": lock.readable,
    }
    deadline = time.monotonic() + START_S
    try:
        _send(to, _frame(json.dumps(settings).encode()), deadline)
        if _receive_frame(back, deadline) != cell.nonce + b"ready":
            raise Lost("it answered in a form that is not its own")
    except Lost as error:
        cell.end()
        said = process.stderr.read().decode("utf-8", "replace").strip() if process.stderr else ""
        raise Lost(said.splitlines()[-1][:300] if said else str(error)) from None
    finally:
        if process.stderr:
            process.stderr.close()
    return cell


def choose() -> Cells:
    """The first way of locking that this machine has and that holds. Raises Unavailable with a reason for each."""
    reasons = []
    for make in locks.WAYS:
        try:
            found = Cells(make())
        except Unavailable as error:
            reasons.append(str(error))
            continue
        if not (reason := holds.first_leak(found.grade)):
            _known.append(found)
            return found
        found.end()
        reasons.append(f"{found.name}: {reason}")
    raise Unavailable(
        "Python graders are not run on this machine, for nothing here can hold them: " + "; ".join(reasons)
        + '. With "engine": "monty" a part of Python can be run.'
    )  # fmt: skip


def version() -> str:
    """The Python that runs the code: "python 3.11"."""
    return f"python {sys.version_info.major}.{sys.version_info.minor}"


_known: list[Cells] = []


def _end_all() -> None:
    for found in _known:
        found.end()


def _forget_all() -> None:
    # a fork of this process must not speak to the same cells, nor keep them alive by holding their channels
    for found in _known:
        for cell in found.idle:
            os.close(cell.to)
            os.close(cell.back)
        found.idle = []
        found.guard = threading.Lock()
        found.places = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


atexit.register(_end_all)
os.register_at_fork(after_in_child=_forget_all)


def _score(how: bytes, said: bytes, limits: Limits) -> float:
    text = said.decode("utf-8", "replace")
    reason = {
        b"E": text,
        b"T": f"It took longer than {limits.wall_s:g} s.",
        b"C": f"It computed for longer than {limits.cpu_s} s.",
        b"O": "It wrote more than a score onto the channel of its score.",
        b"D": f"It ended without a score ({text}).",
    }.get(how)
    if how == b"U":
        raise Lost(f"a row was not read ({text})")
    if how != b"S":
        raise Failed(reason or "It ended in a way that is not known.")
    try:
        score = float(text)
    except ValueError:
        raise Failed("It sent something that is no number.") from None
    if score != score or score in (float("inf"), float("-inf")):
        raise Failed("It sent a number that is not finite.")
    return score


def _frame(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def _send(fd: int, content: bytes, deadline: float) -> None:
    os.set_blocking(fd, False)
    left = memoryview(content)
    while left:
        _wait(fd, select.POLLOUT, deadline)
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise Lost(f"it is gone ({error.strerror})") from None


def _receive_frame(fd: int, deadline: float) -> bytes:
    (length,) = struct.unpack(">I", _receive(fd, 4, deadline))
    if length > 1024**2:
        raise Lost("it answered in a form that is not its own")
    return _receive(fd, length, deadline)


def _receive(fd: int, length: int, deadline: float) -> bytes:
    got = b""
    while len(got) < length:
        _wait(fd, select.POLLIN, deadline)
        piece = os.read(fd, length - len(got))
        if not piece:
            raise Lost("it ended")
        got += piece
    return got


def _wait(fd: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(fd, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise Lost("it did not answer in time")
