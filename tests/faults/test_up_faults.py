"""kill -9 of every part of a running `manage.py up`."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.up import Up, command_of, session_of, wait_until
from tests.workspace.test_up import query

pytestmark = [
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc"),
]


@pytest.fixture
def up() -> Iterator[Up]:
    found = Up()
    try:
        yield found.ready()
    finally:
        found.kill_all()
        shutil.rmtree(found.data, ignore_errors=True)


def beats(up: Up) -> object:
    """When the worker last gave a sign of life."""
    return query(up, "select max(at) from workspace_heartbeat")[0][0]


def test_web_worker_and_beat_are_started_again(up: Up) -> None:
    wait_until(lambda: beats(up), what="the first heartbeat")
    for name in ("worker", "web", "beat"):
        killed = up.child(name)
        group = [pid for pid in up.processes() if _group(pid) == killed]
        os.kill(killed, signal.SIGKILL)
        up.said(f"{name} was killed by SIGKILL; starting it again")
        wait_until(lambda pids=group: not set(pids) & set(up.processes()), what=f"the end of all of {name}")
        wait_until(lambda name=name, killed=killed: _is_other(up, name, killed), what=f"a new {name}")
    wait_until(lambda: _answers(up), what="an answer")
    before = beats(up)
    wait_until(lambda: beats(up) != before, what="a new heartbeat")
    assert up.end() == 0
    assert up.processes() == []


def test_after_kill_9_of_the_supervisor_nothing_is_left(up: Up) -> None:
    assert len(up.processes()) > 5
    up.process.kill()
    up.process.wait()
    begun = time.monotonic()
    wait_until(lambda: up.processes() == [], seconds=40, what=f"the end of {up.processes()}")
    assert time.monotonic() - begun < 30
    assert not (up.data / "postgres" / "postmaster.pid").exists()
    second = Up(up.data)  # the stale lock stands in nobody's way
    try:
        second.ready()
        assert second.end() == 0
    finally:
        second.kill_all()


def test_after_kill_9_of_every_process_but_postgresql_the_database_stops_by_itself(up: Up) -> None:
    server = int((up.data / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    ours = [pid for pid in up.processes() if "postgres" not in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]]
    for pid in ours:
        if "guardian.py" not in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    up.process.wait()
    assert server
    wait_until(lambda: up.processes() == [], seconds=30, what="the end of PostgreSQL")


def test_postgresql_is_started_again_and_pages_say_so_meanwhile(up: Up) -> None:
    wait_until(lambda: beats(up), what="the first heartbeat")
    server = int((up.data / "postgres" / "postmaster.pid").read_text().split("\n")[0])
    os.kill(server, signal.SIGKILL)
    up.said("PostgreSQL is back after", seconds=40)
    wait_until(lambda: up.get("/readyz")[0] == 200, what="readyz 200")
    # connections of the pool that died with the server are told as such, never as a fault of ours
    statuses = [up.get("/sign-in/")[0] for _ in range(6)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200
    before = beats(up)
    wait_until(lambda: beats(up) != before, what="a new heartbeat")
    assert up.end() == 0
    assert up.processes() == []


def test_a_child_that_always_falls_stops_everything_with_the_reason() -> None:
    up = Up()
    try:
        up.ready()
        end = time.monotonic() + 60
        while up.process.poll() is None and time.monotonic() < end:
            for pid in up.leaders("beat"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        assert up.process.wait(60) == 1
        up.reader.join(5)
        assert "stopping: beat ended 6 times within a minute (was killed by SIGKILL)" in up.text
        assert up.processes() == []
    finally:
        up.kill_all()
        shutil.rmtree(up.data, ignore_errors=True)


def test_a_first_start_that_was_killed_is_finished_by_the_next() -> None:
    first = Up()
    try:
        first.said("making the database")
        first.process.kill()
        first.process.wait()
        wait_until(lambda: first.processes() == [], what="the end of the first start")
        second = Up(first.data)
        try:
            second.said("bringing the tables up to date")
            time.sleep(0.5)
            second.process.kill()
            second.process.wait()
            third = Up(first.data)
            try:
                third.ready()
                assert "Sign in as admin@localhost" in third.text
                assert third.get("/readyz")[0] == 200
                assert third.end() == 0
            finally:
                third.kill_all()
        finally:
            second.kill_all()
    finally:
        first.kill_all()
        shutil.rmtree(first.data, ignore_errors=True)


def test_of_two_web_processes_one_that_dies_is_replaced_while_the_other_answers() -> None:
    up = Up(options=["--web", "2"])
    try:
        up.ready()
        leader = up.child("web")
        wait_until(lambda: len(_answering(up, leader)) == 2, seconds=20, what="two web processes")
        first = _answering(up, leader)
        os.kill(first[0], signal.SIGKILL)
        wait_until(
            lambda: len(now := _answering(up, leader)) == 2 and first[0] not in now,
            seconds=20,
            what="another in its place",
        )
        assert up.get("/healthz")[0] == 200
        assert up.child("web") == leader
        assert up.end() == 0
        wait_until(lambda: not up.processes(), seconds=5, what="nothing left")
    finally:
        up.kill_all()
        shutil.rmtree(up.data, ignore_errors=True)


def _answering(up: Up, leader: int) -> list[int]:
    """The web processes behind the one that leads them."""
    return [
        pid
        for pid in up.processes()
        if pid != leader and session_of(pid) == leader and "spawn_main" in " ".join(command_of(pid))
    ]


def test_a_second_ctrl_c_kills_at_once(up: Up) -> None:
    # once it works: while it still loads, SIGTERM has its default meaning and ends even a process that is stopped
    wait_until(lambda: beats(up), what="a sign of life of the worker")
    os.kill(up.child("worker"), signal.SIGSTOP)  # a worker that hangs
    up.process.send_signal(signal.SIGINT)
    up.said("stopping")
    begun = time.monotonic()
    time.sleep(1)
    assert up.process.poll() is None, up.text
    assert up.end() == 0
    assert time.monotonic() - begun < 8
    # what was killed with -9 a moment ago may still be on its way out
    wait_until(lambda: not up.processes(), seconds=5, what="nothing left")


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def _is_other(up: Up, name: str, killed: int) -> bool:
    return bool(set(up.leaders(name)) - {killed})


def _answers(up: Up) -> bool:
    try:
        return up.get("/healthz")[0] == 200
    except OSError:
        return False
