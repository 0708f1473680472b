"""`manage.py up` as people use it: first start, second start, what stands in its way, Ctrl-C."""

import http.cookiejar
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.up import ROOT, Up, command_of, free_port, wait_until
from tests.workspace.test_embedded import NOBODY, python_for_nobody

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")]

CHANGE = """
from workspace.models import User
user = User.objects.get(email="admin@localhost")
user.set_password("another one")
user.save(update_fields=["password"])
"""


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """One that runs, for the tests that change nothing in it."""
    found = Up(demo=True)
    try:
        yield found.ready()
    finally:
        found.kill_all()
        shutil.rmtree(found.data, ignore_errors=True)


def again(data: Path, port: int, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A start that is expected to end at once."""
    keep = {key: value for key, value in os.environ.items() if key not in ("SECRET_KEY", "DATABASE_URL")}
    return subprocess.run(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=ROOT,
        env={**keep, "DJANGO_SETTINGS_MODULE": "config.settings", "WHETSTONE_DATA": str(data), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def query(up: Up, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(host=str(up.data / "postgres"), user="postgres", dbname="whetstone") as connection:
        return connection.execute(question).fetchall()


def test_it_shows_progress_and_says_where_and_how_to_sign_in(up: Up) -> None:
    assert re.search(r"^ +\d+\.\d s  PostgreSQL \d+ answers", up.text, re.MULTILINE)
    assert "tables are up to date" in up.text
    assert "the demo project is there" in up.text
    assert re.search(rf"ready after \d+\.\d s: {up.url}/", up.text)
    password = re.search(r"Sign in as admin@localhost with the password (\S+)", up.text)
    assert password is not None
    file = up.data / "first-password"
    assert file.read_text().strip() == password.group(1)
    assert file.stat().st_mode & 0o077 == 0


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect to the test."""

    def redirect_request(self, *parts: object) -> None:
        return None


def test_the_first_account_can_sign_in(up: Up) -> None:
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(jar, NoRedirect)
    page = opener.open(f"{up.url}/sign-in/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    password = (up.data / "first-password").read_text().strip()
    form = {"csrfmiddlewaretoken": token.group(1), "username": "admin@localhost", "password": password}
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(f"{up.url}/sign-in/", urllib.parse.urlencode(form).encode())
    assert (answer.value.code, answer.value.headers["Location"]) == (302, "/")
    assert "sessionid" in {cookie.name for cookie in jar.cookiejar}


def test_pages_name_their_files_by_hash_and_those_are_kept_by_browsers_for_good(up: Up) -> None:
    page = up.get("/sign-in/")[1]
    style = re.search(r'href="(/static/css/[a-z-]+\.[0-9a-f]{12}\.css)"', page)
    assert style is not None
    request = urllib.request.Request(up.url + style.group(1), headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"


def test_probes_and_banner_are_quiet_once_the_worker_has_come(up: Up) -> None:
    assert up.get("/healthz") == (200, "ok\n")
    assert up.get("/readyz")[0] == 200
    wait_until(lambda: query(up, "select 1 from workspace_heartbeat where name = 'worker'"), seconds=30)
    assert up.get("/_banner/")[1].strip() == ""


def test_a_second_start_says_where_the_first_runs(up: Up) -> None:
    for port in (up.port, free_port()):
        second = again(up.data, port)
        assert second.returncode == 3
        assert f"already running: {up.url}/ (pid {up.process.pid})" in second.stderr
        assert "Traceback" not in second.stderr


def test_the_supervisor_is_small(up: Up) -> None:
    rollup = Path(f"/proc/{up.process.pid}/smaps_rollup").read_text()
    used = re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)
    assert used is not None
    assert int(used.group(1)) < 25_000


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = again(tmp_path, port)
    assert answer.returncode == 4
    assert answer.stderr.strip().count("\n") == 0
    assert f"port {port} is in use by another program" in answer.stderr
    assert "PORT=" in answer.stderr


def test_a_setting_that_cannot_be_right_is_told_in_one_line(tmp_path: Path) -> None:
    answer = again(tmp_path, 8000, PORT="many")
    assert answer.returncode == 1
    assert answer.stderr.strip().count("\n") == 0
    assert "PORT='many' is not a whole number" in answer.stderr


def test_a_database_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    answer = again(tmp_path, free_port(), DATABASE_URL="postgresql://nobody@127.0.0.1:1/whetstone")
    assert answer.returncode == 1
    assert "the database cannot be used" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_folder_that_cannot_be_written_is_told_in_one_line() -> None:
    data = Path(tempfile.mkdtemp(prefix="wt-ro-", dir="/tmp"))
    data.chmod(0o755)
    command = [*python_for_nobody(), "manage.py", "up"]
    environment = {**os.environ, "WHETSTONE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment.pop("SECRET_KEY", None)
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    shutil.rmtree(data)
    assert answer.returncode == 1, answer.stdout
    assert "read-only" in answer.stderr
    assert "WHETSTONE_DATA=/a/folder" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_ctrl_c_stops_everything_and_the_next_start_goes_on_from_there() -> None:
    first = Up()
    try:
        first.ready()
        wait_until(lambda: query(first, "select 1 from workspace_heartbeat"), seconds=30)
        assert first.end() == 0
        assert "stopped after" in first.text
        assert first.processes() == []
        assert not (first.data / "postgres" / "postmaster.pid").exists()

        second = Up(first.data)
        try:
            second.ready()
            assert "first password is still in" in second.text
            assert "making the database" not in second.text
            assert "bringing the tables" not in second.text
            assert second.manage("shell", "-c", CHANGE).returncode == 0
            assert second.end() == 0
        finally:
            second.kill_all()
        third = Up(first.data)
        try:
            third.ready()
            assert "password" not in third.text
            assert not (first.data / "first-password").exists()
            assert third.end() == 0
        finally:
            third.kill_all()
    finally:
        first.kill_all()
        shutil.rmtree(first.data, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_an_ordinary_user_starts_it_too() -> None:
    data = Path(tempfile.mkdtemp(prefix="wt-nobody-", dir="/tmp"))
    os.chown(data, 65534, -1)
    up = Up(data, python=python_for_nobody())
    try:
        up.ready()
        assert up.get("/readyz")[0] == 200
        assert {os.stat(f"/proc/{pid}").st_uid for pid in up.processes()} == {65534}
        assert up.end() == 0
        assert up.processes() == []
    finally:
        up.kill_all()
        shutil.rmtree(data, ignore_errors=True)
    assert NOBODY[0] == "setpriv"
    assert command_of(up.process.pid) == []
