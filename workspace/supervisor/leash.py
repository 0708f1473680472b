"""Run a module as a program that ends when its watcher is gone, even when the watcher was killed with -9.

    python -m workspace.supervisor.leash FD MODULE ARGUMENTS...

FD is the reading end of a pipe whose only writing end the watcher holds: the end of that file is the watcher's end. Then
the process gets the signal that stops it in an orderly way, and GRACE seconds later its whole group is killed.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE = 15.0


def hold(descriptor: int, *, grace: float = GRACE) -> None:
    """Watch the pipe from a thread of this process."""

    def wait() -> None:
        while os.read(descriptor, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, name="leash", daemon=True).start()


if __name__ == "__main__":
    number, module, *arguments = sys.argv[1:]
    os.set_inheritable(int(number), False)  # programs started from here live on their own
    hold(int(number))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
