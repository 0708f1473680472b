"""How fast traces come in: accepted durably, and listed and filterable; how much memory a 64 MiB batch takes; Phoenix.

    python -m benchmarks.ingest [--quick] [--web N] [--phoenix PYTHON]

A database, web processes (uvicorn) and workers of their own, 8 clients on the same machine. A trace is one model call of
about 4 kB (benchmarks.ingest_spans). "Ceiling" is Django with one view that stores what came in one row, "bare" the same
without a framework (benchmarks.ingest_ceiling), on the same database server, in turns with ours, two web processes each (ours: --web). A
core-second counts the worker and its database backend together. Phoenix (the package arize-phoenix, in an environment of
its own) gets the same bodies; with --quick it is left out unless --phoenix names a Python that has it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

_data = Path(tempfile.mkdtemp(prefix="whetstone-ingest-", dir="/tmp"))
for name in ("DATABASE_URL", "BROKER_URL"):
    os.environ.pop(name, None)
os.environ.update(WHETSTONE_DATA=str(_data), DJANGO_SETTINGS_MODULE="config.settings", MAX_WAITING_BODIES="1000000")
os.environ["MAX_BODY_BYTES"] = str(80 * 1024 * 1024)  # for the batch of 64 MiB

import django  # noqa: E402

django.setup()

import psycopg  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from psycopg.conninfo import make_conninfo  # noqa: E402

from benchmarks import ingest_phoenix, ingest_spans  # noqa: E402
from benchmarks.ingest_load import Bodies, Server, memory_mb, send  # noqa: E402
from benchmarks.report import Bar, Figure, Spread, alternate, report  # noqa: E402
from curation.ingest import inbox  # noqa: E402
from curation.models import FollowUp, RawRecord  # noqa: E402
from curation.privacy import scan  # noqa: E402
from curation.search import index  # noqa: E402
from workspace import tokens  # noqa: E402
from workspace.access import SYSTEM  # noqa: E402
from workspace.models import Project, Role  # noqa: E402

BATCH = 50
KIND = {"Content-Type": "application/x-protobuf"}
PACKED = {**KIND, "Content-Encoding": "gzip"}


def main() -> int:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short pairs, no Phoenix unless it is given")
    parser.add_argument("--web", type=int, default=2, help="web processes of ours, as of `up --web` (2)")
    parser.add_argument("--phoenix", metavar="PYTHON", help="a Python with arize-phoenix; else one is made")
    options = parser.parse_args()
    try:
        return measure(options.quick, options.web, options.phoenix)
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        connection.server().release()  # type: ignore[attr-defined]
        shutil.rmtree(_data, ignore_errors=True)


def measure(quick: bool, processes: int, phoenix: str | None) -> int:
    """Everything, in order."""
    call_command("migrate", verbosity=0)
    project = Project.objects.create(slug="bench", name="Benchmark")
    _, token = tokens.issue(project=project, name="bench", role=Role.REVIEWER, actor=SYSTEM)
    pairs, seconds = (2, 2.0) if quick else (5, 4.0)
    accepted = accept(token, processes, pairs, seconds)
    RawRecord.objects.all().delete()
    visible = [work_off(project, 2_000 if quick else 4_000) for _ in range(2 if quick else 4)][1:]
    per_core = Spread.of([found["traces"] / (found["worker"] + found["database"]) for found in visible])
    per_worker = Spread.of([found["traces"] / found["worker"] for found in visible])
    searched, looked = lagging()
    web_mb, worker_mb, traces = large_batch(project, token)
    ours, theirs, left_out = peer(token, phoenix, quick)
    ratio = accepted["batch"] / theirs if theirs else None
    figures = [
        *accepted["figures"],
        Figure("visible_per_core_second", per_core, "traces/s", note="worker and its database backend"),
        Figure("visible_per_worker_core_second", per_worker, "traces/s", note="the worker's processor time alone"),
        Figure("visible_per_second", Spread.of([f["traces"] / f["wall"] for f in visible]), "traces/s", note="one worker, by the clock"),
        Figure("search_index_per_second", searched, "traces/s", note="lagging behind, one worker"),
        Figure("personal_data_per_second", looked, "traces/s", note="lagging behind, one worker"),
        Figure("large_batch_traces", traces, "traces", note="64 MiB of protobuf, sent gzipped"),
        Figure("large_batch_web_mb", web_mb, "MB", note="peak RSS of the web process"),
        Figure("large_batch_worker_mb", worker_mb, "MB", note="peak RSS of the worker"),
        Figure("visible_end_to_end_per_second", ours, "traces/s", note="batches of 50 sent by HTTP until all are listed"),
        Figure("phoenix_visible_per_second", theirs, "traces/s", note="the same bodies; what it answers before is in memory only"),
        Figure("visible_to_phoenix", ours / theirs if ours and theirs else None, "x"),
    ]  # fmt: skip
    bars = [
        *accepted["bars"],
        Bar("visible_per_core_second", per_core.median, at_least=2_000),
        Bar("large_batch_web_mb", web_mb, at_most=400),
        Bar("large_batch_worker_mb", worker_mb, at_most=400),
        *([Bar("accept_to_phoenix", ratio, at_least=10)] if theirs else []),
    ]
    return report("ingest", figures, bars, left_out=left_out)


def accept(token: str, processes: int, pairs: int, seconds: float) -> dict[str, Any]:
    """Requests that are answered once they are durable: ours and the ceiling's, in turns."""
    dsn = make_conninfo(
        **{key: str(connection.get_connection_params()[key]) for key in ("host", "port", "user", "dbname")}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE ceiling_inbox (id bigserial PRIMARY KEY, body bytea, at timestamptz DEFAULT now())"
        )
    web = Server("config.asgi:application", {}, _data / "web.log", processes=processes)
    place = {"CEILING_DSN": dsn}
    least = {
        "ceiling": Server("benchmarks.ingest_ceiling:wsgi", place, _data / "ceiling.log", gunicorn=True, processes=2),
        "bare": Server("benchmarks.ingest_ceiling:application", place, _data / "bare.log", processes=2),
    }
    time.sleep(3)  # until the processes behind each are there, too
    found: dict[str, Any] = {"figures": [], "bars": []}
    try:
        for what, bodies, headers in (
            ("batch", Bodies(BATCH, packed=True), PACKED),
            ("single", Bodies(1, packed=False, kinds=50), KIND),
        ):
            most = int(seconds * (400 if bodies.packed else 2_500))
            allowed = {**headers, "Authorization": f"Bearer {token}"}

            def rate(server: Server, headers: dict[str, str], bodies: Bodies = bodies, most: int = most) -> float:
                return send(server.port, bodies.make(most), headers, seconds) * bodies.traces

            for server in (web, *least.values()):  # warm
                send(server.port, bodies.make(50), allowed, 5)
            for name, server in least.items():
                mine, theirs, ratios = alternate(
                    partial(rate, web, allowed), partial(rate, server, headers), pairs=pairs
                )
                share = Spread.of(ratios)
                found["figures"] += [
                    Figure(f"accept_{what}_per_second_{name}", Spread.of(mine), "traces/s", note=f"{bodies.traces} in a body"),
                    Figure(f"{name}_{what}_per_second", Spread.of(theirs), "traces/s"),
                    Figure(f"accept_{what}_to_{name}", share, "x"),
                ]  # fmt: skip
                found[what] = Spread.of(mine).median
                if name == "ceiling":
                    found["bars"].append(Bar(f"accept_{what}_to_ceiling", share.median, at_least=0.5))
    finally:
        web.end()
        for server in least.values():
            server.end()
    return found


def work_off(project: Project, traces: int) -> dict[str, float]:
    """From inbox rows to listed traces, by one worker; what it took."""
    for body in Bodies(BATCH, packed=False).make(traces // BATCH):
        inbox.keep(
            project=project,
            actor=SYSTEM,
            body=body,
            source="/v1/traces",
            content_type=KIND["Content-Type"],
            wanted=inbox.OTLP,
        )
    found = worker(120)
    if found["traces"] != traces:
        raise SystemExit(f"{found['traces']} of {traces} traces are listed: {found}")
    return found


def worker(seconds: float) -> dict[str, float]:
    """One sweep in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ingest_worker", str(seconds)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def lagging() -> tuple[float, float]:
    """Traces per second of what comes behind: the search index and the search for personal data."""
    rates = []
    for kind, sweep in ((FollowUp.Kind.SEARCH, index.sweep), (FollowUp.Kind.PERSONAL_DATA, scan.sweep)):
        waiting = FollowUp.objects.filter(kind=kind).count()
        begun = time.perf_counter()
        sweep(seconds=8)
        rates.append((waiting - FollowUp.objects.filter(kind=kind).count()) / (time.perf_counter() - begun))
    return rates[0], rates[1]


def large_batch(project: Project, token: str) -> tuple[float, float, int]:
    """Peak memory of a web process that takes 64 MiB, of the worker that works it off, and how many traces it was."""
    import gzip

    traces = 64 * 1024 * 1024 // (len(ingest_spans.body(200, 1)) // 200 + 1)
    body = ingest_spans.body(traces, 7)
    web = Server("config.asgi:application", {}, _data / "web.log")
    try:
        send(web.port, [gzip.compress(body, 1)], {**PACKED, "Authorization": f"Bearer {token}"}, 60)
        web_mb = memory_mb(web.process.pid)
    finally:
        web.end()
    found = worker(1)
    if found["traces"] != traces:
        raise SystemExit(f"{found['traces']} of {traces} traces are listed: {found}")
    return web_mb, found["memory_mb"], traces


def peer(token: str, python: str | None, quick: bool) -> tuple[float | None, float | None, list[str]]:
    """Traces per second from the first request until all are listed: ours (web and one worker), Phoenix; what was left out."""
    count = 1_000 if quick else 3_000
    if python is None and quick:
        return None, None, ["Phoenix: --quick makes no environment for it; give one with --phoenix PYTHON"]
    bodies = Bodies(BATCH, packed=True).make(count // BATCH)
    web = Server("config.asgi:application", {}, _data / "web.log")
    try:
        ours = end_to_end(web.port, token, bodies)
    finally:
        web.end()
    params = connection.get_connection_params()
    with psycopg.connect(
        host=params["host"], port=params["port"], user=params["user"], dbname="postgres", autocommit=True
    ) as admin:
        admin.execute("CREATE DATABASE phoenix")
    try:
        theirs = ingest_phoenix.visible_per_second(bodies, count, params, python)
    except ingest_phoenix.CannotBeHad as error:
        return ours, None, [f"Phoenix: {error}"]
    return ours, theirs, []


def end_to_end(port: int, token: str, bodies: list[bytes]) -> float:
    """Traces per second from the first request until the worker has listed them all."""
    sweeper = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.ingest_worker", "--until", str(len(bodies) * BATCH)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sweeper.stdout is not None
    sweeper.stdout.readline()  # it is ready
    begun = time.perf_counter()
    send(port, bodies, {**PACKED, "Authorization": f"Bearer {token}"}, 120)
    sweeper.communicate(timeout=120)
    return len(bodies) * BATCH / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.exit(main())
