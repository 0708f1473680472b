"""One `up` per data folder, and a port that is free."""

import errno
import fcntl
import json
import os
import socket
from pathlib import Path

ALREADY_RUNNING, PORT_TAKEN = 3, 4


class CannotStart(Exception):
    """One line that says why and what to do; `code` is what the command exits with."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def claim_folder(data_dir: Path, *, url: str) -> int:
    """Take <data>/up.lock for the life of this process and write into it who we are. Returns its descriptor.

    The kernel frees the lock with the process, so a file left by a killed one stands in nobody's way.
    """
    path = data_dir / "up.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(
            f"{path} cannot be written ({error.strerror}). Run as the owner of {data_dir}, or choose another folder: "
            "WHETSTONE_DATA=/a/folder make up"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise CannotStart(
                f"{path} cannot be locked ({error.strerror}): is the folder on a network drive?"
            ) from None
        other = _read(lock)
        os.close(lock)
        raise CannotStart(
            f"already running: {other.get('url', 'starting')} (pid {other.get('pid', 'unknown')})", code=ALREADY_RUNNING
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
    return lock


def _read(lock: int) -> dict[str, object]:
    try:
        found = json.loads(os.pread(lock, 10_000, 0) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def check_port(host: str, port: int) -> None:
    """Fail in one line where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise CannotStart(
                f"port {port} is kept for root; choose one above 1023: PORT=8001 make up", code=PORT_TAKEN
            ) from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"port {port} is in use by another program; stop that, or choose another: PORT={port % 65535 + 1} make up"
            else:
                reason = f"port {port} on {host} cannot be used ({error.strerror})"
            raise CannotStart(reason, code=PORT_TAKEN) from None
