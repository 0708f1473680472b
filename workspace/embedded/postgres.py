"""Start, share and stop a private PostgreSQL server; nothing outside its folder is touched.

Every process that uses the server holds a shared lock on `<folder>.users`, which the kernel frees even after kill -9.
Whoever leaves last, that is, can take the lock exclusively, stops the server; `guardian.py` does it where the last one
was killed.
"""

import atexit
import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from workspace.embedded import binaries
from workspace.embedded.binaries import EmbeddedPostgresError, ProgramFailed
from workspace.embedded.guardian import server_process

# Reasons in server.log that pass by themselves: what a killed server left needs a moment to go.
_PASSING = ("pre-existing shared memory block", "is another postmaster", "is another process", "could not bind")
_LOG_LIMIT = 10_000_000


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
        if len(os.fsencode(self.folder)) < 80:  # the kernel takes 104 to 108 bytes, the name itself needs 14
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        root = Path("/tmp") if os.path.isdir("/tmp") else Path(tempfile.gettempdir())  # the same whatever TMPDIR says
        return root / f"whetstone-pg-{os.getuid()}-{digest}"

    @property
    def log(self) -> Path:
        """What the server writes about itself."""
        return self.folder / "server.log"

    def acquire(self) -> None:
        """Count this process in, and make and start the server if nobody has. Cheap when repeated.

        Raises EmbeddedPostgresError with the reason and what to do.
        """
        if self._users is not None and self._owner == os.getpid():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._only_one():
            users = os.open(f"{self.folder}.users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._ensure_running()
            except BaseException:
                os.close(users)
                raise
            self._users, self._owner = users, os.getpid()
        atexit.register(self.release)

    def adopt(self, users: int) -> None:
        """Go on with a share that this process took before it became another program; see `hand_over`."""
        self._users, self._owner = users, os.getpid()

    def hand_over(self) -> int:
        """The descriptor of the share, made to survive exec: the next program in this process holds it."""
        if self._users is None:
            raise EmbeddedPostgresError("This process does not use the server.")
        os.set_inheritable(self._users, True)
        return self._users

    def revive(self) -> bool:
        """Start the server again if it died while this process uses it. True where it had to be started."""
        with self._only_one():
            return self._ensure_running()

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
                if self.pid() is not None:
                    with contextlib.suppress(ProgramFailed):  # it has just gone by itself
                        binaries.run("pg_ctl", "-D", str(self.folder), "-m", "fast", "-w", "stop")
            os.close(self._users)
            self._users = None

    def running(self) -> bool:
        """Whether it answers. Asking is the only proof: a pid file and pg_ctl also believe in a zombie."""
        if not (self.folder / "postmaster.pid").exists():
            return False
        ask = [str(binaries.binaries() / "pg_isready"), "-q", "-h", str(self.socket_dir), "-p", self.port, "-t", "5"]
        return subprocess.run(ask, check=False).returncode == 0

    def pid(self) -> int | None:
        """The process id of the server; None where there is none."""
        return server_process(str(self.folder))

    def ensure_database(self, name: str) -> None:
        """Make the database where it is missing."""
        if name in self._known:
            return
        import psycopg  # here: the supervisor uses this module and needs no driver
        from psycopg import sql

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

    def _ensure_running(self) -> bool:
        if self.running():
            return False
        if not (self.folder / "PG_VERSION").exists():
            self._make_cluster()
        self._check_version()
        self._start()
        return True

    def _make_cluster(self) -> None:
        if self.folder.exists() and any(self.folder.iterdir()):
            raise EmbeddedPostgresError(
                f"The folder {self.folder} holds files but no PostgreSQL data. Move it away, and the next start makes a new one."
            )
        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)  # what a start that was killed left
        fresh.mkdir(mode=0o700)
        binaries.give(fresh)
        binaries.run(
            "initdb", "-D", str(fresh), "-U", self.superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-instructions", *(["--no-sync"] if self.options.get("fsync") == "off" else []),
        )  # fmt: skip
        fresh.rename(self.folder)  # a half-made cluster is never taken for a whole one

    def _check_version(self) -> None:
        made_by = (self.folder / "PG_VERSION").read_text().strip()
        if made_by != str(binaries.major_version()):
            raise EmbeddedPostgresError(
                f"The data in {self.folder} was made by PostgreSQL {made_by}, and the programs here are PostgreSQL "
                f"{binaries.major_version()}. Point WHETSTONE_PG_BIN at the programs of version {made_by}, or move the "
                "data over with a dump: docs/operations.md, section Upgrade."
            )

    def _start(self) -> None:
        binaries.give(self.folder)
        self._make_socket_dir()
        self._write_settings()
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            os.truncate(self.log, 0)
        deadline = time.monotonic() + 30
        while True:
            self._clear_foreign_pid()
            seen = self.log.stat().st_size if self.log.exists() else 0
            try:
                binaries.run("pg_ctl", "-D", str(self.folder), "-l", str(self.log), "-w", "-t", "60", "start")
            except ProgramFailed as error:
                reason = self._why(seen) or str(error)
                if time.monotonic() > deadline or not any(passing in reason.lower() for passing in _PASSING):
                    raise EmbeddedPostgresError(f"PostgreSQL does not start: {reason} (log: {self.log})") from None
                time.sleep(0.25)
            else:
                break
        self._post_guardian()

    def _make_socket_dir(self) -> None:
        self.socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.socket_dir.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), binaries.owner_needed()):
            raise EmbeddedPostgresError(
                f"{self.socket_dir}, where the socket must lie, belongs to somebody else. Remove it, or choose a shorter "
                "WHETSTONE_DATA."
            )
        binaries.give(self.socket_dir)

    def _write_settings(self) -> None:
        lines = {
            **self.options,
            "port": self.port,
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
        }
        # postgresql.auto.conf is read last; nothing else writes it here
        text = "".join("{} = '{}'\n".format(key, value.replace("'", "''")) for key, value in lines.items())
        path = self.folder / "postgresql.auto.conf"
        path.write_text(text)
        binaries.give(path)

    def _clear_foreign_pid(self) -> None:
        """Remove a pid file whose number now belongs to an unrelated process, as after a restart of a container.

        PostgreSQL itself clears a file whose process is gone, but must believe one whose number lives, be it a zombie
        that nobody reaps. All its processes stand in its folder, so where none does, none is left; where that cannot be
        seen (no /proc), the file stays.
        """
        try:
            number = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if not os.path.isdir("/proc/self"):
            return
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "cwd") == str(self.folder):
                    return
            except OSError:
                # gone meanwhile, a zombie, or another user's: only the one in question has to be judged
                if process.name == str(number) and _may_be_postgres(process):
                    return
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "postmaster.pid").unlink()

    def _why(self, seen: int) -> str:
        """The FATAL or PANIC lines (with detail and hint) that the log gained since it was `seen` bytes long."""
        try:
            with self.log.open("rb") as file:
                file.seek(seen)
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        found = [said for line in lines if (said := _complaint(line))]
        return "; ".join(found[-4:]) or (lines[-1].strip() if lines else "")

    def _post_guardian(self) -> None:
        stop = binaries.command("pg_ctl", "-D", str(self.folder), "-m", "fast", "-w", "stop")
        script = Path(__file__).with_name("guardian.py")
        subprocess.run([sys.executable, "-I", "-S", str(script), str(self.folder), *stop], check=True)


def _complaint(line: str) -> str:
    """What a line of the log complains of, without time and level; "" for a line that reports."""
    for mark in ("FATAL:", "PANIC:", "DETAIL:", "HINT:", "LOG:"):
        if mark in line:
            said = line[line.index(mark) + len(mark) :].strip()
            return said if mark != "LOG:" or "syntax error" in said or "invalid value" in said else ""
    return ""


def _may_be_postgres(process: Path) -> bool:
    try:
        name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return False
    return name == "postgres" and rest.split()[0] != "Z"


_servers: dict[Path, EmbeddedPostgres] = {}


def server_for(folder: Path, *, options: Mapping[str, str] | None = None) -> EmbeddedPostgres:
    """The one object per folder in this process."""
    if folder not in _servers:
        _servers[folder] = EmbeddedPostgres(folder, options=options)
    return _servers[folder]
