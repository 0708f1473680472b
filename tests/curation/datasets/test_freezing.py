"""Freezing behind: the same version as at once, made once, with its progress, its cancel and its reasons."""

import time
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from curation.datasets import build, freezing, watching
from curation.datasets.recipe import Recipe
from curation.datasets.selecting import making
from curation.models import DatasetVersion, Freezing, RevisionSignature
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import AuditEntry, Membership, Project, Role, User

pytestmark = pytest.mark.django_db(transaction=True)  # a second connection writes down how far it is


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "TRACES_AT_ONCE", 3)
    monkeypatch.setattr(watching, "TOLD_SECONDS", 0.01)


@pytest.fixture
def many(project: Project, rita: User) -> None:
    for number in range(12):
        rows.trace(project, judged="acceptable", by=rita, task_id=f"t{number}")


def ask(project: Project, name: str = "support", query: str = "", **options: Any) -> Any:
    return freezing.ask(
        project=project, name=name, query_text=query, actor=Actor(), recipe=Recipe(**options), description="For tests"
    )


def work(asked: Freezing, seconds: float = 60) -> None:
    while not freezing.work(asked.pk, seconds):
        pass
    asked.refresh_from_db()


@pytest.mark.usefixtures("many")
def test_it_makes_what_freezing_at_once_makes_of_the_traces_of_then(project: Project, rita: User) -> None:
    asked = ask(project, query="since:7d")
    assert isinstance(asked, Freezing) and not DatasetVersion.objects.exists()
    assert freezing.open_freezings() == [asked.pk]
    late = rows.trace(project, judged="acceptable", by=rita, received_at=timezone.now() + timedelta(seconds=5))
    work(asked)
    version = freezing.version_of(asked)
    assert version is not None and (asked.status, asked.error, asked.lease_owner) == ("done", "", "")
    assert (version.uid, str(version), version.dataset.description) == (asked.uid, "support@1", "For tests")
    assert version.recipe["as_of"] == asked.created_at.isoformat() and not version.rows.filter(trace=late).exists()
    late.delete()
    at_once = build.freeze(project=project, name="other", query_text="since:7d", actor=Actor(), recipe=Recipe())
    assert at_once.content_hash == version.content_hash
    assert {**at_once.counts, "in_project": 13} == version.counts
    assert AuditEntry.objects.filter(action="dataset.frozen").count() == 2 and freezing.open_freezings() == []


def test_what_is_small_is_frozen_at_once(project: Project, rita: User) -> None:
    for _ in range(3):
        rows.trace(project, judged="acceptable", by=rita)
    made = ask(project)
    assert isinstance(made, DatasetVersion) and made.counts["rows"] == 3 and not Freezing.objects.exists()


@pytest.mark.usefixtures("many")
def test_many_unread_texts_make_it_large(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "TRACES_AT_ONCE", 100)
    monkeypatch.setattr(freezing, "TEXTS_AT_ONCE", 3)
    asked = ask(project)
    assert isinstance(asked, Freezing)
    work(asked)
    assert isinstance(ask(project), DatasetVersion), "the texts are read by now"


@pytest.mark.usefixtures("many")
def test_asked_twice_it_is_one_and_another_recipe_waits_its_turn(project: Project) -> None:
    asked = ask(project)
    assert ask(project).pk == asked.pk
    with pytest.raises(build.BadName, match="Another version of support is being frozen"):
        ask(project, seed=3)
    assert isinstance(ask(project, "elsewhere"), Freezing), "other names do not wait"
    work(asked)
    assert freezing.work(asked.pk, 1), "a doubled message finds it done"
    assert DatasetVersion.objects.count() == 1


@pytest.mark.usefixtures("many")
def test_texts_are_read_in_turns_and_the_count_goes_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.datasets.selecting.signatures.CHUNK", 5)
    asked, told = ask(project), []
    tell = freezing.Watch.tell

    def heard(self: freezing.Watch, stage: str, done: int, total: int) -> None:
        tell(self, stage, done, total)
        told.append(self.now)
        if stage == "reading":  # later this thread is inside the transaction
            self._write()

    monkeypatch.setattr(freezing.Watch, "tell", heard)
    assert not freezing.work(asked.pk, 0)
    asked.refresh_from_db()
    assert (asked.status, asked.stage, asked.done, asked.total) == ("working", "reading", 5, 12)
    assert asked.lease_owner == "", "whoever is nudged goes on"
    work(asked, 0)
    assert list(dict.fromkeys(told)) == [
        ("reading", 5, 12),
        ("reading", 10, 12),
        ("reading", 12, 12),
        ("choosing", 0, 0),
        ("writing", 0, 24),
    ]
    assert RevisionSignature.objects.count() == 12 and asked.status == "done"


@pytest.mark.usefixtures("many")
def test_cancelled_before_or_while_it_is_written_there_is_no_version(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(project)
    assert freezing.cancel(asked, Actor()) and not freezing.cancel(asked, Actor())
    work(asked)
    assert (asked.status, freezing.version_of(asked)) == ("cancelled", None)

    again = freezing.again(asked, Actor())
    assert isinstance(again, Freezing)
    tell = freezing.Watch.tell

    def cancelling(self: freezing.Watch, stage: str, done: int, total: int) -> None:
        if stage == "writing":
            _cancel_elsewhere(again.pk)
            self.stopped.wait(5)
        tell(self, stage, done, total)

    monkeypatch.setattr(freezing.Watch, "tell", cancelling)
    work(again)
    assert (again.status, DatasetVersion.objects.count()) == ("cancelled", 0)


def test_what_cannot_be_frozen_says_why_and_can_be_tried_again(project: Project) -> None:
    for _ in range(5):
        rows.trace(project)
    asked = ask(project)
    work(asked)
    assert asked.status == "failed" and "none became a row: 5" in asked.error
    assert [one.pk for one in freezing.recent(project)] == [asked.pk]
    assert isinstance(freezing.again(asked, Actor()), Freezing)


@pytest.mark.usefixtures("many")
def test_a_fault_of_ours_is_told_and_not_tried_for_ever(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def falls(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("oh")

    asked = ask(project)
    with monkeypatch.context() as patched:
        patched.setattr("curation.datasets.build.choose", falls)
        work(asked)
    assert (asked.status, asked.error) == ("failed", "ZeroDivisionError: oh")
    killed = freezing.again(asked, Actor())
    assert isinstance(killed, Freezing)
    Freezing.objects.filter(pk=killed.pk).update(attempts=freezing.MOST_ATTEMPTS)
    work(killed)
    assert killed.status == "failed" and "begun 3 times" in killed.error


@pytest.mark.usefixtures("many")
def test_a_version_that_was_made_stands_though_nobody_could_say_so(project: Project) -> None:
    asked = ask(project)
    build.freeze(project=project, name="support", query_text="", actor=Actor(), uid=asked.uid)
    work(asked)
    assert asked.status == "done" and DatasetVersion.objects.count() == 1


def _cancel_elsewhere(pk: int) -> None:
    """As a page does it, by another connection: that of the test's thread is inside the transaction of the freezing."""

    def act() -> None:
        try:
            assert freezing.cancel(Freezing.objects.select_related("project").get(pk=pk), Actor())
        finally:
            connection.close()

    thread = Thread(target=act)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("many")
def test_a_cancel_at_the_last_moment_is_heard_or_told_that_it_is_too_late(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, last_word = ask(project), freezing.Watch.last_word
    with monkeypatch.context() as patched:
        patched.setattr(watching, "TOLD_SECONDS", 60)  # nothing was asked since long
        patched.setattr(freezing.Watch, "last_word", lambda self: (_cancel_elsewhere(asked.pk), last_word(self)))
        work(asked)
    assert (asked.status, DatasetVersion.objects.count()) == ("cancelled", 0)

    late = ask(project)
    heard: list[bool] = []

    def cancel() -> None:
        heard.append(freezing.cancel(Freezing.objects.select_related("project").get(pk=late.pk), Actor()))
        connection.close()

    thread = Thread(target=cancel)

    def then_cancelled(self: freezing.Watch) -> None:
        last_word(self)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and not heard, "it waits until the version stands"

    monkeypatch.setattr(freezing.Watch, "last_word", then_cancelled)
    work(late)
    thread.join()
    assert heard == [False] and late.status == "done" and freezing.version_of(late) is not None
    assert not AuditEntry.objects.filter(action="dataset.freezing_cancelled", target=f"freezing:{late.uid}").exists()


@pytest.mark.usefixtures("many")
def test_a_cancel_is_heard_while_rows_are_chosen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask(project)
    make_rows = making.make

    def slowly(*args: Any) -> None:
        _cancel_elsewhere(asked.pk)
        time.sleep(0.3)
        make_rows(*args)

    monkeypatch.setattr("curation.datasets.selecting.making.make", slowly)
    monkeypatch.setattr("curation.datasets.selecting.thin.thin", lambda *args: pytest.fail("it went on"))
    work(asked)
    assert (asked.status, DatasetVersion.objects.count()) == ("cancelled", 0)


@pytest.mark.usefixtures("many")
def test_traces_are_those_of_then_and_words_those_of_now(project: Project, rita: User) -> None:
    waits = rows.trace(project, task_id="judged later")
    asked = ask(project)
    rows.judge(waits, rita)
    work(asked)
    version = freezing.version_of(asked)
    assert version is not None and version.counts["rows"] == 13 and version.rows.filter(trace=waits).exists()


@pytest.mark.usefixtures("many")
def test_who_asked_for_it_is_its_author_and_must_still_be_allowed_to(project: Project, alice: User) -> None:
    def asked_by_alice(name: str) -> Any:
        return freezing.ask(project=project, name=name, query_text="", actor=Actor(user=alice))

    first = asked_by_alice("first")
    User.objects.filter(pk=alice.pk).update(name="Alice Married")
    work(first)
    version = freezing.version_of(first)
    assert version is not None and (version.author, version.created_by) == ("Alice Engineer", alice)
    second, third = asked_by_alice("second"), asked_by_alice("third")
    Membership.objects.filter(user=alice, project=project).update(role=Role.REVIEWER)
    work(second)
    assert second.status == "failed" and "may not freeze in this project any more" in second.error
    Freezing.objects.filter(pk=third.pk).update(user=None)  # the account is gone
    work(third)
    assert third.status == "failed" and DatasetVersion.objects.count() == 1
