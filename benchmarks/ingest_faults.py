"""Kills web, worker and PostgreSQL while traces stream in, and counts what was acknowledged and is lost or doubled.

    python -m benchmarks.ingest_faults [--quick] [--trials 30] [--kind web,worker,postgresql,connections]

One `manage.py up` for each kind in a data folder of its own, four senders that repeat after 503 and broken connections as
OpenTelemetry's exporters do. A trial is one kill (SIGKILL; for connections: all are cut) in the middle of the stream, at
a time drawn by chance. At the end every acknowledged trace must stand once, with one revision and both of its spans.
"""

import argparse
import random
import shutil
import sys
import time
from collections.abc import Callable

from benchmarks.report import Bar, Figure, report
from tests.faults.stream import Stream, cut_connections, kept, kill, kill_server, token_of
from tests.up import Up, wait_until
from tests.workspace.test_up import query
from workspace.supervisor.child import FALLS

KINDS: dict[str, Callable[[Up], None]] = {
    "web": lambda up: kill(up, "web"),
    "worker": lambda up: kill(up, "worker"),
    "postgresql": kill_server,
    "connections": cut_connections,
}


def main() -> int:
    """Run the trials, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two trials of each kind")
    parser.add_argument("--trials", type=int, default=30, help="of each kind")
    parser.add_argument("--kind", default=",".join(KINDS), help="only these")
    options = parser.parse_args()
    trials = 2 if options.quick else options.trials
    figures: list[Figure] = []
    bars: list[Bar] = []
    for name in options.kind.split(","):
        sent, lost, doubled, waited = run(KINDS[name], trials)
        figures += [
            Figure(f"{name}_trials", trials, note="kills in the middle of the stream"),
            Figure(f"{name}_acknowledged", sent, "traces"),
            Figure(f"{name}_repeats", waited, "requests", note="that senders had to repeat"),
        ]
        bars += [Bar(f"{name}_lost", lost, at_most=0), Bar(f"{name}_doubled", doubled, at_most=0)]
    return report("ingest_faults", figures, bars)


def run(act: Callable[[Up], None], trials: int) -> tuple[int, int, int, int]:
    """Traces acknowledged, lost, doubled, and requests repeated, over so many kills."""
    up = Up()
    chance = random.Random()
    try:
        up.ready()
        token = token_of(up)
        count = repeats = 0
        for trial in range(trials):
            # more falls within a minute would be a failure that starting again does not mend
            if trial and trial % FALLS == 0:
                up.end()
                up = Up(up.data, port=up.port)
                up.ready()
            sending = Stream(up, token, 60, first=count)
            sending.reach(chance.randrange(5, 40))
            act(up)
            sending.reach(60)
            count += 60
            repeats += sum(sending.statuses.values()) - 60
        wait_until(lambda: up.get("/readyz")[0] == 200, seconds=60, what="readyz 200")
        lost, doubled = look(up, count)
        up.end()
    finally:
        up.kill_all()
        shutil.rmtree(up.data, ignore_errors=True)
    return count, lost, doubled, repeats


def look(up: Up, count: int) -> tuple[int, int]:
    """How many traces are lost or incomplete, and how many stand twice or have a second revision."""
    begun = time.monotonic()
    while query(up, "select count(*) from curation_rawrecord where status = 'pending'") != [(0,)]:
        if time.monotonic() - begun > 120:
            raise SystemExit("the inbox is not worked off after two minutes")
        time.sleep(0.1)
    ((whole, doubled),) = query(
        up,
        "select count(*) filter (where spans = 2), count(*) filter (where revisions > 1) from ("
        "select t.external_id, (select count(*) from curation_span s where s.project_id = t.project_id "
        "and s.trace_key = t.external_id) as spans, (select count(*) from curation_tracerevision r "
        "where r.trace_id = t.id) as revisions from curation_trace t join workspace_project p on p.id = t.project_id "
        "where p.slug = 'faults') as found",
    )
    return count - int(str(whole)), int(str(doubled)) + kept(up) - count


if __name__ == "__main__":
    sys.exit(main())
