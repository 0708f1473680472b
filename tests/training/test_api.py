"""Runs and models by API and by command."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests import make
from training.artifacts import bases
from training.management.commands import launch_run
from training.models import TrainingRun
from workspace.models import Project, Role

pytestmark = pytest.mark.django_db
RUNS = "/api/projects/acme/runs"


def post(client: Client, body: dict[str, Any], address: str = RUNS, **headers: str) -> Any:
    return client.post(address, json.dumps(body), content_type="application/json", headers=headers)


def test_a_run_is_asked_for_once_per_key(project: Project, api: Callable[..., Client]) -> None:
    make.dataset_version(project, train=8)
    client = api()
    body = {"dataset": "support@1", "base": "tiny", "settings": {"epochs": 2}}
    first, second = (post(client, body, **{"Idempotency-Key": "a"}) for _ in range(2))
    assert (first.status_code, first.json()["id"]) == (201, second.json()["id"])
    assert first.json()["status"] == "queued"
    assert first.json()["dataset"] == "support@1"
    assert "_request" not in first.json()["settings"]
    assert first.json()["metrics"] == {}
    clash = post(client, {**body, "settings": {"epochs": 3}}, **{"Idempotency-Key": "a"})
    assert (clash.status_code, clash.json()["error"]["code"]) == (409, "key_reused")
    one = client.get(f"{RUNS}/{first.json()['id']}").json()
    assert one["model_id"] is None
    listed = client.get(RUNS).json()
    assert [item["id"] for item in listed["items"]] == [one["id"]]
    cancelled = post(client, {"discard": True}, f"{RUNS}/{one['id']}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert post(client, {}, f"{RUNS}/{one['id']}/resume").status_code == 409


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"dataset": "support@9"}, "dataset"),
        ({"dataset": "nothing"}, "dataset"),
        ({"base": "/nowhere"}, "base"),
        ({"settings": {"epochs": "x"}}, "settings.epochs"),
        ({"settings": {"colour": 1}}, "settings.colour"),
        ({"name": "n" * 200}, "name"),
    ],
)
def test_errors_name_the_field(
    project: Project, api: Callable[..., Client], change: dict[str, Any], where: str
) -> None:
    make.dataset_version(project, train=2)
    answer = post(api(), {"dataset": "support", "base": "tiny", **change})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["where"] == where


def test_a_reviewer_may_look_only(project: Project, api: Callable[..., Client]) -> None:
    run = make.run(project)
    client = api(Role.REVIEWER)
    assert client.get(f"{RUNS}/{run.uid}").status_code == 200
    assert post(client, {"dataset": "support"}).status_code == 403
    assert client.get(f"{RUNS}/0190a000-0000-7000-8000-000000000000").status_code == 404


def test_models_are_listed(project: Project, api: Callable[..., Client]) -> None:
    tiny = bases.ensure_tiny(project)
    found = api().get("/api/projects/acme/models").json()["items"][0]
    assert (found["id"], found["source"], found["number"]) == (str(tiny.uid), "tiny", 1)
    assert api().get(f"/api/projects/acme/models/{tiny.uid}").json()["card"]["run"] is None


def test_the_command_leaves_djangos_own_options_alone() -> None:
    parser = launch_run.Command().create_parser("manage.py", "launch_run")
    options = parser.parse_args(["--project=a", "--dataset=b", "--set", "epochs=1", "--set", "seed=2"])
    assert (options.settings, options.chosen) == (None, ["epochs=1", "seed=2"])


def test_the_command_queues_and_says_what_is_wrong(project: Project) -> None:
    make.dataset_version(project, train=8)
    out = StringIO()
    call_command("launch_run", "--project=acme", "--dataset=support", "--set", "epochs=1", "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert (said["status"], said["model"]) == ("queued", None)
    assert TrainingRun.objects.get().settings["epochs"] == 1
    for wrong, reason in (
        (["--project=none", "--dataset=support"], "no project"),
        (["--project=acme", "--dataset=support@7"], "no dataset version"),
        (["--project=acme", "--dataset=support", "--set", "epochs"], "KEY=VALUE"),
        (["--project=acme", "--dataset=support", "--base=/x"], "no folder"),
        (["--project=acme", "--dataset=support", "--set", "epochs=0"], "below"),
    ):
        with pytest.raises(CommandError, match=reason):
            call_command("launch_run", *wrong)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_command_waits_without_a_celery_worker(project: Project) -> None:
    make.dataset_version(project, train=8)
    out = StringIO()
    call_command(
        "launch_run", "--project=acme", "--dataset=support@1", "--base=tiny", "--set", "max_steps=3", "--wait", "--json",
        stdout=out,
    )  # fmt: skip
    said = json.loads(out.getvalue())
    assert said["status"] == "succeeded"
    assert said["model"]
    assert said["step"] == 3
