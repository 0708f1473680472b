"""Rows that are unlike the rest, by how long they are or by what they say."""

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

LIMIT = 3.5  # of the modified z-score (Iglewicz and Hoaglin 1993)
FEWEST = 20
NEAREST = 5
_BESIDE = 1_000


def by_length(tokens: Sequence[int]) -> dict[int, float]:
    """The modified z-score of the logarithm of the tokens, of rows over LIMIT either way, by index. Nothing where there are
    fewer than FEWEST rows, or where more than half are equally long."""
    return _far([math.log(max(1, count)) for count in tokens])


def by_content(vectors: "np.ndarray[Any, Any]") -> dict[int, float]:
    """The same of each row's mean cosine to its NEAREST nearest of up to 1,000 evenly taken rows: those far below the rest.
    Vectors have length 1. One thread, rounded, so that the same rows give the same answer."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    if len(vectors) < FEWEST:
        return {}
    step = -(-len(vectors) // _BESIDE)
    points = np.asarray(vectors, dtype=np.float32)
    beside = points[::step]
    nearest = []
    with threadpool_limits(limits=1):
        for start in range(0, len(points), 8_192):
            cosine = points[start : start + 8_192] @ beside.T
            for row in range(-start % step, len(cosine), step):  # a row of the sample is not its own neighbour
                cosine[row, (start + row) // step] = -1
            top = np.partition(cosine, -NEAREST, axis=1)[:, -NEAREST:]
            nearest.append(top.mean(axis=1))
    return {index: z for index, z in _far(np.round(np.concatenate(nearest), 4).tolist()).items() if z < 0}


def _far(values: Sequence[float]) -> dict[int, float]:
    if len(values) < FEWEST:
        return {}
    middle = statistics.median(values)
    spread = statistics.median(abs(value - middle) for value in values)
    if not spread:
        return {}
    scored = (0.6745 * (value - middle) / spread for value in values)
    return {index: round(z, 2) for index, z in enumerate(scored) if abs(z) > LIMIT}
