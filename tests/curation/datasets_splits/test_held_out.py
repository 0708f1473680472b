"""Held-out traces: no later version trains on them, on their groups or on their near copies, and none is exported."""

import random
from collections import Counter
from typing import Any

import pytest

from curation.datasets import build, held_out, leaks, recipe
from curation.datasets.held_out import Row, conflicts
from curation.datasets.selecting import prints
from curation.messages.form import Document, message
from curation.models import Dataset, DatasetRow, DatasetVersion, RevisionSignature, Trace
from tests import make
from tests.curation.datasets import rows
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db

TEXT = (
    "please cancel my order of two blue lamps and one green chair because the delivery came three days too late and the "
    "box was broken on one side so that a lamp does not light any more and i want my money back on the card i paid with "
    "and not a voucher as your colleague said on the phone yesterday when i called about the same order for the third time"
)


def version(project: Project, name: str, **splits: list[Trace]) -> DatasetVersion:
    """A frozen version with these traces in these splits, straight into the tables."""
    dataset, _ = Dataset.objects.get_or_create(project=project, name=name)
    made = DatasetVersion.objects.create(dataset=dataset, number=dataset.versions.count() + 1, content_hash="0" * 64)
    position = 0
    for split, traces in splits.items():
        for trace in traces:
            position += 1
            DatasetRow.objects.create(
                version=made, position=position, trace=trace, revision_id=trace.revision_id, split=split,
                split_group=f"trace:{trace.external_id}", digest=f"{trace.pk:064d}",
            )  # fmt: skip
    return made


def signed(trace: Trace, text: str) -> Trace:
    """With the signature of `text`."""
    RevisionSignature.objects.create(
        revision=trace.revision, project=trace.project, rules=1, minhash=prints.minhashes([prints.words_in([text])])[0]
    )
    return trace


def row(trace: Trace, split: str = "train", **fields: Any) -> Row:
    values: dict[str, Any] = {"group": f"trace:{trace.external_id}", **fields}
    return Row(trace.external_id, (trace.pk,), (trace.revision_id or 0,), values["group"], split)


def test_a_held_out_trace_in_any_revision(project: Project) -> None:
    kept, free = rows.trace(project, external_id="kept"), rows.trace(project, external_id="free")
    version(project, "support", train=[free], test=[kept])
    rows.revise(kept, {"conversations": []})
    found = conflicts(project=project, rows=[row(kept), row(free, "validation")])
    assert set(found) == {"kept"}
    assert found["kept"].code == "held_out"
    assert found["kept"].told("kept") == "is held out as row 2 of support@1 (kept)"
    assert conflicts(project=project, rows=[row(kept, "test"), row(free)]) == {}, "it may be tested on again"
    assert set(conflicts(project=project, rows=[row(kept, "validation")])) == {"kept"}


def test_the_scope_of_a_dataset(project: Project) -> None:
    kept = rows.trace(project)
    mine, other = version(project, "support", test=[kept]).dataset, version(project, "other", test=[]).dataset
    assert conflicts(project=project, rows=[row(kept)], dataset=other, scope="dataset") == {}
    assert conflicts(project=project, rows=[row(kept)], dataset=mine, scope="dataset")
    assert conflicts(project=project, rows=[row(kept)], dataset=other, scope="project")
    assert conflicts(project=project, rows=[row(kept)], scope="dataset") == {}, "a new dataset has held out nothing"
    elsewhere = Project.objects.create(slug="elsewhere", name="Elsewhere")
    assert conflicts(project=elsewhere, rows=[row(kept)]) == {}


def test_what_shares_the_group_of_a_held_out_trace(project: Project) -> None:
    kept, later = rows.trace(project, external_id="kept"), rows.trace(project, external_id="later")
    version(project, "support", test=[kept])
    found = conflicts(project=project, rows=[row(later, group="trace:kept")])
    assert found["later"].told() == "shares trace:kept with row 1 of support@1"
    here = conflicts(project=project, rows=[row(later), row(kept, "test", group="trace:later")])
    assert here["later"].told("kept") == "shares trace:later with a test row of this version (kept)"


def test_a_near_copy_of_a_held_out_trace(project: Project) -> None:
    kept = signed(rows.trace(project, external_id="kept"), TEXT)
    copy = signed(rows.trace(project, external_id="copy"), TEXT.replace("third", "fourth"))
    other = signed(rows.trace(project, external_id="other"), " ".join(reversed(TEXT.split())))
    short = signed(rows.trace(project, external_id="short"), "cancel it")
    version(project, "support", test=[kept, short])
    found = conflicts(project=project, rows=[row(copy), row(other), row(rows.trace(project, external_id="unsigned"))])
    assert set(found) == {"copy"}
    near = found["copy"]
    assert (near.code, near.other, near.version, near.position) == ("near_held_out", kept.pk, "support@1", 1)
    assert near.similarity is not None and 0.8 <= near.similarity < 1
    assert near.told("kept").endswith("% the same as row 1 of support@1 (kept)")
    assert conflicts(project=project, rows=[row(copy)], threshold=1.0) == {}
    within = conflicts(project=project, rows=[row(copy), row(other, "test")], scope="dataset")
    assert within == {}
    within = conflicts(project=project, rows=[row(copy), row(kept, "test")], scope="dataset")
    assert within["copy"].version == "", "a test row of the same version counts too"


def test_a_pair_is_held_out_by_either_of_its_traces(project: Project) -> None:
    chosen, rejected = rows.trace(project), rows.trace(project)
    version(project, "support", test=[rejected])
    pair = Row(1, (chosen.pk, rejected.pk), (chosen.revision_id or 0, rejected.revision_id or 0), "task:t", "train")
    assert conflicts(project=project, rows=[pair])[1].trace == rejected.pk


def test_an_export_for_training_is_refused_with_the_pair_shown(project: Project) -> None:
    kept = signed(rows.trace(project, external_id="kept"), TEXT)
    copy = signed(rows.trace(project, external_id="copy"), TEXT.replace("third", "fourth"))
    free = rows.trace(project, external_id="free")
    first = version(project, "support", train=[free, copy])
    assert leaks.of(version=first) == []
    leaks.refuse(version=first)
    version(project, "other", train=[free], test=[kept])
    found = leaks.of(version=first)
    assert [(one.position, one.external_id, one.other_external_id) for one in found] == [(2, "copy", "kept")]
    with pytest.raises(leaks.HeldOutRows, match=r"row 2 \(copy\) is \d+% the same as row 2 of other@1 \(kept\)"):
        leaks.refuse(version=first)
    assert leaks.of(version=first, scope="dataset") == []
    with_copy_held = version(project, "support", train=[kept], test=[copy])
    assert [str(one) for one in leaks.of(version=with_copy_held, scope="dataset")] != []


def test_a_row_that_says_the_same_is_held_out_however_short(project: Project) -> None:
    kept, copy = rows.trace(project, external_id="kept"), rows.trace(project, external_id="copy")
    version(project, "support", test=[kept])
    same = Row("copy", (copy.pk,), (copy.revision_id or 0,), "trace:copy", "train", (f"{kept.pk:064d}", b"x"))
    found = conflicts(project=project, rows=[same])
    assert found["copy"].told("kept") == "is 100% the same as row 1 of support@1 (kept)"
    other = Row("other", (copy.pk,), (copy.revision_id or 0,), "trace:copy", "train", ("1", b"x"))
    assert conflicts(project=project, rows=[other]) == {}
    test = Row("test", (kept.pk,), (kept.revision_id or 0,), "trace:kept", "test", ("2", b"x"))
    assert conflicts(project=project, rows=[other, test], scope="dataset")["other"].other == kept.pk


def test_what_is_held_out_is_read_once_and_each_row_compared_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = signed(rows.trace(project, external_id="kept"), TEXT)
    copy = signed(rows.trace(project, external_id="copy"), TEXT.replace("third", "fourth"))
    version(project, "support", test=[kept])
    guard = held_out.Guard(project=project)
    first, later = row(rows.trace(project, external_id="first")), row(copy)
    assert guard.conflicts([first], ahead=[later]) == {}
    monkeypatch.setattr(held_out, "_minhashes", None)  # nothing is read any more
    assert set(guard.conflicts([first, later])) == {"copy"}


def test_minhashes_at_hand_are_not_read_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = signed(rows.trace(project, external_id="kept"), TEXT)
    copy = signed(rows.trace(project, external_id="copy"), TEXT.replace("third", "fourth"))
    known = {one.revision_id: bytes(one.minhash) for one in RevisionSignature.objects.all()}
    monkeypatch.setattr(held_out, "_minhashes", None)
    assert set(conflicts(project=project, rows=[row(kept, "test"), row(copy)], minhashes=known)) == {"copy"}


def test_a_wide_idea_of_near_copies_does_not_let_them_in() -> None:
    assert held_out.threshold_of("near", 1.0) == held_out.THRESHOLD == held_out.threshold_of("exact", 0.5)
    assert held_out.threshold_of("near", 0.5) == 0.5


def talk(seed: int, tail: str = "") -> Document:
    words = " ".join(random.Random(seed).choices([f"word{number}" for number in range(4_000)], k=150))
    return make.document(message("user", "Write the letter, please."), message("assistant", f"{words} {tail}".strip()))


def freeze(project: Project, name: str, query: str = "", **given: Any) -> DatasetVersion:
    chosen = recipe.parse({"group_by": "trace", "validation": 0, "test": 0, **given})
    return build.freeze(project=project, name=name, query_text=query, actor=Actor(), recipe=chosen)


def reasons_of(version: DatasetVersion) -> dict[str, str]:
    return dict(version.decisions.values_list("trace__external_id", "reason"))


def test_near_copies_of_every_held_out_revision(project: Project, rita: User) -> None:
    kept = rows.trace(project, talk(1), judged="acceptable", by=rita, external_id="kept")
    freeze(project, "tests", test=0.9)
    rows.revise(kept, talk(2))
    rows.judge(kept, rita)
    assert freeze(project, "tests", test=0.9).rows.get().split == "test"
    for number in (1, 2, 3):
        rows.trace(project, talk(number, "yours"), judged="acceptable", by=rita, external_id=f"copy{number}")
    found = freeze(project, "other", "-id:kept")
    assert reasons_of(found) == {"copy1": "near_held_out", "copy2": "near_held_out", "copy3": "accepted"}
    told = found.decisions.get(trace__external_id="copy2")
    assert told.detail.endswith("% the same as row 1 of tests@2 (kept)")


def test_near_copies_of_a_held_out_correction(project: Project, rita: User) -> None:
    kept = rows.trace(project, talk(1), judged="acceptable", by=rita, external_id="kept")
    rows.correct(kept, rita, talk(2)["conversations"][0]["messages"][1]["parts"][0]["text"])
    assert freeze(project, "tests", test=0.9).rows.get().split == "test"
    for number in (1, 2, 3):
        rows.trace(project, talk(number, "yours"), judged="acceptable", by=rita, external_id=f"copy{number}")
    found = freeze(project, "other", "-id:kept")
    assert reasons_of(found) == {"copy1": "near_held_out", "copy2": "near_held_out", "copy3": "accepted"}


@pytest.mark.parametrize("before", [True, False], ids=["frozen before", "frozen after"])
def test_a_correction_that_says_nearly_what_is_held_out(project: Project, rita: User, before: bool) -> None:
    rows.trace(project, talk(1), judged="acceptable", by=rita, external_id="kept")
    mended = rows.trace(project, talk(2), judged="acceptable", by=rita, external_id="mended")
    rows.correct(mended, rita, talk(1, "yours")["conversations"][0]["messages"][1]["parts"][0]["text"])
    rows.trace(project, talk(3), judged="acceptable", by=rita, external_id="free")
    if before:
        freeze(project, "tests", "id:kept", test=0.9)
        found = freeze(project, "other", "-id:kept", test=0)
        assert reasons_of(found) == {"mended": "near_held_out", "free": "accepted"}
    else:
        found = freeze(project, "other", "-id:kept", test=0)
        assert leaks.of(version=found) == []
        freeze(project, "tests", "id:kept", test=0.9)
        assert [(one.external_id, one.other_external_id) for one in leaks.of(version=found)] == [("mended", "kept")]


def test_what_was_compared_is_not_read_again(project: Project, rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = rows.trace(project, talk(1), judged="acceptable", by=rita, external_id="kept")
    rows.correct(kept, rita, talk(2)["conversations"][0]["messages"][1]["parts"][0]["text"])
    freeze(project, "tests", test=0.9)
    copies = [rows.trace(project, talk(number, "yours"), external_id=f"copy{number}") for number in (1, 2, 3)]
    assert set(conflicts(project=project, rows=[row(one) for one in copies])) == {"copy1", "copy2"}
    monkeypatch.setattr(held_out, "_minhashes", None)
    monkeypatch.setattr(prints, "minhashes", None)
    assert set(conflicts(project=project, rows=[row(one) for one in copies])) == {"copy1", "copy2"}


@pytest.fixture
def sixty(project: Project, rita: User) -> set[str]:
    """Of sixty traces those that a dataset tests on."""
    for number in range(60):
        rows.trace(
            project, talk(number), judged="acceptable", by=rita, external_id=f"t{number}", agent="ab"[number % 2]
        )
    tests = freeze(project, "tests", test=0.3, seed=3)
    return set(tests.rows.filter(split="test").values_list("trace__external_id", flat=True))


@pytest.mark.parametrize(
    "given",
    [
        {"limit": 30},
        {"max_examples": 30},
        {"coreset": {"strategy": "random", "size": 30}},
        {"coreset": {"strategy": "diversity", "size": 30}, "validation": 0.3},
        {"limit": 30, "mix": {"strategy": "balanced", "by": "agent"}},
        {"max_examples": 30, "mix": {"strategy": "weighted", "by": "agent", "weights": {"a": 1, "b": 1}}},
        {"balance": {"field": "agent", "most": 15}},
        {"max_examples": 30, "stratify": "topic"},
        {"max_examples": 30, "group_by": "cluster"},
    ],
    ids=str,
)
def test_what_is_held_out_takes_no_places(project: Project, sixty: set[str], given: dict[str, Any]) -> None:
    found = freeze(project, "other", **given)
    assert 5 < len(sixty) < 25 and found.counts["rows"] == 30
    assert not sixty & set(found.rows.values_list("trace__external_id", flat=True))
    assert reasons_of(found).items() >= dict.fromkeys(sixty, "held_out").items() or "limit" in given
    if "mix" in given or "balance" in given:
        assert Counter(found.rows.values_list("trace__agent", flat=True)) == {"a": 15, "b": 15}
        assert found.counts.get("mix", {}).get("short", []) == []
    assert "short_of_asked" not in [told["code"] for told in found.counts["warnings"]]
    again = freeze(project, "other", **given)
    assert again.content_hash == found.content_hash


@pytest.mark.parametrize("stratify", ["", "topic"])
def test_what_is_tested_again_keeps_its_place(project: Project, sixty: set[str], stratify: str) -> None:
    other = freeze(project, "other", test=0.3, seed=3, max_examples=60)
    assert other.counts["rows"] == 60 and other.counts["test"] == len(sixty), "the same seed tests on the same groups"
    again = freeze(project, "tests", test=0.3, seed=3, max_examples=60, stratify=stratify)
    assert set(again.rows.filter(split="test").values_list("trace__external_id", flat=True)) >= sixty


def test_a_version_that_is_shorter_than_asked_for_says_so(project: Project, sixty: set[str]) -> None:
    free = 60 - len(sixty)
    found = freeze(project, "other", limit=50, mix={"strategy": "balanced", "by": "agent"})
    told = {one["code"]: one["text"] for one in found.counts["warnings"]}
    assert told["short_of_asked"] == (
        f"50 rows were asked for and {free} are there; {len(sixty)} traces stay out because they are held out."
    )
    each = Counter(found.rows.values_list("trace__agent", flat=True))
    assert found.counts["mix"]["take"] == each and sum(each.values()) == free
    assert {one["value"]: one["missing"] for one in found.counts["mix"]["short"]} == {
        value: 25 - number for value, number in each.items()
    }


def test_a_mix_counts_what_leaves_after_it(project: Project, sixty: set[str]) -> None:
    """Where the splits of all rows decide, what is held out is known only behind the mix."""
    mix = {"strategy": "balanced", "by": "agent"}
    found = freeze(project, "other", limit=50, test=0.1, seed=8, stratify="topic", mix=mix)
    each = Counter(found.rows.values_list("trace__agent", flat=True))
    assert found.counts["rows"] < 50 and found.counts["mix"]["take"] == each
    assert sum(one["missing"] for one in found.counts["mix"]["short"]) == 50 - found.counts["rows"]
    assert {"short_of_asked", "short_of_mix"} <= {told["code"] for told in found.counts["warnings"]}


@pytest.mark.parametrize("elsewhere", [False, True], ids=["alone", "beside another dataset"])
@pytest.mark.parametrize(
    "given",
    [{"max_examples": 30}, {"coreset": {"strategy": "diversity", "size": 30}}, {"limit": 20, "group_by": "cluster"}],
    ids=str,
)
def test_the_same_recipe_gives_the_same_rows_again(
    project: Project, rita: User, given: dict[str, Any], elsewhere: bool
) -> None:
    """A near copy of a test row leaves at the same step, whether an earlier version of the dataset tests on it or not."""
    for number in range(40):
        words = talk(number // 2, "yours" if number % 2 else "")
        rows.trace(project, words, judged="acceptable", by=rita, external_id=f"t{number}")
    if elsewhere:
        freeze(project, "tests", test=0.1, seed=7)
    first = freeze(project, "same", test=0.2, **given)
    assert any(reason == "near_held_out" for reason in reasons_of(first).values()) or "group_by" in given
    assert {freeze(project, "same", test=0.2, **given).content_hash for _ in range(3)} == {first.content_hash}
