"""Monty: an interpreter of a part of Python, written in Rust, that has no files, no network and no processes to give away.
It runs in worker processes of its own; a row is a session of its own."""

import importlib.metadata
import json
import math
import os
import threading
from typing import Any

from curation.scoring.graders.sandbox import holds
from curation.scoring.graders.sandbox.form import Failed, Limits, Lost, Unavailable

MOST_DEEP = 200
CALL = "grade(sample, item)"
MOST_PRINTED = 65_536


class _TooMuch(Exception):
    """More was printed than a row may."""


class Monty:
    """Workers of Monty, started when they are needed."""

    name = "monty"

    def __init__(self) -> None:
        try:
            import pydantic_monty
        except ImportError as error:
            raise Unavailable(f"pydantic-monty is not installed ({error})") from None
        self._library = pydantic_monty
        self._pool: Any = None
        self._pid = 0
        self._left: list[Any] = []
        self._guard = threading.Lock()
        os.register_at_fork(after_in_child=self._anew)

    def grade(self, content: bytes, limits: Limits) -> float:
        """The score of one row. Raises Failed and Lost."""
        row = json.loads(content)
        library = self._library
        seconds = float(min(limits.wall_s, limits.cpu_s))
        most = library.ResourceLimits(
            max_feed_duration_secs=seconds,
            max_turn_duration_secs=seconds,
            max_memory=limits.memory_bytes,
            max_recursion_depth=MOST_DEEP,
            max_total_sleep_secs=0.0,
        )
        printed = 0

        def swallow(stream: str, text: str) -> None:
            nonlocal printed
            printed += len(text)
            if printed > MOST_PRINTED:
                raise _TooMuch

        try:
            # chance is the same for every row, so that the same row gives the same score
            with self._workers().checkout(
                limits=most, script_name="grader", os_policy={"random_start": {"seed": 0}}
            ) as session:
                session.feed_run(row["source"], print_callback=swallow)
                if "sample" not in row:
                    session.feed_run("grade", print_callback=swallow)
                    return 0.0
                inputs = {"sample": row["sample"], "item": row["item"]}
                score = session.feed_run(CALL, inputs=inputs, print_callback=swallow)
        except (library.MontyCrashedError, library.MontyDisconnectError) as error:
            raise Failed(f"It was ended: {_short(error)}.") from None
        except library.MontyError as error:
            if printed > MOST_PRINTED:
                raise Failed(f"It printed more than {MOST_PRINTED:,} characters.") from None
            raise Failed(_words(error)) from None
        except (RuntimeError, ValueError, OSError) as error:
            raise Lost(_short(error)) from None
        return _checked(score)

    def end(self) -> None:
        """End the workers."""
        with self._guard:
            pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            pool.__exit__(None, None, None)

    def _anew(self) -> None:
        self._guard = threading.Lock()  # whoever held it is not in the fork

    def _workers(self) -> Any:
        with self._guard:
            if self._pool is None or self._pid != os.getpid():
                if self._pool is not None:
                    self._left.append(self._pool)  # the parent's: not ours to end
                self._pool = self._library.Monty(max_processes=max(2, os.cpu_count() or 1), request_timeout=30.0)
                self._pool.__enter__()
                self._pid = os.getpid()
            return self._pool


def choose() -> Monty:
    """Monty, where it is installed and holds. Raises Unavailable."""
    found = Monty()
    if reason := holds.first_leak(found.grade, fine=holds.FINE_ANYWHERE):
        found.end()
        raise Unavailable(f"Python graders are not run by monty on this machine: {reason}.")
    return found


def version() -> str:
    """ "monty 1.4.0"; Monty is young, and any version may read the same code another way."""
    try:
        return f"monty {importlib.metadata.version('pydantic-monty')}"
    except importlib.metadata.PackageNotFoundError:
        return "monty"


def _checked(score: Any) -> float:
    if not isinstance(score, int | float):
        raise Failed(f"grade gave {type(score).__name__}, which is no number.")
    try:
        value = float(score)
    except OverflowError:
        raise Failed("grade gave an integer that is too large for a score.") from None
    if not math.isfinite(value):
        raise Failed(f"grade gave {value}, which is no finite number.")
    return value


def _words(error: Any) -> str:
    """Type, message and line, as Python would say them."""
    said = error.display("type-msg") if hasattr(error, "display") else str(error)
    if "name 'grade' is not defined" in said:
        return "The source defines no function grade(sample, item)."
    frames = error.traceback() if hasattr(error, "traceback") else []
    lines = [frame.line for frame in frames if (frame.source_line or "").strip() != CALL]
    return f"{said.strip()[:1000]} (line {lines[-1]})" if lines else said.strip()[:1000]


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip()[:500] if lines else type(error).__name__
