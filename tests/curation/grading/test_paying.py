"""What a batch pays for: nothing twice, nothing beyond what was agreed to, nothing for an item that is another's."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from curation.messages.form import message
from curation.models import Batch, BatchItem, Score
from curation.scoring import asking, batches, calling, claims, generation, working
from curation.scoring.refused import Refused
from tests import make
from tests.curation.grading import graders
from tests.curation.grading.graders import JUDGE, TWO, verdict
from tests.curation.grading.test_batches import begin, done
from tests.flows.fake_openai import chat, fake_openai
from workspace.access import SYSTEM
from workspace.connections import client
from workspace.models import Connection, Project, Role, User

pytestmark = pytest.mark.django_db
Seen = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    monkeypatch.setattr("workspace.connections.client.RETRIES", 0)


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[str], None]) -> None:
    """Do something each time before a model is asked."""
    ask = asking.ask

    def told(connection: Connection, sent: dict[str, Any], **options: Any) -> asking.Asked:
        act(sent["model"])
        return ask(connection, sent, **options)

    monkeypatch.setattr(asking, "ask", told)


def test_half_an_answer_is_kept_and_not_paid_for_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = []
    kept: list[Any] = []
    meanwhile(monkeypatch, lambda model: kept.append(BatchItem.objects.values_list("batch__cost_usd", "answer").get()))

    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if len(seen) == 2:
            return 503, {"error": {"message": "later", "type": "x"}}
        return verdict(asked, 0.4 if asked["model"] == "judge-2" else 0.8)

    with fake_openai(script, seen) as url:
        version = graders.judge(graders.connect(project, url), TWO)
        make.trace(project)
        batch = done(begin(project, version))
    assert [one["model"] for one in seen] == ["judge-1", "judge-2", "judge-2"]
    assert kept[1][0] == Decimal("0.000134") and kept[1][1]["message"], "written down before the next is asked"
    item = BatchItem.objects.get()
    assert (item.status, item.attempts, Score.objects.get().number) == ("done", 2, pytest.approx(0.6))
    assert [one["model"] for one in item.prompt] == ["judge-1", "judge-2"] and len(item.answer) == 2
    assert item.cost_usd == batch.cost_usd == 2 * Decimal("0.000134") == Project.objects.get().spent_usd
    assert (item.input_tokens, item.output_tokens) == (28, 24)


THREE = TWO | {
    "calculate_output": "(a + b + c) / 3",
    "graders": TWO["graders"] | {"c": {**JUDGE, "name": "c", "model": "judge-3"}},
}
KNOWN = {name: {"input": 1, "output": 10} for name in ("judge-1", "judge-3", "other-1")}


def test_an_answer_of_unknown_cost_takes_nothing_off_what_others_cost(project: Project) -> None:
    with fake_openai(verdict) as url:
        version = graders.judge(graders.connect(project, url, prices=KNOWN), THREE)
        make.trace(project)
        batch = done(begin(project, version))
    assert (batch.status, batch.done) == ("done", 1)
    assert batch.cost_usd == 2 * Decimal("0.000134") == Project.objects.get().spent_usd


def test_a_grade_of_unknown_cost_takes_nothing_off_what_a_candidate_cost(project: Project) -> None:
    with fake_openai(lambda asked: (200, chat(asked)) if asked["model"] == "other-1" else verdict(asked)) as url:
        line = graders.connect(project, url, prices=KNOWN)
        make.trace(project)
        given = {"query": "", "connection": line, "graders": [graders.judge(line, THREE)], "candidates": 1}
        told = generation.price(project=project, **given)
        batch = generation.start(project=project, actor=SYSTEM, key="g", confirmed=told.text, until=told.until, **given)
        done(batch)
    grade = BatchItem.objects.get().grades["helpful@1"]
    assert batch.status == "done" and grade["value"] == pytest.approx(0.8) and grade["cost_usd"] is None
    assert batch.cost_usd == 3 * Decimal("0.000134") == Project.objects.get().spent_usd


def test_a_database_that_fails_behind_an_answer_does_not_have_it_asked_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Seen = []
    ask = asking.ask

    def fails_behind(connection: Connection, sent: dict[str, Any], **options: Any) -> asking.Asked:
        ask(connection, sent, **options)
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(asking, "ask", fails_behind)
    with fake_openai(verdict, seen) as url:
        version = graders.judge(graders.connect(project, url))
        make.trace(project)
        batch = done(begin(project, version))
    item = BatchItem.objects.get()
    assert (len(seen), item.status, batch.status) == (1, "unknown", "done")
    assert "closed the connection" in item.error and "may have been paid for" in item.error


def test_a_database_that_fails_behind_a_candidate_does_not_have_it_asked_for_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Seen = []
    complete = client.complete

    def fails_behind(**sent: Any) -> client.Completion:
        complete(**sent)
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(client, "complete", fails_behind)
    with fake_openai(lambda asked: (200, chat(asked)), seen) as url:
        line = graders.connect(project, url)
        make.trace(project)
        given = {"query": "", "connection": line, "candidates": 1}
        told = generation.price(project=project, **given)
        batch = generation.start(project=project, actor=SYSTEM, key="g", confirmed=told.text, until=told.until, **given)
        done(batch)
    assert (len(seen), BatchItem.objects.get().status, batch.status) == (1, "unknown", "done")


def test_a_database_that_fails_before_a_request_leaves_it_waiting(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Seen = []
    check, failed = client.check_budget, []

    def fails_once(*given: Any, **named: Any) -> None:
        if len(seen) == 1 and not failed:
            failed.append(1)
            raise OperationalError("the server closed the connection")
        check(*given, **named)

    monkeypatch.setattr(client, "check_budget", fails_once)
    with fake_openai(verdict, seen) as url:
        version = graders.judge(graders.connect(project, url), TWO)
        make.trace(project)
        batch = done(begin(project, version))
    assert failed and [one["model"] for one in seen] == ["judge-1", "judge-2"], "what was answered is not asked again"
    assert (batch.status, batch.done, BatchItem.objects.get().attempts) == ("done", 1, 2)
    assert batch.cost_usd == 2 * Decimal("0.000134")


def test_half_an_answer_about_an_earlier_revision_is_not_used(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: Seen = []
    trace = make.trace(project)

    def act(model: str) -> None:
        if len(seen) == 1:  # amid the batch the trace says something else
            make.trace(project, external_id=trace.external_id, said=make.short_document(answer="No idea."))

    meanwhile(monkeypatch, act)

    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if len(seen) == 2:
            return 503, {"error": {"message": "later", "type": "x"}}
        return verdict(asked)

    with fake_openai(script, seen) as url:
        version = graders.judge(graders.connect(project, url), TWO)
        batch = done(begin(project, version))
    assert [one["model"] for one in seen] == ["judge-1", "judge-2", "judge-1", "judge-2"]
    trace.refresh_from_db()
    assert "No idea." in seen[2]["messages"][-1]["content"] and Score.objects.get().revision_id == trace.revision_id
    assert batch.cost_usd == 3 * Decimal("0.000134") == BatchItem.objects.get().cost_usd


def test_whoever_lost_an_item_pays_for_no_more_of_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Seen = []
    meanwhile(monkeypatch, lambda model: BatchItem.objects.update(attempts=7) and None)  # another process has it
    with fake_openai(verdict, seen) as url:
        version = graders.judge(graders.connect(project, url), TWO)
        make.trace(project)
        batches.work(begin(project, version).pk, 60)
    assert [one["model"] for one in seen] == ["judge-1"] and not Score.objects.exists()
    assert BatchItem.objects.get().status == "asking"


def test_answers_whose_tokens_nobody_counted_say_that_their_cost_is_an_estimate(project: Project) -> None:
    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, said = verdict(asked)
        return status, {name: value for name, value in said.items() if name != "usage"}

    with fake_openai(script) as url:
        version = graders.judge(graders.connect(project, url))
        make.trace(project)
        batch = done(begin(project, version))
    item = BatchItem.objects.get()
    assert item.answer["cost_is_estimate"] and item.input_tokens is None
    assert batch.cost_usd == item.cost_usd == Project.objects.get().spent_usd > 0


def test_a_gateway_that_gives_up_is_asked_once_for_an_item(project: Project) -> None:
    seen: Seen = []
    with fake_openai(lambda asked: (504, {"error": {"message": "upstream", "type": "x"}}), seen) as url:
        version = graders.judge(graders.connect(project, url))
        make.trace(project)
        batch = done(begin(project, version))
    item = BatchItem.objects.get()
    assert len(seen) == 1 and item.status == "unknown" and "may have been paid for" in item.error
    assert batch.status == "done" and "unknown" in batch.error


def long_winded(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A judge whose tokenizer makes far more of a prompt than characters / 4."""
    status, said = verdict(asked)
    return status, said | {"usage": {"prompt_tokens": 100_000, "completion_tokens": 10, "total_tokens": 100_010}}


def test_a_batch_stops_where_it_passes_what_was_agreed_to_and_goes_on_for_a_new_price(project: Project) -> None:
    seen: Seen = []
    with fake_openai(long_winded, seen) as url:
        version = graders.judge(graders.connect(project, url))
        for _ in range(4):
            make.trace(project)
        told = batches.price(project=project, version=version, query="")
        assert told.usd is not None and told.usd < Decimal("0.02"), "and each call is 10 cents"
        batch = done(begin(project, version))
        assert (batch.status, batch.done, len(seen)) == ("failed", 1, 1)
        assert batch.error.startswith("It cost $0.100 so far, more than the $0.01") and "resume it" in batch.error
        assert batch.items.filter(status="waiting").count() == 3 and Score.objects.count() == 1
        with pytest.raises(Refused, match="Say that this may cost"):
            batches.resume(batch, SYSTEM)
        rest = batches.price_of_rest(batch)
        assert rest.calls == 3 and rest.usd is not None and rest.usd < told.usd
        with pytest.raises(Refused, match="another one than was shown"):
            batches.resume(batch, SYSTEM, confirmed="0.000001")
        batch.refresh_from_db()
        assert batch.status == "failed"
        graders.resume(batch)
        assert batch.estimate_usd == batch.cost_usd + rest.usd
        assert (done(batch).status, len(seen)) == ("failed", 2)
        # whoever knows better agrees to more
        batches.resume(batch, SYSTEM, confirmed="5")
        assert (done(batch).status, batch.done, len(seen)) == ("done", 4, 4)


def test_asking_again_has_a_price_and_needs_the_budget(project: Project) -> None:
    seen: Seen = []
    with fake_openai(lambda asked: (200, chat(asked, "very good")), seen) as url:
        version = graders.judge(graders.connect(project, url))
        for _ in range(3):
            make.trace(project)
        batch = done(begin(project, version))
        assert (batch.status, batch.failed) == ("done", 3)
        BatchItem.objects.filter(pk=BatchItem.objects.first().pk).update(status="unknown")
        for how, calls in (({"again_failed": True}, 2), ({"again_unknown": True}, 1)):
            told = batches.price_of_rest(batch, **how)
            assert (told.items, told.calls) == (calls, calls) and not told.is_free
            with pytest.raises(Refused, match="Say that this may cost"):
                batches.resume(batch, SYSTEM, **how)
        Project.objects.update(budget_usd=Decimal("0.001"))
        told = batches.price_of_rest(batch, again_failed=True)
        with pytest.raises(Refused, match="budget of Acme support"):
            batches.resume(batch, SYSTEM, again_failed=True, confirmed=told.text)
        assert len(seen) == 3 and BatchItem.objects.filter(status="waiting").count() == 0


def test_the_rest_of_candidates_is_priced_by_what_each_still_needs(project: Project) -> None:
    away = (503, {"error": {"message": "later", "type": "x"}})
    with fake_openai(lambda asked: away if asked["model"] == "judge-1" else (200, chat(asked))) as url:
        line = graders.connect(project, url)
        make.trace(project)
        make.trace(project)
        given = {"query": "", "connection": line, "graders": [graders.judge(line)], "max_tokens": 100}
        told = generation.price(project=project, **given)
        batch = generation.start(project=project, actor=SYSTEM, key="g", confirmed=told.text, until=told.until, **given)
        done(batch)
    answered = batch.items.filter(answer__isnull=False).count()
    rest = batches.price_of_rest(batch)
    assert batch.status == "failed" and 0 < answered < 6 and told.calls == 12
    assert rest.calls == (6 - answered) + 6, "what was generated is only graded"


def test_generating_for_traces_that_cannot_be_sent_is_refused_with_a_judge_too(project: Project) -> None:
    line = graders.connect(project)
    picture = message("user", "What is this?")
    picture["parts"].append({"type": "audio", "url": "data:audio/wav;base64,AA"})
    make.trace(project, said=make.document(picture, message("assistant", "A dog.")))
    with pytest.raises(Refused, match="can be sent"):
        generation.price(project=project, query="", connection=line, graders=[graders.judge(line)])


def test_half_a_candidates_grade_is_kept_and_not_paid_for_again(project: Project) -> None:
    seen: Seen = []

    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if asked["model"] == "other-1":
            return 200, chat(asked)
        return (503, {"error": {"message": "later", "type": "x"}}) if len(seen) == 3 else verdict(asked)

    with fake_openai(script, seen) as url:
        line = graders.connect(project, url)
        make.trace(project)
        given = {"query": "", "connection": line, "graders": [graders.judge(line, TWO)], "candidates": 1}
        told = generation.price(project=project, **given)
        batch = generation.start(project=project, actor=SYSTEM, key="g", confirmed=told.text, until=told.until, **given)
        done(batch)
    assert [one["model"] for one in seen] == ["other-1", "judge-1", "judge-2", "judge-2"]
    item = BatchItem.objects.get()
    grade = item.grades["helpful@1"]
    assert item.status == "done" and grade["value"] == pytest.approx(0.8) and "waits" not in grade
    assert item.cost_usd == batch.cost_usd == 3 * Decimal("0.000134")
    assert Decimal(grade["cost_usd"]) == 2 * Decimal("0.000134") and len(grade["answer"]) == 2


def test_pages_and_the_api_show_the_price_before_a_batch_goes_on(
    project: Project, alice: User, as_user: Callable[[User], Client], api: Callable[..., Client]
) -> None:
    seen: Seen = []
    with fake_openai(verdict, seen) as url:
        version = graders.judge(graders.connect(project, url))
        make.trace(project)
        make.trace(project)
        batch = begin(project, version)
        batches.cancel(batch, SYSTEM)
        client, here = as_user(alice), f"/p/acme/graders/batches/{batch.uid}/"
        asked = client.post(here, {"act": "resume"})
        assert asked["Location"] == f"{here}?price=resume#price" and batches.open_batches() == []
        page = client.get(asked["Location"]).content.decode()
        told = batches.price_of_rest(batch)
        assert "Go on with this batch" in page and "At most about $" in page and f'value="{told.text}"' in page
        there = f"/api/projects/acme/batches/{batch.uid}/resume"
        send = api(Role.ENGINEER).post
        assert send(there, {}, content_type="application/json").status_code == 422
        said = send(f"{there}/price", {}, content_type="application/json").json()
        assert (said["price"], said["calls"]) == (told.text, 2)
        none = send(f"{there}/price", {"again_failed": False}, content_type="application/json")
        assert none.status_code == 200 and seen == []
        client.post(here, {"act": "resume", "confirmed": told.text})
        batch.refresh_from_db()
        assert batch.status != "cancelled"
        assert done(batch).done == 2
        ended = client.get(f"{here}?price=resume").content.decode()
        assert "Nothing waits in this batch" in ended
        assert send(f"{there}/price", {}, content_type="application/json").json()["error"]["code"] == "nothing_to_do"


def test_a_candidate_that_a_dead_process_had_asked_for_is_not_asked_for_again(project: Project) -> None:
    seen: Seen = []
    with fake_openai(lambda asked: (200, chat(asked)), seen) as url:
        line = graders.connect(project, url)
        make.trace(project)
        told = generation.price(project=project, query="", connection=line, candidates=1)
        batch = generation.start(
            project=project, actor=SYSTEM, key="g", confirmed=told.text, until=told.until, query="", connection=line,
            candidates=1,
        )  # fmt: skip
        gone = '["", 1, "", ""]'
        assert working.take(batch.pk, gone) and len(claims.claim(batch.pk, gone, 1)) == 1
        Batch.objects.update(lease_until=batch.created_at)
        done(batch)
    assert seen == [] and BatchItem.objects.get().status == "unknown", "it may have been paid for"
