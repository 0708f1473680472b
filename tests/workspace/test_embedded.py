"""The embedded PostgreSQL: real servers in folders of their own, shared, killed and left behind."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from workspace.embedded import binaries, guardian
from workspace.embedded.binaries import EmbeddedPostgresError
from workspace.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent.parent
QUICK = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}

# Uses the server for as long as its standard input is open; prints the number of rows it sees.
USER = """
import sys
from pathlib import Path
import psycopg
from workspace.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), options={"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"})
server.acquire()
server.ensure_database("whetstone")
with psycopg.connect(host=str(server.socket_dir), user="postgres", dbname="whetstone") as connection:
    print(connection.execute("select 1").fetchone()[0], flush=True)
sys.stdin.read()
server.release()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path, as a socket needs it."""
    home = Path(tempfile.mkdtemp(prefix="wt-pg-", dir="/tmp"))
    home.chmod(0o755)
    yield home / "postgres"
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A running server."""
    found = EmbeddedPostgres(folder, options=QUICK)
    found.acquire()
    yield found
    found.release()


def ask(server: EmbeddedPostgres, question: str) -> object:
    """The first value of the answer."""
    with psycopg.connect(
        host=str(server.socket_dir), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        cursor = connection.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def wait_until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for it, or fail."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def user(folder: Path) -> subprocess.Popen[str]:
    """A process that uses the server until its input is closed."""
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def python_for_nobody() -> list[str]:
    """A command that runs Python with our packages as the user nobody: this one, or the system's of the same version."""
    packages = os.pathsep.join(path for path in sys.path if "packages" in path)
    for python in (sys.executable, "/usr/bin/python3"):
        command = [*NOBODY, "env", f"PYTHONPATH={packages}", "HOME=/tmp", python]
        tried = subprocess.run([*command, "-c", "import psycopg, django"], capture_output=True, cwd="/", check=False)
        if tried.returncode == 0:
            return command
    pytest.skip("the user nobody can reach no Python with our packages")


def standing_in(folder: Path) -> list[str]:
    """The processes whose working directory is the folder: the server's."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(folder):
                found.append(process.name)
        except OSError:
            continue
    return found


def test_the_data_is_there_again_after_a_stop(folder: Path) -> None:
    first = EmbeddedPostgres(folder, options=QUICK)
    first.acquire()
    first.acquire()  # cheap and harmless
    ask(first, "create table kept as select 7 as n")
    first.release()
    assert not first.running()
    second = EmbeddedPostgres(folder, options=QUICK)
    second.acquire()
    try:
        assert ask(second, "select n from kept") == 7
    finally:
        second.release()


def test_only_the_owner_can_reach_the_socket_and_nothing_listens_on_the_network(server: EmbeddedPostgres) -> None:
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    assert ask(server, "show listen_addresses") == ""


def test_four_processes_race_one_is_killed_and_the_last_one_stops_the_server(folder: Path) -> None:
    users = [user(folder) for _ in range(4)]
    for each in users:
        assert each.stdout is not None and each.stdout.readline() == "1\n"
    server = EmbeddedPostgres(folder, options=QUICK)
    pid = server.pid()
    users[0].kill()
    users[0].wait()
    for each in users[1:3]:
        each.communicate()
        assert server.running() and server.pid() == pid
    users[3].communicate()
    assert [each.returncode for each in users] == [-signal.SIGKILL, 0, 0, 0]
    assert not server.running()
    assert not (folder.parent / "postgres.new").exists()


def test_a_server_whose_users_were_all_killed_is_stopped(folder: Path) -> None:
    users = [user(folder) for _ in range(2)]
    for each in users:
        assert each.stdout is not None and each.stdout.readline() == "1\n"
    for each in users:
        each.kill()
        each.wait()
    wait_until(lambda: not (folder / "postmaster.pid").exists())
    wait_until(lambda: not standing_in(folder))


def test_a_killed_server_comes_back_and_keeps_what_was_committed(server: EmbeddedPostgres) -> None:
    ask(server, "create table kept as select 7 as n")
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not server.running())
    assert server.revive() is True
    assert server.revive() is False
    assert ask(server, "select n from kept") == 7


def test_a_killed_server_comes_back_while_one_of_its_children_still_works(server: EmbeddedPostgres) -> None:
    with psycopg.connect(host=str(server.socket_dir), user="postgres", dbname="postgres") as busy:
        backend = busy.info.backend_pid
        pid = server.pid()
        assert pid is not None
        os.kill(backend, signal.SIGSTOP)  # it cannot notice that the server is gone
        os.kill(pid, signal.SIGKILL)
        wake = subprocess.Popen(["sh", "-c", f"sleep 1.5; kill -CONT {backend}"])
        started = time.monotonic()
        assert server.revive() is True
        assert time.monotonic() - started > 1
        wake.wait()
        with pytest.raises(psycopg.OperationalError):
            busy.execute("select 1")


def test_a_wrong_setting_fails_at_once_with_the_reason(folder: Path) -> None:
    broken = EmbeddedPostgres(folder, options={**QUICK, "shared_buffers": "a lot"})
    started = time.monotonic()
    with pytest.raises(EmbeddedPostgresError, match=r"does not start: .*shared_buffers.*server\.log"):
        broken.acquire()
    assert time.monotonic() - started < 10
    mended = EmbeddedPostgres(folder, options=QUICK)
    mended.acquire()
    mended.release()


def test_data_of_another_major_version_is_named(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 12.*WHETSTONE_PG_BIN"):
        EmbeddedPostgres(folder, options=QUICK).acquire()


def test_a_folder_with_other_files_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(EmbeddedPostgresError, match="Move it away"):
        EmbeddedPostgres(folder, options=QUICK).acquire()
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_first_start_that_was_cut_off_is_begun_again(folder: Path) -> None:
    half = folder.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(folder, options=QUICK)
    server.acquire()
    server.release()
    assert not half.exists()


def test_a_pid_file_whose_number_belongs_to_another_process_now_is_cleared(folder: Path) -> None:
    server = EmbeddedPostgres(folder, options=QUICK)
    server.acquire()
    pid_file = (folder / "postmaster.pid").read_text()
    server.release()
    other = subprocess.Popen(["sleep", "60"], cwd="/")
    try:
        (folder / "postmaster.pid").write_text(pid_file.replace(pid_file.split("\n")[0], str(other.pid), 1))
        server.acquire()
        server.release()
        (folder / "postmaster.pid").write_text(pid_file.replace(pid_file.split("\n")[0], str(other.pid), 1))
        stop = [*binaries.command("pg_ctl"), "-D", str(folder), "-m", "fast", "-w", "stop"]
        subprocess.run([sys.executable, guardian.__file__, str(folder), *stop], check=True)  # must not signal it
        time.sleep(0.5)
        again = EmbeddedPostgres(folder, options=QUICK)
        again.acquire()
        assert ask(again, "select 1") == 1
        again.release()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_path_too_long_for_a_socket_gets_a_short_one(folder: Path) -> None:
    deep = folder.parent / ("long-" * 12) / ("deep-" * 12) / "postgres"
    server = EmbeddedPostgres(deep, options=QUICK)
    assert len(str(server.socket_dir)) < 80
    server.acquire()
    try:
        assert ask(server, "select 1") == 1
        assert server.socket_dir.stat().st_mode & 0o077 == 0
    finally:
        server.release()
        shutil.rmtree(server.socket_dir)


def test_no_programs_where_they_were_said_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WHETSTONE_PG_BIN", str(tmp_path))
    binaries.binaries.cache_clear()
    try:
        with pytest.raises(EmbeddedPostgresError, match="has no initdb"):
            binaries.binaries()
    finally:
        binaries.binaries.cache_clear()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it shows what is done where root may not open a namespace")
class TestAsRoot:
    @pytest.fixture
    def without_namespaces(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        which = shutil.which
        monkeypatch.setattr(shutil, "which", lambda name: None if name == "unshare" else which(name))
        binaries.as_ordinary_user.cache_clear()
        yield
        binaries.as_ordinary_user.cache_clear()

    def test_the_server_runs_as_nobody_and_the_folder_changes_hands(
        self, folder: Path, without_namespaces: None, request: pytest.FixtureRequest
    ) -> None:
        try:
            prefix = binaries.as_ordinary_user()
        except EmbeddedPostgresError as error:
            assert "cannot reach" in str(error)  # the checkout lies in a private folder: it says so, and there it ends
            pytest.skip(str(error))
        assert prefix[0] == "setpriv"
        server = EmbeddedPostgres(folder, options=QUICK)
        server.acquire()
        ask(server, "create table kept as select 7 as n")
        assert folder.owner() == "nobody"
        server.release()
        binaries.as_ordinary_user.cache_clear()
        request.getfixturevalue("monkeypatch").undo()
        back = EmbeddedPostgres(folder, options=QUICK)  # with what this machine allows
        back.acquire()
        assert ask(back, "select n from kept") == 7
        back.release()

    def test_an_ordinary_user_runs_it_too_and_is_told_when_the_folder_is_not_theirs(self, folder: Path) -> None:
        nobody = pwd.getpwnam("nobody")
        python = python_for_nobody()
        os.chown(folder.parent, nobody.pw_uid, -1)
        command = [*python, "-c", USER, str(folder)]
        done = subprocess.run(command, cwd=ROOT, input="", capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
        assert folder.owner() == "nobody"
        root_owned = folder.parent / "theirs"
        owner = EmbeddedPostgres(root_owned, options=QUICK)
        owner.acquire()
        owner.release()
        for lock in folder.parent.glob("theirs.*"):
            os.chown(lock, nobody.pw_uid, -1)
        done = subprocess.run(
            [*command[:-1], str(root_owned)], cwd=ROOT, input="", capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert "belongs to root" in done.stderr or "Permission denied" in done.stderr
