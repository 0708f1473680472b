"""A form that is refused says so where one looks, leads to the field, and lets no variable pass that no trace has."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from curation.models import Grader
from curation.scoring.graders import templates
from curation.scoring.graders.trace_inputs import inputs_of
from curation.views import grader_form
from tests import make
from tests.curation.grader_pages.test_pages import TYPED
from tests.curation.grading import graders
from workspace.models import Project, User

SignedIn = Callable[[User], Client]
JUDGE = {
    "type": "score_model", "goal_tone": "Friendly.", "mode": "form", "act": "save", "name": "Kind", "f_model": "m",
    "f_input__user": "{{ sample.output_text }}",
}  # fmt: skip


def _focused(page: str) -> list[str]:
    return [found["id"] for tag in re.findall(r"<[a-z]+ [^>]*\bautofocus\b[^>]*>", page) if (found := _ID.search(tag))]


_ID = re.compile(r'\bid="(?P<id>[^"]+)"')


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (TYPED | {"f_reference": ""}, "f_reference"), (TYPED | {"f_input": "{{ item.nonsense }}"}, "f_input"),
        (TYPED | {"goal_accuracy": "", "f_reference": ""}, "goal-accuracy"), (TYPED | {"type": ""}, "types"),
        (TYPED | {"name": ""}, "name"), (TYPED | {"slug": "NO Slug"}, "slug"), (JUDGE, "connection"),
        (JUDGE | {"f_input__user": ""}, "f_input__user"), (JUDGE | {"f_range__low": "1"}, "f_range__low"),
        (TYPED | {"mode": "json", "definition": "{"}, "definition"),
    ],
)  # fmt: skip
def test_a_refused_form_leads_to_the_field(
    project: Project, alice: User, as_user: SignedIn, typed: dict[str, str], field: str
) -> None:
    answer = as_user(alice).post("/p/acme/graders/new/", typed)
    page = answer.content.decode()
    assert answer.status_code == 422 and _focused(page) == [field]
    top = page[page.index("It is not kept yet") : page.index("What is a good answer?</h2>")]
    assert f'href="#{field}"' in top and not Grader.objects.exists()


@pytest.mark.parametrize("path", ["item.nonsense", "sample.text", "item.message", "item.metadat.city"])
def test_a_variable_that_no_trace_has_is_refused(project: Project, alice: User, as_user: SignedIn, path: str) -> None:
    hole = "{{ " + path + " }}"
    answer = as_user(alice).post("/p/acme/graders/new/", TYPED | {"f_input": f"Look at {hole}."})
    assert answer.status_code == 422 and f"{hole} is nothing that a trace has" in answer.content.decode()
    part = {"type": "string_check", "name": "a", "input": hole, "reference": "x", "operation": "eq"}
    multi = {"type": "multi", "graders": {"a": part}, "calculate_output": "a"}
    found = as_user(alice).post(
        "/p/acme/graders/new/", TYPED | {"mode": "json", "definition": grader_form.pretty(multi)}
    )
    assert found.status_code == 422 and "grader.graders.a.input" in found.content.decode()
    assert not Grader.objects.exists()


def test_every_variable_that_a_trace_has_passes() -> None:
    sample, item = inputs_of(make.short_document()["conversations"][0])
    named = [f"item.{key}" for key in item] + [f"sample.{key}" for key in sample or {}]
    for path in [*named, "item.metadata.city", "item.messages[0].content", "sample.output_json.name"]:
        assert templates.unknown("{{" + path + "}}") == ""


def test_the_text_to_start_from_reads_results_of_tools_and_earlier_turns() -> None:
    text = grader_form.words_of({"tone": "Friendly."})["f_input__user"]
    assert "{{ item.messages }}" in text and "{{ sample.output_text }}" in text and "last_user" not in text


def test_a_filter_that_cannot_be_read_is_told_at_the_field_of_a_trial(
    project: Project, alice: User, as_user: SignedIn
) -> None:
    graders.code(project, name="Short", confirmed=False)
    client, path = as_user(alice), "/p/acme/graders/short/1/"
    empty = client.get(path).content.decode()
    assert "This project has no traces yet" in empty and "matches this filter" not in empty
    make.trace(project)
    for answer in (client.get(f"{path}?q=judged:nonsense"), client.post(path, {"act": "try", "q": "judged:nonsense"})):
        page = answer.content.decode()
        assert answer.status_code == 422 and page.count('role="alert"') == 1 and "matches this filter" not in page
        field = page[page.index('id="q"') : page.index('name="n"')]
        assert 'aria-invalid="true"' in field and "nonsense" in field[field.index('id="q-error"') :]
    assert "No trace matches this filter" in client.get(f"{path}?q=agent:nobody").content.decode()
    typo = client.get(f"{path}?q=jugded:acceptable").content.decode()
    assert 'href="?q=judged%3Aacceptable"' in typo


def test_a_name_that_gives_no_name_for_its_scores_asks_for_one(
    project: Project, alice: User, as_user: SignedIn
) -> None:
    client = as_user(alice)
    refused = client.post("/p/acme/graders/new/", TYPED | {"name": "مرحبا 🙂 שלום"})
    assert refused.status_code == 422 and "The name has no Latin letter and no digit" in refused.content.decode()
    assert client.post("/p/acme/graders/new/", TYPED | {"name": "مرحبا", "slug": "hello"}).status_code == 302
    taken = client.post("/p/acme/graders/new/", TYPED | {"name": "Hello"}).content.decode()
    assert "Another grader of this project gives scores named hello" in taken and "the slug" not in taken
