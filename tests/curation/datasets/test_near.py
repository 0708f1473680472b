"""Near copies: found by their signatures, never without being verified, and the same whatever else there is."""

import random

import pytest

from curation.datasets.selecting import near, prints


def signed(said: list[list[str]]) -> list[bytes]:
    return prints.minhashes([" ".join(words).encode() for words in said])


def texts(number: int, seed: int = 1, words: int = 120) -> list[list[str]]:
    chance = random.Random(seed)
    known = [f"word{index}" for index in range(4_000)]
    return [chance.choices(known, k=words) for _ in range(number)]


def changed(words: list[str], share: float, seed: int = 5) -> list[str]:
    chance = random.Random(seed)
    return [f"other{index}" if chance.random() < share else word for index, word in enumerate(words)]


def jaccard(one: list[str], other: list[str]) -> float:
    first, second = ({tuple(words[i : i + 5]) for i in range(len(words) - 4)} for words in (one, other))
    return len(first & second) / len(first | second)


def test_planted_copies_are_found_and_nothing_else() -> None:
    said = texts(600)
    planted = [changed(words, 0.01, seed=index) for index, words in enumerate(said[:100])]
    like = near.kept(signed([*said, *planted]), threshold=0.8)
    assert all(one is None for one in like[:600])
    close = [index for index in range(100) if jaccard(said[index], planted[index]) >= 0.85]
    assert len(close) > 60
    missed = [index for index in close if like[600 + index] is None or like[600 + index].row != index]  # type: ignore[union-attr]
    assert len(missed) <= len(close) * 0.1, "an estimate over 128 places misses few"
    for index, found in enumerate(like[600:]):
        if found is not None:
            assert found.row == index and jaccard(said[index], planted[index]) > 0.6
            assert abs(found.similarity - jaccard(said[index], planted[index])) < 0.16


def test_signatures_do_not_depend_on_what_else_there_is() -> None:
    said = [" ".join(words).encode() for words in texts(40)]
    whole = prints.minhashes(said)
    assert whole == [prints.minhashes([words])[0] for words in said]
    assert (prints.vectors(said)[7] == prints.vectors([said[7]])[0]).all()
    assert prints.minhashes([b"too short to compare", b"", b"long enough to be compared"])[:2] == [b"", b""]
    mixed = prints.words_in(["Where is my order", "Größe"]).split()[:4]
    assert mixed == prints.words_in(["where IS my order!"]).split(), "whatever stands beside a word"
    assert [len(one) for one in whole] == [512] * 40


def test_too_short_texts_are_like_nothing() -> None:
    assert near.kept([b"", b"", b""], threshold=0.8) == [None, None, None]
    assert near.groups([b"", b""], threshold=0.8) == [0, 1]


def test_groups_join_chains_and_keep_their_first_row_when_data_grows() -> None:
    first = texts(1)[0]
    chain = [first]
    for step in range(1, 4):
        chain.append([*chain[-1][: 8 * step], f"new{step}", *chain[-1][8 * step + 1 :]])
    others = texts(30, seed=9)
    signatures = signed([*chain, *others])
    assert near.groups(signatures, threshold=0.8)[:4] == [0, 0, 0, 0]
    grown = near.groups([*signatures, *signed(texts(50, seed=11))], threshold=0.8)
    assert grown[: len(signatures)] == near.groups(signatures, threshold=0.8)


def test_pairs_between_new_and_held_rows() -> None:
    held = texts(200, seed=3)
    new = [changed(held[17], 0.01), *texts(20, seed=4), held[150]]
    found = near.pairs_between(signed(new), signed(held), threshold=0.7)
    assert {(pair.first, pair.second) for pair in found} == {(0, 17), (21, 150)}
    assert max(pair.similarity for pair in found) == 1.0
    assert near.pairs_between([], signed(held), threshold=0.8) == []


def test_a_large_group_of_copies_stays_quick_and_whole() -> None:
    base = texts(1)[0]
    copies = [[*base[:-1], f"tail{index}"] for index in range(2_000)]
    like = near.kept(signed(copies), threshold=0.8)
    assert like[0] is None and sum(one is None for one in like) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World_1! don't", ["hello", "world_1", "don", "t"]),
        ("Übergröße in Köln", ["übergröße", "in", "köln"]),
        ("注文は", ["注", "文", "は"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert prints.words_in([text]).decode().split() == words
