"""kill -9 of web, worker and PostgreSQL, cut connections and a full disk in the middle of a stream of traces: what was
answered with 200 is there, once."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stream import BODIES, check, cut_connections, kept, kill, kill_server, stream
from tests.up import Up, wait_until

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


def test_kill_9_of_web_and_worker_in_the_middle_of_a_stream(up: Up) -> None:
    sending = stream(up)
    for count, name in ((40, "web"), (90, "worker"), (140, "web"), (190, "worker")):
        sending.reach(count)
        kill(up, name)
    sending.finish()
    assert kept(up) == BODIES
    check(up)
    assert up.end() == 0


def test_kill_9_of_postgresql_and_cut_connections_in_the_middle_of_a_stream(up: Up) -> None:
    sending = stream(up)
    for count, act in ((40, cut_connections), (80, kill_server), (140, cut_connections), (180, kill_server)):
        sending.reach(count)
        act(up)
    sending.finish()
    wait_until(lambda: up.get("/readyz")[0] == 200, what="readyz 200")
    assert kept(up) == BODIES
    check(up)
    assert up.end() == 0


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 220 MB."""
    folder = Path(tempfile.mkdtemp(prefix="wt-disk-", dir="/tmp"))
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=220m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        shutil.rmtree(folder)
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


def test_a_full_disk_in_the_middle_of_a_stream(small_disk: Path) -> None:
    up = Up(small_disk)
    try:
        up.ready()
        sending = stream(up)
        sending.reach(60)
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:
            free = os.statvfs(small_disk)
            try:
                for _ in range(free.f_bavail * free.f_frsize // 65536 + 2):
                    file.write(bytes(65536))
            except OSError:
                pass  # full
        refused = sending.statuses[503] + sending.statuses["broken"]
        wait_until(
            lambda: sending.statuses[503] + sending.statuses["broken"] > refused + 8, seconds=60, what="refusals"
        )
        filler.unlink()
        sending.finish()
        wait_until(lambda: up.get("/readyz")[0] == 200, seconds=60, what="readyz 200")
        assert kept(up) == BODIES
        check(up)
        assert up.end() == 0
    finally:
        up.kill_all()
