"""Clusters that are worked out behind: asked for, told of, cancelled, failed, kept until the next ones, forgotten."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from curation import tasks
from curation.datasets import topic_accepting, topic_clusters, topic_proposals, topics, watching
from curation.datasets.selecting import signatures
from curation.forget import delete
from curation.forget.person import Subject, forget
from curation.models import Clustering, Topic, Trace, TraceTopic
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import AuditEntry, Membership, Project, Role, User

pytestmark = pytest.mark.django_db(transaction=True)  # a second connection writes down how far it is
SignedIn = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
ABOUT = ("my money back for the broken lamp", "the password of my login is forgotten")
FORM = "/p/acme/topics/clusters/"


@pytest.fixture(autouse=True)
def many(project: Project, monkeypatch: pytest.MonkeyPatch) -> list[Trace]:
    monkeypatch.setattr(topic_proposals, "AT_ONCE", 3)
    monkeypatch.setattr(watching, "TOLD_SECONDS", 0.01)
    made = [
        rows.trace(project, make.short_document(question=f"{ABOUT[number % 2]} w{number}"), user_id=f"u-{number}")
        for number in range(12)
    ]
    list(signatures.fill(trace.revision_id or 0 for trace in made))
    return made


def ask(project: Project, actor: Actor | None = None, number: int = 2, query: str = "-topic:*") -> Clustering:
    return topic_proposals.ask(project=project, actor=actor or Actor(), number=number, query=query)


def work(asked: Clustering) -> Clustering:
    topic_proposals.work(asked.pk)
    asked.refresh_from_db()
    return asked


def test_a_worker_finds_what_is_found_at_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask(project)
    assert (asked.status, asked.found) == ("waiting", None) and topic_proposals.open_clusterings() == [asked.pk]
    late = rows.trace(project, make.short_document(question=ABOUT[0]))
    list(signatures.fill([late.revision_id or 0]))
    work(asked)
    assert (asked.status, asked.error, asked.lease_owner, asked.attempts) == ("done", "", "", 1)
    assert asked.found is not None and [one["size"] for one in asked.found["clusters"]] == [6, 6]
    assert late.pk not in topic_proposals.members(asked)[0], "what comes later is not looked at"
    late.delete()
    monkeypatch.setattr(topic_proposals, "AT_ONCE", 100)
    at_once = ask(project)
    assert at_once.status == "done" and at_once.found == asked.found
    assert (
        topic_proposals.open_clusterings() == []
        and topic_accepting.accept(proposed=at_once, actor=Actor(), names={0: "Money"}).given == 6
    )


def test_asked_twice_it_is_one_and_others_wait_their_turn(project: Project, alice: User) -> None:
    asked = ask(project, Actor(user=alice))
    assert ask(project).pk == asked.pk
    with pytest.raises(topics.BadTopic, match="being worked out, asked for by Alice Engineer"):
        ask(project, number=3)
    work(asked)
    topic_proposals.work(asked.pk)
    assert Clustering.objects.count() == 1, "a doubled message finds it done"


def test_each_stage_is_told_with_its_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_clusters, "CHUNK", 5)
    monkeypatch.setattr(watching, "TOLD_SECONDS", 60)  # it is written down here
    asked, told, seen = ask(project), [], set()
    tell = watching.Watch.tell

    def heard(self: watching.Watch, stage: str, done: int, total: int) -> None:
        tell(self, stage, done, total)
        told.append((str(stage), done, total))
        self._write()
        seen.add(Clustering.objects.values_list("stage", "done", "total").get())

    monkeypatch.setattr(watching.Watch, "tell", heard)
    work(asked)
    assert list(dict.fromkeys(told)) == [
        *(("reading", n, 12) for n in (0, 5, 10)), *(("grouping", n, 12) for n in (0, 5, 10)),
        *(("naming", n, 12) for n in (0, 5, 10, 12)),
    ]  # fmt: skip
    assert seen == set(told) and asked.status == "done"


def test_cancelled_before_or_amid_it_nothing_is_proposed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask(project)
    assert topic_proposals.cancel(asked, Actor()) and not topic_proposals.cancel(asked, Actor())
    assert work(asked).status == "cancelled" and asked.found is None
    assert AuditEntry.objects.filter(action="topics.clustering_cancelled").count() == 1
    second = ask(project)
    tell = watching.Watch.tell

    def cancelling(self: watching.Watch, stage: str, done: int, total: int) -> None:
        if stage == "naming":
            Clustering.objects.filter(pk=second.pk).update(status="cancelled")
        tell(self, stage, done, total)

    monkeypatch.setattr(watching.Watch, "tell", cancelling)
    assert work(second).status == "cancelled" and second.found is None and second.lease_owner == ""


def test_a_new_proposal_takes_the_place_of_the_old_one_when_it_is_there(project: Project) -> None:
    first = work(ask(project))
    second = ask(project, number=3)
    first.refresh_from_db()
    assert first.status == "done", "the old one stands while the new one comes"
    topic_proposals.cancel(second, Actor())
    third = work(ask(project, number=3))
    first.refresh_from_db()
    assert (first.status, first.found, bytes(first.members)) == ("replaced", None, b"")
    with pytest.raises(topic_accepting.Moved, match="a newer proposal took their place"):
        topic_accepting.accept(proposed=first, actor=Actor(), names={0: "Money"})
    assert topic_proposals.kept(project) == third == topic_proposals.recent(project)[0]


def test_what_fails_says_why_and_whoever_lost_the_role_gets_nothing(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ask(project, number=13)
    assert work(few).status == "failed" and few.error == "12 traces are too few for 13 clusters."
    assert topic_proposals.recent(project) == [few]
    hers = ask(project, Actor(user=alice))
    Membership.objects.filter(user=alice).update(role=Role.REVIEWER)
    assert work(hers).status == "failed" and "Alice Engineer may not" in hers.error

    def broken(*_: Any) -> None:
        raise RuntimeError("no memory for this")

    with monkeypatch.context() as patched:
        patched.setattr(topic_clusters, "_group", broken)
        assert work(ask(project)).error == "RuntimeError: no memory for this"
    dying = ask(project)
    Clustering.objects.filter(pk=dying.pk).update(attempts=watching.MOST_ATTEMPTS)
    assert work(dying).status == "failed" and "begun 3 times" in dying.error
    assert len(topic_proposals.recent(project)) == 1, "only the newest tells that it failed"
    Clustering.objects.update(ended_at=timezone.now() - timedelta(days=2))
    assert topic_proposals.recent(project) == []


def test_forgetting_a_trace_or_a_person_takes_the_words_away(project: Project, many: list[Trace]) -> None:
    kept = work(ask(project))
    delete.delete_traces(project=project, ids=[rows.trace(project).pk])
    assert Clustering.objects.filter(pk=kept.pk, status="done").exists(), "of no trace that it was made from"
    forget(project=project, actor=Actor(), subject=Subject(user_id="u-3"))
    assert not Clustering.objects.exists()
    work(ask(project))
    delete.bury_traces(project=project, ids=[many[0].pk])
    assert not Clustering.objects.exists()


def test_what_is_worked_out_while_a_trace_is_deleted_is_begun_anew(
    project: Project, many: list[Trace], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(project)
    keep = topic_proposals._keep

    def then_deleted(*given: Any) -> None:
        delete.delete_traces(project=project, ids=[many[0].pk])
        keep(*given)

    with monkeypatch.context() as patched:
        patched.setattr(topic_proposals, "_keep", then_deleted)
        assert (work(asked).status, asked.found, asked.attempts) == ("waiting", None, 0)
    assert topic_proposals.open_clusterings() == [asked.pk]
    assert work(asked).status == "done" and many[0].pk not in topic_proposals.members(asked)[0]


def test_the_page_from_the_form_to_the_clusters(
    project: Project, alice: User, rita: User, as_user: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks.propose_topics, "apply_async", lambda arguments, **options: sent.append(arguments[0]))
    client = as_user(alice)
    typed = {"query": "-topic:*", "number": "2", "seed": "0"}
    answer = client.post(FORM, typed)
    asked = Clustering.objects.get()
    page = f"{FORM}{asked.uid}/"
    assert (answer.status_code, answer["Location"], sent) == (302, page, [asked.pk])
    shown = client.get(page).content.decode()
    assert "Waiting for a worker" in shown and "Asked for by Alice" in shown and 'hx-trigger="every 1s"' in shown
    assert page in client.get("/p/acme/topics/").content.decode() and page in client.get(FORM).content.decode()
    assert page not in as_user(rita).get("/p/acme/topics/").content.decode()
    other = client.post(FORM, typed | {"number": "3"})
    assert other.status_code == 422 and "Other clusters are being worked out" in other.content.decode()
    work(asked)
    part = client.get(page, headers=HTMX).content.decode()
    assert "2 clusters of 12 traces" in part and "every 1s" not in part and "<html" not in part
    assert client.post(page, {"act": "cancel"}, follow=True).content.decode().count("too late to cancel") == 1
    assert not TraceTopic.objects.exists(), "nothing is assigned until it is accepted"
    empty = client.post(page, {"act": "accept", "name_0": "Typed", "parent": ""})
    assert empty.status_code == 422 and "No cluster was chosen" in empty.content.decode()
    twice = client.post(page, {"act": "accept", "cluster": [0, 1], "name_0": "Typed", "name_1": "Typed"})
    assert twice.status_code == 422 and twice.content.decode().count('value="Typed"') == 2, "what was typed stays"
    assert not Topic.objects.exists()
    done = client.post(page, {"act": "accept", "cluster": [0], "name_0": "Typed"}, follow=True)
    assert done.redirect_chain[-1][0] == "/p/acme/topics/" and TraceTopic.objects.count() == 6
    assert page not in done.content.decode(), "what was accepted is no news"
    moved = client.post(page, {"act": "accept", "cluster": [1], "name_1": "Rest"})
    assert moved.status_code == 422 and "propose again" in moved.content.decode()
    assert client.post(page, {"act": "nonsense"}).status_code == 400


def test_the_page_of_what_was_cancelled_failed_or_replaced(project: Project, alice: User, as_user: SignedIn) -> None:
    client = as_user(alice)
    cancelled = ask(project)
    page = f"{FORM}{cancelled.uid}/"
    assert client.post(page, {"act": "cancel"})["Location"] == page
    assert "Nothing was proposed." in client.get(page).content.decode()
    failed = work(ask(project, number=13))
    assert failed.error in client.get(f"{FORM}{failed.uid}/").content.decode()
    assert "could not be proposed" in client.get("/p/acme/topics/").content.decode()
    first, second = work(ask(project)), work(ask(project))
    told = client.get(f"{FORM}{first.uid}/").content.decode()
    assert "took its place" in told and f"{FORM}{second.uid}/" in told
    gone = client.post(f"{FORM}{first.uid}/", {"act": "accept", "cluster": [0], "name_0": "Money"})
    assert gone.status_code == 422 and "a newer proposal took their place" in gone.content.decode()
    second.delete()
    missing = client.get(f"{FORM}{second.uid}/")
    assert missing.status_code == 404 and "They go when a trace" in missing.content.decode()


def test_the_api_answers_202_and_then_the_clusters(project: Project, api: Callable[..., Client]) -> None:
    client = api(Role.ENGINEER)
    root = "/api/projects/acme/topics/clusters"

    def post(path: str, **body: Any) -> Any:
        return client.post(root + path, json.dumps(body), content_type="application/json")

    made = post("", clusters=2)
    assert made.status_code == 202, made.content
    told = made.json()
    assert (told["status"], told["items"], told["matching"]) == ("waiting", [], None)
    wrong = post("", clusters=3)
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["where"]) == (422, "q")
    assert post(f"/{told['id']}/accept", names={"0": "Money"}).status_code == 409
    work(Clustering.objects.get())
    done = client.get(f"{root}/{told['id']}").json()
    assert (done["status"], done["asked_by"], done["looked_at"]) == ("done", "token test engineer", 12)
    assert [one["traces"] for one in done["items"]] == [6, 6] and len(done["items"][0]["examples"]) == 3
    assert post(f"/{told['id']}/cancel").status_code == 409
    accepted = post(f"/{told['id']}/accept", names={"0": "Money"})
    assert (accepted.status_code, accepted.json()["given"]) == (201, 6)
    assert client.get(f"{root}/{told['id']}").json()["accepted_at"]
    changed = post(f"/{told['id']}/accept", names={"1": "Rest"})
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "traces_changed")
    second = post("", q="", clusters=2).json()
    assert post(f"/{second['id']}/cancel").json()["status"] == "cancelled"
    third = post("", q="", clusters=2)
    work(Clustering.objects.get(uid=third.json()["id"]))
    old = post(f"/{told['id']}/accept", names={"1": "Rest"})
    assert (old.status_code, old.json()["error"]["code"]) == (409, "not_kept")
