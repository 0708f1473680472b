"""The API of graders and batches: from a definition to stored scores."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from curation.models import BatchItem, Score
from curation.scoring import batches, trial
from tests import make
from tests.curation.grading import graders
from tests.curation.grading.graders import GOAL, JUDGE, LATE, verdict
from tests.flows.fake_openai import fake_openai
from workspace.models import Project, Role

pytestmark = pytest.mark.django_db
HERE = "/api/projects/acme"


@pytest.fixture
def client(api: Callable[..., Client]) -> Callable[..., tuple[int, Any]]:
    as_engineer = api(Role.ENGINEER)

    def send(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = getattr(as_engineer, method)(f"{HERE}{path}", body, content_type="application/json")
        return answer.status_code, answer.json()

    return send


def test_from_a_definition_to_scores(
    project: Project, client: Callable[..., tuple[int, Any]], api: Callable[..., Client]
) -> None:
    for _ in range(6):
        make.trace(project)
    status, made = client("post", "/graders", {"name": "Late", "definition": LATE, "goal": GOAL})
    assert (status, made["slug"], made["used"], made["newest"]["confirmed_at"]) == (201, "late", None, None)
    wish = {"grader": "late", "q": ""}
    status, told = client("post", "/batches/price", wish)
    assert (status, told["error"]["code"]) == (409, "not_confirmed")
    status, tried = client("post", "/graders/late/versions/1/trial", {"n": 5})
    assert (status, tried["price"], tried["n"], tried["mean"], tried["half_width"]) == (201, "0.000000", 5, 1.0, None)
    assert (tried["status"], tried["is_open"], tried["settled"], len(tried["rows"])) == ("done", False, 5, 5)
    status, version = client("post", "/graders/late/versions/1/confirm", {"trial": tried["id"]})
    assert status == 200 and version["confirmed_by"].startswith("token") and version["tried"]["mean"] == 1.0
    status, told = client("post", "/batches/price", wish)
    assert (status, told["price"], told["is_free"], told["items"]) == (200, "0.000000", True, 6)
    status, batch = client("post", "/batches", {**wish, "key": "a", "until": told["until"]})
    assert (status, batch["total"], batch["grader"]) == (201, 6, "late@1")
    assert client("post", "/batches", {**wish, "key": "a"})[1]["id"] == batch["id"]
    while not batches.work(batches.open_batches()[0], 60):
        pass
    status, batch = client("get", f"/batches/{batch['id']}")
    assert (batch["status"], batch["counts"]["done"], Score.objects.count()) == ("done", 6, 6)
    status, items = client("get", f"/batches/{batch['id']}/items?status=done")
    assert len(items["items"]) == 6 and items["items"][0]["prompt"] is None
    assert client("post", f"/batches/{batch['id']}/cancel")[0] == 409
    assert client("post", f"/batches/{batch['id']}/resume", {})[1]["error"]["code"] == "nothing_to_do"
    status, changed = client(
        "post", "/graders/late/versions", {"definition": {**LATE, "operation": "eq"}, "goal": GOAL}
    )
    assert (status, changed["newest"]["number"], changed["used"]) == (201, 2, 1)
    assert client("post", "/graders/late/versions", {"definition": {**LATE, "operation": "eq"}, "goal": GOAL})[0] == 200
    assert client("get", "/graders/late/versions/2/changes")[1] == {"lines": ["operation: like → eq"]}
    status, followed = client("patch", "/graders/late", {"scores_new": True, "q": "agent:support", "rate": 0.5})
    assert (status, followed["scores_new"], followed["rate"], followed["arrivals"]) == (200, True, 0.5, "")
    assert [one["slug"] for one in client("get", "/graders")[1]["items"]] == ["late"]
    tried = client("get", "/graders/late/versions")[1]["items"][1]["tried"]
    told = api(Role.REVIEWER).get(f"{HERE}/graders/late/versions").json()["items"][1]["tried"]
    assert tried["n"] == 5 and len(tried["rows"]) == 5
    assert told == {key: said for key, said in tried.items() if key != "rows"}, "reviewers judge unswayed"
    assert client("patch", "/graders/late", {"archived": True})[1]["archived_at"]
    assert client("get", "/graders")[1]["items"] == []


def test_errors_name_the_field(project: Project, client: Callable[..., tuple[int, Any]]) -> None:
    make.trace(project)
    line = graders.connect(project)
    graders.judge(line)

    def wrong(path: str, body: dict[str, Any], method: str = "post") -> tuple[int, str]:
        status, said = client(method, path, body)
        return status, said["error"]["details"][0]["where"]

    assert wrong("/graders", {"name": "x", "definition": {**LATE, "operation": 1}, "goal": GOAL}) == (
        422,
        "definition.operation",
    )
    assert wrong("/graders", {"name": "x", "definition": LATE, "goal": {}}) == (422, "goal")
    assert wrong("/graders", {"name": "x", "definition": JUDGE, "goal": GOAL, "connection": "no"}) == (
        422,
        "connection",
    )
    assert wrong("/batches/price", {"grader": "helpful", "q": "agent:"})[0] == 400
    assert wrong("/batches/price", {"grader": "nobody"}) == (422, "grader")
    assert wrong("/batches/price", {"grader": "helpful", "q": "agent:nobody"}) == (422, "q")
    assert wrong("/batches", {"grader": "helpful", "key": "k"}) == (422, "confirmed")
    naive = {"until": "2026-07-01T12:00:00"}  # of which zone?
    assert wrong("/batches/price", {"grader": "helpful"} | naive) == (422, "until")
    assert wrong("/batches", {"grader": "helpful", "key": "k"} | naive) == (422, "until")
    assert wrong("/batches/price", {"kind": "generate", "connection": line.name} | naive) == (422, "until")
    assert wrong("/batches", {"kind": "generate", "connection": line.name, "key": "k"} | naive) == (422, "until")
    assert wrong("/batches/price", {"kind": "generate", "connection": "no"}) == (422, "connection")
    assert wrong("/batches/price", {"kind": "generate", "connection": line.name, "candidates": 99}) == (
        422,
        "candidates",
    )
    assert wrong("/graders/helpful", {"scores_new": True, "q": "agent:"}, "patch")[0] == 400
    assert wrong("/graders/helpful", {"scores_new": True}, "patch") == (422, "confirmed")
    assert wrong("/graders/helpful/versions/1/trial", {"n": 1}) == (422, "confirmed")
    assert client("get", "/graders/helpful/versions/7/changes")[0] == 404


def test_a_trial_that_asks_a_model_is_followed_by_its_id(
    project: Project, client: Callable[..., tuple[int, Any]]
) -> None:
    for _ in range(3):
        make.trace(project)
    seen: list[dict[str, Any]] = []
    with fake_openai(verdict, seen) as url:
        graders.judge(graders.connect(project, url), confirmed=False)
        here = "/graders/helpful/versions/1"
        status, told = client("post", f"{here}/trial", {"only_price": True})
        assert (status, told["id"], told["rows"]) == (200, None, []) and float(told["price"]) > 0
        assert client("post", f"{here}/trial", {"only_price": True, "q": "agent:nobody"})[0] == 422
        wish = {"confirmed": told["price"], "key": "k", "n": 3}
        status, begun = client("post", f"{here}/trial", wish)
        assert (status, begun["status"], begun["is_open"], begun["settled"]) == (201, "queued", True, 0)
        assert [one["status"] for one in begun["rows"]] == ["waiting"] * 3 and begun["mean"] is None
        assert client("post", f"{here}/trial", wish)[1]["id"] == begun["id"], "the same key is the same trial"
        early = client("post", f"{here}/confirm", {"trial": begun["id"]})
        assert early[0] == 422 and early[1]["error"]["details"][0]["where"] == "trial"
        assert trial.work(trial.open_trials()[0], 60)
        status, told = client("get", f"{here}/trial/{begun['id']}")
        assert (status, told["status"], told["n"], len(seen)) == (200, "done", 3, 3)
        assert told["rows"][0]["cost_usd"] and told["rows"][0]["reason"] == "It says so."
        assert client("post", f"{here}/trial/{begun['id']}/cancel")[0] == 409
        status, second = client("post", f"{here}/trial", wish | {"key": "another"})
        status, told = client("post", f"{here}/trial/{second['id']}/cancel")
        assert (status, told["status"], [one["status"] for one in told["rows"]]) == (
            200,
            "cancelled",
            ["cancelled"] * 3,
        )
    assert client("get", f"{here}/trial/0198c8f0-0000-7000-8000-000000000000")[0] == 404
    assert client("post", f"{here}/confirm", {"trial": "0198c8f0-0000-7000-8000-000000000000"})[0] == 422
    status, version = client("post", f"{here}/confirm", {"trial": begun["id"]})
    assert (status, version["tried"]["n"]) == (200, 3)


def test_candidates_over_the_api(project: Project, client: Callable[..., tuple[int, Any]]) -> None:
    make.trace(project)
    seen: list[dict[str, Any]] = []
    with fake_openai(verdict, seen) as url:
        graders.connect(project, url)
        graders.code(project)
        wish = {"kind": "generate", "connection": "Judges", "graders": ["late"], "candidates": 2}
        told = client("post", "/batches/price", wish)[1]
        assert (told["items"], told["calls"]) == (3, 3) and "raised to three" in told["warnings"][0]
        status, batch = client(
            "post", "/batches", {**wish, "key": "g", "confirmed": told["price"], "until": told["until"]}
        )
        assert status == 201
        batches.work(batches.open_batches()[0], 60)
    assert [one["temperature"] for one in seen] == [0.3, 0.7, 1.0]
    items = client("get", f"/batches/{batch['id']}/items")[1]["items"]
    assert [one["ordinal"] for one in items] == [0, 1, 2] and BatchItem.objects.count() == 3
    assert items[0]["grades"]["late@1"]["value"] == 0.0 and items[0]["cost_usd"] == "0.000134"


def test_the_command_prices_first(project: Project) -> None:
    def command(*words: str) -> str:
        out = io.StringIO()
        call_command("grade_traces", "--project", "acme", *words, stdout=out)
        return out.getvalue()

    for _ in range(3):
        make.trace(project)
    seen: list[dict[str, Any]] = []
    with fake_openai(verdict, seen) as url:
        graders.judge(graders.connect(project, url))
        with pytest.raises(CommandError, match=r"3 of 3 traces would be graded by helpful@1 with 3 calls") as caught:
            command("--grader", "helpful")
        assert seen == []
        price = str(caught.value).rpartition(" ")[2]
        assert "3 graded, 0 could not be, 0 had their score" in command("--grader", "helpful", "--confirm", price)
        assert "0 graded, 0 could not be, 3 had their score" in command("--grader", "helpful@1")
    assert len(seen) == 3
    for wrong in (["--grader", "no"], ["--grader", "helpful", "--filter", "agent:"], ["--grader", "helpful@x"]):
        with pytest.raises(CommandError):
            command(*wrong)
