"""The supervisor's bell under a storm of signals, where `threading.Event` waits for itself for ever."""

import subprocess
import sys

STORM = """
import os, signal, subprocess, sys, time
from workspace.supervisor.bell import Bell

bell, rung = Bell(), 0

def on_signal(number, frame):
    global rung
    rung += 1
    bell.ring()

signal.signal(signal.SIGCHLD, on_signal)
storm = "import os, signal, time\\nend = time.time() + 3\\nwhile time.time() < end: os.kill(%d, signal.SIGCHLD)" % os.getpid()
sender = subprocess.Popen([sys.executable, "-c", storm])
waits = 0
while sender.poll() is None:
    bell.wait(0.05)
    waits += 1
print(rung, waits)
"""


def test_a_storm_of_signals_does_not_stop_the_loop() -> None:
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, timeout=30, check=True)
    rung, waits = map(int, done.stdout.split())
    assert rung > 10, rung
    assert waits > 10, waits  # and it came to its end: an Event hangs here within a second


def test_a_bell_that_rang_before_the_wait_ends_it_at_once() -> None:
    from workspace.supervisor.bell import Bell

    bell = Bell()
    assert not bell.wait(0.01)
    for _ in range(100_000):  # more than a pipe holds
        bell.ring()
    assert bell.wait(60)
    while bell.wait(0):
        pass
    assert not bell.wait(0.01)
