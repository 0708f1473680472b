"""One nudge through Redis and one through RabbitMQ: real servers, a real worker, the row it writes."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.up import ROOT, Up, free_port, wait_until
from tests.workspace.test_up import query

pytestmark = [pytest.mark.slow, pytest.mark.faults]
RABBITMQ = shutil.which("rabbitmq-server", path=os.environ.get("PATH", "") + ":/usr/sbin")


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis of this test."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here (Debian, Ubuntu: apt-get install redis-server)")
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(20)


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[str]:
    """The address of a RabbitMQ of this test, with names and ports of its own."""
    if RABBITMQ is None:
        pytest.skip("no rabbitmq-server here (Debian, Ubuntu: apt-get install rabbitmq-server)")
    program = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's own wrapper changes to another user
    port, distribution, names = free_port(), free_port(), free_port()
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "RABBITMQ_NODENAME": f"whetstone{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(tmp_path / "mnesia"),
        "RABBITMQ_LOG_BASE": str(tmp_path / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(tmp_path / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(tmp_path / "no-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(tmp_path / "no-config"),
    }
    log = (tmp_path / "rabbitmq.log").open("w")
    server = subprocess.Popen(
        [str(program if program.exists() else RABBITMQ)],
        env=environment, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip

    def started() -> bool:
        text = (tmp_path / "rabbitmq.log").read_text()
        assert server.poll() is None, text
        return "Server startup complete" in text

    wait_until(started, seconds=90, what="the start of RabbitMQ")
    yield f"amqp://guest:guest@127.0.0.1:{port}//"
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if epmd := shutil.which("epmd"):  # Erlang's name server, started beside it, on a port of its own
        subprocess.run([epmd, "-port", str(names), "-kill"], check=False, capture_output=True)


NUDGE = """
import time
from django.db import transaction
from workspace.nudge import nudge
from workspace.tasks import heartbeat
begun = time.monotonic()
for _ in range(20):
    with transaction.atomic():
        nudge(heartbeat)
print(f"took {time.monotonic() - begun:.3f} s")
"""


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_nudge_reaches_the_worker(kind: str, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(kind)
    up = Up(environment={"BROKER_URL": address})
    try:
        up.ready()
        wait_until(lambda: query(up, "select 1 from workspace_heartbeat"), seconds=40, what="the worker's first word")
        # beat is stopped, so that only the nudge below can move the row
        os.kill(up.child("beat"), 19)
        time.sleep(1)
        before = query(up, "select at from workspace_heartbeat")
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", NUDGE],
            cwd=ROOT, env=up.environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "did not take" not in done.stderr
        wait_until(lambda: query(up, "select at from workspace_heartbeat") != before, what="the nudged heartbeat")
        os.kill(up.child("beat"), 18)
        assert not list((up.data / "broker").glob("queue/*")) if (up.data / "broker").exists() else True
        assert up.end() == 0
        assert up.processes() == []
    finally:
        up.kill_all()
        shutil.rmtree(up.data, ignore_errors=True)


def test_a_nudge_to_a_broker_that_is_away_fails_nothing() -> None:
    up = Up()
    try:
        up.ready()
        assert up.end() == 0
        environment = {**up.environment, "BROKER_URL": f"redis://127.0.0.1:{free_port()}/0"}
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-c", NUDGE],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("did not take") == 1, "the broker is asked again at once"
        took = re.search(r"took ([0-9.]+) s", done.stdout)
        assert took is not None, done.stdout
        assert float(took[1]) < 2, "requests wait for a broker that is away"
    finally:
        up.kill_all()
        shutil.rmtree(up.data, ignore_errors=True)
