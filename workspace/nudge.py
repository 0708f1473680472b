"""Wake a Celery task after the commit. The row is the queue: a nudge that gets lost only costs a sweep's delay."""

import logging
from threading import Lock, Timer
from time import monotonic
from typing import Any

from celery import Task
from django.db import transaction

log = logging.getLogger(__name__)
_PAUSE = 0.1
_AWAY_SECONDS = 5  # how long a broker that failed is left alone: nobody's request waits for it twice
_lock = Lock()
_away_until = 0.0
_next: dict[str, float] = {}  # when a task may be sent again
_waiting: set[str] = set()  # tasks that a timer sends


def nudge(task: Task, *arguments: Any) -> None:
    """Send `task` once the transaction stands. A broker that is away is logged and never fails the request; for some
    seconds after it failed nothing is sent from this process, so that no request waits for it again."""
    transaction.on_commit(lambda: _send(task, arguments))


def nudge_soon(task: Task, *arguments: Any) -> None:
    """As `nudge`, for a task that does all that waits and not only what it is told of: at most one every 0.1 s from this
    process. The last of a burst is sent when the time is over, so nobody waits for the sweep."""
    now = monotonic()
    with _lock:
        wait = _next.get(task.name, now) - now
        if wait > 0 and task.name in _waiting:
            return
        if wait > 0:
            _waiting.add(task.name)
        else:
            _next[task.name] = now + _PAUSE
    if wait <= 0:
        nudge(task, *arguments)
        return
    timer = Timer(wait, _late, [task, arguments])
    timer.daemon = True
    timer.start()


def _late(task: Task, arguments: tuple[Any, ...]) -> None:
    with _lock:
        _waiting.discard(task.name)
        _next[task.name] = monotonic() + _PAUSE
    _send(task, arguments)


def _send(task: Task, arguments: tuple[Any, ...]) -> None:
    global _away_until
    if monotonic() < _away_until:
        return
    try:
        task.apply_async(arguments, retry=False)
    except Exception:  # whatever the transport raises
        _away_until = monotonic() + _AWAY_SECONDS
        log.warning("The broker did not take %s; the sweep will find the work.", task.name, exc_info=True)
