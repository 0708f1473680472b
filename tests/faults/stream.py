"""A stream of traces at a running `manage.py up`, and the proof that each of them is there once."""

import http.client
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter

from tests.up import Up, wait_until
from tests.workspace.test_up import query

BODIES = 240
TOKEN = """
from workspace import tokens
from workspace.access import SYSTEM
from workspace.models import Project, Role
project = Project.objects.create(slug="faults", name="Faults")
print("token=" + tokens.issue(project=project, name="agent", role=Role.REVIEWER, actor=SYSTEM)[1])
"""


def body(number: int) -> bytes:
    """One trace of two spans; the bytes are the same each time they are sent."""

    def said(role: str, text: str) -> str:
        return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])

    def attribute(key: str, value: str) -> dict[str, object]:
        return {"key": key, "value": {"stringValue": value}}

    spans = [
        {
            "traceId": f"{number + 1:032x}",
            "spanId": f"{2 * number + part + 1:016x}",
            "name": "chat",
            "startTimeUnixNano": str(1_700_000_000_000_000_000 + part),
            "attributes": [
                attribute("gen_ai.operation.name", "chat"),
                attribute("gen_ai.input.messages", said("user", f"question {number}.{part}")),
                attribute("gen_ai.output.messages", said("assistant", "answer " * 50)),
            ],
        }
        for part in (0, 1)
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


class Stream:
    """Four senders that post all bodies as an OpenTelemetry exporter does: again after 503 or a broken connection."""

    def __init__(self, up: Up, token: str, bodies: int = BODIES, first: int = 0) -> None:
        self.url, self.token = f"{up.url}/v1/traces", token
        self.acknowledged: list[int] = []
        self.statuses: Counter[object] = Counter()
        self.bodies = bodies
        self._waiting = list(range(first, first + bodies))
        self._lock = threading.Lock()
        self.threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def _send_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                number = self._waiting.pop(0)
            while not self._send(number):
                time.sleep(0.2)

    def _send(self, number: int) -> bool:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url, body(number), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status: object = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        except (OSError, http.client.HTTPException):
            status = "broken"
        with self._lock:
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged.append(number)
        return status == 200

    def reach(self, count: int) -> None:
        """Wait until so many were acknowledged."""
        wait_until(
            lambda: len(self.acknowledged) >= count, seconds=120, what=f"{count} acknowledged of {self.statuses}"
        )

    def finish(self) -> None:
        """Wait until all were sent; nobody heard anything but 200, 503 and broken connections."""
        self.reach(self.bodies)
        assert set(self.statuses) <= {200, 503, "broken"}, self.statuses
        assert self.statuses[503] + self.statuses["broken"], "no sender noticed anything: nothing was tested"


def token_of(up: Up) -> str:
    """A project, and a token that may send to it."""
    made = up.manage("shell", "-c", TOKEN)
    token = made.stdout.partition("token=")[2].strip()
    assert token, made.stderr
    return token


def stream(up: Up, bodies: int = BODIES) -> Stream:
    """Begin to send."""
    return Stream(up, token_of(up), bodies)


def kept(up: Up) -> int:
    """Bodies in the inbox."""
    return int(str(query(up, "select count(*) from curation_rawrecord")[0][0]))


def check(up: Up, bodies: int = BODIES) -> None:
    """All bodies are worked off, each trace stands once with one revision and both of its spans."""
    wait_until(
        lambda: query(up, "select count(*) from curation_rawrecord where status = 'pending'") == [(0,)],
        seconds=120,
        what="an empty inbox",
    )
    assert query(up, "select status, count(*) from curation_rawrecord group by 1") == [("done", bodies)]
    found = query(
        up,
        "select count(*), count(distinct external_id), (select count(*) from curation_span) from curation_trace "
        "where project_id = (select id from workspace_project where slug = 'faults')",
    )
    assert found == [(bodies, bodies, 2 * bodies)]
    doubled = query(
        up,
        "select t.external_id from curation_trace t join curation_tracerevision r on r.trace_id = t.id "
        "join workspace_project p on p.id = t.project_id where p.slug = 'faults' group by 1 having count(*) <> 1",
    )
    assert doubled == []


def kill(up: Up, name: str) -> None:
    """kill -9 of web or worker, and wait for the next one."""
    before = up.child(name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: any(pid != before for pid in up.leaders(name)), seconds=60, what=f"a new {name}")


def kill_server(up: Up) -> None:
    """kill -9 of PostgreSQL, and wait for the next one."""
    before = server(up)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: server(up) not in (0, before), seconds=60, what="another PostgreSQL")


def server(up: Up) -> int:
    """PostgreSQL's pid; 0 where there is none."""
    try:
        return int((up.data / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    except (OSError, ValueError):
        return 0


def cut_connections(up: Up) -> None:
    """End all connections of others to the database, in the middle of whatever they do."""
    query(
        up,
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = 'whetstone'",
    )
