"""Beside work on a row that is its own queue (a freezing, a clustering): how far it is, whether it is still wanted, and
whether who asked for it may still have it.

Such a row has `status` (waiting and working are open), `stage`, `done`, `total`, the lease of `workspace.leases`, and who
asked: `user`, `token`, `author`.
"""

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet
from django.utils import timezone

from workspace import leases
from workspace.access import SYSTEM, role_of
from workspace.models import Role

log = logging.getLogger(__name__)
OPEN = ("waiting", "working")
TOLD_SECONDS = 0.5
RENEW_SECONDS = 15.0
MOST_ATTEMPTS = 3
GIVEN_UP = (
    f"It was begun {MOST_ATTEMPTS} times and never came to its end: its process was ended (too little memory?), or the "
    "database went away each time."
)


class Stopped(Exception):
    """It was cancelled, or is another's by now."""


def may_still(asked: Any) -> bool:
    """Whether who asked for it is still an engineer of its project: an account or token that is gone, or lost its role,
    gets nothing more."""
    if asked.user is not None:
        role = role_of(project=asked.project, user=asked.user) if asked.user.is_active else None
        return role is not None and role.covers(Role.ENGINEER)
    if asked.token is not None:
        return asked.token.expires_at is None or asked.token.expires_at > timezone.now()
    return bool(asked.author == SYSTEM.label)


def mine(asked: Any, name: str) -> "QuerySet[Any]":
    """The row, as long as it is worked on under the lease `name`."""
    rows: QuerySet[Any] = type(asked)._default_manager.filter(pk=asked.pk, status="working", lease_owner=name)
    return rows


class Watch:
    """Writes down every half second how far the work is and keeps its lease, by a connection of its own, since what the
    work's transaction writes cannot be seen before it ends. `tell` raises Stopped once the row is cancelled or another's."""

    def __init__(self, asked: Any, name: str) -> None:
        self.asked, self.name = asked, name
        self.now: tuple[str, int, int] = (asked.stage, asked.done, asked.total)
        self.written = self.now
        self.stopped, self.over = Event(), Event()
        kind = type(asked)._meta.model_name
        self.thread = Thread(target=self._run, name=f"{kind}-{asked.pk}", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self.thread.join()

    def tell(self, stage: str, done: int, total: int) -> None:
        """How much of a stage is done, of how much (0: not known)."""
        self.now = (stage, done, total)
        if self.stopped.is_set():
            raise Stopped

    def close(self) -> None:
        """End it before the work ends. Raises Stopped where the row was cancelled up to this moment."""
        self.over.set()
        self.thread.join()
        if self.stopped.is_set():
            raise Stopped

    def _run(self) -> None:
        waited = 0.0
        try:
            while not self.over.wait(TOLD_SECONDS):
                waited += TOLD_SECONDS
                if self.now != self.written or waited >= RENEW_SECONDS:
                    waited = 0.0
                    self._write()
                elif not self._is_mine():
                    self.stopped.set()
            if not self._is_mine():
                self.stopped.set()
        except Exception:  # nobody keeps the lease from here on, so the work must not go on
            log.exception("The watch over %s ended.", self.asked)
            self.stopped.set()
        finally:
            connection.close()

    def _write(self) -> None:
        now = self.now
        stage, done, total = now
        try:
            if leases.take(mine(self.asked, self.name), self.name, stage=stage, done=done, total=total):
                self.written = now
            else:
                self.stopped.set()
        except (OperationalError, InterfaceError):  # the work itself will hear of it
            connection.close()

    def _is_mine(self) -> bool:
        try:
            return mine(self.asked, self.name).exists()
        except (OperationalError, InterfaceError):
            connection.close()
            return True
