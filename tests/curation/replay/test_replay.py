"""Replays: what is sent, what it may cost, that it is asked once, and that the answer is a trace kept apart."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from curation import filters
from curation.browse import rollups
from curation.datasets import build
from curation.forget.person import Subject, forget
from curation.messages.form import message
from curation.models import QueueItem, Replay, ReviewQueue, Rollup, Trace
from curation.replay import ask, request
from curation.replay.opening import CannotReplay, edited, opening, wire
from curation.review import queues
from tests import make
from tests.flows.fake_openai import TEXT, fake_openai
from workspace.access import Actor
from workspace.connections import client, secrets
from workspace.models import Connection, Project, User

pytestmark = pytest.mark.django_db
As = Callable[[User], Client]
SAID = make.document(
    message("system", "You help customers of a shop."),
    message("user", "Where is order 7?"),
    message(
        "assistant",
        "",
        tool_calls=[make.call("get_order", '{"order_id": "7"}', "k1")],
        usage={"input": 90},
        cost_usd="1",
    ),
    make.tool_result('{"status": "late"}', "k1"),
    message("assistant", "It is on time.", cost_usd="2"),
    tools=[make.ORDER_TOOL],
)


@pytest.fixture
def endpoint() -> Iterator[str]:
    with fake_openai() as url:
        yield url


def connect(project: Project, url: str = "http://127.0.0.1:9/v1", **fields: object) -> Connection:
    values = {"name": "Models", "default_model": "other-1", "allow_private_host": True, "prices": {}, **fields}
    return Connection.objects.create(project=project, base_url=url, key_encrypted=secrets.encrypt("k"), **values)


def test_the_opening_ends_before_the_step_and_keeps_no_costs() -> None:
    answer = opening(SAID, "c0m4")
    assert [one["role"] for one in answer.messages] == ["system", "user", "assistant", "tool"]
    assert answer.original is not None and answer.prompt == '{"status": "late"}' and answer.between == 2
    assert not any(key in one for one in answer.messages for key in ("usage", "cost_usd"))
    call = opening(SAID, "k1")
    assert [one["role"] for one in call.messages] == ["system", "user"] and call.prompt == "Where is order 7?"
    with pytest.raises(CannotReplay, match="no step 'nope'"):
        opening(SAID, "nope")
    with pytest.raises(CannotReplay, match="Nobody asked"):
        opening(make.document(message("assistant", "Hello.")), "c0m0")


def test_only_what_was_edited_changes() -> None:
    found = opening(SAID, "c0m4")
    same = {"system": found.system, "prompt": found.prompt, "tools": found.tools_text.replace("\n", "\r\n")}
    assert edited(found, same).changed == [] and edited(found, {}).messages == found.messages
    sent = edited(found, {"system": "Be honest.", "prompt": "late\r\nvery", "tools": "[]"})
    assert sent.changed == ["the tool's result", "tools", "system prompt"]
    messages, tools = wire(sent)
    assert messages[0] == {"role": "system", "content": "Be honest."} and tools == []
    assert messages[3] == {"role": "tool", "tool_call_id": "k1", "content": "late\nvery"}
    assert found.system == "You help customers of a shop.", "the original stays"
    assert [one["role"] for one in edited(found, {"system": " "}).messages] == ["user", "assistant", "tool"]
    for field, text, why in (("tools", "{", "no JSON"), ("tools", "{}", "A list"), ("prompt", " ", "empty")):
        with pytest.raises(CannotReplay, match=why) as caught:
            edited(found, {field: text})
        assert caught.value.where == field


def test_the_price_and_the_budget(project: Project) -> None:
    found = opening(SAID, "c0m4")
    known = connect(project, prices={"*": {"input": 1, "output": 10}})
    wanted = request.plan(project=project, found=found, given={"connection": str(known.uid), "max_tokens": "100"})
    assert wanted.price.input == wanted.sent.example.total_tokens and wanted.model == "other-1"
    assert wanted.price.usd == Decimal(wanted.price.input + 1_000) / 1_000_000
    assert (
        request.plan(project=project, found=found, given={"connection": str(connect(project, name="b").uid)}).price.usd
        is None
    )
    capped = connect(project, name="c", prices={"*": {"input": 1, "output": 10}}, budget_usd="0.0005")
    with pytest.raises(CannotReplay, match="does not allow it"):
        request.plan(project=project, found=found, given={"connection": str(capped.uid)})
    for field, text in (("connection", "x"), ("max_tokens", "0"), ("temperature", "3"), ("max_tokens", "9" * 30)):
        with pytest.raises(CannotReplay) as caught:
            request.plan(project=project, found=found, given={"connection": str(known.uid), field: text})
        assert caught.value.where == field


def test_from_the_form_to_a_trace_of_its_own(
    project: Project, rita: User, ada: User, as_user: As, endpoint: str
) -> None:
    trace = make.trace(project, said=SAID, task_id="t-7", user_id="u-1")
    line = connect(project, endpoint, prices={"*": {"input": 10, "output": 20}})
    here, client = f"/p/acme/traces/{trace.uid}/replay/", as_user(ada)
    page = client.get(f"{here}?step=c0m4").content.decode()
    assert "You help customers of a shop." in page and "Show the price" in page
    assert as_user(rita).get(f"{here}?step=c0m4").status_code == 403
    assert client.get(f"{here}?step=nope").status_code == 404
    form = {"step": "c0m4", "key": "one", "connection": str(line.uid), "system": "Be honest.", "temperature": "0.5"}
    priced = client.post(here, {**form, "act": "price"}).content.decode()
    assert "At most about $0.02" in priced and 'name="confirmed"' in priced and not Replay.objects.exists()
    refused = client.post(here, {**form, "act": "send"})
    assert refused.status_code == 422 and "Say that this may cost" in refused.content.decode()
    agreed = re.search(r'name="confirmed" value="([0-9.]+)"', priced)
    assert agreed, "the button says to how much"
    for changed in ({"max_tokens": "30000"}, {"prompt": "long " * 9000}):
        dearer = client.post(here, {**form, **changed, "act": "send", "confirmed": agreed[1]})
        assert dearer.status_code == 422 and "price is another one" in dearer.content.decode(), "not what was agreed to"
        assert not Replay.objects.exists()
    for _ in range(2):  # a doubled form is one request
        sent = client.post(here, {**form, "act": "send", "confirmed": agreed[1]})
    replay = Replay.objects.get()
    assert sent["Location"] == f"/p/acme/replays/{replay.uid}/"
    assert 'hx-trigger="every 1s"' in client.get(sent["Location"]).content.decode()
    assert ask.waiting() == [replay.pk] and ask.answer(replay.pk) and not ask.answer(replay.pk)
    replay.refresh_from_db()
    assert (replay.status, replay.messages, replay.cost_usd) == ("done", [], Decimal("0.00038"))
    made = replay.result
    assert made is not None and made.is_replay and (made.source_format, made.user_id) == ("replay", "u-1")
    assert made.metadata["replay_of"] == str(trace.uid) and made.metadata["replay_step"] == "c0m4"
    assert made.cost_usd == Decimal("0.00038"), "the original's costs are not paid again"
    line.refresh_from_db()
    assert line.spent_usd == Decimal("0.00038")
    shown = as_user(rita).get(sent["Location"]).content.decode()
    assert "<del>" in shown and "<ins>" in shown and "system prompt, model other-1, temperature 0.5" in shown
    assert TEXT.split(";")[0] in shown and f"left={trace.uid}&amp;right={made.uid}" in shown


def test_errors_are_said_and_nothing_is_asked_twice(project: Project, ada: User, as_user: As) -> None:
    trace = make.trace(project, said=SAID)
    line = connect(project, prices={"*": {"input": 0, "output": 0}})
    form = {"step": "c0m4", "key": "one", "connection": str(line.uid), "act": "send"}
    client, here = as_user(ada), f"/p/acme/traces/{trace.uid}/replay/"
    client.post(here, form)  # free: nothing to confirm
    replay = Replay.objects.get()
    assert replay.changed == ["model other-1"]
    line_gone = Connection.objects.filter(pk=line.pk)
    line_gone.update(budget_usd=0)
    ask.answer(replay.pk)
    replay.refresh_from_db()
    assert replay.status == "failed" and "budget of Models is used up" in replay.error
    assert "budget of Models is used up" in client.get(f"/p/acme/replays/{replay.uid}/").content.decode()
    line_gone.update(budget_usd=None)
    client.post(here, {**form, "key": "two"})
    lost = Replay.objects.exclude(pk=replay.pk)
    lost.update(status="running", asked_at=timezone.now() - ask.LOST_AFTER)
    assert ask.waiting() == [] and lost.get().status == "failed" and "may have been paid" in lost.get().error
    assert Trace.objects.count() == 1


@pytest.mark.parametrize("what", ["forgotten", "given up"])
def test_an_answer_on_its_way(project: Project, ada: User, as_user: As, what: str) -> None:
    """Whose trace is deleted meanwhile gets no new one; one that was given up is done after all."""
    trace = make.trace(project, said=SAID, user_id="u-1")
    line = connect(project, prices={"*": {"input": 0, "output": 0}})
    form = {"step": "c0m4", "key": "one", "connection": str(line.uid), "act": "send"}
    as_user(ada).post(f"/p/acme/traces/{trace.uid}/replay/", form)
    replay = Replay.objects.get()

    def meanwhile(**given: object) -> client.Completion:
        if what == "forgotten":
            forget(project=project, actor=Actor(), subject=Subject(user_id="u-1"))
        else:
            Replay.objects.update(status="failed", error=ask.LOST)
        return client.Completion({"role": "assistant", "content": "Late."}, "stop", "other-1", 5, 2, None, 9)

    with mock.patch.object(client, "complete", meanwhile):
        ask.answer(replay.pk)
    if what == "forgotten":
        assert not Trace.objects.exists()
    else:
        replay.refresh_from_db()
        assert (replay.status, replay.error, replay.messages) == ("done", "", []) and replay.result is not None


def test_a_replay_is_in_no_list_queue_or_sum_unless_asked_for(project: Project, ada: User) -> None:
    real, made = make.trace(project), make.trace(project, said=make.short_document("Another?", "Yes."))
    Trace.objects.filter(pk=made.pk).update(is_replay=True)
    every = Trace.objects.filter(project=project)
    assert [one.pk for one in filters.apply(every, filters.parse(""))] == [real.pk]
    assert [one.pk for one in filters.apply(every, filters.parse("replay:yes"))] == [made.pk]
    queue = ReviewQueue.objects.create(project=project, name="All", slug="all", query="judged:no")
    assert queues.refill(queue=queue) == 1
    asked = ReviewQueue.objects.create(project=project, name="Replays", slug="replays", query="replay:yes")
    assert queues.refill(queue=asked) == 1
    assert QueueItem.objects.get(queue=asked).trace_id == made.pk
    rollups.mark_all(project=project)
    rollups.sweep()
    assert sum(one.traces for one in Rollup.objects.filter(project=project, is_day=False)) == 1


def test_a_replay_is_in_no_dataset_unless_asked_for(project: Project, ada: User) -> None:
    real, made = make.trace(project), make.trace(project, said=make.short_document("Another?", "Yes."))
    Trace.objects.filter(pk=made.pk).update(is_replay=True)
    for one in (real, made):
        make.judgment(one, ada)
    counts = build.preview(project=project, query_text="").counts
    assert (counts["rows"], counts["by_reason"]) == (1, {"accepted": 1, "replay": 1})
    assert build.preview(project=project, query_text="replay:yes").counts["rows"] == 1
    assert json.dumps(counts["by_reason"])
