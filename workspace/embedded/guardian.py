"""A small process that stops the server when its last user is gone, even if all of them were killed with -9.

It is run as a script with the standard library only: `python guardian.py FOLDER STOP-COMMAND...`. It waits for the
exclusive lock on FOLDER.users, which the kernel grants when no process holds a share any more. Whoever leaves in an
orderly way stops the server itself; then nothing is left to do here.
"""

import fcntl
import os
import subprocess
import sys


def server_process(folder: str) -> int | None:
    """The process id of the server in `folder`, read from its own file; None where there is none, or where that number
    belongs to another process by now, which pg_ctl would not notice before it sends a signal."""
    try:
        with open(os.path.join(folder, "postmaster.pid")) as file:
            number = int(file.readline())
    except (OSError, ValueError):
        return None
    if os.path.isdir("/proc/self"):  # all its processes stand in its folder
        try:
            return number if os.path.samefile(f"/proc/{number}/cwd", folder) else None
        except OSError:
            return None
    named = subprocess.run(["ps", "-p", str(number), "-o", "comm="], capture_output=True, text=True, check=False).stdout
    return number if os.path.basename(named.strip()) == "postgres" else None


def guard(folder: str, stop: list[str]) -> None:
    """Wait for the last user to go, then stop the server. One guardian per folder; a second one leaves at once."""
    post = os.open(f"{folder}.guardian", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(post, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    users = os.open(f"{folder}.users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(users, fcntl.LOCK_EX)
    # A process that comes now waits for its share until the server is down, and then starts it anew with a new guardian.
    if server_process(folder) is not None:
        subprocess.run(
            stop, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
    os.close(post)
    os.close(users)


if __name__ == "__main__":
    os.chdir("/")
    if os.fork() == 0:  # the starter does not wait for it and never has to reap it
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        guard(sys.argv[1], sys.argv[2:])
