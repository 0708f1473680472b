"""What running somebody's code means here: limits, and the ways in which it ends."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """For one row. OpenAI's runner grants 120 s, 2 GB and 1 GB of disk; a grader of thousands of rows should need far
    less, and no disk at all: nothing can be written."""

    wall_s: float = 10.0
    cpu_s: int = 5
    memory_bytes: int = 512 * 1024**2
    input_bytes: int = 16 * 1024**2
    # what a row may send back: a number, or an error in words
    output_bytes: int = 4_096


class Failed(Exception):
    """One row has no score, with the reason in words: the code raised, took too long, gave no number."""


class Unavailable(Exception):
    """An engine that cannot run on this machine, or did not hold what it has to, with the reason in words."""


class Lost(Exception):
    """The sandboxed process is gone or does not answer; another one has to be started."""
