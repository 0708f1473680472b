"""Batches: priced, confirmed, started once; each answer asked for once and kept; failures said."""

import json
import logging
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from curation.forget.person import Subject, forget
from curation.messages.form import message
from curation.models import Batch, BatchItem, Score, Trace
from curation.scoring import batches, calling, claims, items, keep, pricing, working
from curation.scoring.refused import Refused
from tests import make
from tests.curation.grading import graders
from tests.curation.grading.graders import JUDGE, KEY, verdict
from tests.flows.fake_openai import chat, fake_openai
from workspace.access import SYSTEM, Actor
from workspace.models import AuditEntry, Connection, Project, User

pytestmark = pytest.mark.django_db
Seen = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    monkeypatch.setattr("workspace.connections.client.RETRIES", 0)


def begin(project: Project, version: Any, **given: Any) -> Batch:
    told = batches.price(
        project=project, version=version, query=given.get("query", ""), regrade=given.get("regrade", False),
        sample=given.get("sample"),
    )  # fmt: skip
    values = {"query": "", "actor": SYSTEM, "key": f"k{Batch.objects.count()}", "confirmed": told.text, **given}
    return batches.start(project=project, version=version, until=told.until, **values)


def done(batch: Batch) -> Batch:
    assert batches.work(batch.pk, 60)
    batch.refresh_from_db()
    return batch


def test_code_graders_score_what_matches_and_say_what_they_could_not(project: Project) -> None:
    good, bad = make.trace(project), make.trace(project, said=make.short_document(answer="No idea."))
    silent = make.trace(project, said=make.document(message("user", "Hello?")))
    make.trace(project, agent="other")
    version = graders.code(project)
    told = batches.price(project=project, version=version, query="agent:support")
    assert (told.traces, told.items, told.calls, told.usd, told.is_free) == (3, 3, 0, 0, True)
    batch = done(begin(project, version, query="agent:support"))
    assert (batch.status, batch.total, batch.done, batch.failed, batch.cost_usd) == ("done", 3, 2, 1, 0)
    found = {one.trace_id: one for one in Score.objects.all()}
    assert {key: (one.number, one.passed) for key, one in found.items()} == {good.pk: (1.0, True), bad.pk: (0.0, False)}
    one = found[good.pk]
    assert (one.name, one.source, one.author, one.grader_version) == ("late", "code", "late@1", "late@1")
    assert (one.low, one.high, one.revision_id) == (0.0, 1.0, good.revision_id)
    assert one.external_id == f"grader:{version.uid}:{good.revision_id}"
    missing = BatchItem.objects.get(trace=silent)
    assert missing.status == "failed" and missing.error and not Score.objects.filter(trace=silent).exists()


def test_what_has_its_score_is_not_asked_again(project: Project) -> None:
    seen: Seen = []
    with fake_openai(verdict, seen) as url:
        version = graders.judge(graders.connect(project, url))
        traces = [make.trace(project) for _ in range(3)]
        done(begin(project, version))
        assert len(seen) == 3
        told = batches.price(project=project, version=version, query="")
        assert (told.items, told.reused, told.calls, told.usd) == (0, 3, 0, 0)
        again = begin(project, version, confirmed="")
        assert (again.status, again.total, again.reused) == ("done", 0, 3) and len(seen) == 3, "0 calls"
        # a newer revision of one has no score yet
        newer = make.short_document(question="Where is order 1017 now?")
        make.trace(project, external_id=traces[0].external_id, said=newer)
        third = done(begin(project, version))
        assert (third.total, third.reused, len(seen)) == (1, 2, 4)
        assert Score.objects.filter(trace=traces[0]).count() == 2
        before = set(Score.objects.values_list("trace", "external_id"))
        done(begin(project, version, regrade=True))
        assert len(seen) == 7 and set(Score.objects.values_list("trace", "external_id")) == before, (
            "the same scores, measured anew"
        )


def test_a_judge_is_asked_at_temperature_0_for_structured_output_and_all_is_kept(project: Project) -> None:
    seen: Seen = []
    with fake_openai(verdict, seen) as url:
        line = graders.connect(project, url)
        version = graders.judge(line)
        trace = make.trace(project)
        batch = done(begin(project, version))
    asked = seen[0]
    assert asked["temperature"] == 0 and asked["model"] == "judge-1" and asked["max_completion_tokens"] == 256
    assert asked["response_format"]["type"] == "json_schema" and asked["response_format"]["json_schema"]["strict"]
    assert "It left the depot this morning." in asked["messages"][-1]["content"]
    item = BatchItem.objects.get()
    assert item.prompt["messages"] == asked["messages"] and item.prompt["temperature"] == 0
    assert json.loads(item.answer["message"]["content"]) == {"reason": "It says so.", "result": 0.8}
    cost = Decimal(14 + 12 * 10) / 1_000_000
    assert (item.cost_usd, item.input_tokens, item.output_tokens) == (cost, 14, 12) and item.latency_ms is not None
    line.refresh_from_db()
    project.refresh_from_db()
    assert batch.cost_usd == cost == line.spent_usd == project.spent_usd
    score = Score.objects.get(trace=trace)
    assert (score.number, score.passed, score.source, score.reason) == (0.8, True, "judge", "It says so.")


def test_the_price_is_told_before_and_what_was_seen_is_what_is_agreed_to(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pricing, "LOOKED_AT", 40)
    line = graders.connect(project)
    version = graders.judge(line)
    for _ in range(50):
        make.trace(project)
    told = batches.price(project=project, version=version, query="")
    assert (told.items, told.calls, told.output, told.looked_at) == (50, 50, 50 * 256, 40)
    usd = Decimal(told.input + told.output * 10) / 1_000_000
    assert told.usd == usd and told.covers(told.text) and not told.covers("0.001") and 50 * 40 < told.input < 50 * 200
    few = batches.price(project=project, version=version, query="", sample=10)
    assert (few.items, few.looked_at, few.usd) == (10, 10, few.usd) and few.usd < usd

    def start(**given: Any) -> Batch:
        values = {"query": "", "actor": Actor(user=alice), "key": "one", "until": told.until, **given}
        return batches.start(project=project, version=version, **values)

    with pytest.raises(Refused, match="Say that this may cost"):
        start(confirmed="")
    with pytest.raises(Refused, match="another one than was shown"):
        start(confirmed=few.text)
    make.trace(project)  # comes after the price was told: not in it, not in the batch
    first = start(confirmed=told.text)
    assert start(confirmed=told.text) == first and first.total == 50 and first.estimate_usd == round(usd, 6)
    entry = AuditEntry.objects.get(action="batch.started")
    assert entry.user == alice and entry.detail["items"] == 50
    Connection.objects.update(prices={})
    version.refresh_from_db()
    unknown = batches.price(project=project, version=version, query="")
    assert unknown.usd is None and unknown.text == "unknown" and not unknown.is_free
    with pytest.raises(Refused, match="another one"):
        start(confirmed=told.text, key="two", until=unknown.until)
    assert start(confirmed="unknown", key="two", until=unknown.until).estimate_usd is None
    with pytest.raises(Refused, match="No trace matches agent:nobody"):
        batches.price(project=project, version=version, query="agent:nobody")


def test_a_sample_is_drawn_at_random_the_same_for_a_seed(project: Project) -> None:
    traces = [make.trace(project) for _ in range(20)]
    version = graders.code(project)
    now = batches.price(project=project, version=version, query="").until

    def drawn(seed: int) -> set[int]:
        found = items.matching(project=project, query="", until=now, sample=6, seed=seed)
        return set(found.values_list("pk", flat=True))

    assert len(drawn(1)) == 6 and drawn(1) == drawn(1) != drawn(2)
    assert drawn(1) != {one.pk for one in traces[:6]} and drawn(1) != {one.pk for one in traces[-6:]}
    assert begin(project, version, sample=6).total == 6


def test_budgets_of_the_connection_and_of_the_project_hold(project: Project) -> None:
    seen: Seen = []
    with fake_openai(verdict, seen) as url:
        line = graders.connect(project, url)
        version = graders.judge(line)
        for _ in range(4):
            make.trace(project)
        Project.objects.update(budget_usd=Decimal("0.001"))
        with pytest.raises(Refused, match="budget of Acme support"):
            begin(project, version)
        # enough for the whole price, and then others spend some of it: calls stop, nothing is lost
        Project.objects.update(budget_usd=Decimal(1))
        batch = begin(project, version)
        Project.objects.update(budget_usd=Decimal("0.0002"))
        done(batch)
        assert batch.status == "failed" and "budget of Acme support is used up" in batch.error
        assert len(seen) == 2 == batch.done, "0.000134 each: the third is not asked"
        assert batch.items.filter(status="waiting").count() == 2
        Project.objects.update(budget_usd=None)
        assert graders.resume(batch) == 2
        done(batch)
        assert (batch.status, batch.done, len(seen), batch.error) == ("done", 4, 4, "")
        make.trace(project)
        Connection.objects.update(prices={})
        Project.objects.update(budget_usd=5)
        version.connection.refresh_from_db()
        with pytest.raises(Refused, match="Add the price of judge-1"):
            begin(project, version)
    assert len(seen) == 4


def test_an_endpoint_that_knows_no_schema_is_asked_once_more_and_that_is_remembered(project: Project) -> None:
    seen: Seen = []

    def old(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "response_format" in asked:
            return 400, {"error": {"message": "response_format json_schema is not supported", "type": "x"}}
        return 200, chat(asked, '```json\n{"reason": "ok", "result": 0.5}\n```')

    with fake_openai(old, seen) as url:
        line = graders.connect(project, url)
        version = graders.judge(line)
        for _ in range(3):
            make.trace(project)
        batch = done(begin(project, version))
    assert (batch.done, len(seen)) == (3, 4), "the refusal once, then never again"
    line.refresh_from_db()
    assert line.lacks == ["judge-1 response_format"]
    assert '"result"' in seen[1]["messages"][0]["content"] and seen[1]["messages"][0]["role"] == "system"
    assert "response_format" not in BatchItem.objects.first().prompt
    assert {one.number for one in Score.objects.all()} == {0.5}


def test_a_refused_request_is_the_items_own_and_one_that_fails_all_stops(project: Project) -> None:
    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if "order 7?" in asked["messages"][-1]["content"]:
            return 413, {"error": {"message": "maximum context length", "type": "x"}}
        return verdict(asked) if "order 8?" in asked["messages"][-1]["content"] else (200, chat(asked, "very good"))

    with fake_openai(script) as url:
        line = graders.connect(project, url)
        version = graders.judge(line)
        said = {n: make.trace(project, said=make.short_document(question=f"Where is order {n}?")) for n in (7, 8, 9)}
        batch = done(begin(project, version))
    assert (batch.status, batch.done, batch.failed) == ("done", 1, 2)
    errors = {one.trace_id: one.error for one in BatchItem.objects.all()}
    assert "413" in errors[said[7].pk] and "not JSON" in errors[said[9].pk] and errors[said[8].pk] == ""
    refused = BatchItem.objects.get(trace=said[7])
    assert "order 7?" in refused.prompt["messages"][-1]["content"] and refused.answer is None
    assert Score.objects.count() == 1
    with fake_openai(lambda asked: (401, {"error": {"message": f"bad key {KEY}", "type": "x"}})) as url:
        Connection.objects.update(base_url=url)
        version.connection.refresh_from_db()
        batch = done(begin(project, version))
    assert batch.status == "failed" and "401" in batch.error and KEY not in batch.error
    assert batch.items.filter(status="waiting").count() == 2


def test_a_connection_that_fails_stops_the_batch_and_what_waits_stays(project: Project) -> None:
    seen: Seen = []
    working_now = False

    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return verdict(asked) if working_now else (503, {"error": {"message": "later", "type": "x"}})

    with fake_openai(script, seen) as url:
        version = graders.judge(graders.connect(project, url))
        for _ in range(8):
            make.trace(project)
        batch = done(begin(project, version))
        assert batch.status == "failed" and "5 requests in a row failed" in batch.error and len(seen) == 5
        assert batch.items.filter(status="waiting").count() == 8
        working_now = True
        graders.resume(batch)
        done(batch)
    assert (batch.status, batch.done, len(seen)) == ("done", 8, 13)
    with pytest.raises(Refused, match="Nothing waits"):
        graders.resume(batch)


def test_cancel_stops_and_resume_goes_on(project: Project) -> None:
    seen: Seen = []
    batch: Batch | None = None

    def script(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return verdict(asked)

    with fake_openai(script, seen) as url:
        version = graders.judge(graders.connect(project, url))
        for _ in range(4):
            make.trace(project)
        batch = begin(project, version)
        assert not batches.work(batch.pk, -1), "no time: nothing is begun, and it says to come again"
        assert batches.cancel(batch, SYSTEM) and not batches.cancel(batch, SYSTEM)
        assert batches.work(batch.pk, 60) and seen == [] and batches.open_batches() == []
        assert graders.resume(batch) == 4 and batches.open_batches() == [batch.pk]
        with pytest.raises(Refused, match="at work already"):
            graders.resume(batch)
        done(batch)
    assert (batch.status, len(seen)) == ("done", 4)
    told = AuditEntry.objects.filter(action__startswith="batch.").values_list("action", flat=True).order_by("id")
    assert list(told) == ["batch.started", "batch.cancelled", "batch.resumed"]


def test_what_a_dead_process_had_asked_is_asked_again_only_by_a_person(project: Project) -> None:
    seen: Seen = []
    with fake_openai(verdict, seen) as url:
        version = graders.judge(graders.connect(project, url))
        for _ in range(3):
            make.trace(project)
        batch = begin(project, version)
        gone = '["", 1, "", ""]'
        assert working.take(batch.pk, gone) and len(claims.claim(batch.pk, gone, 1)) == 1
        assert batches.work(batch.pk, 60) and seen == [], "another holds it: a second message does nothing"
        Batch.objects.update(lease_until=batch.created_at)
        done(batch)
        assert (batch.status, batch.done, len(seen)) == ("done", 2, 2) and "outcome of 1 call is unknown" in batch.error
        with pytest.raises(Refused, match="say that they may be asked again"):
            graders.resume(batch)
        assert graders.resume(batch, again_unknown=True) == 1
        done(batch)
    assert (batch.done, len(seen), batch.error) == (3, 3, "") and Score.objects.count() == 3


def test_an_answer_that_comes_after_all_is_kept_once(project: Project) -> None:
    version = graders.judge(graders.connect(project))
    make.trace(project)
    batch = begin(project, version)
    working.take(batch.pk, "a")
    (one,) = claims.claim(batch.pk, "a", 1)
    claims.take_back(batch, pays=True)
    assert BatchItem.objects.get().status == "unknown"
    from curation.scoring.graders.grades import Grade

    late = claims.Result(one, "done", grade=Grade(0.9, True), cost_usd=Decimal("0.1"), spent=Decimal("0.1"))
    assert claims.settle(batch, version, [late]) == 1 and claims.settle(batch, version, [late]) == 0
    batch.refresh_from_db()
    assert (batch.done, batch.cost_usd, Score.objects.count()) == (1, Decimal("0.1"), 1)


def test_redirects_and_keys(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: Seen = []
    away = (302, {"location": "http://169.254.169.254/latest"})
    with fake_openai(lambda asked: away, seen) as url:
        version = graders.judge(graders.connect(project, url))
        make.trace(project)
        batch = done(begin(project, version))
        assert batch.status == "failed" and len(seen) == 1, "a redirect to a private address is not followed"
        # a connection whose host may not be private is not even asked
        Connection.objects.update(allow_private_host=False)
        graders.resume(batch)
        done(batch)
        assert batch.status == "failed" and len(seen) == 1 and "http" in batch.error
    # an endpoint that says the key back, in an error and in an answer
    echo = iter(
        [(400, {"error": {"message": f"No: {KEY} {'x' * 9000}", "type": "x"}}), verdict({"model": "m"}, reason=KEY)]
    )
    with fake_openai(lambda asked: next(echo)) as url:
        Connection.objects.update(base_url=url, allow_private_host=True)
        graders.resume(batch)
        done(batch)
    item = BatchItem.objects.get()
    assert item.answer is not None and "[key]" in Score.objects.get().reason
    held = json.dumps([item.prompt, item.answer, item.error, batch.error, batch.settings, item.grades], default=str)
    assert KEY not in held and KEY not in caplog.text


def test_forgetting_and_deleting_take_prompts_and_answers(project: Project) -> None:
    said = make.short_document(question="I am jo@example.com, where is order 7?")
    frozen = make.dataset_version(project, train=1, validation=0, said=lambda number: said).rows.get().trace
    make.trace(project, said=said)
    other = make.trace(project)
    with fake_openai(lambda asked: verdict(asked, reason="jo@example.com is told.")) as url:
        version = graders.judge(graders.connect(project, url))
        done(begin(project, version, query=f"id:{frozen.external_id}"))
        done(begin(project, version, query=f"-id:{other.external_id}"))
    tried = {
        "n": 1,
        "rows": [{"trace": str(frozen.uid), "score": 0.8, "reason": "jo@example.com is told.", "error": ""}],
    }
    second = keep.change(
        grader=version.grader, definition={**JUDGE, "range": [0, 2]}, goal=graders.GOAL,
        connection=version.connection, actor=SYSTEM,
    )  # fmt: skip
    keep.confirm(version=second, actor=SYSTEM, tried=tried)
    mentions = make.trace(project)
    answer = {"message": {"content": "Ask jo@example.com."}}
    item = BatchItem.objects.first()
    assert item is not None and item.prompt and item.answer and BatchItem.objects.count() == 2
    BatchItem.objects.create(batch=item.batch, trace=mentions, revision=mentions.revision, answer=answer)
    forget(project=project, actor=SYSTEM, subject=Subject(texts=("jo@example.com",)))
    assert Trace.objects.get(pk=frozen.pk).erased_at and list(Trace.objects.listed()) == [other]
    assert not BatchItem.objects.exists() and not Score.objects.exclude(reason="").exists()
    second.refresh_from_db()
    assert second.tried["rows"][0]["reason"] == "" and second.tried["rows"][0]["score"] == 0.8


def test_a_category_is_no_number_and_scores_are_in_their_range(project: Project) -> None:
    definition = {**JUDGE, "range": [1, 5], "pass_threshold": 4}
    with fake_openai(lambda asked: verdict(asked, 9)) as url:
        version = graders.judge(graders.connect(project, url), definition)
        make.trace(project)
        done(begin(project, version))
    score = Score.objects.get()
    assert (score.number, score.low, score.high, score.passed) == (5, 1, 5, True) and "clipped" in score.reason


def test_a_grader_archived_meanwhile_stops_its_batch(project: Project) -> None:
    version = graders.code(project)
    make.trace(project)
    batch = begin(project, version)
    keep.archive(grader=version.grader, actor=SYSTEM)
    done(batch)
    assert batch.status == "failed" and "archived" in batch.error and not Score.objects.exists()
    with pytest.raises(Refused, match="archived"):
        graders.resume(batch)
