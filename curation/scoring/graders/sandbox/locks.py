"""Ways to lock a Python process in: bubblewrap, or Landlock. Both show it nothing but Python's own library, let nothing
be written, and have it run as a user without rights; the list of permitted system calls comes on top (`cell.py`)."""

import os
import shutil
import stat
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from curation.scoring.graders.sandbox import calls
from curation.scoring.graders.sandbox.form import Unavailable

NOBODY = 65534
# -S -s -P: nothing of the surroundings is imported; -B: nothing is written
OPTIONS = ("-S", "-s", "-P", "-B", "-X", "utf8")
NOT_OURS = ("site-packages", "dist-packages", "test", "idlelib", "ensurepip", "__pycache__", "config-")
LIBRARIES = ("/lib64", "/lib", "/usr/lib64", "/usr/lib")


@dataclass(frozen=True, slots=True)
class Lock:
    """A way to lock: what stands before Python in the command, Python itself, whom it becomes (None: it stays who it
    is), and what Landlock lets it read (None: it is not used)."""

    name: str
    argv: Sequence[str]
    python: Sequence[str]
    uid: int | None
    readable: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter and the folder of its library."""

    program: str
    library: str


def bubblewrap() -> Lock:
    """Namespaces of its own: an empty network, no other process in sight, a file system of Python's library alone."""
    _linux()
    program = shutil.which("bwrap")
    if program is None:
        raise Unavailable("bubblewrap is not installed")
    calls.program()
    root = os.geteuid() == 0
    python = _pythons()[0]
    shown = [python.program, *_library(python), *_shared()]
    argv = [program, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    # root needs no user namespace, which many containers forbid; the process gives root up before it is ready
    argv += [] if root else ["--unshare-user", "--cap-drop", "ALL"]
    argv += ["--clearenv", "--setenv", "PYTHONHASHSEED", "0"]
    for parent in sorted({str(parent) for path in shown for parent in Path(path).parents} - {"/"}):
        argv += ["--perms", "0755", "--dir", parent]
    for path in shown:
        argv += ["--ro-bind", os.path.realpath(path), path]
    argv += ["--perms", "0755", "--dir", "/dev", "--dev-bind", "/dev/null", "/dev/null", "--remount-ro", "/"]
    argv += ["--chdir", "/", "--"]
    return Lock("bubblewrap", argv, (python.program, *OPTIONS), NOBODY if root else None, None)


def landlock() -> Lock:
    """No file but Python's library can be opened; sockets and processes fall to the list of system calls."""
    _linux()
    calls.program()
    root = os.geteuid() == 0
    for python in _pythons():
        # whoever gives root up has to be able to go on reading the library
        if not root or all(_open_to_all(path) for path in (python.program, python.library)):
            readable = [*_library(python), *_shared()]
            return Lock("Landlock", (), (python.program, *OPTIONS), NOBODY if root else None, readable)
    raise Unavailable(f"Landlock: {_pythons()[0].library} cannot be read by a user without rights")


WAYS: tuple[Callable[[], Lock], ...] = (bubblewrap, landlock)


def _linux() -> None:
    if sys.platform != "linux":
        raise Unavailable("bubblewrap and Landlock are there on Linux only")


def _pythons() -> list[Python]:
    """The Python that runs us, without its environment, and that of the system where it is the same version."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = [Python(os.path.realpath(sys.executable), sysconfig.get_path("stdlib"))]
    system = Python(f"/usr/bin/{version}", f"/usr/lib/{version}")
    if system not in found and os.path.exists(system.program) and os.path.exists(f"{system.library}/json"):
        found.append(system)
    return found


def _library(python: Python) -> list[str]:
    """What of Python's library is shown: all but what others installed into it, and what no grader needs."""
    entries = sorted(os.listdir(python.library))
    return [f"{python.library}/{entry}" for entry in entries if not entry.startswith(NOT_OURS)]


def _shared() -> list[str]:
    """Shared libraries that Python's own modules load: the files, not the folders that programs keep their things in."""
    folders = [sysconfig.get_config_var("LIBDIR") or ""]
    multi = sysconfig.get_config_var("MULTIARCH") or ""
    folders += [f"{folder}/{multi}" for folder in LIBRARIES if multi] + list(LIBRARIES)
    wanted = (
        "libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "ld-", "libz.", "libexpat.", "libffi.",
        "libcrypto.", "libssl.", "libbz2.", "liblzma.", "libuuid.", "libmpdec.", "libgcc_s.", "libstdc++.", "libpython3",
        "libnsl.", "libtirpc.", "libcrypt.", "libzstd.",
    )  # fmt: skip
    found = {}
    for folder in dict.fromkeys(folders):
        if not folder or not os.path.isdir(folder):
            continue
        for entry in os.listdir(folder):
            path = f"{folder}/{entry}"
            if entry.startswith(wanted) and ".so" in entry and os.path.isfile(path):
                found[path] = True
    return sorted(found)


def _open_to_all(path: str) -> bool:
    return all(os.stat(place).st_mode & stat.S_IXOTH for place in Path(path).parents) and bool(
        os.stat(path).st_mode & stat.S_IROTH
    )
