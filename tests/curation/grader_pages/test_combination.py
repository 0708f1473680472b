"""A combination takes confirmed graders of the project without anybody copying JSON."""

import json
from collections.abc import Callable

from django.test import Client

from curation.models import GraderVersion
from tests.curation.grader_pages.test_pages import TYPED
from tests.curation.grading import graders
from workspace.models import Project, User

SignedIn = Callable[[User], Client]
MULTI = TYPED | {"type": "multi", "name": "Both"}


def test_confirmed_graders_are_put_into_a_combination(project: Project, alice: User, as_user: SignedIn) -> None:
    late = graders.code(project, name="Late-ish")
    graders.code(project, name="Draft", confirmed=False)
    client = as_user(alice)
    answer = client.post("/p/acme/graders/new/", MULTI | {"act": "part", "part": late.grader.slug})
    given = answer.context["given"]
    name = late.grader.slug.replace("-", "_")
    assert json.loads(given["f_graders"]) == {name: late.definition} and given["f_calculate_output"] == name
    page = answer.content.decode()
    assert f'<option value="{late.grader.slug}">' in page and '<option value="draft">' not in page
    typed = {key: given[key] for key in ("f_graders", "f_calculate_output")}
    assert client.post("/p/acme/graders/new/", MULTI | typed).status_code == 302
    made = GraderVersion.objects.get(grader__name="Both").definition
    assert (made["type"], made["calculate_output"], list(made["graders"])) == ("multi", name, [name])


def test_what_cannot_be_put_in_says_so_and_loses_nothing(project: Project, alice: User, as_user: SignedIn) -> None:
    late = graders.code(project)
    client = as_user(alice)
    wrong = client.post("/p/acme/graders/new/", MULTI | {"act": "part", "part": late.grader.slug, "f_graders": "{"})
    assert wrong.status_code == 422 and wrong.context["given"]["f_graders"] == "{"
    none = client.post("/p/acme/graders/new/", MULTI | {"act": "part", "part": ""})
    assert none.status_code == 422 and "Choose the grader" in none.content.decode()


def test_a_judge_brings_its_connection_unless_another_was_chosen(
    project: Project, alice: User, as_user: SignedIn
) -> None:
    judge = graders.judge(graders.connect(project))
    other = graders.connect(project, name="Others")
    client = as_user(alice)
    for chosen, expected in (("", judge.connection), (str(other.uid), other)):
        part = MULTI | {"act": "part", "part": judge.grader.slug, "connection": chosen}
        answer = client.post("/p/acme/graders/new/", part)
        assert expected is not None and answer.context["given"]["connection"] == str(expected.uid)
        assert f'<option value="{expected.uid}" selected>' in answer.content.decode()


def test_all_mistakes_are_told_at_once(project: Project, alice: User, as_user: SignedIn) -> None:
    judge = graders.judge(graders.connect(project)).definition
    typed = MULTI | {"f_graders": json.dumps({"a": judge}), "f_calculate_output": "a +", "name": ""}
    answer = as_user(alice).post("/p/acme/graders/new/", typed)
    assert answer.status_code == 422
    assert [one.id for one in answer.context["wrong"]] == ["f_calculate_output", "connection", "name"]


def test_what_the_hint_shows_is_taken_and_a_wrong_part_is_named(
    project: Project, alice: User, as_user: SignedIn
) -> None:
    polite = {"type": "regex", "pattern": "please", "input": "{{ sample.output_text }}"}
    typed = MULTI | {"f_calculate_output": "0.7 * polite + 0.3 * short"}
    client = as_user(alice)
    wrong = {"polite": {**polite, "expect": "maybe"}, "short": {"type": "no_error"}}
    answer = client.post("/p/acme/graders/new/", typed | {"f_graders": json.dumps(wrong)})
    assert answer.status_code == 422 and answer.context["errors"]["graders"].startswith("polite.expect: ")
    parts = {"polite": polite, "short": {"type": "no_error"}}
    assert client.post("/p/acme/graders/new/", typed | {"f_graders": json.dumps(parts)}).status_code == 302
    assert GraderVersion.objects.get(grader__name="Both").definition["graders"] == parts
