"""Servers and senders of benchmarks.ingest."""

import gzip
import http.client
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ingest_spans

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 8


class Server:
    """A web server on loopback: uvicorn with so many processes, or gunicorn with as many of 4 threads."""

    def __init__(
        self, application: str, environment: dict[str, str], log: Path, *, gunicorn: bool = False, processes: int = 1
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        command = [
            sys.executable, "-m", "uvicorn", application, "--port", str(self.port), "--log-level", "error", "--lifespan",
            "off", "--no-access-log", *(["--workers", str(processes)] if processes > 1 else []),
        ]  # fmt: skip
        if gunicorn:
            command = [
                sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{self.port}", "--workers", str(processes),
                "--threads", "4", "--log-level", "error",
            ]  # fmt: skip
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + 60
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{application} did not come up:\n{log.read_text()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def end(self) -> None:
        """Stop it and wait."""
        self.process.terminate()
        self.process.wait(20)


def memory_mb(pid: int) -> float:
    """The most memory (resident, MB of 10^6 bytes) that a process ever had."""
    lines = Path(f"/proc/{pid}/status").read_text().split("\n")
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Bodies:
    """Ever new bodies, made from a few: the ids are replaced, the words stay."""

    def __init__(self, traces: int, *, packed: bool, kinds: int = 12) -> None:
        self.traces, self.packed = traces, packed
        self._kinds = [ingest_spans.body(traces, seed) for seed in range(kinds)]
        self._chance = random.Random(time.time_ns())

    def make(self, count: int) -> list[bytes]:
        """So many, none like any before."""
        return [self._one() for _ in range(count)]

    def _one(self) -> bytes:
        first, *pieces = self._chance.choice(self._kinds).split(
            b"\x0a\x10"
        )  # field 1 of a span, 16 bytes: its trace id
        body = b"\x0a\x10".join([first, *(self._renamed(piece) for piece in pieces)])
        return gzip.compress(body, 1) if self.packed else body

    def _renamed(self, piece: bytes) -> bytes:
        if piece[16:18] != b"\x12\x08":  # field 2, 8 bytes: the span's id
            return piece
        return self._chance.randbytes(16) + piece[16:18] + self._chance.randbytes(8) + piece[26:]


def send(
    port: int, bodies: Sequence[bytes], headers: dict[str, str], seconds: float, path: str = "/v1/traces"
) -> float:
    """Post bodies from 8 clients for so long, or until all are sent; requests that were answered with 200, per second.
    Anything else than 200 ends the benchmark."""
    waiting = iter(bodies)
    lock = threading.Lock()
    done = 0
    failed: list[str] = []
    begun = time.perf_counter()
    end = begun + seconds

    def client() -> None:
        nonlocal done
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.perf_counter() < end and not failed:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            said = answer.read()
            if answer.status != 200:
                failed.append(f"{answer.status} {said[:300]!r}")
            with lock:
                done += 1

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"a body was not taken: {failed[0]}")
    return done / (time.perf_counter() - begun)
