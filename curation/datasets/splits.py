"""Which split a row is in: decided by its group alone, so it never moves while the data grows.

A group's place in [0, 1) is a hash of its name keyed with the seed; the shares cut that line. Two things go beyond it:
whatever an earlier version of the dataset held out stays in test, with all of its group, and with `stratify` each topic
is cut by itself (its groups in the order of their places), so that each has its share in each split.
"""

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from curation.datasets.recipe import Recipe

GROUP_LENGTH = 200
TRAIN, VALIDATION, TEST = "train", "validation", "test"
_CHAINS = {"task": ("task", "session"), "session": ("session",), "user": ("user", "session"), "trace": ()}


class Member(NamedTuple):
    """A row to be: its trace (id inside), its group, its topic ("" where it has none), and whether a model made it, so
    that it may only be trained on."""

    trace: int
    group: str
    topic: str = ""
    generated: bool = False


class Place(NamedTuple):
    """Where a row goes. A split of "" is none: a generated row whose group is validated or tested on."""

    split: str
    fold: int | None = None


_NOWHERE = Place("")


@dataclass(slots=True)
class _Group:
    name: str
    rows: int = 0
    topics: dict[str, int] = field(default_factory=dict)
    held: bool = False

    @property
    def topic(self) -> str:
        """The topic of most of its rows; of equal ones the first by name."""
        return min(self.topics, key=lambda name: (-self.topics[name], name))


def group_of(group_by: str, *, task_id: str, session_id: str, user_id: str, external_id: str) -> str:
    """The group of a trace as "kind:id". A trace without the wanted id falls back as recipe.GROUPS says; the kind in
    front keeps task "1" and session "1" apart. An id too long for the column is replaced by its digest. For "cluster"
    this is where `clustered` begins."""
    ids = {"task": task_id, "session": session_id, "user": user_id}
    kind, name = "trace", external_id
    for wanted in _CHAINS["task" if group_by == "cluster" else group_by]:
        if ids[wanted]:
            kind, name = wanted, ids[wanted]
            break
    group = f"{kind}:{name}"
    return (
        group if len(group) <= GROUP_LENGTH else f"{kind}#{hashlib.blake2b(name.encode(), digest_size=32).hexdigest()}"
    )


def clustered(groups: Sequence[str], alike: Iterable[tuple[int, int]]) -> list[str]:
    """The groups of rows once near-duplicates are kept together: rows of one group and rows that are alike (pairs of
    indexes) are one cluster, which has the name of its earliest row's group. Give the earliest row first: then a cluster
    keeps its name while the data grows, unless a new row joins two; then the earlier one gives the name."""
    parent = list(range(len(groups)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def join(one: int, other: int) -> None:
        a, b = root(one), root(other)
        parent[max(a, b)] = min(a, b)

    first: dict[str, int] = {}
    for index, group in enumerate(groups):
        join(first.setdefault(group, index), index)
    for one, other in alike:
        join(one, other)
    return [groups[root(index)] for index in range(len(groups))]


def assign(
    members: Sequence[Member], recipe: Recipe, *, held: Container[int] = (), held_groups: Container[str] = ()
) -> list[Place]:
    """The place of each row, in order. All rows of a group are in one split and one fold.

    `held` and `held_groups` are the traces and groups in the test split of earlier versions of the dataset
    (held_out.held): their groups go to test whatever their hash says. Generated rows follow their group into train and
    have no place otherwise; a group of generated rows alone is trained on.
    """
    groups: dict[str, _Group] = {}
    for one in members:
        group = groups.get(one.group)
        if group is None:
            group = groups[one.group] = _Group(one.group)
        group.held = group.held or one.trace in held or one.group in held_groups
        if not one.generated:
            group.rows += 1
            group.topics[one.topic] = group.topics.get(one.topic, 0) + 1
    real = [group for group in groups.values() if group.rows]
    splits = _stratified(real, recipe) if recipe.stratify else {one.name: split_of(one.name, recipe) for one in real}
    splits |= {group.name: TEST for group in groups.values() if group.held}
    places = {name: _place(name, splits.get(name, TRAIN), recipe) for name in groups}
    return [_NOWHERE if one.generated and places[one.group].split != TRAIN else places[one.group] for one in members]


def split_of(group: str, recipe: Recipe) -> str:
    """train, validation or test: the group's place in [0, 1) under a hash keyed with the seed, cut at the shares.

    The same group, seed and shares give the same split whatever else is in the data. BLAKE2b, RFC 7693.
    """
    place = _where(group, recipe.seed)
    if place < recipe.test:
        return TEST
    return VALIDATION if place < recipe.test + recipe.validation else TRAIN


def fold_of(group: str, recipe: Recipe) -> int | None:
    """Which of the recipe's folds a group is in, from 0: its place under another key; None where there are none."""
    return int(_where(group, recipe.seed, b"fold") * recipe.folds) if recipe.folds else None


def sample_key(external_id: str, seed: int) -> bytes:
    """Where a trace stands in the sample that the seed draws; growing data leaves the order of the others alone."""
    return hashlib.blake2b(external_id.encode(), key=b"sample" + _key(seed), digest_size=16).digest()


def _place(group: str, split: str, recipe: Recipe) -> Place:
    return Place(split, None if split == TEST else fold_of(group, recipe))


def _stratified(groups: Sequence[_Group], recipe: Recipe) -> dict[str, str]:
    """Each topic cut by itself. A topic too small for half a row of the smaller share is cut with others of its kind."""
    shares = [share for share in (recipe.test, recipe.validation) if share]
    per_topic: dict[str, list[_Group]] = defaultdict(list)
    for group in groups:
        per_topic[group.topic].append(group)
    strata: list[list[_Group]] = []
    small: list[_Group] = []
    for found in per_topic.values():
        if shares and min(shares) * sum(one.rows for one in found) < 0.5:
            small += found
        else:
            strata.append(found)
    result: dict[str, str] = {}
    for stratum in (*strata, small):
        result |= _cut(stratum, recipe)
    return result


def _cut(stratum: Sequence[_Group], recipe: Recipe) -> dict[str, str]:
    """Groups in the order of their places: those held out are in test already; while a split lacks rows the next group
    goes there if that brings it nearer to its share."""
    rows = sum(one.rows for one in stratum)
    result = {one.name: TEST if one.held else TRAIN for one in stratum}
    in_order = sorted(
        (one for one in stratum if not one.held), key=lambda one: (_where(one.name, recipe.seed), one.name)
    )
    for split, share in ((TEST, recipe.test), (VALIDATION, recipe.validation)):
        has = sum(one.rows for one in stratum if result[one.name] == split)
        for one in in_order:
            if result[one.name] == TRAIN and has + one.rows / 2 <= share * rows + 1e-9:
                result[one.name] = split
                has += one.rows
    return result


def _where(group: str, seed: int, purpose: bytes = b"") -> float:
    digest = hashlib.blake2b(group.encode(), key=purpose + _key(seed), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53  # 53 bits: every place is an exact float below 1


def _key(seed: int) -> bytes:
    return seed.to_bytes(8, "big")
