"""Wake a Celery task after the commit. The row is the queue: a nudge that gets lost only costs a sweep's delay."""

import logging
from typing import Any

from celery import Task
from django.db import transaction

log = logging.getLogger(__name__)


def nudge(task: Task, *arguments: Any) -> None:
    """Send `task` once the transaction stands. A broker that is away is logged and never fails the request."""

    def send() -> None:
        try:
            task.apply_async(arguments, retry=False)
        except Exception:  # whatever the transport raises
            log.warning("The broker did not take %s; the sweep will find the work.", task.name, exc_info=True)

    transaction.on_commit(send)
