"""The loss curves of a run: over all its attempts, the later attempt's value of a step being the one that counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Q, Value
from django.db.models.functions import Mod

from training.models import Metric, TrainingRun
from training.models.runs import RunStatus
from workspace import charts

MOST = 1000
SMOOTH = 0.3  # weight of a new value; static/js/run.js goes on with the same
Point = tuple[int, float | None]


@dataclass(frozen=True, slots=True)
class Fresh:
    """What came after a cursor. `reset` says that the curves must be drawn anew (a new attempt took steps back)."""

    loss: list[Point]
    validation: list[Point]
    cursor: int
    reset: bool


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves by name, and the validation loss of every (attempt id, step), those gone back over among them."""

    points: dict[str, list[Point]]
    validated: dict[tuple[int, int], float | None]


def read(run: TrainingRun, names: Sequence[str]) -> Curves:
    """The curves of `names` in order of steps, one value per step, in one query. Steps that a later attempt went back
    over are its own; what an earlier attempt measured beyond the point of resumption is dropped. Of a long run about
    1000 steps are read, the newest and every validation among them."""
    rows = Metric.objects.filter(attempt__run=run, name__in=names).order_by("attempt__number", "step")
    stride = max(1, (run.total_steps or 0) // MOST)
    if stride > 1:
        wanted = Q(rest=0) | Q(step__gte=(run.step or 0) - 5) | Q(name__startswith="eval_")
        rows = rows.annotate(rest=Mod("step", Value(stride))).filter(wanted)
    points: dict[str, list[Point]] = {name: [] for name in names}
    owners: dict[str, int] = {}
    validated: dict[tuple[int, int], float | None] = {}
    for owner, name, step, value in rows.values_list("attempt_id", "name", "step", "value"):
        found = points[name]
        if owners.get(name) != owner:
            owners[name] = owner
            while found and found[-1][0] >= step:
                found.pop()
        found.append((step, value))
        if name == "eval_loss":
            validated[owner, step] = value
    return Curves(points, validated)


def points(run: TrainingRun, name: str) -> list[Point]:
    """One curve of `read`."""
    return read(run, [name]).points[name]


def after(run: TrainingRun, *, cursor: int, attempt: int) -> Fresh:
    """Points stored after `cursor` (a Metric id), for a page that last saw attempt number `attempt`."""
    newest = run.attempts.aggregate(newest=Max("number"))["newest"] or 0
    if newest != attempt:
        return Fresh([], [], cursor, True)
    rows = Metric.objects.filter(attempt__run=run, id__gt=cursor, name__in=("loss", "eval_loss")).order_by("id")
    loss: list[Point] = []
    validation: list[Point] = []
    for pk, name, step, value in rows.values_list("id", "name", "step", "value")[:5000]:
        cursor = pk
        (loss if name == "loss" else validation).append((step, value))
    return Fresh(loss, validation, cursor, False)


def newest_id(run: TrainingRun) -> int:
    """The cursor of a page drawn now."""
    return Metric.objects.filter(attempt__run=run).aggregate(newest=Max("id"))["newest"] or 0


def thin(found: list[Point], most: int = MOST) -> list[Point]:
    """At most about `most` points, evenly taken, the last one always."""
    stride = -(-len(found) // most)
    return found if stride <= 1 else [*found[:-1][::stride], found[-1]]


def smooth(values: list[float | None]) -> list[float | None]:
    """An exponential mean; gaps stay gaps and do not pull."""
    state: float | None = None
    smoothed: list[float | None] = []
    for value in values:
        if value is not None:
            state = value if state is None else SMOOTH * value + (1 - SMOOTH) * state
        smoothed.append(None if value is None else state)
    return smoothed


def figure(run: TrainingRun, loss: list[Point], validation: list[Point]) -> dict[str, Any]:
    """The Plotly figure: raw loss thin, smoothed loss, validation as dots; what is still to come is shaded."""
    steps, values = [step for step, _ in thin(loss)], [value for _, value in thin(loss)]
    raw = {
        "type": "scatter", "mode": "lines", "name": "train", "x": steps, "y": values, "opacity": 0.45,
        "hoverinfo": "skip", "showlegend": False, "line": {"color": "series-1", "width": 1},
    }  # fmt: skip
    mean = {
        "type": "scatter", "mode": "lines", "name": "train, smoothed", "x": steps, "y": smooth(values),
        "line": {"color": "series-1", "width": 2},
    }  # fmt: skip
    held = {
        "type": "scatter", "mode": "lines+markers", "name": "validation", "x": [s for s, _ in validation],
        "y": [v for _, v in validation], "line": {"color": "series-2", "width": 2},
        "marker": {"color": "series-2", "size": 8}, "cliponaxis": False,
    }  # fmt: skip
    total = run.total_steps or (steps[-1] if steps else 1)
    return charts.figure(
        [raw, mean, held],
        x_title="step",
        y_title="loss",
        xaxis={"range": [0, total]},
        shapes=[*_future(run, total), *_epochs(run, total)],
        height=320,
    )


def _future(run: TrainingRun, total: int) -> list[dict[str, Any]]:
    """What is still to come, shaded; nothing once the run is over."""
    if run.status in RunStatus.final():
        return []
    return [
        {
            "type": "rect", "xref": "x", "yref": "paper", "x0": run.step or 0, "x1": total, "y0": 0, "y1": 1,
            "line": {"width": 0}, "fillcolor": "ink-faint", "opacity": 0.08, "layer": "below",
        }
    ]  # fmt: skip


def _epochs(run: TrainingRun, total: int) -> list[dict[str, Any]]:
    """A dotted line where each epoch begins; none where there are many, or where steps were limited."""
    epochs = float(run.settings.get("epochs") or 0)
    if run.settings.get("max_steps") or not 1 < epochs <= 12 or not run.total_steps:
        return []
    return [
        {
            "type": "line", "xref": "x", "yref": "paper", "x0": total * number / epochs, "x1": total * number / epochs,
            "y0": 0, "y1": 1, "line": {"color": "ink-faint", "width": 1, "dash": "dot"}, "opacity": 0.6, "layer": "below",
        }
        for number in range(1, math.ceil(epochs))
    ]  # fmt: skip
