"""What annotators said comes in with the traces: once, settled, and never guessed."""

import json
from typing import Any

import pytest

from curation.ingest.import_files import import_file
from curation.ingest.labels import read_labels
from curation.ingest.parsed import Unreadable
from curation.models import Correction, Judgment, Preference, Score, Trace
from tests.curation.ingest.reading import lines
from tests.curation.ingest.samples import RECORD, TASK
from workspace.access import SYSTEM
from workspace.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(project: Project, tmp_path: Any) -> Any:
    """Import bytes; returns the counts (of the format and the notes other tests speak)."""

    def run(data: bytes, **options: Any) -> dict[str, Any]:
        (tmp_path / "file.jsonl").write_bytes(data)
        found = import_file(project=project, actor=SYSTEM, path=tmp_path / "file.jsonl", **options).as_json()
        return {name: value for name, value in found.items() if name not in ("format", "notes")}

    return run


def test_labelled_rows_are_judged_once(bring: Any) -> None:
    rows = lines(*({"prompt": f"q{n}", "completion": "a", "label": n % 2 == 0} for n in range(4)))
    assert bring(rows)["judgments"] == 4
    assert list(Trace.objects.order_by("preview").values_list("preview", "verdict", "verdict_stale")) == [
        ("q0", "acceptable", False), ("q1", "unacceptable", False), ("q2", "acceptable", False), ("q3", "unacceptable", False),
    ]  # fmt: skip
    again = bring(rows)
    assert again["unchanged"] == 4 and "judgments" not in again and Judgment.objects.count() == 4
    bring(lines({"prompt": "q0", "completion": "a", "label": "maybe"}))
    assert Judgment.objects.count() == 4


def test_a_word_is_about_what_the_trace_says_now(bring: Any) -> None:
    row = {"id": "k1", "prompt": "q", "completion": "a", "label": True}
    bring(lines(row))
    assert bring(lines({**row, "completion": "b"}))["judgments"] == 1
    assert Trace.objects.get().verdict_stale is False
    Judgment.objects.update(withdrawn_at="2026-01-01T00:00:00Z")
    assert "judgments" not in bring(lines({**row, "completion": "b"}))  # taken back here, it stays so


def test_preferences_stand_between_an_ending_and_a_candidate_or_between_two_traces(bring: Any) -> None:
    rows = lines({"prompt": "q", "chosen": "good", "rejected": "bad"})
    assert bring(rows)["preferences"] == 1
    assert "preferences" not in bring(rows)
    found = Preference.objects.get()
    assert (found.left_candidate, found.right_candidate, found.choice, found.is_imported) == (0, 1, "left", True)
    assert found.left_trace == found.right_trace
    conversation = found.left_revision.document["conversations"][0]
    assert [conversation["messages"][-1]["parts"][0]["text"], conversation["candidates"][0]["parts"][0]["text"]] == [
        "good", "bad",
    ]  # fmt: skip

    ask = {"role": "user", "content": "q2"}
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}],
    }
    result, end = {"role": "tool", "tool_call_id": "c", "content": "1"}, {"role": "assistant", "content": "done"}
    long = lines({"id": "p", "chosen": [ask, call, result, end], "rejected": [ask, end]})
    assert bring(long) == {"read": 2, "created": 2, "updated": 0, "unchanged": 0, "rejected": [], "preferences": 1}
    pair = Preference.objects.latest("id")
    assert (pair.left_trace.external_id, pair.right_trace.external_id) == ("p", "p/rejected")
    assert (pair.left_candidate, pair.right_candidate) == (0, 0)
    assert pair.left_trace.input_fingerprint == pair.right_trace.input_fingerprint


def test_annotations_of_label_studio(bring: Any) -> None:
    data = json.dumps([TASK]).encode()
    assert bring(data) == {
        "read": 1, "created": 1, "updated": 0, "unchanged": 0, "rejected": [], "judgments": 1, "corrections": 1,
    }  # fmt: skip
    word = Judgment.objects.get()
    assert (word.author, word.verdict, word.rating, word.note, word.user) == (
        "ann@example.com", "acceptable", 4, "Short and right.", None,
    )  # fmt: skip
    assert word.created_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert Correction.objects.get().messages[-1]["parts"] == [{"type": "text", "text": "7 °C, dry."}]
    assert [(score.name, score.number, score.author) for score in Score.objects.all()] == [
        ("stars", 4, "ann@example.com")
    ]
    assert Trace.objects.get().metadata == {"team": "red"}
    again = bring(data)
    assert again["unchanged"] == 1 and "judgments" not in again and "corrections" not in again
    changed = json.loads(data)
    changed[0]["annotations"][0]["result"][0]["value"]["choices"] = ["bad"]
    changed[0]["annotations"][0]["updated_at"] = "2026-01-03T03:04:05Z"
    assert bring(json.dumps(changed).encode())["judgments"] == 1
    assert Trace.objects.get().verdict == "unacceptable"  # the newest word of a person counts


def test_annotations_of_argilla(bring: Any) -> None:
    assert bring(json.dumps([RECORD]).encode())["judgments"] == 1  # the draft is none
    word = Judgment.objects.get()
    assert (word.author, word.verdict, word.note) == ("u-1", "unacceptable", "It is 9 °C there.")


def test_labels_that_nobody_knows_are_listed_and_can_be_explained(bring: Any) -> None:
    task = json.loads(json.dumps(TASK))
    task["annotations"][0]["result"][0]["value"]["choices"] = ["yes"]
    data = json.dumps([task]).encode()
    found = bring(data)
    assert found["unknown_labels"] == {"verdict/yes": 1} and "judgments" not in found
    assert Score.objects.filter(name="verdict", category="yes").exists()
    explained = bring(data, verdicts=read_labels(["verdict/yes = acceptable", ""]))
    assert explained["judgments"] == 1 and "unknown_labels" not in explained
    assert Trace.objects.get().verdict == "acceptable"
    torn = json.loads(json.dumps(TASK))
    torn["annotations"][0]["result"].append({"from_name": "style", "type": "choices", "value": {"choices": ["bad"]}})
    other = json.dumps([{**torn, "id": 6, "data": {"prompt": "p", "response": "r"}}]).encode()
    assert "judgments" not in bring(other)
    only = bring(other, verdicts={"verdict/Good": "acceptable"})
    assert only["judgments"] == 1  # where a question is named, it alone counts
    with pytest.raises(Unreadable, match="is not LABEL=VERDICT"):
        read_labels(["yes = fine"])


def test_words_on_traces_that_are_here_leave_their_content_alone(bring: Any) -> None:
    chat = {
        "id": "run-1",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        "metadata": {"k": 1},
    }
    bring(lines(chat))
    before = Trace.objects.get()
    task = {
        "id": 1,
        "data": {"trace_id": "run-1", "text": "q and a, as the page showed them"},
        "annotations": TASK["annotations"],
    }
    found = bring(json.dumps([task]).encode())
    assert (found["read"], found["unchanged"] + found["updated"], found["judgments"], found["corrections"]) == (
        1,
        1,
        1,
        1,
    )
    after = Trace.objects.get()
    assert (after.revision_id, after.metadata, after.source_format) == (before.revision_id, {"k": 1}, "openai_chat")
    assert after.verdict == "acceptable" and Score.objects.get().name == "stars"
    assert [m["parts"][0]["text"] for m in Correction.objects.get().messages] == ["q", "7 °C, dry."]
    strange = bring(json.dumps([{"id": 2, "data": {"trace_id": "run-9"}, "annotations": TASK["annotations"]}]).encode())
    assert strange["rejected"] == [
        {"where": "item 1", "reason": "there is no trace 'run-9' here, and this brings no conversation"}
    ]
