"""A worker of benchmarks.ingest, in a process of its own: works the inbox off, prints what it took as one line of JSON.

python -m benchmarks.ingest_worker SECONDS
python -m benchmarks.ingest_worker --until TRACES        sweeps until so many more are listed
"""

import json
import os
import sys
import time

import django

django.setup()

from django.db import connection  # noqa: E402

from benchmarks.ingest_load import cpu_seconds, memory_mb  # noqa: E402
from curation.ingest import inbox  # noqa: E402
from curation.models import Trace  # noqa: E402


def main() -> None:
    """One sweep, or many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    before = Trace.objects.listed().count()
    if sys.argv[1] == "--until":
        print("ready", flush=True)
        while Trace.objects.listed().count() < before + int(sys.argv[2]):
            if not inbox.sweep(seconds=10)["done"]:
                time.sleep(0.02)
        return
    wall, own, theirs = time.perf_counter(), time.process_time(), cpu_seconds(backend)
    found: dict[str, float] = {**inbox.sweep(seconds=float(sys.argv[1]))}
    found["wall"] = time.perf_counter() - wall
    found["worker"] = time.process_time() - own
    found["database"] = cpu_seconds(backend) - theirs
    found["traces"] = Trace.objects.listed().count() - before
    found["memory_mb"] = memory_mb(os.getpid())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
