"""Phoenix beside us: its server in an environment of its own, on the same PostgreSQL, with the same bodies."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.ingest_load import send

PACKAGE = "arize-phoenix[pg]"
_HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
_SECONDS = 120


class CannotBeHad(Exception):
    """Why there is no Phoenix to measure."""


def visible_per_second(bodies: Sequence[bytes], count: int, database: Mapping[str, Any], python: str | None) -> float:
    """Spans per second from the first request until all are in its table. Raises CannotBeHad."""
    found = Path(python) if python else _environment()
    ports = _free_port(), _free_port()
    home = Path(os.environ["WHETSTONE_DATA"]) / "phoenix"
    home.mkdir()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "WHETSTONE"))},
        "PHOENIX_SQL_DATABASE_URL": f"postgresql://{database['user']}@/phoenix?host={database['host']}&port={database['port']}",
        "PHOENIX_PORT": str(ports[0]), "PHOENIX_GRPC_PORT": str(ports[1]), "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_WORKING_DIR": str(home), "PHOENIX_TELEMETRY_ENABLED": "false",
    }  # fmt: skip
    log = home / "phoenix.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [str(found), "-m", "phoenix.server.main", "serve"], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait(server, ports[0], log)
        begun = time.perf_counter()
        send(ports[0], bodies, _HEADERS, _SECONDS)
        _all_there(count, database)
        return count / (time.perf_counter() - begun)
    finally:
        server.terminate()
        server.wait(30)


def _all_there(count: int, database: Mapping[str, Any]) -> None:
    end = time.monotonic() + _SECONDS
    with psycopg.connect(
        host=database["host"], port=database["port"], user=database["user"], dbname="phoenix", autocommit=True
    ) as asking:
        while time.monotonic() < end:
            row = asking.execute("SELECT count(*) FROM spans").fetchone()
            if row and row[0] >= count:
                return
            time.sleep(0.2)
    raise CannotBeHad(f"after {_SECONDS} s {row[0] if row else 0:,} of {count:,} spans were there")


def _wait(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise CannotBeHad(f"its server did not come up: {' '.join(log.read_text().splitlines()[-3:])[:300]}")


def _environment() -> Path:
    """A virtual environment with the package, kept for the next run."""
    folder = Path.home() / ".cache" / "whetstone-benchmarks" / "phoenix"
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
        check = subprocess.run([str(python), "-c", "import phoenix.server.main"], capture_output=True, check=False)
        if check.returncode:
            subprocess.run(
                [str(python), "-m", "pip", "install", "-q", PACKAGE], check=True, capture_output=True, timeout=900
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotBeHad(f"the package {PACKAGE} could not be installed ({type(error).__name__})") from None
    return python


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
