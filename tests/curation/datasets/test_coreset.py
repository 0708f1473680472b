"""Coresets: reproducible, honest about losses, and measured beside a random draw."""

from typing import Any

import numpy as np
import pytest

from curation.datasets.selecting import coreset


def points(number: int, clusters: int = 40, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, 64))
    sizes = rng.geometric(0.08, size=number) % clusters  # a few clusters hold most rows
    found = centres[sizes] + rng.normal(size=(number, 64)) * 0.6
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


KEYS = [f"t{number}" for number in range(2_000)]


def test_loss_topk_takes_the_hardest_without_the_noise() -> None:
    losses = [float(number) for number in range(2_000)]
    chosen = coreset.select(strategy="loss_topk", size=100, seed=0, keys=KEYS, losses=losses)
    assert chosen.rows == list(range(1_860, 1_960)), "the top 2 % (40 rows) are left out as probable noise"
    assert (chosen.summary.total, chosen.summary.selected, chosen.summary.noise) == (2_000, 100, 40)
    everything = coreset.select(strategy="loss_topk", size=5_000, seed=0, keys=KEYS, losses=losses)
    assert len(everything.rows) == 2_000 and everything.summary.noise == 0


@pytest.mark.parametrize("strategy", ["loss_topk", "hybrid"])
def test_a_missing_loss_is_refused_and_never_a_zero(strategy: str) -> None:
    losses = [None if number % 4 == 0 else 1.0 for number in range(2_000)]
    with pytest.raises(coreset.LossesMissing, match=r"500 of 2,000 have no score 'loss'"):
        coreset.select(strategy=strategy, size=10, seed=0, keys=KEYS, losses=losses, vectors=points(2_000))


@pytest.mark.parametrize("strategy", ["diversity", "hybrid", "random"])
def test_the_same_seed_gives_the_same_rows(strategy: str) -> None:
    vectors, losses = points(2_000), [float((7 * number) % 1_999) for number in range(2_000)]
    given: dict[str, Any] = {"strategy": strategy, "size": 150, "keys": KEYS, "losses": losses, "vectors": vectors}
    first, again, other = (coreset.select(seed=seed, **given) for seed in (3, 3, 4))
    assert first.rows == again.rows and len(set(first.rows)) == 150
    assert other.rows != first.rows
    assert first.summary.random is not None, "the random baseline is always there"


def test_diversity_covers_more_than_a_random_draw() -> None:
    vectors = points(2_000)
    chosen = coreset.select(strategy="diversity", size=100, seed=0, keys=KEYS, vectors=vectors).summary
    assert chosen.coverage is not None and chosen.random is not None
    assert chosen.coverage.mean > chosen.random.mean and chosen.coverage.worst >= chosen.random.worst


def test_hybrid_spreads_beside_what_the_losses_chose() -> None:
    vectors = points(2_000)
    losses = [5.0 if index < 200 else 1.0 for index in range(2_000)]
    chosen = coreset.select(strategy="hybrid", size=100, seed=0, keys=KEYS, losses=losses, vectors=vectors)
    by_loss = [index for index in chosen.rows if index < 200]
    assert len(by_loss) >= 60 and len(chosen.rows) == 100, "60 % by loss, the rest by coverage"
    first = coreset.hardest(losses, 60)
    beside = coreset.spread(vectors, 40, seed=0, beside=first)
    assert not set(first) & set(beside)


def test_hybrid_does_not_take_back_what_it_tells_as_noise() -> None:
    rng = np.random.default_rng(0)  # rows of high loss are as unlike others as all are
    vectors = rng.normal(size=(500, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    losses = [100.0 + index if index < 10 else float(rng.random()) for index in range(500)]
    given: dict[str, Any] = {"seed": 1, "keys": KEYS[:500], "losses": losses, "vectors": vectors}
    chosen = coreset.select(strategy="hybrid", size=200, **given)
    assert (chosen.summary.noise, len(set(chosen.rows))) == (10, 200)
    assert not [index for index in chosen.rows if index < 10]
    nearly_all = coreset.select(strategy="hybrid", size=495, **given)
    assert nearly_all.summary.noise == 5 and len(set(nearly_all.rows)) == 495
    assert [index for index in nearly_all.rows if index < 10] == [0, 1, 2, 3, 4], "the highest five are left out"
    everything = coreset.select(strategy="hybrid", size=500, **given)
    assert (everything.summary.noise, everything.rows) == (0, list(range(500)))


def test_rows_without_words_and_small_pools() -> None:
    vectors = np.vstack([points(30), np.zeros((5, 64), dtype=np.float32)])
    assert len(coreset.spread(vectors, 20, seed=0)) == 20
    assert coreset.spread(vectors, 99, seed=0) == list(range(35))
    same = np.tile(points(1), (50, 1))
    assert len(set(coreset.spread(same, 10, seed=0))) == 10, "equal rows do not run out"


def test_a_draw_moves_few_rows_when_data_grows() -> None:
    before = set(coreset.draw(KEYS, 200, 1))
    after = set(coreset.draw([*KEYS, *(f"new{number}" for number in range(100))], 200, 1))
    assert len(before - after) < 25
