"""The API's published form changes only on purpose: run with WHETSTONE_WRITE_SNAPSHOT=1 to accept a change."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from django.test import Client

from config.api import api as the_api
from tests import make
from workspace.models import Project, Role

SNAPSHOT = Path(__file__).parent.parent / "fixtures" / "openapi.json"


def test_openapi_is_what_was_agreed() -> None:
    now = json.dumps(the_api.get_openapi_schema(), indent=1, sort_keys=True, default=str) + "\n"
    if os.environ.get("WHETSTONE_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(now)
    assert now == SNAPSHOT.read_text(), "The API changed. If that was meant, write the snapshot again."


def test_a_token_finds_its_project(api: Callable[..., Client], project: Project) -> None:
    answer = api(Role.REVIEWER).get("/api/projects/acme/")
    assert answer.status_code == 200
    assert answer.json()["slug"] == "acme" and answer.json()["role"] == "reviewer"


def test_errors_have_one_shape(api: Callable[..., Client]) -> None:
    client = api(Role.ENGINEER)
    missing = client.get("/api/projects/acme/traces/00000000-0000-0000-0000-000000000000")
    assert missing.status_code == 404 and set(missing.json()["error"]) == {"code", "message", "details"}
    wrong = client.post("/api/projects/acme/datasets", "{", content_type="application/json")
    assert wrong.status_code in (400, 422) and set(wrong.json()["error"]) == {"code", "message", "details"}


def test_a_session_needs_the_csrf_token_to_change_anything(ada, as_user) -> None:  # type: ignore[no-untyped-def]
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.get("/api/projects/acme/").status_code == 200
    answer = client.post("/api/projects/acme/datasets", "{}", content_type="application/json")
    assert answer.status_code == 403 and "CSRF" in answer.json()["error"]["message"]


def test_what_the_database_cannot_keep_is_the_senders_error(api: Callable[..., Client], project: Project) -> None:
    trace = make.trace(project)
    body = {"name": "a\x00b", "number": 1}
    answer = api(Role.ENGINEER).post(f"/api/projects/acme/traces/{trace.uid}/scores", body, "application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
    answer = api(Role.ENGINEER).get("/api/projects/acme/traces/%00/judgments")
    assert answer.status_code == 422
