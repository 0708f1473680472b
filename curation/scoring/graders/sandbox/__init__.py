"""Running somebody's Python so that it can do nothing but give a number.

Two kinds of engine. `python` is the Python of this machine in a locked process; it is held by bubblewrap, or by Landlock
and a list of permitted system calls where bubblewrap cannot run. `monty` is an interpreter of a part of Python, written
in Rust, with nothing to reach outside. An engine is used only after it held a test of what it must hold; where none
does, the code is refused with the reason and never run without protection.

The default is `python`: a grader in OpenAI's shape may use all of the standard library, and `monty` knows only a part of
it. One never takes the place of the other unasked, since the same code could give another value.
"""

import functools
import json
import os
import threading
import time
from typing import Any

from curation.scoring.graders.sandbox import cells, monty
from curation.scoring.graders.sandbox.form import Failed, Limits, Lost, Unavailable

__all__ = ["DEFAULT", "KINDS", "Failed", "Limits", "engine", "problem", "refusal", "run", "version_of"]

KINDS = ("python", "monty")
DEFAULT = "python"
# how long it is remembered that no engine held; one that holds is remembered while the process lives
FORGET_S = 60.0

Engine = cells.Cells | monty.Monty

_engines: dict[str, Engine] = {}
_refused: dict[str, tuple[float, str]] = {}
_choosing = threading.Lock()


def run(source: str, sample: Any, item: Any, *, kind: str = DEFAULT, limits: Limits | None = None) -> float:
    """The score that `grade(sample, item)` of this source gives: a finite number. Raises Failed with the reason: the code
    raised, broke a limit, gave no number, or no engine holds on this machine."""
    limits = limits or Limits()
    try:
        row = json.dumps({"source": source, "sample": sample, "item": item}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Failed(f"What is to be graded is no plain JSON: {str(error)[:200]}.") from None
    return _run(row, kind, limits)


def problem(source: str, kind: str) -> str:
    """What is wrong with the source, in words: no engine holds, it cannot be read, it raises before anything is graded,
    it has no function `grade`; empty where nothing is. Its functions are not called."""
    if reason := refusal(kind):
        return reason
    try:
        _try(source, kind)
    except Failed as error:
        return str(error)
    except Lost as error:
        return f"The sandbox ended without an answer: {error}."
    return ""


def refusal(kind: str) -> str:
    """Why code is not run on this machine by engines of this kind; empty where it is. The first call of a process
    tests the engines (about a second)."""
    try:
        engine(kind)
    except Unavailable as error:
        return str(error)
    return ""


def engine(kind: str) -> Engine:
    """The engine that holds on this machine: the first of bubblewrap and Landlock, or monty. Raises Unavailable."""
    found = _engines.get(kind)
    if found is not None:
        return found
    with _choosing:
        if kind in _engines:
            return _engines[kind]
        when, reason = _refused.get(kind, (0.0, ""))
        if reason and time.monotonic() - when < FORGET_S:
            raise Unavailable(reason)
        try:
            _engines[kind] = monty.choose() if kind == "monty" else cells.choose()
        except Unavailable as error:
            _refused[kind] = (time.monotonic(), str(error))
            raise
        return _engines[kind]


def version_of(kind: str) -> str:
    """What of the engine can change a value: the kind and its version. How it is locked in does not count."""
    return monty.version() if kind == "monty" else cells.version()


def _run(row: str, kind: str, limits: Limits) -> float:
    content = row.encode("utf-8", "surrogatepass")
    if len(content) > limits.input_bytes:
        raise Failed(f"{len(content):,} bytes are too many to grade; {limits.input_bytes:,} is the limit.")
    try:
        return engine(kind).grade(content, limits)
    except Unavailable as error:
        raise Failed(str(error)) from None
    except Lost as error:
        raise Failed(f"The sandbox ended without an answer: {error}.") from None


def _anew() -> None:
    global _choosing
    _choosing = threading.Lock()  # whoever held it is not in the fork


os.register_at_fork(after_in_child=_anew)


@functools.lru_cache(maxsize=64)
def _try(source: str, kind: str) -> None:
    # what raises is not cached: only code that is fine is asked about again and again
    engine(kind).grade(json.dumps({"source": source}).encode(), Limits())
