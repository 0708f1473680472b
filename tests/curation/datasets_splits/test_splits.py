"""Splits: a group is in one, stays there while data grows, and a topic has its share in each."""

import random
from collections import Counter, defaultdict

import pytest

from curation.datasets import splits
from curation.datasets.recipe import Recipe
from curation.datasets.splits import Member, Place, assign, clustered


def test_the_place_of_a_group_depends_on_nothing_else() -> None:
    recipe = Recipe(seed=5, folds=4)
    few = [Member(number, f"session:{number}") for number in range(50)]
    many = [*few, *(Member(1000 + number, f"session:x{number}") for number in range(900))]
    assert assign(many, recipe)[:50] == assign(few, recipe)
    assert assign(few, Recipe(seed=6, folds=4)) != assign(few, recipe)


def test_shares_are_near_what_was_asked_for() -> None:
    members = [Member(number, f"trace:{number}") for number in range(20_000)]
    counted = Counter(place.split for place in assign(members, Recipe(test=0.2, validation=0.1)))
    assert counted["test"] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert counted["validation"] / 20_000 == pytest.approx(0.1, abs=0.01)


def test_a_cluster_has_the_name_of_its_earliest_row() -> None:
    groups = ["session:a", "trace:b", "trace:c", "session:a", "trace:e"]
    assert clustered(groups, []) == groups
    assert clustered(groups, [(1, 2)]) == ["session:a", "trace:b", "trace:b", "session:a", "trace:e"]
    assert clustered(groups, [(2, 3), (4, 2)]) == ["session:a", "trace:b", "session:a", "session:a", "session:a"]


def test_no_row_leaves_test_while_clusters_grow_and_merge() -> None:
    """Rows come one by one, each like up to two earlier ones; after each, all that was ever held out still is."""
    for seed in range(30):
        drawn = random.Random(seed)
        recipe = Recipe(seed=seed, group_by="cluster", test=0.3, validation=0.2)
        groups: list[str] = []
        alike: list[tuple[int, int]] = []
        held: set[int] = set()
        merged = 0
        for number in range(80):
            before = len(set(clustered(groups, alike)))
            groups.append(f"trace:{number}")
            if number and drawn.random() < 0.6:
                alike += [(number, drawn.randrange(number)) for _ in range(drawn.choice([1, 2]))]
            names = clustered(groups, alike)
            merged += before > len(set(names))
            places = assign([Member(index, name) for index, name in enumerate(names)], recipe, held=held)
            now = {index for index, place in enumerate(places) if place.split == "test"}
            assert held <= now
            per_cluster = defaultdict(set)
            for name, place in zip(names, places, strict=True):
                per_cluster[name].add(place.split)
            assert all(len(found) == 1 for found in per_cluster.values())
            held |= now
        assert merged, "two clusters were joined on the way"


def test_two_clusters_in_different_splits_that_merge_are_held_out() -> None:
    recipe = Recipe(group_by="cluster", test=0.3, validation=0.2)
    where = {name: splits.split_of(name, recipe) for name in (f"trace:{number}" for number in range(60))}
    trained = next(name for name in where if where[name] == "train")
    tested = next(name for name in where if where[name] == "test")
    names = clustered([trained, tested, "trace:new"], [(2, 0), (2, 1)])
    assert set(names) == {trained}, "the earlier cluster gives the name, and by that alone all would be trained on"
    places = assign([Member(1, names[0]), Member(2, names[1]), Member(3, names[2])], recipe, held={2})
    assert [place.split for place in places] == ["test", "test", "test"]


def test_each_topic_has_its_share_in_each_split() -> None:
    recipe = Recipe(stratify="topic", test=0.1, validation=0.1, seed=3)
    sizes = {"refunds": 400, "orders": 100, "login": 20, "rare": 7, "": 60, "once": 1, "twice": 2}
    members = [
        Member(number, f"trace:{topic}-{number}", topic) for topic, size in sizes.items() for number in range(size)
    ]
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for member, place in zip(members, assign(members, recipe), strict=True):
        found[member.topic][place.split] += 1
    for topic, size in sizes.items():
        for split in ("test", "validation"):
            assert abs(found[topic][split] - 0.1 * size) <= 1, (topic, found[topic])
    assert found["rare"]["test"] == 1, "a topic of seven rows has one to be tested on"
    plain = Counter(
        member.topic
        for member, place in zip(members, assign(members, Recipe(seed=3)), strict=True)
        if place.split == "test"
    )
    assert max(abs(plain[topic] - 0.1 * size) for topic, size in sizes.items()) > 1, "which the plain hash does not do"


def test_groups_stay_whole_where_topics_are_cut() -> None:
    drawn = random.Random(1)
    members = [
        Member(number, f"session:{number // 4}", drawn.choice(["refunds", "orders", "login"]))
        for number in range(2_000)
    ]
    places = assign(members, Recipe(stratify="topic", folds=5))
    per_group = defaultdict(set)
    for member, place in zip(members, places, strict=True):
        per_group[member.group].add((place.split, place.fold))
    assert all(len(found) == 1 for found in per_group.values())
    counted = Counter(place.split for place in places)
    assert abs(counted["test"] - 200) <= 6 and abs(counted["validation"] - 200) <= 6


def test_no_row_leaves_test_while_topics_grow() -> None:
    drawn = random.Random(2)
    recipe = Recipe(stratify="topic", test=0.2, validation=0.1)
    held: set[int] = set()
    members: list[Member] = []
    for _ in range(12):
        for _ in range(drawn.randrange(5, 60)):
            number = len(members)
            members.append(Member(number, f"session:{number // 3}", drawn.choice(["refunds", "orders", "orders", ""])))
        places = assign(members, recipe, held=held)
        assert places == assign(members, recipe, held=held), "the same again gives the same"
        now = {member.trace for member, place in zip(members, places, strict=True) if place.split == "test"}
        assert held <= now
        held |= now
        assert places == assign(members, recipe, held=held), "having frozen it changes nothing"
    assert len(held) / len(members) == pytest.approx(0.2, abs=0.03)


def test_folds_hold_whole_groups_of_train_and_validation() -> None:
    members = [Member(number, f"session:{number // 5}") for number in range(5_000)]
    places = assign(members, Recipe(folds=5))
    folds = Counter(place.fold for place in places if place.split != "test")
    assert set(folds) == {0, 1, 2, 3, 4}
    assert min(folds.values()) / max(folds.values()) > 0.6
    assert {place.fold for place in places if place.split == "test"} == {None}
    assert {place.fold for place in assign(members, Recipe())} == {None}


def test_generated_rows_are_only_trained_on() -> None:
    recipe = Recipe(test=0.3, validation=0.2)
    members = [Member(number, f"session:{number // 2}", generated=number % 2 == 1) for number in range(400)]
    places = assign(members, recipe)
    for real, made in zip(places[::2], places[1::2], strict=True):
        assert made == (real if real.split == "train" else Place(""))
    alone = assign([Member(number, f"session:{number}", generated=True) for number in range(100)], recipe)
    assert {place.split for place in alone} == {"train"}
    assert assign([Member(1, "session:s", generated=True)], recipe, held_groups={"session:s"}) == [Place("")]
