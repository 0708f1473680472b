"""Recipes, what they leave out and replay buffers over the API; a whole recipe on the command line."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from curation.models import DatasetVersion
from tests import make
from tests.curation.datasets import rows
from tests.curation.datasets.test_selection import said, score
from workspace.models import Project, Role, User

pytestmark = pytest.mark.django_db
ROOT = "/api/projects/acme"


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(ROOT + path, json.dumps(body), content_type="application/json")


def test_what_a_recipe_leaves_out_with_gate_and_value(project: Project, rita: User, api: Callable[..., Client]) -> None:
    for number in range(6):
        trace = rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"t{number}")
        if number < 4:
            score(trace, "helpful", number / 4)
    client = api(Role.ENGINEER)
    chosen = {"gates": [{"score": "helpful", "operator": "gt", "threshold": 0.25}]}
    seen = post(client, "/datasets/preview", name="x", recipe=chosen).json()
    assert seen["counts"]["by_reason"] == {"accepted": 2, "gate": 4}
    left = post(client, "/datasets/preview/left", recipe=chosen, reason="gate").json()
    assert left["total"] == 4 and left["next"] is None
    facts = {one["external_id"]: one["facts"]["value"] for one in left["items"]}
    assert facts == {"t0": 0.0, "t1": 0.25, "t4": None, "t5": None}, "null is not measured"

    wrong = post(client, "/datasets/preview", name="x", recipe={"gates": [{"score": "helpfull", "threshold": 1}]})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["details"][0]["where"] == "recipe.gates[0].score"
    first = rows.trace(project, make.short_document(question="Twice?"), judged="acceptable", by=rita)
    rows.trace(
        project,
        make.short_document(question="Twice?"),
        judged="acceptable",
        by=rita,
        received_at=first.received_at - timedelta(days=1),
    )
    (copy,) = post(client, "/datasets/preview/left", reason="duplicate").json()["items"]
    assert copy["facts"] == {"gate": "same", "other": str(first.uid)}, "traces by their outside ids"
    assert post(client, "/datasets/preview/left", reason="moon").status_code == 422


def test_replay_buffers(project: Project, rita: User, api: Callable[..., Client]) -> None:
    for number in range(4):
        rows.trace(project, said(number), judged="acceptable", by=rita)
    client = api(Role.ENGINEER)
    whole = {"replay": {"buffer": "past"}, "validation": 0, "test": 0}
    assert post(client, "/datasets", name="support", recipe=whole).status_code == 201
    listed = client.get(f"{ROOT}/replay-buffers").json()
    assert [(one["name"], one["filled"], one["seen"]) for one in listed] == [("past", 4, 4)]
    assert len(client.get(f"{ROOT}/replay-buffers/past").json()["items"]) == 4
    assert client.get(f"{ROOT}/replay-buffers/none").status_code == 404
    assert post(client, "/replay-buffers/past/clear").json() == {"rows": 4}
    assert client.get(f"{ROOT}/replay-buffers/past").json()["items"] == []
    assert post(client, "/replay-buffers/past/restore").json() == {"rows": 4}
    assert post(client, "/replay-buffers/past/restore").status_code == 409


def test_a_whole_recipe_on_the_command_line(project: Project, rita: User, tmp_path: Path) -> None:
    for number in range(4):
        rows.trace(project, said(number), judged="acceptable", by=rita, agent="a" if number else "b")
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps({"balance": {"field": "agent", "most": 1}, "seed": 4}))
    out = StringIO()
    given = ["--project=acme", "--name=x", "--filter=", f"--recipe={file}", "--seed=9", "--dedupe=near"]
    call_command("freeze_dataset", *given, stdout=out, stderr=StringIO())
    version = DatasetVersion.objects.get()
    assert out.getvalue().startswith("x@1 2 ")
    assert (version.recipe["seed"], version.recipe["dedupe"], version.recipe["balance"]["most"]) == (9, "near", 1)
    file.write_text("[]")
    with pytest.raises(CommandError, match="one JSON object"):
        call_command("freeze_dataset", *given)
    file.write_text('{"balance": {"field": "moon"}}')
    with pytest.raises(CommandError, match=r"balance\.field: must be one of"):
        call_command("freeze_dataset", *given)
