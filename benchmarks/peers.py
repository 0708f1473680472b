"""The same work in Label Studio and here, at the size that Label Studio takes: bring in, list, judge, next, take out.

    python -m benchmarks.peers [--quick]

Label Studio (package label-studio from PyPI) is installed into an environment of its own under the folder
WHETSTONE_PEERS (a temporary one otherwise) and runs as its own command starts it, on a PostgreSQL server of the same
build as ours. Whetstone runs as one uvicorn process on another. Both hold the same conversations of about 4 kB; every
figure is the time of HTTP requests on loopback, measured in alternating rounds by one client. Left out, and said so,
where Label Studio cannot be installed.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.report import Bar, Figure, Spread, percentile, report
from workspace.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "label-studio==1.23.2"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
CONFIG = (
    '<View><Paragraphs name="d" value="$messages" nameKey="role" textKey="content"/>'
    '<Choices name="v" toName="d" choice="single"><Choice value="acceptable"/><Choice value="unacceptable"/></Choices></View>'
)
WORDS = ["order", "refund", "parcel", "address", "invoice", "please", "check", "status", "arrived", "depot", "Monday"]


def main() -> int:
    """Start both, do the same to both, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="500 conversations instead of 10,000")
    options = parser.parse_args()
    count = 500 if options.quick else 10_000
    folder = Path(tempfile.mkdtemp(prefix="whetstone-peers-"))
    try:
        python = peer_environment(folder)
        if python is None:
            return report("peers", [], [], left_out=[f"Label Studio: {PACKAGE} cannot be installed here"])
        with label_studio(folder, python) as theirs, whetstone(folder) as ours:
            return compare(theirs, ours, count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(theirs: "Peer", ours: "Peer", count: int) -> int:
    """Alternating rounds of the same acts."""
    made = [conversation(number) for number in range(count)]
    rates: dict[str, list[float]] = {"theirs": [], "ours": []}
    for start in range(0, count, 500):
        batch = made[start : start + 500]
        for name, peer in (("theirs", theirs), ("ours", ours)):
            begun = time.perf_counter()
            peer.bring_in(batch)
            rates[name].append(len(batch) / (time.perf_counter() - begun))
    figures = [
        Figure("conversations", count, "", note="about 4 kB each"),
        Figure("import_theirs", Spread.of(rates["theirs"]), "per s"),
        Figure("import_ours", Spread.of(rates["ours"]), "per s", note="answered when it is listed"),
    ]
    bars = [faster("import", [a / b for a, b in zip(rates["ours"], rates["theirs"], strict=True)])]
    for act, rounds in (("list", 25), ("judge", 60), ("next", 25)):
        times: dict[str, list[float]] = {"theirs": [], "ours": []}
        for number in range(rounds + 3):
            for name, peer in (("theirs", theirs), ("ours", ours)):
                taken = getattr(peer, act)(number)
                if number >= 3:  # both are warm then
                    times[name].append(taken)
        for name, found in times.items():
            figures.append(Figure(f"{act}_{name}", Spread.of(found), "ms", note=f"p95 {percentile(found, 0.95):.0f}"))
        bars.append(faster(act, [b / a for a, b in zip(times["ours"], times["theirs"], strict=True)]))
    out = {name: peer.take_out() for name, peer in (("theirs", theirs), ("ours", ours))}
    figures += [
        Figure(f"export_{name}", count / seconds, "per s", note=f"{seconds:.1f} s") for name, seconds in out.items()
    ]
    figures += [Figure(f"memory_{name}", peer.memory(), "MB", note="RSS of the web server") for name, peer in
                (("theirs", theirs), ("ours", ours))]  # fmt: skip
    bars.append(faster("export", [out["theirs"] / out["ours"]]))
    return report("peers", figures, bars)


def faster(name: str, ratios: list[float]) -> Bar:
    """How many times as fast we are, as the median of the rounds."""
    return Bar(f"{name}_times_as_fast", Spread.of(ratios).median, at_least=1)


def conversation(number: int) -> list[dict[str, str]]:
    """A conversation of about 4 kB; the same for the same number."""
    pick = random.Random(number)
    said = [{"role": "user", "content": f"Where is order {number}? " + " ".join(pick.choices(WORDS, k=60))}]
    for turn in range(6):
        role = "assistant" if turn % 2 == 0 else "user"
        said.append({"role": role, "content": " ".join(pick.choices(WORDS, k=90))})
    return [*said, {"role": "assistant", "content": "It left the depot this morning."}]


class Peer:
    """One server under measurement: an address, headers, and its process."""

    def __init__(self, port: int, headers: dict[str, str], process: "subprocess.Popen[bytes]") -> None:
        self.port, self.headers, self.process = port, headers, process

    def call(self, method: str, path: str, body: Any = None, *, kind: str = "application/json") -> Any:
        """One request on a connection of its own; its JSON, or its bytes. Raises RuntimeError for an error status."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=900)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        line.request(method, path, data, {**self.headers, "Content-Type": kind})
        answer = line.getresponse()
        found = answer.read()
        line.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {found[:300]!r}")
        is_json = "json" in (answer.getheader("Content-Type") or "") and "lines" not in (
            answer.getheader("Content-Type") or ""
        )
        return (
            json.loads(found)
            if found and is_json and "jsonl" not in (answer.getheader("Content-Type") or "")
            else found
        )

    def timed(self, method: str, path: str, body: Any = None, **more: Any) -> float:
        """Milliseconds of one request."""
        begun = time.perf_counter()
        self.call(method, path, body, **more)
        return (time.perf_counter() - begun) * 1000

    def memory(self) -> float:
        """MB of memory of the server's process and its children (RSS)."""
        total = 0.0
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(entry.read_text().rpartition(")")[2].split()[1])
                if int(entry.parent.name) == self.process.pid or parent == self.process.pid:
                    status = (entry.parent / "status").read_text()
                    total += (
                        next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
                    )
            except (OSError, StopIteration, ValueError):
                continue
        return total


class LabelStudio(Peer):
    """Label Studio: a project with one choice over a dialogue."""

    project = 0
    tasks: tuple[int, ...] = ()

    def bring_in(self, batch: list[list[dict[str, str]]]) -> None:
        """POST /api/projects/N/import."""
        if not self.project:
            self.project = self.call("POST", "/api/projects/", {"title": "benchmark", "label_config": CONFIG})["id"]
        self.call("POST", f"/api/projects/{self.project}/import", [{"data": {"messages": one}} for one in batch])

    def list(self, number: int) -> float:
        """A page of 30 of the task list."""
        return self.timed("GET", f"/api/tasks?project={self.project}&page={number % 10 + 1}&page_size=30")

    def judge(self, number: int) -> float:
        """One annotation."""
        if not self.tasks:
            found = self.call("GET", f"/api/tasks?project={self.project}&page=1&page_size=100&fields=task_only")
            self.tasks = tuple(one["id"] for one in found["tasks"])
        said = {"from_name": "v", "to_name": "d", "type": "choices", "value": {"choices": ["acceptable"]}}
        return self.timed("POST", f"/api/tasks/{self.tasks[number]}/annotations/", {"result": [said], "lead_time": 3.2})

    def next(self, number: int) -> float:
        """The next task."""
        return self.timed("GET", f"/api/projects/{self.project}/next")

    def take_out(self) -> float:
        """Seconds of the export of all tasks as JSON."""
        return self.timed("GET", f"/api/projects/{self.project}/export?exportType=JSON&download_all_tasks=true") / 1000


class Whetstone(Peer):
    """Whetstone: the same acts by its API and pages."""

    people: dict[str, str]

    def bring_in(self, batch: list[list[dict[str, str]]]) -> None:
        """POST /api/projects/benchmark/traces."""
        lines = b"\n".join(json.dumps({"messages": one}).encode() for one in batch)
        self.call("POST", "/api/projects/benchmark/traces", lines, kind="application/jsonl")

    def list(self, number: int) -> float:
        """A page of the list of traces, with the texts that it shows."""
        return self.timed("GET", f"/api/projects/benchmark/traces?limit=30&q=until%3A{2030 + number % 10}-01-01")

    def judge(self, number: int) -> float:
        """One judgment."""
        if number == 0:
            self.uids = [one["id"] for one in self.call("GET", "/api/projects/benchmark/traces?limit=100")["items"]]
        body = {"verdict": "acceptable", "seconds": 3.2, "idempotency_key": uuid.uuid4().hex}
        return self.timed("POST", f"/api/projects/benchmark/traces/{self.uids[number]}/judgments", body)

    def next(self, number: int) -> float:
        """The next item of the queue: its lease, and the whole page."""
        begun = time.perf_counter()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        path, found = "/p/benchmark/review/unjudged/", None
        for _ in range(3):
            line.request("GET", path, headers={"Cookie": self.people["cookie"]})
            found = line.getresponse()
            found.read()
            if found.status != 302:
                break
            path = found.getheader("Location") or ""
        if found is None or found.status != 200:
            raise RuntimeError(f"{path}: {found and found.status}")
        return (time.perf_counter() - begun) * 1000

    def take_out(self) -> float:
        """Seconds of freezing everything and downloading it."""
        begun = time.perf_counter()
        recipe = {"judgments": ["acceptable", "unacceptable", "unjudged"], "dedupe": False}
        body = {"name": "all", "filter": "", "recipe": recipe}
        made = self.call("POST", "/api/projects/benchmark/datasets", body)
        if made["rows"] < 1:
            raise RuntimeError("nothing was frozen")
        self.call("GET", "/api/projects/benchmark/datasets/all/versions/1/export?format=openai-sft&skip_invalid=true")
        return time.perf_counter() - begun


def peer_environment(folder: Path) -> Path | None:
    """The Python of an environment with Label Studio; None where it cannot be installed."""
    home = Path(os.environ.get("WHETSTONE_PEERS", folder)) / "label-studio"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        print(f"Installing {PACKAGE} into {home} ...", flush=True)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE], check=False)
        if done.returncode:
            return None
    return python


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, path: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until the server answers; raises RuntimeError with the end of its log where it does not within five minutes."""
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", path)
            if line.getresponse().status < 500:
                return
        except OSError:
            pass
        time.sleep(0.3)
    raise RuntimeError(f"the server did not come up:\n{log.read_text()[-2000:]}")


@contextmanager
def label_studio(folder: Path, python: Path) -> Iterator[LabelStudio]:
    """Label Studio on a database of its own."""
    server = EmbeddedPostgres(folder / "their-postgres")
    server.acquire()
    server.ensure_database("labelstudio")
    port = free_port()
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "WHETSTONE", "PYTHON", "DATABASE"))
    } | {
        "DJANGO_DB": "default", "POSTGRE_NAME": "labelstudio", "POSTGRE_USER": "postgres", "POSTGRE_PASSWORD": "",
        "POSTGRE_HOST": str(server.socket_dir), "POSTGRE_PORT": "5432", "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "theirs"),
        "COLLECT_ANALYTICS": "0", "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "1", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "LATEST_VERSION_CHECK": "0", "FEATURE_FLAGS_OFFLINE": "1",
    }  # fmt: skip
    log = folder / "their.log"
    command = [
        str(python.with_name("label-studio")), "start", "--no-browser", "--port", str(port), "--username", "a@example.com",
        "--password", "benchmark-1234", "--user-token", TOKEN,
    ]  # fmt: skip
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
    try:
        wait_for(port, "/health", process, log)
        yield LabelStudio(port, {"Authorization": f"Token {TOKEN}"}, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        server.release()


@contextmanager
def whetstone(folder: Path) -> Iterator[Whetstone]:
    """One uvicorn process of ours on a data folder of its own, with a project, a token and a signed-in reviewer."""
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "BROKER_URL")} | {
        "WHETSTONE_DATA": str(folder / "ours"), "PORT": str(port), "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip

    def manage(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {words[0]}: {done.stderr[-2000:]}")
        return done.stdout.strip()

    manage("migrate")
    manage("collectstatic", "--noinput")
    cookie = manage("shell", "--no-imports", "-c", SETUP)
    token = manage("create_token", "--project", "benchmark", "--role", "engineer", "--name", "benchmark")
    log = folder / "ours.log"
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--lifespan", "off",
               "--no-access-log"]  # fmt: skip
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file, start_new_session=True)
    try:
        wait_for(port, "/healthz", process, log)
        peer = Whetstone(port, {"Authorization": f"Bearer {token}"}, process)
        peer.people = {"cookie": cookie.splitlines()[-1]}
        yield peer
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


SETUP = """
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from curation.review import queues
from workspace.models import Membership, Project, User
project = Project.objects.create(slug="benchmark", name="Benchmark")
user = User.objects.create_user("r@example.com", None, name="Reviewer")
Membership.objects.create(project=project, user=user, role="engineer")
queues.default_queue(project=project)
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(f"{settings.SESSION_COOKIE_NAME}={session.session_key}")
"""


if __name__ == "__main__":
    sys.exit(main())
