"""Selection: each step of a recipe takes out what it should, says why, and the waterfall adds up."""

import gc
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from curation.datasets import build, held_out, reasons, recipe, tasks
from curation.datasets.recipe import RecipeError
from curation.datasets.selecting import choose, making, signatures
from curation.messages.form import Document, message
from curation.models import DatasetVersion, Feedback, RawRecord, RevisionSignature, Score, Trace
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
WORDS = [f"word{number}" for number in range(900)]


def said(seed: int, *, words: int = 60, tail: str = "") -> Document:
    chance = random.Random(seed)
    text = [" ".join(chance.choices(WORDS, k=words)) for _ in range(2)]
    return make.document(message("user", text[0]), message("assistant", f"{text[1]} {tail}".strip()))


def score(
    trace: Trace, name: str, value: float, *, low: float | None = None, high: float | None = None, **fields: Any
) -> Score:
    return Score.objects.create(
        project=trace.project, trace=trace, name=name, number=value, low=low, high=high,
        source=fields.pop("source", "code"), **fields,
    )  # fmt: skip


def freeze(project: Project, *, name: str = "support", query: str = "", **given: Any) -> DatasetVersion:
    return build.freeze(project=project, name=name, query_text=query, actor=Actor(), recipe=recipe.parse(given))


def reasons_of(version: DatasetVersion) -> dict[str, str]:
    return {one.trace.external_id: one.reason for one in version.decisions.select_related("trace")}


@pytest.fixture
def judged(project: Project, rita: User) -> list[Trace]:
    """Ten traces that say different things."""
    return [
        rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"t{number}")
        for number in range(10)
    ]


def test_gates_and_composite_with_reasons_and_averages(project: Project, judged: list[Trace]) -> None:
    for number, trace in enumerate(judged[:9]):
        score(trace, "relevancy", number, low=0, high=8)
    score(judged[3], "toxicity", 0.9)
    for trace in [*judged[:3], *judged[4:8]]:
        score(trace, "toxicity", 0.05)
    version = freeze(
        project,
        gates=[{"score": "toxicity", "operator": "lte", "threshold": 0.1}],
        weights={"relevancy": 1},
        min_score=0.25,
    )
    assert reasons_of(version) == {
        "t0": "under_min_score", "t1": "under_min_score", "t3": "gate", "t8": "gate", "t9": "gate",
        **dict.fromkeys(["t2", "t4", "t5", "t6", "t7"], "accepted"),
    }  # fmt: skip
    facts = {one.trace.external_id: one.facts for one in version.decisions.exclude(facts={}).select_related("trace")}
    assert facts["t3"] == {"gate": "toxicity", "operator": "lte", "threshold": 0.1, "value": 0.9}
    assert facts["t8"]["value"] is None, "never measured, so lte does not pass"
    assert facts["t1"] == {"gate": "composite", "operator": "gte", "threshold": 0.25, "value": 0.125}
    kept = {row.trace.external_id: row for row in version.rows.select_related("trace")}
    assert kept["t4"].composite == 0.5
    selection = version.counts["selection"]
    assert (selection["original"], selection["filtered"]) == (10, 5)
    assert selection["selected"] + selection["holdout"] == 5
    trained = [row.composite for row in kept.values() if row.split == "train" and row.composite is not None]
    assert selection["composite"]["selected"] == {"mean": round(sum(trained) / len(trained), 4), "n": len(trained)}
    assert selection["composite"]["holdout"]["n"] == 5 - len(trained)


def test_a_persons_score_counts_before_a_newer_one(project: Project, judged: list[Trace]) -> None:
    score(judged[0], "helpful", 0.9, source="human")
    score(judged[0], "helpful", 0.1)
    version = freeze(project, gates=[{"score": "helpful", "threshold": 0.5}])
    assert [row.trace for row in version.rows.all()] == [judged[0]]


def test_an_unknown_score_is_an_error_before_anything_runs(project: Project, judged: list[Trace]) -> None:
    score(judged[0], "helpful", 0.9)
    given: dict[str, Any] = {
        "gates": [{"score": "helpfull", "threshold": 0.5}], "weights": {"helpful": 1, "tone": 1}, "required": ["x"],
        "measures": [{"score": "safe"}],
    }  # fmt: skip
    with pytest.raises(RecipeError) as raised:
        freeze(project, **given)
    wrong = {field for field, _ in raised.value.problems}
    assert wrong == {"measures[0].score", "gates[0].score", "weights.tone", "required[0]"}
    assert "there are helpful" in str(raised.value)
    assert not DatasetVersion.objects.exists()
    with pytest.raises(RecipeError, match=r"weights\.helpful: the value 7 has no declared range"):
        score(judged[1], "helpful", 7)
        freeze(project, weights={"helpful": 1})


def test_scores_that_are_stored_are_used_and_no_model_is_called(
    project: Project, judged: list[Trace], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a model or a grader was called")

    monkeypatch.setattr("workspace.connections.client.complete", never)
    monkeypatch.setattr("curation.scoring.run.grade_conversation", never)
    for number, trace in enumerate(judged):
        score(trace, "helpful", number / 10, source="judge", grader_version="helpful@2")
    version = freeze(project, gates=[{"score": "helpful", "threshold": 0.3}], weights={"helpful": 1}, max_examples=5)
    assert version.counts["rows"] == 5


def test_feedback_limits(project: Project, judged: list[Trace]) -> None:
    score(judged[0], "responseQuality", 1)  # another name: only the known one counts
    score(judged[1], "response_quality", 4.5)
    for rating in (5, 4):
        Feedback.objects.create(project=project, trace=judged[2], author="u", rating=rating)
    score(judged[3], "response_quality", 3.9)
    for trace in judged[1:4]:
        score(trace, "validation_confidence", 0.95)
    version = freeze(project, min_quality=4.0, min_confidence=0.9)
    assert {row.trace.external_id for row in version.rows.select_related("trace")} == {"t1", "t2"}
    assert version.counts["by_reason"] == {"accepted": 2, "under_quality": 8}


def test_until_keeps_out_what_comes_later(project: Project, judged: list[Trace], rita: User) -> None:
    Trace.objects.filter(pk=judged[0].pk).update(received_at=timezone.now() + timedelta(hours=1))
    version = freeze(project)
    assert version.counts["looked_at"] == 9, "what a run makes while it goes on never enters it"
    Trace.objects.filter(pk=judged[1].pk).update(received_at=timezone.now() - timedelta(days=2))
    early = freeze(project, until=(timezone.now() - timedelta(days=1)).isoformat())
    assert [row.trace for row in early.rows.all()] == [judged[1]]
    rows.trace(project, said(99), judged="acceptable", by=rita)
    again = build.freeze(
        project=project, name="again", query_text="", actor=Actor(), recipe=recipe.rerun(version.recipe)
    )
    assert again.content_hash == version.content_hash, "a stored recipe can be followed again as of its moment"


def test_only_the_traces_of_an_upload(project: Project, judged: list[Trace]) -> None:
    upload = RawRecord.objects.create(project=project, source="cases.jsonl", body=b"{}", sha256="x", status="done")
    judged[4].revisions.update(raw=upload)
    version = freeze(project, upload=str(upload.uid))
    assert [row.trace for row in version.rows.all()] == [judged[4]]
    RawRecord.objects.filter(pk=upload.pk).update(status="pending")
    with pytest.raises(RecipeError, match="still being read"):
        freeze(project, upload=str(upload.uid))
    with pytest.raises(RecipeError, match="no such upload"):
        freeze(project, upload="0199aaaa-0000-7000-8000-000000000001")


def test_near_copies_leave_with_the_row_that_they_are_like(project: Project, rita: User) -> None:
    first = rows.trace(project, said(1), judged="acceptable", by=rita, external_id="first", session_id="s")
    rows.trace(project, said(1, tail="indeed"), judged="acceptable", by=rita, external_id="close", session_id="s")
    rows.trace(project, said(2), judged="acceptable", by=rita, external_id="other", session_id="s")
    assert freeze(project, order="oldest").counts["rows"] == 3
    version = freeze(project, order="oldest", dedupe="near")
    assert reasons_of(version) == {"first": "accepted", "close": "near_duplicate", "other": "accepted"}
    gone = version.decisions.get(reason="near_duplicate")
    assert "the same as first" in gone.detail and gone.facts["other"] == first.pk and gone.facts["value"] >= 0.8


def test_outliers_by_length_and_by_content(project: Project, rita: User) -> None:
    for number in range(30):
        rows.trace(project, said(number, words=50 + number), judged="acceptable", by=rita, external_id=f"t{number}")
    rows.trace(project, said(77, words=3_000), judged="acceptable", by=rita, external_id="long")
    version = freeze(project, outliers="length")
    assert {name for name, reason in reasons_of(version).items() if reason == "unusual_length"} == {"long"}
    shared = " ".join(WORDS[:40])
    for number in range(60):
        text = f"{shared} {number}"
        document = make.document(message("user", text), message("assistant", f"{text} {WORDS[number]}"))
        rows.trace(project, document, judged="acceptable", by=rita, external_id=f"same{number}", agent="alike")
    foreign = make.document(
        message("user", "Quo usque tandem abutere Catilina"), message("assistant", "Patientia nostra iam")
    )
    rows.trace(project, foreign, judged="acceptable", by=rita, external_id="foreign", agent="alike")
    version = freeze(project, query="agent:alike", outliers="content")
    assert {name for name, reason in reasons_of(version).items() if reason == "unlike_others"} == {"foreign"}


def test_balance_by_a_field(project: Project, rita: User) -> None:
    for number in range(12):
        tier = "gold" if number < 9 else "silver"
        rows.trace(
            project, said(number), judged="acceptable", by=rita, metadata={"tier": tier}, agent="a" if number else "b"
        )
    version = freeze(project, balance={"field": "meta.tier"})
    assert version.counts["balance"] == {"field": "meta.tier", "most": 6, "kept": {"gold": 6, "silver": 3}}
    assert version.counts["by_reason"]["over_balance"] == 3
    assert freeze(project, balance={"field": "agent", "most": 1}).counts["rows"] == 2


def test_coreset_with_its_summary_and_the_random_baseline(project: Project, rita: User) -> None:
    traces = [rows.trace(project, said(number), judged="acceptable", by=rita) for number in range(30)]
    version = freeze(project, coreset={"strategy": "diversity", "size": 8})
    told = version.counts["coreset"]
    assert (told["strategy"], told["total"], told["selected"], version.counts["rows"]) == ("diversity", 30, 8, 8)
    assert set(told["coverage"]) == set(told["random"]) == {"mean", "worst"} and told["tokens"]["random"] > 0
    assert version.counts["by_reason"] == {"accepted": 8, "not_in_coreset": 22}
    with pytest.raises(RecipeError, match="there is no score 'loss'"):
        freeze(project, coreset={"strategy": "loss_topk", "size": 8})
    for number, trace in enumerate(traces[:-1]):
        score(trace, "loss", float(number), source="worker")
    with pytest.raises(RecipeError, match=r"1 of 30 have no score 'loss'"):
        freeze(project, coreset={"strategy": "hybrid", "size": 8})
    score(traces[-1], "loss", 99.0, source="imported")
    hardest = freeze(project, coreset={"strategy": "loss_topk", "size": 3})
    assert {row.trace_id for row in hardest.rows.all()} == {traces[number].pk for number in (29, 28, 27)}


def test_a_mix_keeps_the_shares_and_tells_which_is_short(project: Project, rita: User) -> None:
    kinds = {"planning": 40, "timing": 20, "rare": 2}
    for kind, count in kinds.items():
        for number in range(count):
            rows.trace(project, said(hash_of(kind, number)), judged="acceptable", by=rita, metadata={"task_type": kind})
    weights = {"planning": 0.75, "timing": 0.25}
    version = freeze(project, mix={"strategy": "weighted", "by": "meta.task_type", "weights": weights})
    assert version.counts["mix"]["take"] == {"planning": 40, "timing": 13}
    assert version.counts["by_reason"]["not_in_mix"] == 9
    short = freeze(project, mix={"by": "meta.task_type", "weights": {"planning": 0.5, "rare": 0.5}}, limit=20)
    assert short.counts["mix"]["short"] == [{"value": "rare", "wanted": 10, "missing": 8}]
    assert "short_of_mix" in [told["code"] for told in short.counts["warnings"]]
    few = freeze(project, mix={"by": "meta.task_type", "weights": {"planning": 0.9, "rare": 0.1}}, limit=20)
    assert (few.counts["mix"]["take"], few.counts["mix"]["short"]) == ({"planning": 18, "rare": 2}, [])
    assert [told["text"] for told in few.counts["warnings"] if told["code"] == "few_of_mix"] == [
        "The mix draws on 2 rows of 'rare'; at least 10 were asked for."
    ]
    even = freeze(project, mix={"strategy": "balanced", "by": "meta.task_type", "least": 1})
    assert "few_of_mix" not in [told["code"] for told in even.counts["warnings"]]
    assert even.counts["mix"]["take"] == {"planning": 2, "rare": 2, "timing": 2}
    easy = freeze(project, mix={"strategy": "curriculum", "by": "meta.task_type"})
    sizes = [sum(len(part["text"]) for one in row.revision.document["conversations"][0]["messages"] for part in one["parts"])
             for row in easy.rows.select_related("revision").order_by("position")]  # fmt: skip
    assert len(sizes) == 42 and sizes[0] < sizes[-1], "as many of each as there are, the short one told"


def hash_of(kind: str, number: int) -> int:
    return sum(map(ord, kind)) * 1_000 + number


def test_max_examples_takes_the_best_and_a_limit_is_exact(project: Project, judged: list[Trace]) -> None:
    for number, trace in enumerate(judged):
        score(trace, "helpful", number / 10)
    version = freeze(project, weights={"helpful": 1}, max_examples=4, order="composite")
    assert [row.trace.external_id for row in version.rows.select_related("trace").order_by("position")] == [
        "t9",
        "t8",
        "t7",
        "t6",
    ]
    assert version.counts["by_reason"]["not_among_best"] == 6
    assert (
        freeze(project, name="other", max_examples=4, limit=3, weights={"helpful": 1}, held_out="dataset").counts[
            "rows"
        ]
        == 3
    )


def test_what_is_held_out_is_replaced_so_that_the_limit_is_reached(project: Project, rita: User) -> None:
    for number in range(40):
        rows.trace(project, said(number), judged="acceptable", by=rita, external_id=f"t{number}")
    first = freeze(project, name="first", validation=0, test=0.5)
    held = {row.trace_id for row in first.rows.filter(split="test")}
    second = freeze(project, name="second", validation=0, test=0, limit=len(held) // 2 + 8)
    assert second.counts["rows"] == min(len(held) // 2 + 8, 40 - len(held))
    assert not held & {row.trace_id for row in second.rows.all()}
    gone = second.decisions.filter(reason="held_out").first()
    assert gone is not None and "of first@1" in gone.detail and gone.facts["version"] == "first@1"


def test_personal_data_is_told_or_keeps_rows_out(project: Project, judged: list[Trace], rita: User) -> None:
    mail = make.document(
        message("user", "I am at rosa.weiss@example.org, call me"), message("assistant", "Noted, thanks.")
    )
    rows.trace(project, mail, judged="acceptable", by=rita, external_id="mail")
    told = freeze(project)
    assert told.counts["personal"]["rows"] == 1 and "personal_data" in [one["code"] for one in told.counts["warnings"]]
    assert reasons_of(freeze(project, personal="exclude"))["mail"] == "personal_data"
    assert freeze(project, limit=1, order="oldest").counts["personal"] == {"rows": 0, "pieces": 0}, (
        "of rows that are in"
    )


def test_a_check_that_raises_is_counted_and_shown(
    project: Project, judged: list[Trace], ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trace.objects.filter(pk=judged[0].pk).update(archived_at=None)
    judged[0].revisions.update(
        document={"conversations": [{"kind": "main", "messages": [{"role": "user"}], "tools": []}]}
    )
    rows.correct(judged[1], ada, "Better.")
    real = tasks.find("chat").MAKE
    assert real is not None

    def broken(context: tasks.Context) -> Any:
        raise LookupError("no such thing")

    monkeypatch.setattr(making.tasks, "find", lambda name: _with(tasks.TASKS[name], broken))
    version = freeze(project)
    assert version.counts["by_reason"] == {"accepted": 8, "failed": 2}
    details = {
        one.trace.external_id: one.detail for one in version.decisions.filter(reason="failed").select_related("trace")
    }
    assert "KeyError" in details["t0"] and details["t1"] == "LookupError: no such thing"
    assert "failed" in [told["code"] for told in version.counts["warnings"]]


def _with(task: tasks.Task, make_rows: Any) -> tasks.Task:
    return replace(task, MAKE=make_rows)


def test_the_waterfall_adds_up_and_each_step_lists_what_left(project: Project, judged: list[Trace], rita: User) -> None:
    for number, trace in enumerate(judged[:8]):
        score(trace, "helpful", number / 10)
    rows.trace(project, said(3), judged="acceptable", by=rita, external_id="copy")
    score(Trace.objects.get(external_id="copy"), "helpful", 1)
    rows.trace(project, said(40), external_id="nobody")
    given = {"gates": [{"score": "helpful", "threshold": 0.2}], "limit": 4}
    seen = build.preview(project=project, query_text="", recipe=recipe.parse(given))
    steps = reasons.waterfall(seen.counts)
    assert [(step.reason, step.dropped) for step in steps if step.reason] == [
        ("unjudged", 1), ("gate", 4), ("duplicate", 1), ("over_limit", 2),
    ]  # fmt: skip
    assert steps[-1].kept == seen.counts["rows"] == 4
    for step in steps:
        if step.reason:
            left = build.left(project=project, query_text="", recipe=recipe.parse(given), reason=step.reason)
            assert left.total == step.dropped == len(left.rows)
    page = build.left(project=project, query_text="", recipe=recipe.parse(given), reason="gate", size=3)
    rest = build.left(
        project=project, query_text="", recipe=recipe.parse(given), reason="gate", size=3, cursor=page.next
    )
    assert (len(page.rows), len(rest.rows), rest.next) == (3, 1, "")
    assert {decision.facts["gate"] for _, decision in page.rows} == {"helpful"}
    assert freeze(project, **given).counts == seen.counts


def test_a_second_preview_reads_no_document(
    project: Project, judged: list[Trace], django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = recipe.parse({"dedupe": "near", "coreset": {"strategy": "diversity", "size": 5}, "group_by": "cluster"})
    first = build.preview(project=project, query_text="", recipe=full)
    assert RevisionSignature.objects.count() == 10

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a document was read")

    monkeypatch.setattr(signatures, "of_documents", never)
    monkeypatch.setattr(signatures, "documents", never)
    with django_assert_max_num_queries(24):
        assert build.preview(project=project, query_text="", recipe=full).counts == first.counts


def test_a_second_preview_reads_each_signature_once(
    project: Project, judged: list[Trace], monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = recipe.parse({"test": 0.5, "validation": 0})
    first = build.preview(project=project, query_text="", recipe=halves)
    assert first.counts["train"] and first.counts["test"]
    monkeypatch.setattr(held_out, "_minhashes", None)  # what is compared with test rows came with the rest
    assert build.preview(project=project, query_text="", recipe=halves).counts == first.counts


def test_python_looks_for_cycles_as_before_when_the_last_selection_ends() -> None:
    before = gc.get_threshold()
    with choose.rare_collections():
        during = gc.get_threshold()
        with choose.rare_collections():
            pass
        assert gc.get_threshold() == during != before, "another one is under way"
    assert gc.get_threshold() == before


def test_a_preview_without_time_says_what_it_did_not_look_at(
    project: Project, judged: list[Trace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "CHUNK", 2)
    seen = build.preview(project=project, query_text="", seconds=0)
    assert seen.counts["by_reason"] == {"accepted": 4, "not_looked_at": 6}, "one chunk ahead, one inside"
    assert "not_looked_at" in [told["code"] for told in seen.counts["warnings"]]
    assert build.preview(project=project, query_text="").counts["by_reason"] == {"accepted": 10}


@pytest.mark.django_db(transaction=True)
def test_another_process_chooses_the_same(project: Project, rita: User) -> None:
    for number in range(60):
        trace = rows.trace(
            project, said(number, words=30), judged="acceptable", by=rita, metadata={"kind": str(number % 4)}
        )
        score(trace, "loss", (number * 7) % 60, source="worker")
    given = {"dedupe": "near", "coreset": {"strategy": "hybrid", "size": 30}, "group_by": "cluster", "order": "sample", "seed": 5,
             "balance": {"field": "meta.kind"}, "outliers": "content"}  # fmt: skip
    here = freeze(project, **given)
    script = (
        "import json, os, sys, django; from django.conf import settings; "
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings.test'; django.setup(); "
        f"settings.DATABASES['default']['NAME'] = {connection.settings_dict['NAME']!r}; "
        "from curation.datasets import build, recipe; from workspace.models import Project; from workspace.access import Actor; "
        "made = build.freeze(project=Project.objects.get(slug='acme'), name='there', query_text='', actor=Actor(), "
        "recipe=recipe.parse(json.loads(sys.argv[1]))); print(made.content_hash)"
    )
    for threads, salt in (("1", "1"), ("2", "77")):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": salt}
        done = subprocess.run(
            [sys.executable, "-c", script, json.dumps({**given, "held_out": "dataset"})], env=environment, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2_000:]
        assert done.stdout.strip() == here.content_hash
