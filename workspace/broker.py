"""Celery's messages as files in the data folder: kombu's filesystem transport, made safe against half-written files.

kombu writes a message in place, so a reader can take it while it is still empty, which ends the worker; and it rewrites the
table of queues in place. Here both appear in one piece, by rename. A message that cannot be read (a power cut) is dropped
with a line in the log: rows are the queue, and the next sweep finds what it was about.
"""

import contextlib
import fcntl
import logging
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

log = logging.getLogger(__name__)


def empty(folder: Path) -> int:
    """Remove all messages, taken and half-written ones too; returns how many. For the start, when nobody reads or writes."""
    found = [path for path in (folder / "queue").glob("*") if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    for table in (folder / "control").glob("*"):
        table.unlink(missing_ok=True)
    return len(found)


class Channel(filesystem.Channel):
    """Messages are `<nanoseconds>_<uuid>.<queue>.msg`; while written they end in .part, while read in .taken."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:
        path = os.path.join(self.data_folder_out, f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg")
        _write(path, dumps(payload))

    def _get(self, queue: str) -> dict[str, Any]:
        ending = f"{queue}.msg"
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.partition(".")[2] != ending:
                continue
            path = os.path.join(self.data_folder_in, name)
            try:
                os.rename(path, f"{path}.taken")
            except FileNotFoundError:
                continue  # another worker was quicker
            text = Path(f"{path}.taken").read_text()
            os.unlink(f"{path}.taken")
            try:
                message: dict[str, Any] = loads(text)
            except ValueError:
                log.warning("Dropped the unreadable message %s; the next sweep finds its work.", name)
                continue
            return message
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        """The queues bound to the exchange."""
        try:
            text = Path(self._exchange_file(exchange)).read_text()
            return [filesystem.exchange_queue_t(*row) for row in loads(text)]
        except (FileNotFoundError, ValueError):
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table(exchange) as rows:
            if row not in rows:
                rows.insert(0, row)

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any) -> None:
        self._purge(queue)
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table(exchange) as rows:
            if row in rows:
                rows.remove(row)

    @contextlib.contextmanager
    def _table(self, exchange: str) -> Iterator[list[Any]]:
        """The rows of the exchange, to be changed; one process at a time."""
        path = str(self._exchange_file(exchange))
        lock = os.open(os.path.join(self.control_folder, "tables.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = self.get_table(exchange)
            before = list(rows)
            yield rows
            if rows != before:
                _write(path, dumps(rows))
        finally:
            os.close(lock)


def _write(path: str, text: str) -> None:
    part = f"{path}.{uuid.uuid4().hex}.part"
    Path(part).write_text(text)
    os.rename(part, path)


class Transport(filesystem.Transport):
    """Registered as filesystem:// by config.celery."""

    Channel = Channel
