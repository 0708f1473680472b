"""The doors of a freezing that goes on behind: form, page, list and API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from curation.datasets import freezing
from curation.models import DatasetVersion, Freezing
from tests.curation.datasets import rows
from workspace.models import Project, Role, User

SignedIn = Callable[[User], Client]
pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def many(project: Project, rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "TRACES_AT_ONCE", 3)
    for number in range(8):
        rows.trace(project, judged="acceptable", by=rita, task_id=f"t{number}")


def work() -> Freezing:
    (asked,) = Freezing.objects.filter(status__in=freezing.OPEN)
    while not freezing.work(asked.pk, 60):
        pass
    asked.refresh_from_db()
    return asked


def test_the_form_leads_to_its_page_and_that_to_the_version(alice: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    typed = {"name": "support", "q": "agent:support", "judgments": ["acceptable"], "seed": "9", "act": "freeze"}
    answer = client.post("/p/acme/datasets/new/", typed)
    (asked,) = Freezing.objects.all()
    page = f"/p/acme/datasets/freezing/{asked.uid}/"
    assert (answer.status_code, answer["Location"]) == (302, page)
    shown = client.get(page).content.decode()
    assert "Waiting for a worker" in shown and "Asked for by Alice" in shown and 'hx-trigger="every 1s"' in shown
    assert page in client.get("/p/acme/datasets/").content.decode()
    assert client.post("/p/acme/datasets/new/", typed)["Location"] == page, "sent twice it is one"
    other = client.post("/p/acme/datasets/new/", typed | {"seed": "10"})
    assert other.status_code == 422 and "is being frozen at the moment" in other.content.decode()

    work()
    version = "/p/acme/datasets/support/1/"
    told = client.get(page, headers=HTMX)
    assert told["HX-Redirect"] == version
    assert "support@1 is frozen: 8 rows." in client.get(version).content.decode()
    assert client.get(page)["Location"] == version, "an old link leads there, too"
    assert page not in client.get("/p/acme/datasets/").content.decode()


def test_what_failed_says_why_and_leads_back_to_its_recipe(alice: User, as_user: SignedIn, project: Project) -> None:
    client = as_user(alice)
    typed = {"name": "support", "q": "", "judgments": ["unacceptable"], "test": "20", "act": "freeze"}
    client.post("/p/acme/datasets/new/", typed)
    asked = work()
    page = f"/p/acme/datasets/freezing/{asked.uid}/"
    shown = client.get(page).content.decode()
    assert asked.error in shown and "Not frozen" in shown and "every 1s" not in shown
    assert "could not be frozen" in client.get("/p/acme/datasets/").content.decode()
    assert "name=support" in shown and "test=20" in shown and "judgments=unacceptable" in shown
    again = client.post(page, {"act": "again"})
    assert again["Location"] != page and Freezing.objects.count() == 2


def test_cancelled_on_its_page_no_version_is_made(alice: User, rita: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    client.post("/p/acme/datasets/new/", {"name": "support", "q": "", "judgments": ["acceptable"], "act": "freeze"})
    (asked,) = Freezing.objects.all()
    page = f"/p/acme/datasets/freezing/{asked.uid}/"
    assert as_user(rita).post(page, {"act": "cancel"}).status_code == 403
    assert client.post(page, {"act": "cancel"})["Location"] == page
    assert "No version was made" in client.get(page).content.decode() and not freezing.open_freezings()
    assert client.post(page, {"act": "nonsense"}).status_code == 400


def test_a_cancel_that_comes_too_late_says_so(alice: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    client.post("/p/acme/datasets/new/", {"name": "support", "q": "", "judgments": ["acceptable"], "act": "freeze"})
    asked = work()
    answer = client.post(f"/p/acme/datasets/freezing/{asked.uid}/", {"act": "cancel"}, follow=True)
    assert answer.redirect_chain[-1][0] == "/p/acme/datasets/support/1/"
    assert "It was too late to cancel: support@1 is frozen." in answer.content.decode()


def test_the_api_answers_202_and_then_the_version(project: Project, api: Callable[..., Client]) -> None:
    client = api(Role.ENGINEER)
    root = "/api/projects/acme"

    def post(path: str, **body: Any) -> Any:
        return client.post(root + path, json.dumps(body), content_type="application/json")

    made = post("/datasets", name="support", filter="")
    assert made.status_code == 202, made.content
    told = made.json()
    assert (told["status"], told["name"], told["version"]) == ("waiting", "support", None)
    wrong = post("/datasets", name="support", filter="", recipe={"seed": 4})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["where"]) == (422, "name")
    work()
    done = client.get(f"{root}/freezings/{told['id']}").json()
    assert (done["status"], done["version"]["id"], done["version"]["rows"]) == ("done", told["id"], 8)
    assert done["version"]["frozen_by"] == "token test engineer"
    assert post(f"/freezings/{told['id']}/cancel").status_code == 409
    second = post("/datasets", name="support", filter="").json()
    assert post(f"/freezings/{second['id']}/cancel").json()["status"] == "cancelled"
    assert DatasetVersion.objects.count() == 1
