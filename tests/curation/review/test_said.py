"""Feedback and scores by others: by any name of the trace, before it has come, sent twice, and by commands."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock
from unittest.mock import DEFAULT

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from curation.ingest.prepare import stored_id
from curation.known_scores import KNOWN
from curation.messages.clean import Notes
from curation.models import Feedback, Grader, Score, WaitingWord
from curation.privacy import rules
from curation.privacy.patterns import KINDS
from curation.review import said
from curation.review.scores import Value
from curation.tasks import give_words
from tests import make
from workspace.access import Actor
from workspace.models import Project

HERE = "/api/projects/acme"
WORDS: dict[str, dict[str, Any]] = {
    "feedback": {"rating": 2, "aspects": {"toolSelection": 1, "responseQuality": 4, "speed": 5}, "comments": "Wrong tool.",
                 "suggested_tools": ["refund"], "suggested_response": "Your money is on its way.", "author": "customer 7"},
    "scores": {"name": "tone", "category": "rude", "reason": "shouting"},
}  # fmt: skip


def post(client: Client, path: str, body: dict[str, Any]) -> Any:
    return client.post(f"{HERE}/{path}", body, content_type="application/json")


@pytest.mark.parametrize("what", ["feedback", "scores"])
def test_by_our_id_theirs_or_the_session_and_twice(project: Project, api: Callable[..., Client], what: str) -> None:
    trace = make.trace(project, external_id="req/1", session_id="s-1")
    client, words = api(), WORDS[what]
    assert post(client, what, {**words, "trace": str(trace.uid)}).status_code == 201
    for about in ({"trace": "req/1"}, {"session": "s-1"}, {"trace": str(trace.uid)}):
        answer = post(client, what, {**words, **about})
        assert (answer.status_code, answer.json()["trace"]) == (200, str(trace.uid))
    assert post(client, f"traces/{trace.uid}/{what}", words).status_code == 200
    assert (Feedback if what == "feedback" else Score).objects.count() == 1
    for wrong in ({}, {"trace": "req/1", "session": "s-1"}):
        answer = post(client, what, {**words, **wrong})
        assert (answer.status_code, answer.json()["error"]["details"][0]["where"]) == (422, "trace")


def test_a_session_means_its_newest_trace(project: Project, api: Callable[..., Client]) -> None:
    now = timezone.now()
    for minutes in (2, 0, 1):
        make.trace(project, external_id=f"{minutes}", session_id="s", received_at=now - timedelta(minutes=minutes))
    post(api(), "scores", {**WORDS["scores"], "session": "s"})
    assert Score.objects.get().trace.external_id == "0"


@pytest.mark.parametrize("what", ["feedback", "scores"])
@pytest.mark.parametrize(
    "about", [{"trace": "later"}, {"session": "soon"}, {"trace": "x" * 300}], ids=["id", "session", "long"]
)
def test_words_that_come_before_their_trace(
    project: Project, api: Callable[..., Client], what: str, about: dict[str, str]
) -> None:
    other = Project.objects.create(slug="other", name="Other")
    make.trace(other, external_id="later", session_id="soon")
    client = api()
    for _ in range(3):
        answer = post(client, what, {**WORDS[what], **about})
        assert (answer.status_code, answer.json()) == (202, {"outcome": "waiting", "note": ""})
    give_words()
    assert WaitingWord.objects.count() == 1  # a trace of another project is none of ours
    name = stored_id(about.get("trace", "any"), Notes())
    trace = make.trace(project, external_id=name, session_id=about.get("session", ""))
    give_words()
    assert not WaitingWord.objects.exists()
    row = trace.feedback.get() if what == "feedback" else trace.scores.get()
    assert row.author == ("customer 7" if what == "feedback" else "token test engineer")
    assert post(client, what, {**WORDS[what], **about}).status_code == 200
    give_words()
    assert trace.feedback.count() + trace.scores.count() == 1


def test_a_waiting_score_with_an_id_is_replaced_by_the_newer_one(project: Project, api: Callable[..., Client]) -> None:
    client = api()
    for number in (0.2, 0.9):
        post(client, "scores", {"name": "reward", "number": number, "external_id": "e", "trace": "later"})
    trace = make.trace(project, external_id="later")
    give_words()
    assert [score.number for score in trace.scores.all()] == [0.9]


def test_a_word_that_waited_does_not_undo_a_newer_one(project: Project, api: Callable[..., Client]) -> None:
    """The trace came, and the next value of the same score before the sweep."""
    client = api()
    post(client, "scores", {"name": "tone", "category": "first", "external_id": "s1", "trace": "req-2"})
    make.trace(project, external_id="req-2")
    post(client, "scores", {"name": "tone", "category": "second", "external_id": "s1", "trace": "req-2"})
    give_words()
    assert Score.objects.get().category == "second" and not WaitingWord.objects.exists()


def test_a_word_is_kept_while_the_older_one_is_being_given(project: Project, api: Callable[..., Client]) -> None:
    actor, about = Actor(), said.About(trace="req-3")
    say = {"project": project, "actor": actor, "about": about}
    said.say_score(**say, value=Value(name="tone", category="first", external_id="s1"))
    old = WaitingWord.objects.get()
    WaitingWord.objects.all().delete()  # a worker gave it, right after it was read
    with mock.patch.object(WaitingWord.objects, "get_or_create", side_effect=[(old, False), DEFAULT]) as found:
        found.return_value = (
            WaitingWord.objects.create(project=project, kind="score", external_id="req-3", key="k", payload={}),
            True,
        )
        assert said.say_score(**say, value=Value(name="tone", category="second", external_id="s1")).outcome == "waiting"
    assert found.call_count == 2


def test_the_sweep_costs_one_look_where_nothing_waits(project: Project) -> None:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert said.deliver() == 0
    assert len(seen) == 1


def test_words_do_not_wait_for_ever(project: Project, api: Callable[..., Client]) -> None:
    post(api(), "scores", {**WORDS["scores"], "trace": "never"})
    assert said.drop_old() == 0
    WaitingWord.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert said.drop_old() == 1


@pytest.mark.parametrize(
    ("body", "where", "reason"),
    [
        ({"name": "response_quality", "number": 5.5}, "number", "from 0 to 5 for response_quality; got 5.5"),
        ({"name": "responseQuality", "number": -1}, "number", "from 0 to 5 for response_quality"),
        ({"name": "validation_confidence", "number": 2}, "number", "from 0 to 1"),
        ({"name": "user_satisfaction", "category": "good"}, "number", "a number from 0 to 5"),
        ({"name": "correct_tool_selection", "number": 1}, "boolean", "is true or false"),
        ({"name": "a\x00b", "number": 1}, "name", "NUL"),
    ],
    ids=["high", "camel-case", "confidence", "kind", "boolean", "nul"],
)
def test_out_of_range_names_the_field_and_the_range(
    project: Project, api: Callable[..., Client], body: dict[str, Any], where: str, reason: str
) -> None:
    answer = post(api(), "scores", {**body, "trace": make.trace(project).external_id})
    detail = answer.json()["error"]["details"][0]
    assert answer.status_code == 422 and detail["where"] == where and reason in detail["reason"], answer.json()
    assert not Score.objects.exists()


def test_known_scores_have_their_range_and_other_names_are_free(project: Project, api: Callable[..., Client]) -> None:
    trace, client = make.trace(project), api()
    for name, value in (("responseQuality", 4), ("userSatisfaction", 0), ("validation_confidence", 1)):
        assert post(client, "scores", {"name": name, "number": value, "trace": str(trace.uid)}).status_code == 201
    assert (
        post(client, "scores", {"name": "correctToolSelection", "boolean": True, "trace": str(trace.uid)}).status_code
        == 201
    )
    assert post(client, "scores", {"name": "my own", "number": 1e9, "trace": str(trace.uid)}).status_code == 201
    found = {score.name: (score.low, score.high) for score in trace.scores.all()}
    assert found == {
        "response_quality": (0, 5), "user_satisfaction": (0, 5), "validation_confidence": (0, 1),
        "correct_tool_selection": (None, None), "my own": (None, None),
    }  # fmt: skip
    assert set(KNOWN) < set(found)


def test_who_sends_a_score_under_the_name_of_a_grader_is_told(project: Project, api: Callable[..., Client]) -> None:
    Grader.objects.create(project=project, slug="polite", name="Polite")
    make.trace(project, external_id="t")
    for name, source, trace, noted in (
        ("polite", None, "t", True), ("polite", None, "later", True), ("polite", "judge", "t", True),
        ("polite", "human", "t", False), ("tone", "judge", "t", False),
    ):  # fmt: skip
        answer = post(api(), "scores", {"name": name, "number": 1, "source": source, "trace": trace})
        assert answer.status_code == (202 if trace == "later" else 201)
        assert ("polite is a grader of this project" in answer.json()["note"]) == noted, (name, source)
    err = StringIO()
    told = ("--project", "acme", "--trace", "t", "--name", "polite", "--number", "0")
    call_command("add_score", *told, stdout=StringIO(), stderr=err)
    assert "polite is a grader of this project" in err.getvalue()


def test_the_id_of_a_graders_own_score_cannot_be_sent(project: Project, api: Callable[..., Client]) -> None:
    make.trace(project, external_id="t")
    body = {"trace": "t", "name": "polite", "number": 1, "grader_version": "polite@1", "external_id": "grader:x"}
    for source in ("judge", "code"):
        answer = post(api(), "scores", {**body, "source": source})
        assert (answer.status_code, answer.json()["error"]["details"][0]["where"]) == (422, "external_id")
    assert not Score.objects.exists()
    assert post(api(), "scores", body).status_code == 201, "what is sent as imported is never taken for a grader's own"


def test_commands(project: Project) -> None:
    trace = make.trace(project, external_id="req-1")

    def run(name: str, *arguments: str) -> str:
        out = StringIO()
        call_command(name, "--project", "acme", *arguments, stdout=out)
        return out.getvalue().strip()

    given = ("--rating", "4", "--comment", "Quick.", "--aspect", "toolSelection=5", "--aspect", "speed=3",
             "--suggested-tool", "search", "--suggested-response", "Tomorrow.")  # fmt: skip
    assert run("add_feedback", "--trace", "req-1", *given) == f"created {trace.uid}"
    assert run("add_feedback", "--example", str(trace.uid), *given) == f"unchanged {trace.uid}"
    row = Feedback.objects.get()
    assert (row.rating, row.aspects, row.comments) == (4, {"toolSelection": 5, "speed": 3}, "Quick.")
    assert (row.suggested_tools, row.suggested_response, row.author) == (["search"], "Tomorrow.", "system")
    score = ("add_score", "--trace", "req-1", "--name", "response_quality", "--id", "n1")
    assert run(*score, "--number", "3") == f"created {trace.uid}"
    assert run(*score, "--number", "4") == f"changed {trace.uid}"
    assert run("add_score", "--session", "none yet", "--name", "x", "--boolean", "false") == "waiting"
    for wrong, reason in (
        (("add_feedback", "--trace", "req-1", "--rating", "6"), "rating must be a whole number from 1 to 5; got 6"),
        (("add_feedback", "--trace", "req-1", "--aspect", "speed"), "NAME=1..5"),
        ((*score, "--number", "9"), "from 0 to 5"),
    ):
        with pytest.raises(CommandError, match=reason):
            run(*wrong)


def test_personal_data_is_replaced_before_it_is_stored_where_the_project_wants_that(
    project: Project, api: Callable[..., Client]
) -> None:
    rules.change(project=project, actor=Actor(), rules=rules.Rules(redact=frozenset(KINDS)))
    trace, word = make.trace(project), "write to bob@example.com"
    about = {"trace": str(trace.uid)}
    said_of = {"rating": 1, "comments": word, "suggested_response": word, "author": "bob@example.com"}
    assert post(api(), "feedback", {**said_of, **about}).status_code == 201
    assert post(api(), "feedback", {**said_of, **about}).status_code == 200  # the same word is the same pseudonym
    post(api(), "scores", {"name": "x", "number": 1, "reason": word, "trace": "later"})
    row = trace.feedback.get()
    kept = [row.comments, row.suggested_response, row.author, str(WaitingWord.objects.get().payload)]
    assert not any("bob@example.com" in text for text in kept), kept


def test_the_trace_page_shows_what_was_said(
    project: Project, api: Callable[..., Client], rita: Any, as_user: Callable[[Any], Client]
) -> None:
    trace = make.trace(project)
    for what, words in WORDS.items():
        post(api(), what, {**words, "trace": str(trace.uid)})
    page = as_user(rita).get(f"/p/acme/traces/{trace.uid}/").content.decode()
    for text in (
        "2 of 5",
        "customer 7",
        "Wrong tool.",
        "toolSelection 1",
        "Your money is on its way.",
        "refund",
        "tone",
        "rude",
    ):
        assert text in page, text
