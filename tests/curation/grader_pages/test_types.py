"""Another type of grader is looked at without losing what was written for the one before."""

from collections.abc import Callable

from django.test import Client

from curation.models import GraderVersion
from tests.curation.grader_pages.test_pages import TYPED
from workspace.models import Project, User

SignedIn = Callable[[User], Client]


def test_what_was_typed_comes_back_with_its_type(project: Project, alice: User, as_user: SignedIn) -> None:
    client = as_user(alice)

    def show(kind: str, **typed: str) -> str:
        given = {"type": kind, "mode": "form", "act": "fields", **typed}
        return client.post("/p/acme/graders/new/", given, headers={"HX-Request": "true"}).content.decode()

    prompt = {"f_input__system": "Be “strict”.", "f_input__user": "Read\n<this>."}
    pattern = show("regex", **prompt)
    assert '<input type="hidden" name="f_input__user" value="Read\n&lt;this&gt;.">' in pattern
    assert pattern.count('name="f_input__user"') == 1 and 'name="f_input__system" value="Be “strict”."' in pattern
    back = show("score_model", **prompt, f_pattern="sorry")
    assert back.count('name="f_input__user"') == 1 and "Read\n&lt;this&gt;.</textarea>" in back
    assert '<input type="hidden" name="f_pattern" value="sorry">' in back

    ticked = show("regex", f_normalise=["case", "space"])  # type: ignore[arg-type]
    assert ticked.count('type="hidden" name="f_normalise"') == 2


def test_what_belongs_to_other_types_is_not_kept_with_the_grader(
    project: Project, alice: User, as_user: SignedIn
) -> None:
    assert as_user(alice).post("/p/acme/graders/new/", TYPED | {"f_pattern": "sorry"}).status_code == 302
    assert "pattern" not in GraderVersion.objects.get().definition


def test_the_definition_as_json_carries_the_fields_along(project: Project, alice: User, as_user: SignedIn) -> None:
    given = TYPED | {"act": "json", "f_pattern": "sorry"}
    page = as_user(alice).post("/p/acme/graders/new/", given, headers={"HX-Request": "true"}).content.decode()
    assert 'name="definition"' in page and '<input type="hidden" name="f_pattern" value="sorry">' in page
    changed = given | {
        "act": "form",
        "mode": "json",
        "f_match": "all",
        "definition": '{"type": "regex", "pattern": "x"}',
    }
    form = as_user(alice).post("/p/acme/graders/new/", changed | {"f_ignore_case": "1"}).context["given"]
    assert (form["f_pattern"], "f_ignore_case" in form, form["f_reference"]) == ("x", False, "depot")
