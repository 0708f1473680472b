"""Celery only nudges: rows in the database are the queue, so a lost or doubled message is harmless."""

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import worker_ready
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# as root it warns of pickled messages, which nobody here accepts
warnings.filterwarnings("ignore", category=SecurityWarning)
TRANSPORT_ALIASES["filesystem"] = "workspace.broker:Transport"
app = Celery("whetstone")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def first_sign_of_life(**kwargs: Any) -> None:
    """A worker that has just started says so at once, not at beat's next turn."""
    app.send_task("workspace.tasks.heartbeat", expires=30)
