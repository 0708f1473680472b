"""Questions of error recovery: asked in a queue, answered with the verdict, taken back with it, and made into rows."""

from typing import Any

import pytest
from django.test import Client

from curation.datasets import build
from curation.datasets.exporting import export
from curation.datasets.recipe import parse
from curation.messages.form import text_of
from curation.models import QueueItem, ReviewQueue, Score, Trace
from curation.review import corrections, judgments, questions, queues
from curation.review.invalid import Invalid
from tests import make
from workspace.access import SYSTEM, Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(project: Project, rita: User) -> QueueItem:
    """An item of a queue that asks, handed to Rita."""
    make.trace(project)
    queue = queues.create(project=project, actor=SYSTEM, name="Errors", query="", asks=questions.RECOVERY)
    queues.lease_next(queue=queue, user=rita)
    return QueueItem.objects.get()


def address(item: QueueItem) -> str:
    return f"/p/acme/review/{item.queue.slug}/{item.uid}/"


def answer(client: Client, item: QueueItem, **given: Any) -> Any:
    fields = {"verdict": "unacceptable", "key": "k1", "recovery_strategy": "retry", "error_type": " timeout ", **given}
    return client.post(address(item), fields, headers={"Accept": "application/json"})


def test_answers_come_with_the_verdict_and_go_with_it(
    project: Project, rita: User, item: QueueItem, as_user: Any
) -> None:
    client: Client = as_user(rita)
    page = client.get(address(item)).content.decode()
    assert 'name="recovery_strategy" value="graceful_fail" data-key="9"' in page and 'name="error_type"' in page
    assert answer(client, item).status_code < 400
    assert answer(client, item).status_code < 400, "the same again, as after a lost connection"
    said = {one.name: (one.category, one.source, one.author) for one in Score.objects.all()}
    assert said == {"recovery_strategy": ("retry", "human", str(rita)), "error_type": ("timeout", "human", str(rita))}
    page = client.get(address(item)).content.decode()
    assert 'value="retry" data-key="7" data-key-name="Recovery: try again" checked' in page
    judgments.withdraw(project=project, actor=Actor(user=rita), key="k1")
    assert not Score.objects.exists()


def test_a_wrong_answer_judges_nothing(project: Project, rita: User, item: QueueItem, as_user: Any) -> None:
    assert answer(as_user(rita), item, recovery_strategy="shrug").status_code == 422
    assert not Score.objects.exists()
    assert Trace.objects.get().verdict == ""


def test_other_queues_do_not_ask(project: Project, rita: User, as_user: Any) -> None:
    make.trace(project)
    queue = queues.default_queue(project=project)
    item = queues.lease_next(queue=queue, user=rita)
    page = as_user(rita).get(f"/p/acme/review/{queue.slug}/{item}/").content.decode()
    assert "recovery_strategy" not in page


def test_the_set_is_chosen_on_the_page_of_the_queue(project: Project, alice: User, as_user: Any) -> None:
    client: Client = as_user(alice)
    given = {"act": "create", "name": "Errors", "query": "", "instructions": "", "questions": "error_recovery"}
    assert client.post("/p/acme/review/", given).status_code == 302
    queue = ReviewQueue.objects.get(slug="errors")
    assert queue.questions == "error_recovery"
    page = client.get("/p/acme/review/errors/about/").content.decode()
    assert '<option value="error_recovery" selected>' in page
    with pytest.raises(Invalid, match="must be one of empty, error_recovery"):
        queues.create(project=project, actor=SYSTEM, name="Other", query="", asks="horoscope")


def test_what_was_answered_becomes_a_row(project: Project, rita: User, item: QueueItem, as_user: Any) -> None:
    answer(as_user(rita), item)
    text = "The lookup timed out. I try it once more."
    corrections.correct(project=project, actor=Actor(user=rita), trace_uid=item.trace.uid, text=text)
    version = build.freeze(
        project=project, name="recovery", query_text="score.recovery_strategy:retry", actor=SYSTEM,
        recipe=parse({"task": "error_recovery", "corrections": "rescue"}),
    )  # fmt: skip
    (row,) = export.read_rows(version)
    assert row.example.item["recoveryStrategy"] == "retry"
    assert row.example.item["errorType"] == "timeout"
    assert row.example.item["correctResponse"] == text
    assert row.example.item["incorrectResponse"] == "It left the depot this morning."
    assert '"recovery_strategy": "retry"' in text_of(row.example.messages[-1])
