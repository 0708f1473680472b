"""What is told when the machinery is broken: banner, probes and the page instead of a traceback."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, ProgrammingError, connection
from django.db.models.functions import Now
from django.test import Client, RequestFactory
from django.utils import timezone

from workspace import health
from workspace.models import Heartbeat
from workspace.tasks import heartbeat
from workspace.views import health as views


@pytest.fixture(autouse=True)
def look_again() -> None:
    health.forget()


@pytest.fixture
def long_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has been up for an hour."""
    monkeypatch.setattr(health, "_BORN", health._BORN - 3600)


def age_heartbeat(seconds: float) -> None:
    Heartbeat.objects.update(at=timezone.now() - timezone.timedelta(seconds=seconds))


def kinds() -> list[str]:
    return [trouble.kind for trouble in health.troubles(fresh=True)]


@pytest.mark.django_db
def test_all_is_well_after_a_heartbeat_at_the_price_of_one_query(
    long_running: None, django_assert_num_queries: Any
) -> None:
    heartbeat()
    health.expected_migrations()
    with django_assert_num_queries(1):
        assert health.troubles() == []
    with django_assert_num_queries(0):
        assert health.troubles() == []


@pytest.mark.django_db
def test_the_heartbeat_is_one_row_and_says_who_works() -> None:
    heartbeat()
    heartbeat()
    assert Heartbeat.objects.get().detail["pid"] > 0


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "said"), [(40, "40 seconds"), (600, "10 minutes"), (90_000, "25 hours")])
def test_a_worker_that_went_silent(long_running: None, seconds: int, said: str) -> None:
    heartbeat()
    age_heartbeat(seconds)
    (trouble,) = health.troubles(fresh=True)
    assert trouble.kind == "worker"
    assert f"no sign of life for {said}" in trouble.what
    assert "make up" in trouble.remedy


@pytest.mark.django_db
def test_a_worker_that_never_came_is_given_time_to_start(long_running: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kinds() == ["worker"]
    monkeypatch.setattr(health, "_BORN", health.time.monotonic())
    assert kinds() == []


@pytest.mark.django_db
def test_the_broker_is_blamed_where_it_is_the_broker(
    long_running: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from celery import current_app

    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    # not by its settings: the application would keep the address for all tests that come after
    ask = partial(current_app.connection_for_write, "redis://127.0.0.1:1/0")
    monkeypatch.setattr(current_app, "connection_for_write", ask)
    (trouble,) = health.troubles(fresh=True)
    assert trouble.kind == "broker"
    assert "redis" in trouble.what


@pytest.mark.django_db
def test_missing_migrations_are_counted(long_running: None) -> None:
    heartbeat()
    with connection.cursor() as cursor:
        cursor.execute("delete from django_migrations where app = 'workspace'")
    (trouble,) = health.troubles(fresh=True)
    assert trouble.kind == "migrations"
    assert "missing" in trouble.what
    assert "make up" in trouble.remedy


@pytest.mark.django_db
def test_the_banner_shows_what_is_wrong_to_anybody_and_is_empty_when_all_is_well(
    client: Client, long_running: None
) -> None:
    assert "has not started yet" in client.get("/_banner/").content.decode()
    heartbeat()
    health.forget()
    assert client.get("/_banner/").content.strip() == b""


def test_healthz_asks_no_database_and_answers_any_host_name(client: Client) -> None:
    answer = client.get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_readyz_is_200_without_a_worker_and_503_with_reasons_without_tables(client: Client, long_running: None) -> None:
    answer = client.get("/readyz", headers={"host": "10.0.0.7"})
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})
    with connection.cursor() as cursor:
        cursor.execute("delete from django_migrations where app = 'curation'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert [reason["kind"] for reason in answer.json()["reasons"]] == ["migrations"]


@pytest.mark.django_db
def test_readyz_tells_of_a_data_folder_that_cannot_be_written(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "gone"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"][-1]["kind"] == "folder"


def failing(error: BaseException, cause: BaseException | None, path: str = "/") -> Any:
    """The answer of handler500 to this error."""
    try:
        try:
            raise error from cause
        except BaseException:
            return views.server_error(RequestFactory().get(path))
    finally:
        pass


AWAY = OperationalError("connection refused")
NO_TABLE = ProgrammingError('relation "workspace_user" does not exist')


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "cause", "status", "said"),
    [
        (AWAY, psycopg.OperationalError("connection refused"), 503, "The database does not answer"),
        (AWAY, psycopg.errors.AdminShutdown("terminating connection"), 503, "The database does not answer"),
        (NO_TABLE, psycopg.errors.UndefinedTable("relation does not exist"), 503, "The database is"),
        (DatabaseError("division by zero"), psycopg.errors.DivisionByZero("x"), 500, "Something went wrong"),
        (OperationalError("deadlock"), psycopg.errors.DeadlockDetected("x"), 500, "Something went wrong"),
        (ValueError("a bug"), None, 500, "Something went wrong"),
    ],
)
def test_a_broken_machine_is_told_from_a_broken_program(
    error: BaseException, cause: BaseException | None, status: int, said: str
) -> None:
    page = failing(error, cause)
    assert page.status_code == status
    assert said in page.content.decode()
    assert page.has_header("Retry-After") == (status == 503)
    answer = failing(error, cause, "/api/projects/acme/traces")
    assert answer.status_code == status
    assert set(json.loads(answer.content)["error"]) == {"code", "message", "details"}


@pytest.mark.django_db(transaction=True)
def test_a_page_without_its_table_says_so_and_shows_no_traceback(client: Client) -> None:
    client.raise_request_exception = False
    name = "workspace_user"
    with connection.cursor() as cursor:
        cursor.execute(f"alter table {name} rename to {name}_away")
    try:
        page = client.post("/sign-in/", {"username": "a@example.com", "password": "x"})
        assert page.status_code == 503
        assert "make up" in page.content.decode()
        assert "Traceback" not in page.content.decode()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"alter table {name}_away rename to {name}")


def test_settings_name_the_middleware_first() -> None:
    assert settings.MIDDLEWARE[0] == "workspace.middleware.probes"
    assert Now is not None
