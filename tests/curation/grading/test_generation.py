"""Candidates: each is sent with its own temperature and the whole conversation, and graded by confirmed graders."""

from decimal import Decimal
from typing import Any

import pytest

from curation.messages.form import message
from curation.models import Batch, BatchItem, Score
from curation.scoring import batches, calling, claims, generation, working
from curation.scoring.refused import Refused
from tests import make
from tests.curation.grading import graders
from tests.curation.grading.graders import verdict
from tests.flows.fake_openai import chat, fake_openai
from workspace.access import SYSTEM
from workspace.models import Connection, Project

pytestmark = pytest.mark.django_db
Seen = list[dict[str, Any]]
SAID = make.document(
    message("system", "You help customers of a shop."),
    message("user", "Hello!"),
    message("assistant", "How can I help?"),
    message("user", "Where is order 7?"),
    message("assistant", "", tool_calls=[make.call("get_order", '{"order_id": "7"}', "k1")]),
    make.tool_result('{"status": "late"}', "k1"),
    message("assistant", "It is on time."),
    tools=[make.ORDER_TOOL],
)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    monkeypatch.setattr("workspace.connections.client.RETRIES", 0)


def begin(project: Project, line: Connection, **given: Any) -> Batch:
    values = {"query": "", "connection": line, **given}
    told = generation.price(project=project, **values)
    return generation.start(
        project=project, actor=SYSTEM, key=f"k{Batch.objects.count()}", confirmed=told.text, until=told.until, **values
    )


def done(batch: Batch) -> Batch:
    assert batches.work(batch.pk, 60)
    batch.refresh_from_db()
    return batch


def said_in(item: BatchItem) -> str:
    return str(item.answer["message"]["content"])


def test_three_requests_really_carry_their_temperatures_and_the_whole_conversation(project: Project) -> None:
    seen: Seen = []
    answers = iter(["It was late this morning.", "I do not know.", "This morning it left."])
    with fake_openai(lambda asked: (200, chat(asked, next(answers))), seen) as url:
        line = graders.connect(project, url)
        trace = make.trace(project, said=SAID)
        batch = done(begin(project, line, model="new-1", graders=[graders.code(project)], max_tokens=300))
    assert [one["temperature"] for one in seen] == [0.3, 0.7, 1.0] and len(seen) == 3
    for asked in seen:
        assert asked["model"] == "new-1" and asked["max_completion_tokens"] == 300 and "seed" not in asked
        assert asked["tools"][0]["function"]["name"] == "get_order"
        assert asked["tools"][0]["function"]["parameters"]["required"] == ["order_id"]
        assert asked["messages"] == [
            {"role": "system", "content": "You help customers of a shop."},
            {"role": "user", "content": "Hello!"},
            {"role": "assistant", "content": "How can I help?"},
            {"role": "user", "content": "Where is order 7?"},
            {
                "role": "assistant", "content": None,
                "tool_calls": [
                    {"id": "k1", "type": "function", "function": {"name": "get_order", "arguments": '{"order_id": "7"}'}}
                ],
            },
            {"role": "tool", "content": '{"status": "late"}', "tool_call_id": "k1"},
        ]  # fmt: skip
    assert (batch.status, batch.total, batch.done) == ("done", 3, 3)
    made = list(batch.items.order_by("ordinal"))
    assert [(one.ordinal, one.settings["temperature"], said_in(one)) for one in made] == [
        (0, 0.3, "It was late this morning."), (1, 0.7, "I do not know."), (2, 1.0, "This morning it left."),
    ]  # fmt: skip
    assert [one.grades["late@1"]["value"] for one in made] == [1.0, 0.0, 1.0]
    assert {one.trace_id for one in made} == {trace.pk} and not Score.objects.exists(), "a candidate is no trace"
    item = BatchItem.objects.get(ordinal=0)
    assert item.prompt["temperature"] == 0.3 and item.prompt["messages"] == seen[0]["messages"]
    assert item.cost_usd == Decimal(14 + 120) / 1_000_000 and batch.cost_usd == 3 * item.cost_usd


def test_the_price_is_of_3n_generations_and_3n_gradings(project: Project) -> None:
    line = graders.connect(project)
    judge = graders.judge(line)
    for _ in range(4):
        make.trace(project, said=SAID)
    alone = generation.price(project=project, query="", connection=line, max_tokens=100)
    told = generation.price(
        project=project, query="", connection=line, max_tokens=100, graders=[judge, graders.code(project)]
    )
    assert (told.traces, told.items, alone.calls, told.calls) == (4, 12, 12, 24)
    assert told.output == 12 * 100 + 12 * 256 and told.usd > alone.usd
    with pytest.raises(Refused, match="Say that this may cost"):
        generation.start(project=project, query="", connection=line, actor=SYSTEM, key="x")
    Connection.objects.update(prices={"other-1": {"input": 1, "output": 1}})
    line.refresh_from_db()
    judge.refresh_from_db()
    both = generation.price(project=project, query="", connection=line, graders=[judge])
    assert both.usd is None and both.text == "unknown", "the judge's model has no price, so the sum has none"


def test_two_candidates_become_three_and_are_told_apart_by_seeds(project: Project) -> None:
    line = graders.connect(project)
    two = generation.check(project=project, connection=line, candidates=2)
    assert len(two.ways) == 3 and "raised to three" in two.warnings[0]
    one = generation.check(project=project, connection=line, candidates=1)
    assert one.ways == ({"temperature": 0.3},) and one.warnings == ()
    five = generation.check(project=project, connection=line, candidates=5, seed=10)
    assert [way["temperature"] for way in five.ways] == [0.3, 0.7, 1.0, 0.3, 0.7]
    assert [way["seed"] for way in five.ways] == [10, 11, 12, 13, 14] and five.warnings == ()
    assert "share a temperature" in generation.check(project=project, connection=line, candidates=5).warnings[0]
    for field, given in (
        ("candidates", {"candidates": 0}), ("temperatures", {"temperatures": [3]}), ("max_tokens", {"max_tokens": 0}),
        ("temperatures", {"temperatures": []}), ("seed", {"seed": -1}), ("model", {"model": "x" * 300}),
    ):  # fmt: skip
        with pytest.raises(Refused) as caught:
            generation.check(project=project, connection=line, **given)
        assert caught.value.field == field


def test_what_was_generated_is_not_generated_again_where_a_judge_is_away(project: Project) -> None:
    seen: Seen = []
    away = True

    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if asked["model"] != "judge-1":
            return 200, chat(asked)
        return (503, {"error": {"message": "later", "type": "x"}}) if away else verdict(asked)

    with fake_openai(script, seen) as url:
        line = graders.connect(project, url)
        make.trace(project, said=SAID)
        batch = done(begin(project, line, graders=[graders.judge(line)]))
        assert batch.status == "failed" and "in a row failed" in batch.error
        away = False
        graders.resume(batch)
        done(batch)
    assert batch.status == "done" and sum(one["model"] == "other-1" for one in seen) == 3, "each was generated once"
    told = BatchItem.objects.get(ordinal=2).grades["helpful@1"]
    assert (told["value"], told["passed"], told["error"]) == (0.8, True, "") and told["prompt"]["temperature"] == 0
    assert batch.cost_usd == 6 * Decimal(134) / 1_000_000 == sum(one.cost_usd for one in BatchItem.objects.all())


def test_a_process_that_died_amid_grading_leaves_the_answer_and_asks_no_judge_twice(project: Project) -> None:
    seen: Seen = []
    with fake_openai(lambda asked: verdict(asked), seen) as url:
        line = graders.connect(project, url)
        make.trace(project, said=SAID)
        version = graders.judge(line)
        batch = begin(project, line, graders=[version, graders.code(project)], candidates=1)
        working.take(batch.pk, "gone")
        (one,) = claims.claim(batch.pk, "gone", 1)
        said = {"message": {"role": "assistant", "content": "This morning."}, "finish_reason": "stop", "model": "m"}
        claims.keep(one, batch=batch, answer=said, spent=Decimal("0.001"), cost_usd=Decimal("0.001"))
        claims.keep(
            one, batch=batch, grades={str(version): {"value": None, "passed": None, "reason": "", "error": "?"}}
        )
        Batch.objects.update(lease_until=batch.created_at)
        done(batch)
    (made,) = batch.items.all()
    assert seen == [] and batch.cost_usd == Decimal("0.001") and said_in(made) == "This morning."
    assert made.grades[str(version)]["value"] is None and made.grades["late@1"]["value"] == 1.0


def test_traces_that_cannot_be_sent_say_why(project: Project) -> None:
    with fake_openai() as url:
        line = graders.connect(project, url)
        make.trace(project, said=SAID)
        odd = make.trace(project, said=make.document(message("assistant", "I begin."), message("user", "Oh?")))
        picture = message("user", "What is this?")
        picture["parts"].append({"type": "audio", "url": "data:audio/wav;base64,AA"})
        heard = make.trace(project, said=make.document(picture, message("assistant", "A dog.")))
        batch = done(begin(project, line, candidates=1))
    assert (batch.done, batch.failed) == (2, 1), "the second is asked: nobody answered the user yet"
    assert "audio cannot be sent" in BatchItem.objects.get(trace=heard).error
    assert BatchItem.objects.get(trace=odd).status == "done"
