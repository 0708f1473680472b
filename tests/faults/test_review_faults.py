"""kill -9 of the web process while people judge: every judgment that was acknowledged stays, and none is doubled."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from curation.models import Judgment, QueueItem, Trace
from curation.review import queues
from tests import make
from tests.people import person
from workspace.models import AuditEntry, Membership, Project, User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults]
ROOT = Path(__file__).resolve().parents[2]
TRACES, PEOPLE, KILLS = 90, 3, 4
TOKEN = "a" * 32


class Web:
    """uvicorn as a process of its own, on the test's database."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        known = connection.get_connection_params()
        names = {"host": "host", "port": "port", "user": "user", "password": "password", "dbname": "dbname"}
        address = " ".join(f"{name}={known[key]}" for key, name in names.items() if known.get(key))
        self.environment = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test", "DATABASE_URL": address,
            "SECRET_KEY": settings.SECRET_KEY,
        }  # fmt: skip
        self.kills = 0
        self.start()

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "config.asgi:application",
            "--port",
            str(self.port),
            "--lifespan",
            "off",
            "--log-level",
            "error",
        ]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return
            except OSError:
                assert self.process.poll() is None, "the web process ended at once"
                assert time.monotonic() < deadline, "the web process did not start"
                time.sleep(0.05)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.kills += 1

    def post(self, cookie: str, path: str, fields: dict[str, str]) -> tuple[int, str]:
        """One try; raises OSError or HTTPException where no answer came."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {
                "Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN,
                "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
            }  # fmt: skip
            line.request("POST", path, urlencode(fields), headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()
        finally:
            line.close()


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    if server.process.poll() is None:
        server.kill()


def cookie_of(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def test_kill_9_while_judging(project: Project, web: Web) -> None:
    people = [person(f"p{number}@example.com", f"P{number}") for number in range(PEOPLE)]
    for one in people:
        Membership.objects.create(project=project, user=one, role="reviewer")
    for _ in range(TRACES):
        make.trace(project)
    queue = queues.default_queue(project=project)
    items = [str(uid) for uid in queue.items.order_by("id").values_list("uid", flat=True)]
    acknowledged: dict[str, str] = {}
    unanswered, failures = 0, []
    lock = threading.Lock()

    def work(cookie: str, mine: list[str]) -> None:
        nonlocal unanswered
        for item in mine:
            key = uuid.uuid4().hex
            verdict = random.choice(["acceptable", "unacceptable", "unsure"])
            deadline = time.monotonic() + 90
            while time.monotonic() < deadline:
                try:
                    status, body = web.post(
                        cookie, f"/p/acme/review/unjudged/{item}/", {"act": "judge", "verdict": verdict, "key": key}
                    )
                except (OSError, http.client.HTTPException):
                    with lock:
                        unanswered += 1
                    time.sleep(0.1)
                    continue
                if status == 200 and json.loads(body)["ok"]:
                    with lock:
                        acknowledged[key] = verdict
                    break
                failures.append((status, body[:300]))
                return

    threads = [
        threading.Thread(target=work, args=(cookie_of(one), items[number::PEOPLE])) for number, one in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    for number in range(KILLS):
        wait_for(lambda least=(number + 1) * TRACES // (KILLS + 2): len(acknowledged) >= least or failures)
        web.kill()
        web.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert web.kills == KILLS and unanswered > 0, "the web process was killed while somebody waited for an answer"
    assert len(acknowledged) == TRACES
    stored = dict(Judgment.objects.values_list("idempotency_key", "verdict"))
    assert stored == acknowledged
    assert Judgment.objects.count() == TRACES
    assert AuditEntry.objects.filter(action="trace.judged").count() == TRACES
    assert QueueItem.objects.filter(status="done").count() == TRACES
    for trace in Trace.objects.prefetch_related("judgments"):
        assert [one.verdict for one in trace.judgments.all()] == [trace.verdict]


def wait_for(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + 90
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)
