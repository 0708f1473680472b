"""A thousand rows that stand for a hundred thousand: our diversity strategy beside greedy k-center in numpy.

    python -m benchmarks.coreset [--quick]

Vectors of 384 dimensions in clusters of uneven size. Greedy k-center (Gonzalez 1985) takes the point farthest from what is
chosen, one matrix-vector product a step. Both in one process with one thread each, in alternating pairs; coverage is the mean
best cosine of a point to the chosen ones, with a random draw of the same size beside.
"""

import argparse
import os
import sys
import time
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"

import django

django.setup()

import numpy as np  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from benchmarks.report import Bar, Figure, Spread, alternate, report  # noqa: E402
from curation.datasets.selecting import coreset  # noqa: E402

DIMENSIONS = 384


def main() -> int:
    """Make the vectors, run both, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500 of 40,000 instead of 1,000 of 100,000")
    rows, size, pairs = (40_000, 500, 3) if parser.parse_args().quick else (100_000, 1_000, 3)
    vectors = made(rows)
    keys = [f"t{number}" for number in range(rows)]
    chosen: dict[str, list[int]] = {}

    def ours() -> float:
        begun = time.perf_counter()
        chosen["ours"] = coreset.spread(vectors, size, seed=0)
        return time.perf_counter() - begun

    def theirs() -> float:
        begun = time.perf_counter()
        chosen["k_center"] = k_center(vectors, size)
        return time.perf_counter() - begun

    mine, other, ratios = alternate(theirs, ours, pairs=pairs)
    covered = {name: coreset.coverage(vectors, taken) for name, taken in chosen.items()}
    covered["random"] = coreset.coverage(vectors, coreset.draw(keys, size, 0))
    losses = list(np.random.default_rng(1).random(rows))
    begun = time.perf_counter()
    hybrid = coreset.select(strategy="hybrid", size=size, seed=0, keys=keys, losses=losses, vectors=vectors).summary
    hybrid_seconds = time.perf_counter() - begun
    speed = Spread.of(ratios)
    gain = covered["ours"].mean - covered["k_center"].mean
    return report(
        "coreset",
        [
            Figure("rows", rows, "rows", note=f"{DIMENSIONS} dimensions, {size:,} chosen"),
            Figure("seconds", Spread.of(other), "s", note="k-means, nearest row of each centre"),
            Figure("k_center_seconds", Spread.of(mine), "s", note="greedy, numpy"),
            Figure("times_as_fast", speed, "", note="of each pair"),
            *(Figure(f"coverage_{name}", one.mean, "", note=f"worst {one.worst:g}") for name, one in covered.items()),
            Figure("hybrid_seconds", round(hybrid_seconds, 3), "s", note="with the summary and the random baseline"),
            Figure("hybrid_coverage", hybrid.coverage.mean if hybrid.coverage else None, ""),
        ],
        [
            Bar("times_as_fast", speed.median, at_least=1.5),
            Bar("coverage_over_k_center", round(gain, 4), at_least=0.0),
            Bar("coverage_over_random", round(covered["ours"].mean - covered["random"].mean, 4), at_least=0.0),
        ],
    )


def made(rows: int) -> Any:
    """float32 (rows, DIMENSIONS) of length 1: 400 clusters, the largest many times the smallest."""
    chance = np.random.default_rng(0)
    centres = chance.normal(size=(400, DIMENSIONS))
    weights = 1 / np.arange(1, 401)
    of = chance.choice(400, size=rows, p=weights / weights.sum())
    found = (centres[of] + chance.normal(size=(rows, DIMENSIONS)) * 1.5).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def k_center(vectors: Any, size: int) -> list[int]:
    """The peer: each step takes the row whose best cosine to the chosen ones is least."""
    with threadpool_limits(limits=1):
        chosen = [0]
        best = vectors @ vectors[0]
        while len(chosen) < size:
            worst = int(best.argmin())
            chosen.append(worst)
            np.maximum(best, vectors @ vectors[worst], out=best)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
