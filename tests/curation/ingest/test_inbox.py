"""Who is to blame when a body is not worked off, and how long a sweep goes on."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from curation.ingest import inbox
from curation.ingest.outcome import Outcome
from curation.models import RawRecord
from workspace.access import Actor
from workspace.models import Project


def kept(project: Project, name: str) -> RawRecord:
    body = {"id": name, "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}
    return inbox.keep(project=project, actor=Actor(), body=json.dumps(body).encode(), source=f"{name}.json")


def failing(error: psycopg.Error) -> Callable[..., Outcome]:
    def work(*_: Any) -> Outcome:
        raise OperationalError(str(error)) from error

    return work


@pytest.mark.parametrize("error", [psycopg.errors.DiskFull("no space"), psycopg.OperationalError("gone")], ids=str)
def test_a_database_in_trouble_costs_no_attempts(
    project: Project, monkeypatch: pytest.MonkeyPatch, error: psycopg.Error
) -> None:
    record = kept(project, "a")
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "_work", failing(error))
        for _ in range(inbox.MOST_ATTEMPTS + 2):
            assert inbox.sweep() == {"done": 0, "quarantined": 0, "left": 1}
        with pytest.raises(OperationalError):
            inbox.work_now(record_id=record.pk)
    record.refresh_from_db()
    assert (record.status, record.attempts) == ("pending", 0)
    assert inbox.sweep()["done"] == 1


def test_a_body_beyond_a_limit_of_postgresql_is_quarantined(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    record = kept(project, "a")
    monkeypatch.setattr(inbox, "_work", failing(psycopg.errors.ProgramLimitExceeded("row is too big")))
    for _ in range(3):
        inbox.sweep()
    record.refresh_from_db()
    assert (record.status, record.error) == ("quarantined", "OperationalError: row is too big")


def test_a_sweep_ends_in_time_and_the_next_goes_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        kept(project, name)
    now, work = [0.0], inbox._work

    def slow(*given: Any) -> Outcome:
        now[0] += 6
        return work(*given)

    monkeypatch.setattr(inbox, "monotonic", lambda: now[0])
    monkeypatch.setattr(inbox, "_work", slow)
    assert inbox.sweep() == {"done": 2, "quarantined": 0, "left": 0}
    assert inbox.sweep() == {"done": 1, "quarantined": 0, "left": 0}


def test_a_large_body_is_kept_in_pieces_and_once(project: Project) -> None:
    body = b"\0\\\xff\n" + b"x" * 3_000_000
    sent = {"project": project, "actor": Actor(), "source": "/v1/traces", "content_type": "application/x-protobuf"}
    record = inbox.keep(body=body, wanted=inbox.OTLP, **sent)
    again = inbox.keep(body=body, wanted=inbox.OTLP, **sent)
    assert (record.pk, record.status, record.source) == (again.pk, "pending", "/v1/traces")
    stored = RawRecord.objects.get()
    assert (bytes(stored.body), stored.uid, stored.received_at) == (body, record.uid, record.received_at)
    assert inbox.work_off(record_id=record.pk) == "quarantined"
