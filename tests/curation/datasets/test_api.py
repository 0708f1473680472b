"""The API of datasets, by a program with a token."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests import make
from tests.curation.datasets import rows
from workspace.models import AuditEntry, Project, Role, User

pytestmark = pytest.mark.django_db
ROOT = "/api/projects/acme/datasets"


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(ROOT + path, json.dumps(body), content_type="application/json")


def lines(response: Any) -> list[Any]:
    return [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]


def test_freeze_list_and_export(project: Project, rita: User, api: Callable[..., Client]) -> None:
    for number in range(10):
        rows.trace(project, judged="acceptable", by=rita, task_id=f"t{number}")
    rows.trace(project, external_id="unjudged")
    client = api(Role.ENGINEER)

    seen = post(client, "/preview", name="x", filter="")
    assert seen.status_code == 200, seen.content
    assert seen.json()["counts"]["by_reason"] == {"unjudged": 1, "accepted": 10}
    answer = post(client, "", name="support", filter="agent:support", recipe={"test": 0.5, "validation": 0, "seed": 1})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["dataset"], made["version"], made["rows"], made["filter"]) == ("support", 1, 10, "agent:support")
    assert made["counts"]["train"] + made["counts"]["test"] == 10 and made["warnings"][0]["code"] == "few_rows"
    assert made["frozen_by"] == "token test engineer"

    listed = client.get(ROOT).json()
    assert [one["name"] for one in listed["items"]] == ["support"] and listed["next"] is None
    assert client.get(f"{ROOT}/support").json()["versions"][0] == made
    detail = client.get(f"{ROOT}/support/versions/1").json()
    assert detail["changed_since"] == {"judgments": 0, "corrections": 0, "traces": 0, "erased": 0}

    response = client.get(f"{ROOT}/support/versions/1/export?format=openai-sft&split=train")
    assert response.status_code == 200 and response.streaming
    assert response["Content-Disposition"] == 'attachment; filename="support-1.train.openai-sft.jsonl"'
    exported = lines(response)
    assert len(exported) == made["counts"]["train"]
    about, *manifest, end = lines(client.get(f"{ROOT}/support/versions/1/manifest?split=train"))
    assert about["manifest"]["content_hash"] == made["content_hash"] and about["manifest"]["split"] == "train"
    assert end["end"]["lines"] == len(exported)
    page = client.get(f"{ROOT}/support/versions/1/rows?split=train&size=2").json()
    assert [one["row"] for one in page["items"]] == [one["row"] for one in manifest[:2]]
    rest = client.get(f"{ROOT}/support/versions/1/rows?split=train&size=500&cursor={page['next']}").json()["items"]
    assert [one["digest"] for one in page["items"] + rest] == [one["digest"] for one in manifest]
    assert AuditEntry.objects.get(action="dataset.exported").detail["split"] == "train"


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        ({"name": "Bad Name"}, 422, "invalid_name", "name"),
        ({"name": "x", "filter": "latency>"}, 422, "invalid_filter", "filter:"),
        ({"name": "x", "recipe": {"test": 2}}, 422, "invalid_recipe", "recipe.test"),
        ({"name": "x", "recipe": {"colour": 1}}, 422, "invalid", "recipe.colour"),
        ({"name": "x", "filter": "agent:nobody"}, 409, "no_rows", None),
        ({"name": "x", "filter": ""}, 409, "no_rows", "unjudged"),
    ],
)
def test_what_is_wrong_is_named(
    project: Project, api: Callable[..., Client], body: dict[str, Any], status: int, code: str, where: str | None
) -> None:
    rows.trace(project)
    answer = post(api(Role.ENGINEER), "", **body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    if where:
        assert error["details"][0]["where"].startswith(where), error


def test_an_export_that_would_lose_rows_is_refused(project: Project, rita: User, api: Callable[..., Client]) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    said = make.document(
        make.message("user", "Please look it up."), make.message("assistant", "", tool_calls=[make.call("x", "{")])
    )
    rows.trace(project, said, judged="acceptable", by=rita)
    client = api(Role.ENGINEER)
    post(client, "", name="support")
    refused = client.get(f"{ROOT}/support/versions/1/export")
    assert refused.status_code == 409
    assert refused.json()["error"]["details"] == [{"where": "arguments_not_json", "reason": "1 rows"}]
    taken = client.get(f"{ROOT}/support/versions/1/export?skip_invalid=1&metadata=1")
    assert taken["X-Whetstone-Skipped"] == "1"
    assert [line["metadata"]["dataset"] for line in lines(taken)] == ["support@1"]
    unknown = client.get(f"{ROOT}/support/versions/1/export?format=csv")
    assert unknown.status_code == 422 and unknown.json()["error"]["code"] == "unknown_format"
    assert client.get(f"{ROOT}/support/versions/1/export?split=moon").status_code == 422
    assert client.get(f"{ROOT}/support/versions/7/export").status_code == 404
    assert client.get(f"{ROOT}/nothing").status_code == 404


def test_a_reviewer_may_look_but_not_freeze_or_export(project: Project, rita: User, api: Callable[..., Client]) -> None:
    rows.trace(project, judged="acceptable", by=rita)
    assert post(api(Role.ENGINEER), "", name="support").status_code == 201
    reviewer = api(Role.REVIEWER)
    assert reviewer.get(ROOT).status_code == 200
    assert reviewer.get(f"{ROOT}/support/versions/1/rows").status_code == 200
    assert post(reviewer, "", name="support").status_code == 403
    for path in ("export", "manifest", "judgments"):
        assert reviewer.get(f"{ROOT}/support/versions/1/{path}").status_code == 403
