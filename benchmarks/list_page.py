"""How long the trace list, its figures and the charts take on the server, at a million traces.

    python -m benchmarks.list_page [--quick]

A database of its own with one project of 1,000,000 traces (--quick: 100,000) and three small ones; see
benchmarks.million. Each address is asked for in this process, middleware, access check, queries and templates included:
the list, pages far down, 40 filters as people type them, 10 that fit no index, and the charts. Shapes of steps
(`step(...)`) and words are measured elsewhere: the rows here have no steps, and words have `benchmarks.search`.
"""

import argparse
import html
import os
import re
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
os.environ.setdefault("WHETSTONE_TEST_DB", "whetstone_benchmark_million")

import django

django.setup()

from urllib.parse import urlencode  # noqa: E402

from django.test import Client  # noqa: E402

from benchmarks import million  # noqa: E402
from benchmarks.report import Bar, Figure, Spread, percentile, report  # noqa: E402

PROJECT = "/p/bench-0"
# what the page says instead of a list that took too long
SLOW = b"too long"
PATIENCE_MS = 3_000 + 500  # the limit of one statement, and the page around it
FILTERS = (
    "agent:support", "agent:triage", "agent:support model:local-1b", "model:tuned-3 error:yes", "error:yes", "status:error",
    "judged:no", "judged:acceptable", "judged:unacceptable agent:coder", "judged:yes error:yes", "-judged:yes latency>15s",
    "tag:tag1", "tag:tag120", "tag:tag7 agent:planner", "-tag:tag1 agent:support", "tool:get_order", "tool:tool_300",
    "tool:tool_2 error:yes", "session:s-2500", "user:u-17", "user:u-7001", "task:task-500", "id:req-77777", "meta.tier:gold",
    "meta.customer:c123", "meta.tier:silver agent:coder error:yes", "score.helpful>=0.9", "score.helpful<0.1 judged:no",
    "score.helpful:* agent:triage", "latency>20s", "cost>0.15", "tokens>9k", "steps>30", "turns>=4", "errors>2",
    "since:24h", "since:7d agent:support error:yes", "since:2026-01-01 until:7d judged:no", "(agent:coder OR agent:triage) tag:tag2",
    "NOT (agent:support OR judged:no) cost>0.01",
)  # fmt: skip
HOPELESS = (
    "latency>10h", "cost>0.19 latency<404ms steps>41", "meta.tier:platinum", "meta.unknown:*", "score.helpful>0.999999",
    "-score.helpful:* judged:acceptable errors>3 tag:tag140", "tokens>900k", "format:nothing", "env:staging turns:9 -agent:support",
    "(user:u-1 OR meta.customer:c9) -tool:get_order -tag:* errors>3 cost>0.1",
)  # fmt: skip
CHARTS = (
    "", "range=90d", "range=90d&split=agent", "range=90d&split=model&measure=latency", "range=1y&measure=cost",
    "range=all&measure=errors&split=agent", "range=7d&by=hour&split=model&measure=latency", "range=24h&measure=judgments",
    "range=30d&agent=coder&measure=acceptance", "range=90d&by=week&measure=tokens",
)  # fmt: skip


def main() -> int:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 traces")
    parser.add_argument("--each", action="store_true", help="print the median of every address")
    options = parser.parse_args()
    traces, rounds = (100_000, 3) if options.quick else (1_000_000, 5)
    databases, made = million.prepare(traces)
    try:
        browser = million.client()
        ask(browser, [f"{PROJECT}/traces/"], rounds=1, each=False)  # templates and addresses are read once a process
        begun = time.process_time()
        listed = ask(browser, [f"{PROJECT}/traces/"], rounds=8 * rounds, each=options.each)
        own_ms = (time.process_time() - begun) * 1000 / (8 * rounds + 1)
        deep = walk(browser, pages=8 * rounds)
        filtered = ask(browser, [_list(text) for text in FILTERS], rounds=rounds, each=options.each)
        figures = ask(
            browser,
            [f"{PROJECT}/traces/figures/?{urlencode({'q': text})}" for text in ("", *FILTERS)],
            rounds=2,
            each=options.each,
        )
        hopeless = ask(browser, [_list(text) for text in HOPELESS], rounds=1, each=options.each, warm=False)
        charts = ask(browser, [f"{PROJECT}/charts/?{text}" for text in CHARTS], rounds=rounds, each=options.each)
    finally:
        million.release(databases)
    shares = {"list": listed, "deep": deep, "filters": filtered, "figures": figures, "charts": charts}
    return report(
        "list_page",
        [
            Figure("traces", traces, "traces", note="in one project; 3 others of a 50th beside it"),
            *(Figure(f"built_{name}", value, "MB" if name.endswith("mb") else "s") for name, value in made.items()),
            *(Figure(f"{name}_ms", Spread.of(times), "ms") for name, times in shares.items()),
            *(Figure(f"{name}_p95_ms", percentile(times, 0.95), "ms") for name, times in shares.items()),
            Figure("list_own_cpu_ms", own_ms, "ms", note="this process alone, whatever else the machine does"),
            Figure("hopeless_slowest_ms", max(hopeless), "ms", note=f"{len(HOPELESS)} filters that fit no index"),
        ],
        [
            Bar("list_p95_ms", percentile(listed, 0.95), at_most=50),
            Bar("filters_p95_ms", percentile(filtered, 0.95), at_most=300),
            Bar("hopeless_slowest_ms", max(hopeless), at_most=PATIENCE_MS),
            Bar("charts_p95_ms", percentile(charts, 0.95), at_most=300),
        ],
        left_out=["Label Studio and Phoenix beside it: not measured in this run"],
    )


def _list(text: str) -> str:
    return f"{PROJECT}/traces/?{urlencode({'q': text})}"


def ask(browser: Client, addresses: list[str], *, rounds: int, each: bool, warm: bool = True) -> list[float]:
    """Milliseconds of every request; one before the count, so that what is kept per process is there. An answer that says
    "narrow by date" is an answer; anything but a page ends the benchmark."""
    times: list[float] = []
    for address in addresses:
        if warm:
            million.timed(browser, address)
        own = []
        for _ in range(rounds):
            ms, answer = million.timed(browser, address)
            if answer.status_code != 200:
                raise SystemExit(f"{address} answered {answer.status_code}: {answer.content[:500]!r}")
            own.append(ms)
        if each:
            slow = " (narrow by date)" if SLOW in answer.content else ""
            print(f"  {sorted(own)[len(own) // 2]:9.1f} ms  {address}{slow}", flush=True)
        times += own
    return times


def walk(browser: Client, *, pages: int) -> list[float]:
    """Milliseconds of page after page, by the link to the older ones."""
    address, times = f"{PROJECT}/traces/", []
    for _ in range(pages):
        ms, answer = million.timed(browser, address)
        times.append(ms)
        older = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
        if older is None:
            raise SystemExit("the list ended before the last page that was wanted")
        address = f"{PROJECT}/traces/{html.unescape(older[1])}"
    return times


if __name__ == "__main__":
    sys.exit(main())
