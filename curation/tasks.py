"""Celery's nudges. Rows are the queue: each of these may be lost or come twice without harm."""

import logging

from celery import shared_task

from curation.ingest import inbox
from curation.review import queues

log = logging.getLogger(__name__)


@shared_task(name="curation.tasks.work_off", ignore_result=True)
def work_off(record_id: int) -> None:
    """Work off one received body."""
    inbox.work_off(record_id=record_id)


@shared_task(name="curation.tasks.sweep_inbox", ignore_result=True)
def sweep_inbox() -> None:
    """Work off received bodies that wait, for some seconds: those whose nudge got lost, and those that failed before."""
    found = inbox.sweep()
    if found["quarantined"]:
        log.warning("%s received bodies could not be read and were quarantined.", found["quarantined"])


@shared_task(name="curation.tasks.refill_queues", ignore_result=True)
def refill_queues() -> None:
    """Put traces that match a review queue's filter by now into it."""
    queues.refill_all()
