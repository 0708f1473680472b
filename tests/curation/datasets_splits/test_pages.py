"""Pages of topics and of the difference of two versions, without a browser."""

import random
from collections.abc import Callable

import pytest
from django.test import Client

from curation.datasets import build, topics
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import signatures
from curation.models import BulkAct, Topic, TraceTopic
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
URL = "/p/acme/topics/"


def button(html: str, name: str) -> str:
    """The value of the undo button in a message."""
    return html.split(f'form="undo" name="{name}" value="', 1)[1].split('"', 1)[0]


def test_a_topic_is_made_changed_removed_and_everything_comes_back(
    project: Project, alice: User, as_user: AsUser
) -> None:
    client = as_user(alice)
    trace = rows.trace(project, tags=["refund"])
    html = client.post(URL, {"act": "new", "name": "Refunds", "query": "tag:refund"}, follow=True).content.decode()
    assert "topic:refunds" in client.get(f"{URL}refunds/").content.decode()
    client.post(URL, {"undo": button(html, "undo")})
    assert not Topic.objects.exists()
    client.post(URL, {"act": "new", "name": "Refunds", "query": "tag:refund"})
    html = client.get(URL).content.decode()
    assert "1 by rule" in html and "100" in html
    told = client.post(f"{URL}refunds/", {"act": "save", "name": "Money back", "query": "tag:("})
    assert told.status_code == 422 and "Money back" in told.content.decode()
    html = client.post(
        f"{URL}refunds/", {"act": "save", "name": "Money back", "query": ""}, follow=True
    ).content.decode()
    assert topics.of_trace(trace)[0] is None
    client.post(URL, {"undo": button(html, "undo")})
    assert topics.of_trace(trace)[1] == "rule" and Topic.objects.get().name == "Refunds"
    html = client.post(f"{URL}refunds/", {"act": "remove"}, follow=True).content.decode()
    assert not Topic.objects.exists()
    client.post(URL, {"undo": button(html, "undo")})
    assert Topic.objects.get().query == "tag:refund"
    assert client.post(URL, {"undo": "forged"}, follow=True).content.decode().count("can no longer be undone") == 1


def test_what_was_given_is_taken_from_all_and_comes_back(project: Project, alice: User, as_user: AsUser) -> None:
    client = as_user(alice)
    for name in ("Refunds", "Late"):
        topics.create(project=project, actor=Actor(), name=name, parent="refunds" if name == "Late" else "")
    for number in range(3):
        topics.give(trace=rows.trace(project), slug="late" if number == 2 else "refunds", actor=Actor(user=alice))
    assert "take it from them first" in client.post(f"{URL}refunds/", {"act": "remove"}, follow=True).content.decode()
    html = client.post(f"{URL}refunds/", {"act": "clear"}, follow=True).content.decode()
    assert "The topic was taken from 2 traces." in html
    assert TraceTopic.objects.get().topic.slug == "late", "what stands below it keeps its own"
    assert BulkAct.objects.get().kind == "topic"
    client.post(URL, {"act": button(html, "act")})
    assert TraceTopic.objects.filter(topic__slug="refunds").count() == 2


def test_a_reviewer_looks_and_gives_but_changes_no_topic(
    project: Project, rita: User, alice: User, as_user: AsUser
) -> None:
    topics.create(project=project, actor=Actor(), name="Refunds")
    trace = rows.trace(project)
    client = as_user(rita)
    assert "New topic" not in client.get(URL).content.decode()
    assert client.post(URL, {"act": "new", "name": "x"}).status_code == 403
    assert client.post(f"{URL}refunds/", {"act": "remove"}).status_code == 403
    assert client.get(f"{URL}clusters/").status_code == 403
    page = f"/p/acme/traces/{trace.uid}/topic/"
    assert "none given by hand" in client.get(page).content.decode()
    assert "given by hand" in client.post(page, {"topic": "refunds"}, headers={"HX-Request": "true"}).content.decode()
    assert topics.of_trace(trace)[1] == "hand"
    assert client.post(page, {"topic": ""}).status_code == 302
    assert topics.of_trace(trace)[0] is None
    assert client.post(page, {"topic": "unheard"}).status_code == 400
    client.post("/p/acme/traces/bulk/", {"action": "topic", "topic": "refunds", "trace": [str(trace.uid)]})
    assert topics.of_trace(trace)[1] == "hand"


def test_a_rule_says_what_it_matches_while_it_is_typed(project: Project, alice: User, as_user: AsUser) -> None:
    rows.trace(project, tags=["x"])
    client = as_user(alice)
    told = {
        query: client.get(f"{URL}rule/", {"query": query}).content.decode()
        for query in ("tag:x", "judged:yes", "a:(", "")
    }
    assert "<b>1</b> trace matches" in told["tag:x"]
    assert "not what was said of it" in told["judged:yes"] and 'class="error"' in told["a:("]
    assert "<b>" not in told[""]


def test_clusters_are_proposed_accepted_and_taken_back(project: Project, alice: User, as_user: AsUser) -> None:
    drawn = random.Random(1)
    about = {
        "refund": "i want my money back please refund the lamp",
        "login": "my password login account does not work",
    }
    for text in about.values():
        for _ in range(6):
            said = [*text.split(), *(f"w{drawn.randrange(9)}" for _ in range(2))]
            rows.trace(project, make.short_document(question=" ".join(said)))
    list(signatures.fill(project.traces.values_list("revision_id", flat=True)))
    client = as_user(alice)
    assert "Propose" in client.get(f"{URL}clusters/").content.decode()
    made = client.post(f"{URL}clusters/", {"number": "2", "query": "-topic:*", "seed": "0"})
    assert made.status_code in (302, 303), "few are worked out at once"
    page = made["Location"]
    assert "2 clusters of 12 traces" in client.get(page).content.decode()
    assert client.post(page, {"act": "accept"}).status_code == 422, "none was ticked"
    said = {"act": "accept", "cluster": ["0"], "name_0": "First"}
    html = client.post(page, said, follow=True).content.decode()
    assert "1 topic made; 6 traces are of it." in html and TraceTopic.objects.count() == 6
    client.post(URL, {"undo": button(html, "undo")})
    assert not Topic.objects.exists()
    for wrong in ({"number": "x"}, {"number": "2", "query": "tag:("}):
        assert client.post(f"{URL}clusters/", wrong).status_code == 422


def test_the_difference_of_two_versions(project: Project, rita: User, as_user: AsUser) -> None:
    kept = [rows.trace(project, judged="acceptable", by=rita, task_id=f"t{number}") for number in range(4)]
    build.freeze(project=project, name="support", query_text="", actor=Actor(), recipe=Recipe())
    rows.judge(kept[0], rita, "unacceptable")
    rows.trace(project, judged="acceptable", by=rita)
    build.freeze(project=project, name="support", query_text="-tag:x", actor=Actor(), recipe=Recipe())
    client = as_user(rita)
    html = client.get("/p/acme/datasets/support/diff/").content.decode()
    assert "From v1 to v2" in html and "1 row in, 1 out" in html
    assert "In: came in after it was frozen" in html and "Out: judged unacceptable" in html
    assert "every trace" in html and "<b>-tag:x</b>" in html
    out = client.get("/p/acme/datasets/support/diff/", {"a": 1, "b": 2, "show": "out", "why": "unacceptable"})
    assert "by Rita Reviewer" in out.content.decode()
    same = client.get("/p/acme/datasets/support/diff/", {"a": 2, "b": 2}).content.decode()
    assert "Both say the same" in same and "No row came in." in same
    for wrong in ({"b": 9}, {"a": "x"}, {"show": "all"}, {"show": "in", "why": "nonsense"}):
        assert client.get("/p/acme/datasets/support/diff/", wrong).status_code == 404
