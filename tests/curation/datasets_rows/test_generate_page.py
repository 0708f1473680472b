"""The page that generates candidates: nothing is sent before a price was seen and agreed to."""

from typing import Any

import pytest
from django.test import Client

from curation.models import Batch
from tests.curation.datasets import rows
from tests.curation.grading import graders
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
ADDRESS = "/p/acme/graders/batches/candidates/"


def hidden(page: str, name: str) -> str:
    """The value of a hidden or ticked field."""
    return page.split(f'name="{name}" value="', 1)[1].split('"', 1)[0]


def test_without_a_connection_there_is_nobody_to_ask(project: Project, alice: User, as_user: Any) -> None:
    page = as_user(alice).get(ADDRESS).content.decode()
    assert "No connection to ask" in page and 'id="wanted"' not in page


def test_price_then_word_then_batch(project: Project, alice: User, as_user: Any) -> None:
    for _ in range(5):
        rows.trace(project)
    line, version = graders.connect(project), graders.code(project)
    judge = graders.judge(line)
    client: Client = as_user(alice)
    page = client.get(ADDRESS).content.decode()
    assert 'value="0.3, 0.7, 1"' in page and "3N generations" in page and "What is asked" not in page
    assert "preferred and non-preferred answer" in page
    asked = {
        "q": "agent:support", "connection": str(line.uid), "model": "new-1", "sample": "4", "price": "1",
        "grader": [str(version.uid), str(judge.uid)], "temperatures": "0.3, 0.7, 1.0", "candidates": "3", "max_tokens": "200",
    }  # fmt: skip
    page = client.get(ADDRESS, asked).content.decode()
    assert not Batch.objects.exists()
    for figure in ("3 × 4", "2 graders × 12", ">12<", ">24<"):
        assert figure in page, figure
    given = asked | {name: hidden(page, name) for name in ("key", "until")}
    answer = client.post(ADDRESS, given)
    assert answer.status_code == 422 and "Say that this may cost what is shown." in answer.content.decode()
    assert not Batch.objects.exists()
    given["confirmed"] = hidden(page, "confirmed")
    answer = client.post(ADDRESS, given)
    batch = Batch.objects.get()
    assert answer["Location"] == f"/p/acme/graders/batches/{batch.uid}/"
    assert (batch.kind, batch.total, batch.settings["temperatures"]) == ("generate", 12, [0.3, 0.7, 1.0])
    assert batch.settings["graded_by"] == ["late@1", "helpful@1"] or set(batch.settings["graded_by"]) == {
        "late@1",
        "helpful@1",
    }
    assert client.post(ADDRESS, given)["Location"] == answer["Location"], "sent twice is one batch"
    assert Batch.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("q", "nonsense:(", "aria-invalid"),
        ("q", "agent:nobody", "No trace matches agent:nobody"),
        ("temperatures", "hot", "is no number"),
        ("temperatures", "0.3, 9", "from 0 to 2"),
        ("candidates", "many", "is no whole number"),
        ("candidates", "99", "from 1 to 16"),
        ("max_tokens", "0", "from 1 to 32,768"),
        ("sample", "0", "from 1 to 1,000,000"),
        ("seed", "-1", "from 0 to"),
        ("connection", "x", "Choose a connection"),
        ("grader", "x", "changed or archived since"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    project: Project, alice: User, as_user: Any, field: str, value: str, told: str
) -> None:
    rows.trace(project)
    line = graders.connect(project)
    asked = {"connection": str(line.uid), "price": "1", field: value}
    answer = as_user(alice).get(ADDRESS, asked)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert told in page and 'role="alert"' in page
    assert field == "grader" or "aria-invalid" in page


def test_two_candidates_become_three_and_no_grader_is_said(project: Project, alice: User, as_user: Any) -> None:
    rows.trace(project)
    line = graders.connect(project)
    page = as_user(alice).get(ADDRESS, {"connection": str(line.uid), "price": "1", "candidates": "2"}).content.decode()
    assert "raised to three" in page and "No grader is chosen" in page


def test_the_pages_of_a_reviewer_do_not_lead_there(project: Project, rita: User, as_user: Any) -> None:
    assert as_user(rita).get(ADDRESS).status_code == 403
    assert "candidates/" not in as_user(rita).get("/p/acme/datasets/").content.decode()
