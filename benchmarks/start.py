"""How long `manage.py up` takes until /healthz answers: on an empty data folder (cold) and again on the same (warm).

    python -m benchmarks.start [--quick]

Each pair is one cold start and the warm start after it, in folders of their own, so cold and warm alternate. Counted from
the start of the process to the first 200 of /healthz. A cold start makes the database cluster, all tables, the static
files and the first account; with --demo also the demo project. Packages are installed already.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Bar, Figure, Spread, report

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether /healthz says 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def start_and_stop(data: Path, *, demo: bool) -> tuple[float, float, float]:
    """One `up` on `data`. Returns seconds to /healthz, seconds from Ctrl-C to its end, and MB (PSS) of all its processes."""
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "BROKER_URL")}
    environment.update(WHETSTONE_DATA=str(data), PORT=str(port), DJANGO_SETTINGS_MODULE="config.settings")
    log = (data / "up.log").open("w")
    begun = time.perf_counter()
    command = [sys.executable, "manage.py", "up", *([] if demo else ["--no-demo"])]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    while not answers(port):
        if process.poll() is not None or time.perf_counter() - begun > 180:
            process.kill()
            raise SystemExit(f"`up` did not come up:\n{(data / 'up.log').read_text()}")
        time.sleep(0.01)
    ready = time.perf_counter() - begun
    time.sleep(4)  # let worker and beat arrive, as a person would
    memory = used(data)
    begun = time.perf_counter()
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        raise SystemExit(
            f"`up` (process {process.pid}) did not stop within 60 s of Ctrl-C; its log: {data / 'up.log'}"
        ) from None
    return ready, time.perf_counter() - begun, memory


def used(data: Path) -> float:
    """MB of memory of all processes of this data folder, shared pages divided among them (PSS); NaN without /proc."""
    mark = f"WHETSTONE_DATA={data}\0".encode()
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                rollup = (folder / "smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total / 1024 if total else float("nan")


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two pairs instead of seven")
    parser.add_argument("--demo", action="store_true", help="with the demo project in the cold start")
    options = parser.parse_args()
    cold: list[float] = []
    warm: list[float] = []
    stop: list[float] = []
    memory: list[float] = []
    for number in range(2 if options.quick else 7):
        data = Path(tempfile.mkdtemp(prefix="whetstone-start-"))
        first, ended, _ = start_and_stop(data, demo=options.demo)
        second, ended_again, megabytes = start_and_stop(data, demo=options.demo)
        shutil.rmtree(data)  # where one of them failed, the folder stays with its log
        cold.append(first)
        warm.append(second)
        stop += [ended, ended_again]
        memory.append(megabytes)
        print(f"pair {number + 1}: cold {first:.2f} s, warm {second:.2f} s, stop {ended_again:.2f} s", flush=True)
    measured = all(value == value for value in memory)
    return report(
        "start",
        [
            Figure("cold_seconds", Spread.of(cold), "s", note="empty folder to /healthz" + (", with the demo" if options.demo else "")),
            Figure("warm_seconds", Spread.of(warm), "s", note="the same folder again"),
            Figure("cold_to_warm", Spread.of([a / b for a, b in zip(cold, warm, strict=True)]), "x"),
            Figure("stop_seconds", Spread.of(stop), "s", note="Ctrl-C to the end of every process"),
            Figure("memory_mb", Spread.of(memory) if measured else None, "MB", note="PSS of all processes, idle"),
        ],
        [
            Bar("cold_seconds", Spread.of(cold).median, at_most=20),
            Bar("warm_seconds", Spread.of(warm).median, at_most=8),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
