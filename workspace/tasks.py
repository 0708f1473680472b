"""Signs of life. Beat sends `heartbeat` every ten seconds; that its row is fresh proves beat, broker and worker at once."""

import os
import socket

from celery import shared_task

from workspace import health


@shared_task
def heartbeat() -> None:
    """Write that a worker works."""
    health.beat("worker", host=socket.gethostname(), pid=os.getpid())
