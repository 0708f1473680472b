"""How long a trace takes to open: the server's first answer, the first paint, the end of a long run, and scrolling.

    python -m benchmarks.open_trace [--quick]

Runs of 100, 1,000 and 3,000 steps with 1 and 20 MB of text (--quick: 100 and 3,000 steps), opened on the trace page from
one uvicorn process on a database of its own. The browser is the machine's Chromium without a GPU: first contentful paint
as it reports it, the time until the run's last part is there after a jump from the outline's end to the middle, the frames
while the conversation is scrolled by the wheel, tasks longer than 50 ms meanwhile, and layout shift.
"""

import argparse
import json
import os
import shutil
import sys
import time
from http.client import HTTPConnection
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
os.environ.setdefault("WHETSTONE_TEST_DB", "whetstone_benchmark_open_trace")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in this thread

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.judgment import _end_other_connections, cookie_of, serve  # noqa: E402
from benchmarks.report import Bar, Figure, percentile, report  # noqa: E402
from curation.ingest import store  # noqa: E402
from curation.ingest.parsed import ParsedTrace  # noqa: E402
from curation.messages.form import Document, message  # noqa: E402
from curation.models import Trace  # noqa: E402
from curation.review import documents  # noqa: E402
from workspace.models import Membership, Project, User  # noqa: E402

LINE = "    total += round(line.net * rate, 2)  # a line of a file that the agent read\n"
MEASURE = """
() => {
  window.longest = []; window.shift = 0;
  const each = (type, act) => new PerformanceObserver((list) => list.getEntries().forEach(act)).observe({ type, buffered: true });
  each("longtask", (one) => window.longest.push(one.duration));
  each("layout-shift", (one) => { if (!one.hadRecentInput) window.shift += one.value; });
}
"""
FRAMES = """
(seconds) => new Promise((done) => {
  const talk = document.querySelector(".talk"), frames = [], end = performance.now() + seconds * 1000;
  let last = performance.now();
  const tick = (now) => {
    frames.push(now - last); last = now;
    talk.scrollTop += 60;
    if (now < end) requestAnimationFrame(tick); else done(frames.slice(2));
  };
  requestAnimationFrame(tick);
})
"""


def main() -> int:
    """Fill, serve, open, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 and 3,000 steps")
    options = parser.parse_args()
    shapes = (
        [(100, 1), (3_000, 20)]
        if options.quick
        else [(100, 1), (1_000, 1), (3_000, 1), (100, 20), (1_000, 20), (3_000, 20)]
    )
    databases = setup_databases(verbosity=0, interactive=False)
    server = None
    try:
        user = person()
        made = {shape: fill(*shape) for shape in shapes}
        with connection.cursor() as cursor:
            cursor.execute("analyze")
        server, port = serve()
        first = {shape: answers(port, user, trace) for shape, trace in made.items()}
        seen, missing = in_browser(port, user, made)
    finally:
        if server is not None:
            server.should_exit = True
            time.sleep(0.5)
        _end_other_connections()
        teardown_databases(databases, verbosity=0)
    figures, bars = [], []
    for steps, size in shapes:
        name, shown = f"{steps}_steps_{size}_mb", seen.get((steps, size), {})
        cold, warm, kilobytes = first[steps, size]
        told = f"scrolling {shown.get('far', 0):,} px in 4 s; {shown.get('long', 0)} tasks over 50 ms"
        told += f", the longest {shown['longest']:.0f} ms" if shown.get("long") else ""
        figures += [
            Figure(f"{name}_first_answer_ms", cold, "ms", note=f"cold; again {warm:.0f} ms; {kilobytes:,.0f} kB of HTML"),
            Figure(f"{name}_first_paint_ms", shown.get("paint"), "ms", note="first contentful paint"),
            Figure(f"{name}_jump_ms", shown.get("jump"), "ms", note="click in the outline's last rows until its step is there"),
            Figure(f"{name}_find_ms", shown.get("find"), "ms", note="words typed until all hits of the run are counted"),
            Figure(f"{name}_frame_p95_ms", shown.get("frame"), "ms", note=told),
            Figure(f"{name}_layout_shift", shown.get("shift"), "", note="0.1 is what browsers call good"),
        ]  # fmt: skip
        if shown:
            bars += [
                Bar(f"{name}_first_paint_ms", shown["paint"], at_most=1_000),
                Bar(f"{name}_frame_p95_ms", shown["frame"], at_most=50),
                Bar(f"{name}_layout_shift", shown["shift"], at_most=0.1),
            ]
    return report("open_trace", figures, bars, left_out=missing)


def person() -> User:
    """Somebody who may look."""
    project = Project.objects.create(slug="benchmark", name="Benchmark")
    user = User.objects.create_user("r@example.com", None, name="Reviewer")
    Membership.objects.create(project=project, user=user, role="reviewer")
    return user


def fill(steps: int, size: int) -> Trace:
    """A run with about that many steps, whose results hold about `size` million characters together."""
    calls = steps // 2
    lines = size * 1_000_000 // calls // len(LINE)
    messages = [message("system", "You repair a Python repository. " * 40), message("user", "Walk through every file.")]
    for number in range(calls):
        call = {"id": f"k{number}", "name": "read_file", "arguments": json.dumps({"path": f"src/part_{number}.py"})}
        messages.append(message("assistant", f"File {number} comes next.", tool_calls=[call], latency_ms=700))
        result = f"# part {number}\n" + LINE * lines
        messages.append(message("tool", result, tool_call_id=f"k{number}", is_error=number % 50 == 49, latency_ms=30))
    messages.append(message("assistant", "Every file was read; nothing had to be changed.", latency_ms=900))
    said: Document = {"conversations": [{"id": "main", "name": "", "kind": "main", "messages": messages, "tools": []}]}
    project = Project.objects.get()
    parsed = ParsedTrace(external_id=f"{steps}-{size}", document=said, agent="coder")
    store.store_trace(project=project, parsed=parsed, received_at=timezone.now())
    return Trace.objects.get(external_id=parsed.external_id)


def answers(port: int, user: User, trace: Trace) -> tuple[float, float, float]:
    """Milliseconds of the page's answer with an empty cache, the median of five more, and its size in kB."""
    line = HTTPConnection("127.0.0.1", port, timeout=60)
    times, length = [], 0
    for number in range(7):
        if number == 1:  # the first one also loads templates
            documents.forget()
        begun = time.perf_counter()
        line.request(
            "GET",
            f"/p/benchmark/traces/{trace.uid}/",
            headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie_of(user)}"},
        )
        answer = line.getresponse()
        length = len(answer.read())
        times.append((time.perf_counter() - begun) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")
    return times[1], percentile(times[2:], 0.5), length / 1000


def in_browser(
    port: int, user: User, made: dict[tuple[int, int], Trace]
) -> tuple[dict[tuple[int, int], Any], list[str]]:
    """What the browser measured for each shape; empty with a reason where there is none."""
    chromium = os.environ.get("WHETSTONE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return {}, ["the browser's figures: no Chromium here (apt-get install chromium, or set WHETSTONE_CHROMIUM)"]
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {}, ["the browser's figures: Playwright is not installed"]
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page: Any = browser.new_page(viewport={"width": 1440, "height": 900})
        url = f"http://127.0.0.1:{port}"
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie_of(user), "url": url}])
        page.add_init_script(f"({MEASURE})()")
        page.goto(
            f"{url}/p/benchmark/traces/"
        )  # scripts, styles and fonts are in the browser's cache, as for a reviewer
        for shape, trace in made.items():
            documents.forget()
            found[shape] = look(page, f"{url}/p/benchmark/traces/{trace.uid}/")
        browser.close()
    return found, []


def look(page: Any, address: str) -> dict[str, float]:
    """One trace: open it, scroll it, jump, search."""
    page.goto(address)
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length > 0")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    page.wait_for_load_state("networkidle")
    page.evaluate("window.longest.length = 0")
    frames = page.evaluate(FRAMES, 4)
    far = page.evaluate("document.querySelector('.talk').scrollTop")
    longest = page.evaluate("window.longest")
    shift = page.evaluate("window.shift")
    begun = time.perf_counter()
    page.evaluate("document.querySelector('.tree').scrollTop = document.querySelector('.tree').scrollHeight * 0.6")
    page.wait_for_timeout(400)  # rows of the outline come while a person aims
    waited = time.perf_counter() - begun
    page.evaluate(
        """() => { const box = document.querySelector(".tree").getBoundingClientRect();
        const rows = [...document.querySelectorAll(".tree a")];
        const row = rows.find((one) => one.getBoundingClientRect().top > box.top + box.height / 2);
        window.wanted = row.hash.slice(1); row.click(); }"""
    )
    page.wait_for_function("() => document.getElementById(window.wanted)?.matches(':not([data-wait])')")
    jump = (time.perf_counter() - begun - waited) * 1000
    begun = time.perf_counter()
    page.locator("#find").fill("file 4")
    page.wait_for_function("() => / of .*block/.test(document.querySelector('#found').textContent)")
    return {
        "paint": paint, "frame": percentile(frames, 0.95), "far": round(far), "long": len(longest),
        "longest": max(longest, default=0), "shift": round(shift, 4), "jump": jump, "find": (time.perf_counter() - begun) * 1000,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
