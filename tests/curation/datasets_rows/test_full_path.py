"""Pairs from end to end: real attempts of tau-bench, candidates that a scripted endpoint generated, and what is frozen."""

import copy
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from curation.datasets import build, tasks
from curation.datasets.exporting import export
from curation.datasets.recipe import Recipe, parse
from curation.ingest import store
from curation.messages.form import message, text_of
from curation.models import Batch, DatasetRow, DatasetVersion, Score, Trace
from curation.scoring import batches, calling, generation
from tests import make
from tests.curation.datasets import rows
from tests.curation.grading import graders
from tests.curation.ingest.reading import read
from tests.flows.fake_openai import chat, fake_openai
from workspace.access import SYSTEM, Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db


def freeze(project: Project, **given: Any) -> DatasetVersion:
    return build.freeze(project=project, name="pairs", query_text="", actor=Actor(), recipe=parse(given))


def attempts(project: Project) -> int:
    """Stores the 100 real attempts; skips without them."""
    folder = os.environ.get("WHETSTONE_SAMPLES")
    if not folder:
        pytest.skip("WHETSTONE_SAMPLES names no folder with tau-bench results")
    found = sorted(Path(folder).glob("tau-bench/*.json"))
    traces, _ = read(found[0].read_bytes(), name=found[0].stem)
    for parsed in traces:
        store.store_trace(project=project, parsed=parsed)
    return len(traces)


def test_real_attempts_part_at_their_last_shared_message_or_say_why_not(project: Project) -> None:
    assert attempts(project) == 100
    task = tasks.find("pairs")
    ids = list(Trace.objects.filter(project=project).order_by("id").values_list("id", flat=True))
    options = tasks.check(task, {"measure": "reward", "max_pairs_per_case": 100})
    gathered = task.gather(project=project, traces=ids, recipe=Recipe(), options=options)
    made = list(gathered.made)
    counts = gathered.counts
    passed = Counter(t for t in Trace.objects.filter(scores__passed=True).values_list("task_id", flat=True))
    tried = sum(passes * (4 - passes) for passes in passed.values())
    assert (counts["cases"], counts["combinations"]) == (25, tried)
    of_combinations = {
        code: times for code, times in gathered.skips.items() if code not in ("none_passed", "none_failed")
    }
    assert len(made) + sum(of_combinations.values()) == tried, "every combination is a pair or has its reason"
    assert tried == 35
    assert gathered.skips["only_system_shared"] == 35, "a simulated user words every request anew"
    assert gathered.skips["none_passed"] + gathered.skips["none_failed"] + len(passed) >= 25
    assert len(gathered.left) + len({row.trace_id for row in made} | gathered.other) == 100


def test_a_real_attempt_that_parts_later_is_paired_where_it_parts(project: Project) -> None:
    attempts(project)
    good = Trace.objects.filter(scores__passed=True).order_by("id")[0]
    document = copy.deepcopy(good.revision.document)
    messages = document["conversations"][0]["messages"]
    places = [at for at, one in enumerate(messages) if one["role"] == "assistant" and one.get("tool_calls")]
    at = places[len(places) // 2]
    messages[at:] = [message("assistant", "I cannot do that.")]
    worse = rows.trace(project, document, task_id=good.task_id)
    Score.objects.create(project=project, trace=worse, name="reward", number=0, passed=False, source="imported")
    task = tasks.find("pairs")
    ids = list(Trace.objects.order_by("id").values_list("id", flat=True))
    options = tasks.check(task, {"measure": "reward"})
    gathered = task.gather(project=project, traces=ids, recipe=Recipe(), options=options)
    (row,) = gathered.made
    assert (row.trace_id, row.other_trace_id) == (good.pk, worse.pk)
    assert (len(row.example.messages), row.example.messages[-1]["role"] in ("user", "tool")) == (at, True)
    assert row.example.chosen[0]["tool_calls"][0]["name"] and text_of(row.example.rejected[0]) == "I cannot do that."


def test_candidates_for_real_conversations(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts(project)
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    seen: list[dict[str, Any]] = []
    says = {0.3: "I will look this up this morning.", 0.7: "No.", 1.0: "Maybe later today."}
    with fake_openai(lambda asked: (200, chat(asked, says[asked["temperature"]])), seen) as url:
        line = graders.connect(project, url)
        wanted = {"query": "", "connection": line, "graders": [graders.code(project)], "sample": 10}
        told = generation.price(project=project, **wanted)
        batch = generation.start(
            project=project, actor=SYSTEM, key="k", confirmed=told.text, until=told.until, **wanted
        )
        assert batches.work(batch.pk, 120)
    version = freeze(project, task="pairs", answers_from=str(batch.uid), task_options={"measure": "reward"})
    held = DatasetRow.objects.filter(version=version).select_related("trace__revision")
    assert held.count() == 10
    assert len(seen) == 30
    for row in held:
        said = row.trace.revision.document["conversations"][0]["messages"]
        before = said[:-1] if said[-1]["role"] == "assistant" else said
        assert [text_of(one) for one in row.content["messages"]] == [text_of(one) for one in before]
        assert text_of(row.content["chosen"][0]) == says[0.3]
    splits = Counter(task for task, _ in held.values_list("trace__task_id", "split").distinct())
    assert set(splits.values()) == {1}


def test_no_task_of_real_attempts_is_in_two_splits(project: Project) -> None:
    attempts(project)
    measured = {
        "measures": [{"score": "reward", "passed": True}],
        "judgments": ["unjudged"],
        "validation": 0.2,
        "test": 0.3,
    }
    version = freeze(project, task="trajectories", task_options={"min_tool_usage": 0}, **measured)
    places = DatasetRow.objects.filter(version=version).values_list("trace__task_id", "split").distinct()
    splits = Counter(task for task, _ in places)
    assert version.counts["rows"] == 31
    assert set(splits.values()) == {1}, "split by task id leaks nothing"
    assert len({split for _, split in places}) == 3


@pytest.fixture
def generated(project: Project, monkeypatch: pytest.MonkeyPatch) -> Batch:
    """Three candidates of each of four traces; the temperature decides what is answered."""
    monkeypatch.setattr(calling, "PAUSE", 0.0)
    monkeypatch.setattr("workspace.connections.client.RETRIES", 0)
    for _ in range(4):
        rows.trace(project)
    says = {0.3: "It left this morning, at eight.", 0.7: "No idea at all.", 1.0: "Who can tell?"}
    with fake_openai(lambda asked: (200, chat(asked, says[asked["temperature"]]))) as url:
        line = graders.connect(project, url)
        wanted = {"query": "", "connection": line, "model": "new-1", "graders": [graders.code(project)]}
        told = generation.price(project=project, **wanted)
        assert (told.traces, told.items) == (4, 12)
        batch = generation.start(
            project=project, actor=SYSTEM, key="k", confirmed=told.text, until=told.until, **wanted
        )
        assert batches.work(batch.pk, 60)
    batch.refresh_from_db()
    return batch


def test_generated_candidates_become_rows_that_can_be_traced_both_ways(project: Project, generated: Batch) -> None:
    version = freeze(
        project,
        task="pairs",
        answers_from=str(generated.uid),
        gates=[{"score": "late", "operator": "gte", "threshold": 1}],
    )
    held = list(DatasetRow.objects.filter(version=version).order_by("position"))
    assert len(held) == 4
    assert {(row.kind, row.origin, row.split) for row in held} == {("pair", "generated", "train")}
    for row in held:
        best, worst = (generated.items.get(pk=pk) for pk in row.batch_items)
        assert (best.settings["temperature"], best.trace_id, worst.trace_id) == (0.3, row.trace_id, row.trace_id)
        assert best.grades["late@1"]["value"] == 1
        assert worst.grades["late@1"]["value"] == 0
    stored = next(iter(export.read_rows(version)))
    assert text_of(stored.example.chosen[0]) == "It left this morning, at eight."
    assert [one["role"] for one in stored.example.messages] == ["system", "user", "assistant", "tool"]
    assert version.counts["pairs"]["by_source"] == {"generated": 4}
    line = json.loads(b"".join(export.write_jsonl(version, "openai-dpo")).splitlines()[0])
    assert [len(line[side]) for side in ("preferred_output", "non_preferred_output")] == [1, 1]
    assert line["input"]["messages"][-1]["role"] == "tool"
    assert line["input"]["tools"][0]["function"]["name"] == "get_order"


def test_no_pair_is_an_explanation_and_not_an_empty_file(project: Project, generated: Batch) -> None:
    with pytest.raises(build.NothingToFreeze) as raised:
        freeze(project, task="pairs", answers_from=str(generated.uid),
               gates=[{"score": "late", "operator": "gt", "threshold": 1}])  # fmt: skip
    assert "candidates per case above 1" in str(raised.value)
    assert "4 × no attempt or candidate passed" in str(raised.value)


def test_rows_of_every_task_are_frozen_and_read_back(project: Project, rita: User) -> None:
    for verdict in ("acceptable", "unacceptable"):
        rows.trace(project, judged=verdict, by=rita)
    rows.correct(rows.trace(project, judged="unacceptable", by=rita), rita, "It is late, and I am sorry.")
    expected = {"corrections": ("chat", 1), "labels": ("label", 4), "prompts": ("prompt", 1), "pairs": ("pair", 1)}
    for task, (kind, count) in expected.items():
        version = freeze(project, task=task, dedupe="none", order="oldest")
        read_back = list(export.read_rows(version))
        assert [row.example.kind for row in read_back] == [kind] * count, task
        digests = DatasetRow.objects.filter(version=version).order_by("position").values_list("digest", flat=True)
        assert [row.example.digest() for row in read_back] == list(digests), task


def test_pairs_that_share_a_trace_are_in_one_split(project: Project, rita: User) -> None:
    for number in range(30):
        said = [make.document(message("user", f"Do {number}"), message("assistant", f"{w} {number}")) for w in "AB"]
        good = rows.trace(project, said[0], judged="acceptable", by=rita, session_id=f"a{number}")
        bad = rows.trace(project, said[1], judged="unacceptable", by=rita, session_id=f"b{number}")
        rows.correct(bad, rita, f"Better {number}")
        assert good.input_fingerprint == bad.input_fingerprint
    version = freeze(project, task="pairs", group_by="session", validation=0.3, test=0.3)
    held = DatasetRow.objects.filter(version=version)
    assert held.count() == 60
    splits: dict[int, set[str]] = {}
    for trace, other, split in held.values_list("trace_id", "other_trace_id", "split"):
        for shown in filter(None, (trace, other)):
            splits.setdefault(shown, set()).add(split)
    assert all(len(found) == 1 for found in splits.values())
    assert set().union(*splits.values()) == {"train", "validation", "test"}


def test_rows_of_every_kind_have_a_page_and_both_sides_lead_to_it(project: Project, rita: User, as_user: Any) -> None:
    said = [make.document(message("user", "Do it"), message("assistant", words)) for words in ("Done.", "No.")]
    good = rows.trace(project, said[0], judged="acceptable", by=rita)
    bad = rows.trace(project, said[1], judged="unacceptable", by=rita)
    client = as_user(rita)
    for number, task in enumerate(("pairs", "labels", "prompts"), start=1):
        version = freeze(project, task=task, dedupe="none", order="oldest")
        assert version.number == number
        for page in ("", "rows/1/", "decisions/", "checks/"):
            answer = client.get(f"/p/acme/datasets/pairs/{number}/{page}")
            assert answer.status_code == 200, (task, page)
            if page == "rows/1/":
                assert "Done." in answer.content.decode(), task
    assert version.counts["task"] == {"name": "prompts", "kept": 1, "looked_at": 2, "share": 0.5}
    labels = DatasetVersion.objects.get(number=2).counts
    assert (labels["task"]["desirable"], labels["task"]["undesirable"]) == (1, 1)
    for trace in (good, bad):
        assert "/p/acme/datasets/pairs/1/rows/1/" in client.get(f"/p/acme/traces/{trace.uid}/").content.decode()


def test_what_is_trained_is_marked_and_counted_for_each_side(project: Project, rita: User, as_user: Any) -> None:
    for words, judged in (("Done, and then some more.", "acceptable"), ("No.", "unacceptable")):
        said = make.document(message("user", "Do it"), message("assistant", words))
        rows.trace(project, said, judged=judged, by=rita)
    for task in ("pairs", "labels", "chat"):
        freeze(project, task=task, dedupe="none", order="oldest")

    def shown(number: int, position: int = 1) -> str:
        page = as_user(rita).get(f"/p/acme/datasets/pairs/{number}/rows/{position}/").content.decode()
        return str(page.split('id="row"')[1].split("</section>")[0])

    pair = shown(1)
    assert "chosen, 10<" in pair and "rejected, 4<" in pair
    assert [pair.count(f'<li class="{kind}">') for kind in ("on", "worse", "off")] == [1, 1, 1]
    wanted, unwanted = shown(2), shown(2, 2)
    assert "wanted, 10<" in wanted and "not wanted" not in wanted
    assert "not wanted, 4<" in unwanted and "trained as not wanted" in unwanted
    chat = shown(3)
    assert "trained, 10<" in chat and "without a chat template" in chat


def test_no_trace_at_all_is_no_division_by_zero(project: Project) -> None:
    counts = build.preview(project=project, query_text="", recipe=parse({"task": "trajectories"})).counts
    assert counts["task"] == {"name": "trajectories", "kept": 0, "looked_at": 0, "share": None}


def test_the_page_of_a_generated_pair_names_its_candidates(
    project: Project, generated: Batch, alice: User, as_user: Any
) -> None:
    freeze(project, task="pairs", answers_from=str(generated.uid))
    page = as_user(alice).get("/p/acme/datasets/pairs/1/rows/1/").content.decode()
    for item in DatasetRow.objects.get(position=1).batch_items:
        assert f"/p/acme/graders/batches/{generated.uid}/{item}/" in page
    assert "temperature 0.3" in page
    assert "number 1</a>, temperature 0.3, <code>late@1</code> 1.00 passed" in page, (
        "as the page of the batch counts them"
    )
    assert "<code>late@1</code> 0.00 failed" in page and "number 0" not in page
