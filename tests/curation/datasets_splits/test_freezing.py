"""Splits from end to end: frozen, grown, frozen again; nothing that was held out is ever trained on."""

from typing import Any

import pytest

from curation.datasets import build, leaks, splits
from curation.datasets.recipe import Recipe
from curation.datasets.recipe_parts import Replay
from curation.messages.form import message
from curation.models import DatasetRow, DatasetVersion, Trace, TraceTopic
from tests import make
from tests.curation.datasets import rows
from tests.curation.datasets_splits.test_topics import make as make_topic
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = pytest.mark.django_db
WORDS = [f"word{number}" for number in range(4_000)]


def freeze(project: Project, name: str = "support", query: str = "", **options: Any) -> DatasetVersion:
    given = {"dedupe": "none", **options}
    return build.freeze(project=project, name=name, query_text=query, actor=Actor(), recipe=Recipe(**given))


def talk(project: Project, rita: User, at: int, said: str = "", **fields: Any) -> Trace:
    """A trace with forty words of its own, or with what is `said`."""
    text = said or " ".join(WORDS[at * 40 : at * 40 + 40])
    return rows.trace(
        project, make.short_document(question=text), judged="acceptable", by=rita, external_id=f"t{at}", **fields
    )


def test_clusters_grow_and_what_was_held_out_stays(project: Project, rita: User) -> None:
    options: dict[str, Any] = {"group_by": "cluster", "test": 0.3, "validation": 0.1}
    for at in range(24):
        talk(project, rita, at)
    first = freeze(project, **options)
    was = dict(first.rows.values_list("trace__external_id", "split"))
    tested = next(name for name in was if was[name] == "test")
    trained = next(name for name in was if was[name] == "train")
    one, other = int(trained[1:]), int(tested[1:])
    for number, at in enumerate((one, other)):
        talk(project, rita, 60 + number, " ".join(["changed", *WORDS[at * 40 + 1 : at * 40 + 40]]))
    grown = freeze(project, **options)
    row = {
        name: (split, group)
        for name, split, group in grown.rows.values_list("trace__external_id", "split", "split_group")
    }
    assert row["t60"] == row[trained] and row["t61"] == row[tested], "each stands with what it is like"
    assert row[tested][0] == "test" and row[trained][0] == "train"
    still = {name for name, split in was.items() if split == "test"}
    assert still <= {name for name, (split, _) in row.items() if split == "test"}
    assert leaks.of(version=first) == [] == leaks.of(version=grown)


def test_two_clusters_that_a_new_trace_joins_are_held_out_together(project: Project, rita: User) -> None:
    """Joined by a common task: the cluster's name is the earlier group, which is trained on."""
    options: dict[str, Any] = {"group_by": "cluster", "test": 0.3, "validation": 0.1}
    for at in range(24):
        talk(project, rita, at, task_id=f"task{at}")
    first = freeze(project, **options)
    was = dict(first.rows.values_list("trace__external_id", "split"))
    tested = next(name for name in was if was[name] == "test")
    trained = next(name for name in was if was[name] == "train" and int(name[1:]) < int(tested[1:]))
    # says nearly what the tested one said, and is an attempt at the task of the trained one
    at = int(tested[1:])
    talk(project, rita, 70, " ".join(["changed", *WORDS[at * 40 + 1 : at * 40 + 40]]), task_id=f"task{trained[1:]}")
    second = freeze(project, **options)
    found = {
        name: (split, group)
        for name, split, group in second.rows.values_list("trace__external_id", "split", "split_group")
    }
    assert found[tested] == found[trained] == found["t70"] == ("test", f"task:task{trained[1:]}")
    found = leaks.of(version=first)
    assert [leak.external_id for leak in found] == [trained], "the older version may no longer be trained on as it is"
    again = freeze(project, **options)
    assert again.content_hash == second.content_hash


def test_a_near_copy_of_a_test_row_leaves_with_the_pair_as_its_reason(project: Project, rita: User) -> None:
    for at in range(20):
        talk(project, rita, at)
    first = freeze(project, test=0.3)
    kept = first.rows.filter(split="test").first()
    assert kept is not None
    at = int(kept.trace.external_id[1:])
    copies = [
        talk(project, rita, 100 + number, " ".join([f"x{number}", *WORDS[at * 40 + 1 : at * 40 + 40]]))
        for number in range(8)
    ]
    second = freeze(project, test=0.3)
    inside = set(second.rows.filter(trace__in=copies).values_list("split", flat=True))
    assert inside <= {"test"}
    stopped = second.decisions.filter(reason="near_held_out")
    assert stopped.count() == 8 - second.rows.filter(trace__in=copies).count() > 0
    told = stopped.select_related("trace")[0]
    assert f"({kept.trace.external_id})" in told.detail or "test row of this version" in told.detail
    assert told.facts["value"] >= 0.8
    assert freeze(project, test=0.3).content_hash == second.content_hash
    other = freeze(project, "other", test=0.3, seed=99)
    assert leaks.of(version=other) == []
    assert other.decisions.filter(reason="held_out").exists(), "what another dataset tests on is not trained on here"
    assert (
        not freeze(project, "alone", test=0.3, seed=7, held_out="dataset").decisions.filter(reason="held_out").exists()
    )


def test_topics_have_their_share_and_folds_are_kept(project: Project, rita: User) -> None:
    for name in ("Refunds", "Login"):
        make_topic(project, name, query=f"tag:{name.lower()}")
    for at in range(60):
        talk(project, rita, at, tags=["refunds"] if at % 3 else ["login"])
    made = freeze(project, stratify="topic", test=0.1, validation=0.1, folds=4)
    counted = {
        (topic, split): made.rows.filter(topic=topic, split=split).count()
        for topic in ("refunds", "login") for split in ("test", "validation")
    }  # fmt: skip
    assert counted == {
        ("refunds", "test"): 4,
        ("refunds", "validation"): 4,
        ("login", "test"): 2,
        ("login", "validation"): 2,
    }
    assert set(made.rows.exclude(split="test").values_list("fold", flat=True)) == {0, 1, 2, 3}
    assert set(made.rows.filter(split="test").values_list("fold", flat=True)) == {None}
    TraceTopic.objects.all().delete()
    assert set(DatasetRow.objects.filter(version=made).values_list("topic", flat=True)) == {"refunds", "login"}


def test_what_a_model_made_is_only_learned_from(project: Project, rita: User) -> None:
    for at in range(40):
        talk(project, rita, at, session_id=f"s{at // 2}", metadata={"synthetic": True} if at % 2 else {})
    made = freeze(project, group_by="session", test=0.3, validation=0.2)
    assert set(made.rows.filter(origin="generated").values_list("split", flat=True)) == {"train"}
    assert made.rows.filter(origin="trace", split="test").exists()
    left = made.decisions.filter(reason="held_out")
    assert left.exists() and made.rows.filter(origin="generated").count() == 20 - left.count()


def brief(project: Project, rita: User, name: str, question: str = "Hello?", answer: str = "Hello.") -> Trace:
    said = make.document(message("user", question), message("assistant", answer))
    return rows.trace(project, said, judged="acceptable", by=rita, external_id=name)


def split_of(made: DatasetVersion) -> dict[str, str]:
    return dict(made.rows.values_list("trace__external_id", "split"))


def test_rows_too_short_for_shingles_are_held_out_where_they_are_equal(project: Project, rita: User) -> None:
    for at in range(30):
        brief(project, rita, f"t{at}")
    made = split_of(freeze(project, test=0.4, validation=0.1))
    assert set(made.values()) == {"test"}, "nothing that is said in test is learned"
    brief(project, rita, "other", "Hello?", "Yes?")
    later = freeze(project, "later", test=0, validation=0)
    assert split_of(later) == {"other": "train"}
    assert later.decisions.filter(reason="near_held_out").count() == 30 - len(made)


def test_a_cluster_holds_equal_rows_that_are_too_short_for_shingles(project: Project, rita: User) -> None:
    for at in range(30):
        brief(project, rita, f"t{at}")
    made = split_of(freeze(project, group_by="cluster", test=0.4, validation=0.1))
    assert len(made) == 30 and len(set(made.values())) == 1


def test_a_prompt_is_held_out_whatever_was_answered(project: Project, rita: User) -> None:
    """The whole conversations differ, the request is the same: neither version learns what the other one tests."""
    for at in range(16):
        brief(project, rita, f"t{at}", f"What is {at} and {at}?", " ".join(WORDS[at * 40 : at * 40 + 40]))
    first = freeze(project, "first", task="prompts", test=0.5, validation=0)
    tested = [name for name, split in split_of(first).items() if split == "test"]
    assert tested
    for name in tested:
        at = int(name[1:])
        brief(
            project, rita, f"again{at}", f"What is {at} and {at}?", " ".join(WORDS[2_000 + at * 40 : 2_040 + at * 40])
        )
    later = freeze(project, "later", task="prompts", test=0, validation=0)
    assert not {name for name in split_of(later) if name.startswith("again")}
    assert later.decisions.filter(reason="near_held_out").count() == len(tested)
    alone = freeze(project, "alone", task="prompts", test=0, validation=0, held_out="dataset", seed=5)
    assert {leak.external_id for leak in leaks.of(version=alone, scope="project")} >= {
        f"again{name[1:]}" for name in tested
    }


def test_near_copies_of_test_rows_stay_out_where_only_equal_rows_are_near(project: Project, rita: User) -> None:
    for at in range(20):
        talk(project, rita, at)
    first = freeze(project, "first", test=0.3, validation=0)
    kept = first.rows.filter(split="test").first()
    assert kept is not None
    at = int(kept.trace.external_id[1:])
    copy = talk(project, rita, 100, " ".join(["changed", *WORDS[at * 40 + 1 : at * 40 + 40]]))
    later = freeze(project, "later", test=0, validation=0, dedupe="near", near_threshold=1.0)
    assert later.decisions.get(trace=copy).reason == "near_held_out"


def test_rows_held_out_are_found_at_once_where_few_are_wanted(
    project: Project, rita: User, django_assert_max_num_queries: Any
) -> None:
    for at in range(40):
        talk(project, rita, at)
    tested = freeze(project, "first", test=0.9, validation=0).rows.filter(split="test").count()
    assert tested > 25
    with django_assert_max_num_queries(60):
        later = freeze(project, "later", test=0, validation=0, limit=1)
    assert later.counts["rows"] == 1


def test_no_replayed_row_says_what_is_tested(project: Project, rita: User) -> None:
    replay = Replay(buffer="kept", ratio=0.5)
    brief(project, rita, "learned")
    freeze(project, "first", test=0, validation=0, replay=replay)
    recipe = Recipe(test=0.3, validation=0)
    brief(project, rita, next(f"x{n}" for n in range(99) if splits.split_of(f"trace:x{n}", recipe) == "test"))
    for at in range(20):
        talk(project, rita, at)
    second = freeze(project, "second", query="-id:learned", test=0.3, validation=0, replay=replay)
    assert second.counts["replay"]["replayed"] == 0 and second.counts["replay"]["held_out"] == 1
