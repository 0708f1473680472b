"""How long a judgment takes: the POST on the server, and from the key press to the next item painted in a browser.

    python -m benchmarks.judgment [--quick]

One uvicorn process, served as in life (its own process, pooled connections), on a database of its own with 2,000 traces
(--quick: 300), every second one with a dozen steps. The POST is timed by clients on loopback: one person, one judgment
after the other; eight people who each judge twice a second, which is faster than anybody reads; and eight without a pause,
which is what the server can take. The browser is the machine's Chromium, driven by real key events: 50 traces, and it
measures itself from the event's time stamp to the frame that shows the next item.
"""

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
os.environ.setdefault("WHETSTONE_TEST_DB", "whetstone_benchmark_judgment")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in this thread

import django

django.setup()

import uvicorn  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.report import Bar, Figure, Spread, percentile, report  # noqa: E402
from curation.ingest import store  # noqa: E402
from curation.ingest.parsed import ParsedTrace  # noqa: E402
from curation.messages.form import Document, message  # noqa: E402
from curation.models import Judgment  # noqa: E402
from curation.review import queues  # noqa: E402
from workspace.models import Membership, Project, User  # noqa: E402

TOKEN = "b" * 32
PEOPLE = 8
PACE = 0.5  # seconds between two judgments of one person
POOL = {"min_size": 0, "max_size": 10, "timeout": 10}  # as config.settings.environment has it


def main() -> int:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 traces and fewer judgments")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return run_server(options.serve)
    traces, each = (300, 12) if options.quick else (2_000, 60)
    keys = 50
    databases = setup_databases(verbosity=0, interactive=False)
    server: subprocess.Popen[bytes] | None = None
    try:
        people = fill(traces)
        server, port = serve()
        warm_up(port, people)
        alone = judge(port, people[0], each)
        with ThreadPoolExecutor(PEOPLE) as pool:
            paced = [ms for part in pool.map(lambda one: judge(port, one, each // 3, PACE), people) for ms in part]
            together = [ms for part in pool.map(lambda one: judge(port, one, each // 4), people) for ms in part]
        counted = Judgment.objects.count()
        painted, missing = in_browser(port, people[0], keys)
    finally:
        if server is not None:
            server.terminate()
            server.wait(10)
        _end_other_connections()
        teardown_databases(databases, verbosity=0)
    if counted != len(alone) + len(paced) + len(together):
        print(f"{counted} judgments stored for {len(alone) + len(paced) + len(together)} answers", file=sys.stderr)
        return 1
    post, eight = percentile(alone, 0.95), percentile(paced, 0.95)
    frame = percentile(painted, 0.95) if painted else None
    return report(
        "judgment",
        [
            Figure("traces", traces, "traces"),
            Figure("post_ms", Spread.of(alone), "ms", note="one person"),
            Figure("post_p95_ms", post, "ms", note="one person"),
            Figure("post_8_people_ms", Spread.of(paced), "ms", note="eight, each twice a second"),
            Figure("post_8_people_p95_ms", eight, "ms", note="eight, each twice a second"),
            Figure(
                "post_8_without_pause_p95_ms", percentile(together, 0.95), "ms", note="eight, no pause, one process"
            ),
            Figure("load", os.getloadavg()[0], "", note=f"of the machine with {os.cpu_count()} cores"),
            Figure("key_to_painted_ms", Spread.of(painted) if painted else None, "ms", note="Chromium, no GPU"),
            Figure("key_to_painted_p95_ms", frame, "ms"),
            Figure("key_to_painted_worst_ms", max(painted) if painted else None, "ms"),
        ],
        [
            Bar("post_p95_ms", post, at_most=50),
            Bar("post_8_people_p95_ms", eight, at_most=50),
            *([Bar("key_to_painted_p95_ms", frame, at_most=100)] if painted else []),
        ],
        left_out=missing,
    )


def fill(traces: int) -> list[User]:
    """Traces, a queue with all of them, and reviewers."""
    project = Project.objects.create(slug="benchmark", name="Benchmark")
    for number in range(traces):
        parsed = ParsedTrace(external_id=f"t{number}", document=document(number), agent="support", latency_ms=2_000)
        store.store_trace(project=project, parsed=parsed, received_at=timezone.now())
    people = []
    for number in range(PEOPLE):
        user = User.objects.create_user(f"r{number}@example.com", None, name=f"Reviewer {number}")
        Membership.objects.create(project=project, user=user, role="reviewer")
        people.append(user)
    queues.default_queue(project=project)
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    return people


def document(number: int) -> Document:
    """A short trace, or one with six calls and their results."""
    messages = [message("system", "You help customers of a shop. " * 20), message("user", f"Where is order {number}?")]
    for step in range(6 if number % 2 else 1):
        call = {"id": f"c{step}", "name": "get_order", "arguments": f'{{"order": "{number}", "part": {step}}}'}
        messages.append(message("assistant", f"I look at part {step}.", tool_calls=[call], latency_ms=400))
        messages.append(
            message("tool", '{"status": "shipped", "depot": "north"}', tool_call_id=f"c{step}", latency_ms=40)
        )
    messages.append(message("assistant", "It left the depot this morning and comes tomorrow.", latency_ms=700))
    return {"conversations": [{"id": "main", "name": "", "kind": "main", "messages": messages, "tools": []}]}


def serve() -> tuple["subprocess.Popen[bytes]", int]:
    """uvicorn with the whole application, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ours = {**os.environ, "SECRET_KEY": settings.SECRET_KEY}  # it reads the sessions that are made here
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.judgment", "--serve", str(port)], env=ours)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if server.poll() is not None:
                raise RuntimeError("the server did not start") from None
            time.sleep(0.1)
        else:
            return server, port
    raise RuntimeError("the server did not answer")


def run_server(port: int) -> int:
    """Serve the benchmark's database until somebody ends it."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    database = connection.settings_dict
    database["NAME"] = os.environ["WHETSTONE_TEST_DB"]
    database["OPTIONS"] = {**database["OPTIONS"], "pool": POOL}
    from config.asgi import application

    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    return 0


def cookie_of(user: User) -> str:
    """A session of this person."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def judge(port: int, user: User, count: int, pace: float = 0) -> list[float]:
    """Judge the next items one after the other, one each `pace` seconds; milliseconds of each POST. Leasing them is not
    timed."""
    line = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie_of(user)}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN,
        "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
    }  # fmt: skip
    queue = queues.ReviewQueue.objects.get(slug=queues.DEFAULT_SLUG)
    times = []
    time.sleep(random.random() * pace)
    for _ in range(count + 5):
        time.sleep(pace)
        item = queues.lease_next(queue=queue, user=user)
        if item is None:
            raise RuntimeError("the queue ran out of items")
        body = urlencode({"act": "judge", "verdict": "acceptable", "key": uuid.uuid4().hex, "note": "fine"})
        begun = time.perf_counter()
        line.request("POST", f"/p/benchmark/review/unjudged/{item}/", body, headers)
        answer = line.getresponse()
        answer.read()
        times.append((time.perf_counter() - begun) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}")
    connection.close()
    return times


def warm_up(port: int, people: list[User]) -> None:
    """Let the server import what it needs and open its connections: nobody's first minute is measured."""
    with ThreadPoolExecutor(len(people)) as pool:
        for _ in range(3):
            list(pool.map(lambda one: _get(port, one), people))


def _get(port: int, user: User) -> None:
    line = HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", "/p/benchmark/review/", headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie_of(user)}"})
    line.getresponse().read()
    connection.close()


def in_browser(port: int, user: User, keys: int) -> tuple[list[float], list[str]]:
    """Milliseconds from key to painted; empty with a reason where there is no browser."""
    chromium = os.environ.get("WHETSTONE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return [], ["key to painted: no Chromium here (apt-get install chromium, or set WHETSTONE_CHROMIUM)"]
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return [], ["key to painted: Playwright is not installed"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page: Any = browser.new_page(viewport={"width": 1440, "height": 900})
        url = f"http://127.0.0.1:{port}"
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie_of(user), "url": url}])
        page.goto(f"{url}/p/benchmark/review/unjudged/")
        page.wait_for_selector(".judge")
        for number in range(keys + 3):
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(120)  # a person reads; the next item is loaded meanwhile
            page.keyboard.press("aru"[number % 3])
        page.wait_for_timeout(300)
        times = page.evaluate("performance.getEntriesByName('key-to-painted').map((one) => one.duration)")
        browser.close()
    return [float(one) for one in times[3:]], []


def _end_other_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid()"
        )


if __name__ == "__main__":
    sys.exit(main())
