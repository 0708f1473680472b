"""What a signal handler may ring and a loop can wait for.

`threading.Event` must not be set in a handler: handlers run in the main thread between two of its instructions, and where
that thread stands inside the event's own lock, it waits for itself for ever.
"""

import contextlib
import os
import select


class Bell:
    """Rung any number of times, it ends one wait. A pipe to itself, as in D. J. Bernstein's self-pipe trick."""

    def __init__(self) -> None:
        self._hear, self._ring = os.pipe()
        os.set_blocking(self._hear, False)
        os.set_blocking(self._ring, False)

    def ring(self) -> None:
        """Safe in a signal handler, however often; a pipe that is full already rings."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._ring, b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, at most `seconds`. True if it rang, now or since the last wait."""
        rang = bool(select.select([self._hear], [], [], seconds)[0])
        if rang:
            with contextlib.suppress(BlockingIOError):
                os.read(self._hear, 1 << 16)  # as much as a pipe holds
        return rang
