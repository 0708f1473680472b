"""A small part of many rows that stands for the rest: by loss, by coverage, by both, or drawn.

All draws are seeded and all choices reproducible: products are taken by one thread and rounded before they are compared,
ties go to the earlier row. The random baseline is worked out beside every strategy, because most published ways to select
do not beat it (Xia et al. 2024, arXiv 2410.09335).
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Matrix = np.ndarray[Any, Any]

NOISE = 0.02
FIT_ON = 12_000
ROUNDS = 5
MEASURED_ON = 4_000
_CHUNK = 8_192
_DIGITS = 5


class LossesMissing(ValueError):
    """A strategy that needs losses was asked for where `missing` of `total` rows have none."""

    def __init__(self, strategy: str, missing: int, total: int, name: str = "loss") -> None:
        self.missing, self.total = missing, total
        super().__init__(
            f"{strategy} needs a loss for every row, and {missing:,} of {total:,} have no score {name!r}. Losses come "
            "from training workers or imports; diversity and random need none."
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How well rows stand for all: the mean and the least of each row's best cosine to a chosen row."""

    mean: float
    worst: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a selection came to, and what the same number of rows drawn at random would have."""

    strategy: str
    total: int
    selected: int
    noise: int
    coverage: Coverage | None
    random: Coverage | None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The chosen rows, by index, in order, and the summary."""

    rows: list[int]
    summary: Summary


def select(
    *,
    strategy: str,
    size: int,
    seed: int,
    keys: Sequence[str],
    losses: Sequence[float | None] | None = None,
    vectors: "Matrix | None" = None,
    loss_ratio: float = 0.6,
    loss_name: str = "loss",
) -> Chosen:
    """`size` of the rows (all where there are fewer). `keys` are their ids, which draws are made by; `vectors` is
    (rows, dimensions), needed by diversity and hybrid and by the coverage, each row of length 1 or 0.

    Raises LossesMissing where the strategy is by loss and a row has none.
    """
    total = len(keys)
    size = min(size, total)
    known: list[float] = []
    if strategy in ("loss_topk", "hybrid"):
        known = [value for value in losses or [] if value is not None and value == value]
        if len(known) < total:
            raise LossesMissing(strategy, total - len(known), total, loss_name)
    noise = noisy(known, size)
    if strategy == "random":
        rows = draw(keys, size, seed)
    elif strategy == "loss_topk":
        rows = hardest(known, size, without=noise)
    elif vectors is None:
        raise ValueError(f"{strategy} needs vectors")
    elif strategy == "diversity":
        rows = spread(vectors, size, seed=seed)
    else:
        first = hardest(known, round(size * loss_ratio), without=noise)
        rows = first + _spread_without(vectors, size - len(first), seed=seed, beside=first, without=noise)
    rows = sorted(rows)
    at_random = draw(keys, size, seed)
    shown = None if vectors is None or not size else coverage(vectors, rows)
    base = None if vectors is None or not size else coverage(vectors, at_random)
    return Chosen(rows, Summary(strategy, total, len(rows), len(noise), shown, base))


def draw(keys: Sequence[str], size: int, seed: int) -> list[int]:
    """`size` rows at random: those whose keyed hash is least, so that more data moves few of the others."""
    key = b"coreset" + seed.to_bytes(8, "big")
    places = [hashlib.blake2b(one.encode("utf-8", "replace"), key=key, digest_size=16).digest() for one in keys]
    return sorted(sorted(range(len(keys)), key=lambda index: (places[index], index))[:size])


def noisy(losses: Sequence[float], size: int) -> list[int]:
    """The top NOISE share by loss, which is more often mislabelled than hard; at most so many that `size` others are left."""
    return _by_loss(losses)[: max(0, min(int(len(losses) * NOISE), len(losses) - size))]


def hardest(losses: Sequence[float], size: int, *, without: Sequence[int] = ()) -> list[int]:
    """The `size` rows of highest loss, of those that are not `without`."""
    left_out = set(without)
    return sorted([index for index in _by_loss(losses) if index not in left_out][:size])


def _by_loss(losses: Sequence[float]) -> list[int]:
    return sorted(range(len(losses)), key=lambda index: (-losses[index], index))


def _spread_without(
    vectors: "Matrix", size: int, *, seed: int, beside: Sequence[int], without: Sequence[int]
) -> list[int]:
    """`spread` over the rows that are not `without`: those are unlike others, so that it would choose them first."""
    left_out = set(without)
    rest = [index for index in range(len(vectors)) if index not in left_out]
    place = {index: at for at, index in enumerate(rest)}
    return [rest[at] for at in spread(vectors[rest], size, seed=seed, beside=[place[index] for index in beside])]


def spread(vectors: "Matrix", size: int, *, seed: int, beside: Sequence[int] = ()) -> list[int]:
    """The rows nearest to the centres of a k-means with cosine distance, fitted on a drawn part. Rows `beside` are
    centres that stay where they are, so that what they cover is not taken again. None of them is chosen."""
    import numpy as np

    total = len(vectors)
    taken = np.zeros(total, dtype=bool)
    taken[list(beside)] = True
    if size >= total - len(beside):
        return [int(index) for index in np.flatnonzero(~taken)]
    if size <= 0:
        return []
    with _one_thread():
        points = np.asarray(vectors, dtype=np.float32)
        centres = _centres(points, size, seed, points[list(beside)] if beside else None)
        return _nearest(points, centres, taken)


def coverage(vectors: "Matrix", rows: Sequence[int]) -> Coverage:
    """Over at most MEASURED_ON evenly taken rows: the mean and the least of the best cosine to a chosen row."""
    import numpy as np

    with _one_thread():
        step = max(1, -(-len(vectors) // MEASURED_ON))
        points = np.asarray(vectors[::step], dtype=np.float32)
        chosen = np.asarray(vectors[list(rows)], dtype=np.float32)
        best = np.concatenate([(part @ chosen.T).max(axis=1) for part in _parts(points)])
    return Coverage(round(float(best.mean()), 4), round(float(best.min()), 4))


def _centres(points: "Matrix", size: int, seed: int, fixed: "Matrix | None") -> "Matrix":
    """Centres of spherical k-means (Dhillon and Modha 2001) on a drawn part of the points; a centre that gets no point
    starts anew at the point that is covered worst."""
    import numpy as np

    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(points))[: max(4 * size, min(FIT_ON, len(points) // 4))])
    sample = points[drawn]
    centres = sample[np.sort(rng.permutation(len(sample))[:size])].copy()
    for _ in range(ROUNDS):
        of, best = _assign(sample, centres)
        free = np.ones(len(sample), dtype=bool)
        if fixed is not None and len(fixed):
            free = best > _assign(sample, fixed)[1]
        mine = of[free]
        order = np.argsort(mine, kind="stable")
        used, first = np.unique(mine[order], return_index=True)
        sums = np.zeros_like(centres)
        if len(used):
            sums[used] = np.add.reduceat(sample[free][order], first, axis=0)
        empty = np.setdiff1d(np.arange(size), used)
        if len(empty):
            worst = np.argsort(np.where(free, best, 2), kind="stable")[: len(empty)]
            sums[empty] = sample[worst]
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = sums / np.where(length == 0, 1, length)
    return centres


def _assign(points: "Matrix", centres: "Matrix") -> "tuple[Matrix, Matrix]":
    """For each point its nearest centre and the cosine to it, rounded."""
    import numpy as np

    of, best = [], []
    for part in _parts(points):
        cosine = part @ centres.T
        nearest = cosine.argmax(axis=1)
        of.append(nearest)
        best.append(cosine[np.arange(len(part)), nearest])
    return np.concatenate(of), np.round(np.concatenate(best), _DIGITS)


def _nearest(points: "Matrix", centres: "Matrix", taken: "Matrix") -> list[int]:
    """For each centre the nearest row that is not taken; where two centres have the same, the second takes its next."""
    import numpy as np

    depth = 4
    size = len(centres)
    best = np.full((depth, size), -3.0, dtype=np.float32)
    rows = np.zeros((depth, size), dtype=np.int64)
    for start in range(0, len(points), _CHUNK):
        cosine = points[start : start + _CHUNK] @ centres.T
        cosine[taken[start : start + _CHUNK]] = -3
        for place in range(min(depth, len(cosine))):
            index = cosine.argmax(axis=0)
            value = np.round(cosine[index, np.arange(size)], _DIGITS)
            cosine[index, np.arange(size)] = -3
            _insert(best, rows, value, start + index)
            if place and not (value > best[-1]).any():
                break
    chosen: dict[int, None] = {}
    for centre in range(size):
        for place in range(depth):
            row = int(rows[place, centre])
            if best[place, centre] > -2 and row not in chosen:
                chosen[row] = None
                break
    return _filled(points, list(chosen), size, taken)


def _insert(best: "Matrix", rows: "Matrix", value: "Matrix", index: "Matrix") -> None:
    """Put candidates into the columns of the best ones, sorted; earlier rows first where they are equal."""
    import numpy as np

    value, index = value.copy(), index.copy()
    for place in range(len(best)):
        better = value > best[place]
        best[place], value = np.where(better, value, best[place]), np.where(better, best[place], value)
        rows[place], index = np.where(better, index, rows[place]), np.where(better, rows[place], index)


def _filled(points: "Matrix", chosen: list[int], size: int, taken: "Matrix") -> list[int]:
    """As many more as are missing, each the one that is covered worst so far (greedy k-center, Gonzalez 1985)."""
    import numpy as np

    if len(chosen) >= size:
        return chosen
    best = np.concatenate([(part @ points[chosen].T).max(axis=1) for part in _parts(points)])
    best[taken] = 3
    best[chosen] = 3
    while len(chosen) < size:
        worst = int(np.round(best, _DIGITS).argmin())
        chosen.append(worst)
        best = np.maximum(best, points @ points[worst])
        best[worst] = 3
    return chosen


def _parts(points: "Matrix") -> "Iterator[Matrix]":
    for start in range(0, len(points), _CHUNK):
        yield points[start : start + _CHUNK]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Matrix products by one thread: with several the order of the sums, and so the last digit, depends on their number."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
