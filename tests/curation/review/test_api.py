"""Judgments, feedback and scores by programs."""

from collections.abc import Callable

import pytest
from django.test import Client

from curation.models import Feedback, Judgment, Score
from tests import make
from workspace.models import AuditEntry, Project, Role


def url(name: object, what: str) -> str:
    return f"/api/projects/acme/traces/{name}/{what}"


def post(client: Client, path: str, body: dict[str, object]):  # type: ignore[no-untyped-def]
    return client.post(path, body, content_type="application/json")


def test_judgment_by_our_id_and_by_theirs(project: Project, api: Callable[..., Client]) -> None:
    trace = make.trace(project, external_id="req-1")
    client = api(Role.REVIEWER)
    answer = post(client, url(trace.uid, "judgments"), {"verdict": "acceptable", "rating": 5, "idempotency_key": "k"})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["verdict"], body["effective"], body["revision"], body["author"]) == (
        "acceptable",
        "acceptable",
        1,
        "token test reviewer",
    )
    again = post(client, url("req-1", "judgments"), {"verdict": "acceptable", "rating": 5, "idempotency_key": "k"})
    assert (again.status_code, again.json()["id"]) == (200, body["id"])
    assert Judgment.objects.count() == 1
    listed = client.get(url("req-1", "judgments")).json()["items"]
    assert [one["id"] for one in listed] == [body["id"]]


@pytest.mark.parametrize(
    ("what", "body", "where"),
    [
        ("judgments", {"verdict": "good"}, "verdict"),
        ("judgments", {"verdict": "unsure", "rating": 9}, "rating"),
        ("judgments", {}, "verdict"),
        ("judgments", {"verdict": "unsure", "revision": 7}, "revision"),
        ("feedback", {"rating": 0}, "rating"),
        ("feedback", {"aspects": {"speed": 6}}, "aspects.speed"),
        ("feedback", {}, "rating"),
        ("scores", {"number": 1}, "name"),
        ("scores", {"name": "x"}, "value"),
        ("scores", {"name": "x", "number": 1, "boolean": True}, "value"),
        ("scores", {"name": "x", "number": 2, "low": 0, "high": 1}, "number"),
        ("scores", {"name": "x", "number": 2, "low": 3, "high": 1}, "low"),
    ],
)
def test_errors_name_the_field(
    project: Project, api: Callable[..., Client], what: str, body: dict[str, object], where: str
) -> None:
    trace = make.trace(project)
    answer = post(api(), url(trace.uid, what), body)
    assert answer.status_code == 422
    details = answer.json()["error"]["details"]
    assert any(where in one["where"] for one in details), details
    assert not (Judgment.objects.exists() or Feedback.objects.exists() or Score.objects.exists())


def test_feedback(project: Project, api: Callable[..., Client]) -> None:
    trace = make.trace(project)
    said = {
        "rating": 2,
        "aspects": {"speed": 5, "toolSelection": 1},
        "comments": "wrong tool",
        "suggested_tools": ["refund"],
        "author": "u-7",
    }
    answer = post(api(), url(trace.uid, "feedback"), said)
    assert answer.status_code == 201
    assert {key: answer.json()[key] for key in said} == said
    row = Feedback.objects.get()
    assert (row.trace, row.author, row.aspects) == (trace, "u-7", said["aspects"])
    assert AuditEntry.objects.filter(action="feedback.added").exists()


def test_scores_are_typed_and_replaced_by_their_id(project: Project, api: Callable[..., Client]) -> None:
    trace = make.trace(project)
    client = api()
    for body in ({"number": 0.0, "low": 0, "high": 1}, {"boolean": False}, {"category": "rude"}):
        answer = post(client, url(trace.uid, "scores"), {"name": "tone", **body})
        assert answer.status_code == 201
        assert answer.json()["source"] == "imported"
    assert Score.objects.count() == 3
    first = post(client, url(trace.uid, "scores"), {"name": "reward", "number": 1, "external_id": "e1"})
    second = post(client, url(trace.uid, "scores"), {"name": "reward", "boolean": True, "external_id": "e1"})
    assert (first.status_code, second.status_code) == (201, 200)
    score = Score.objects.get(external_id="e1")
    assert (score.number, score.boolean) == (None, True)


def test_unknown_trace_is_404(project: Project, api: Callable[..., Client]) -> None:
    for what, body in (
        ("judgments", {"verdict": "unsure"}),
        ("feedback", {"rating": 3}),
        ("scores", {"name": "x", "number": 1}),
    ):
        answer = post(api(), url("nope", what), body)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


def test_only_people_and_engineers_tokens_say_human(project: Project, api: Callable[..., Client]) -> None:
    path, body = url(make.trace(project).uid, "scores"), {"name": "tone", "number": 1, "source": "human"}
    refused = post(api(Role.REVIEWER), path, body)
    assert refused.status_code == 422
    assert [one["where"] for one in refused.json()["error"]["details"]] == ["source"]
    assert not Score.objects.exists()
    assert post(api(Role.REVIEWER), path, {**body, "source": "judge"}).status_code == 201
    assert post(api(Role.ENGINEER), path, body).status_code == 201
