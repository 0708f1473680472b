"""The editor of a grader without a browser: which models are offered, and which one stands where none was named."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from curation.models import GraderVersion
from workspace.models import Connection, Project, User

pytestmark = pytest.mark.django_db
JUDGE = {
    "type": "score_model", "mode": "form", "name": "Says where", "goal_accuracy": "It says where the order is.",
    "f_input__user": "Read {{ sample.output_text }}",
}  # fmt: skip


def line(project: Project, name: str, model: str, *priced: str) -> Connection:
    prices = {one: {"input": 1, "output": 4} for one in priced}
    return Connection.objects.create(
        project=project, name=name, base_url="https://models.example/v1", default_model=model, prices=prices
    )


def field(page: str) -> tuple[str, str, list[str]]:
    """What stands in the field of the model, what stands there in grey, and what is offered."""
    found = re.search(r'<input id="f_model"[^>]*>', page)
    assert found is not None
    value, grey = (re.search(f'{name}="([^"]*)"', found[0]) for name in ("value", "placeholder"))
    offered = re.search(r'<datalist id="models">(.*?)</datalist>', page, re.DOTALL)
    assert offered is not None
    return value[1] if value else "", grey[1] if grey else "", re.findall(r'value="([^"]*)"', offered[1])


def test_models_are_those_of_the_chosen_connection(
    project: Project, alice: User, as_user: Callable[[User], Client]
) -> None:
    near, far = line(project, "Near", "small", "small", "large", "*"), line(project, "Far", "", "judge-1")
    client = as_user(alice)

    def shown(**typed: str) -> tuple[str, str, list[str]]:
        return field(client.post("/p/acme/graders/new/", {**JUDGE, "f_model": "", **typed}).content.decode())

    assert shown(act="fields") == ("", "", ["judge-1", "large", "small"]), "none was chosen: all that are known"
    assert shown(act="connection", connection=str(near.uid)) == ("small", "small", ["small", "large"])
    assert shown(act="connection", connection=str(near.uid), f_model="mine")[0] == "mine"
    assert shown(act="connection", connection=str(far.uid), f_model="small") == ("small", "", ["judge-1"])
    other = line(project, "Other", "tiny")
    assert shown(act="connection", connection=str(other.uid), f_model="small")[0] == "tiny"
    assert shown(act="fields", connection=str(other.uid), f_model="small")[0] == "small"


def test_without_a_model_the_default_of_the_connection_is_kept(
    project: Project, alice: User, as_user: Callable[[User], Client]
) -> None:
    near, far = line(project, "Near", "small"), line(project, "Far", "")
    client = as_user(alice)
    refused = client.post("/p/acme/graders/new/", {**JUDGE, "f_model": "", "act": "save", "connection": str(far.uid)})
    assert refused.status_code == 422 and "This is needed." in refused.content.decode()
    client.post("/p/acme/graders/new/", {**JUDGE, "f_model": " ", "act": "save", "connection": str(near.uid)})
    assert GraderVersion.objects.get().definition["model"] == "small"
