"""From stored answers to compared metrics: every scenario that both models were measured on is one pair."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from curation.scoring import graders as grading
from evaluation.compare import metrics
from evaluation.compare.decide import Rules
from evaluation.compare.metrics import Metric
from evaluation.compare.stats import Floats, Pairs
from evaluation.judging.calls import judges_of, missing
from evaluation.models import Answer, AnswerScore, Comparison, EvaluationRun
from evaluation.runs.request import is_local

LABELS = {"answered": "answers given", "latency": "latency", "cost": "cost per answer"}
# what a clock of milliseconds cannot tell from nothing
LEAST_MS = 1.0

Values = dict[int, float]


@dataclass(slots=True)
class Side:
    """What one run measured, by scenario; a scenario that has no value is absent."""

    answered: dict[int, bool] = field(default_factory=dict)
    scores: dict[str, Values] = field(default_factory=lambda: defaultdict(dict))
    latency: Values = field(default_factory=dict)
    cost: Values = field(default_factory=dict)


def measure(comparison: Comparison, rules: Rules) -> tuple[list[Metric], dict[str, str]]:
    """(metrics with the primary grader's first, their names in words). Both runs must be answered and graded."""
    suite = comparison.suite
    units = dict(suite.scenarios.values_list("pk", "row_id" if suite.turns == "each" else "pk"))
    baseline, candidate = read_side(comparison.baseline), read_side(comparison.candidate)
    judges = judges_of(suite) if suite.judges else {}
    found = []
    for definition in sorted(suite.graders, key=lambda one: one["name"] != comparison.primary_grader):
        limit = rules.accuracy if definition["name"] == comparison.primary_grader else None
        left, right = baseline.scores[definition["name"]], candidate.scores[definition["name"]]
        made = _quality(definition, left, right, units, limit=limit, alpha=rules.alpha)
        if definition["name"] in judges:
            absent = missing(comparison, judges[definition["name"]])
            made = metrics.without(made, missing=absent, of=absent + len(left.keys() & right.keys()))
        found.append(made)
    if not all(baseline.answered.values()) or not all(candidate.answered.values()):
        found.append(_answered(baseline.answered, candidate.answered, units, rules))
    apart = is_local(comparison.baseline.model) or is_local(comparison.candidate.model)
    for name, kind, mine, theirs, bound in (
        ("latency", metrics.LATENCY, baseline.latency, candidate.latency, rules.latency),
        ("cost", metrics.COST, baseline.cost, candidate.cost, rules.cost),
    ):
        before, after, left_out = _matched(mine, theirs, units)
        found.append(
            metrics.compare_amounts(
                name=name,
                kind=kind,
                baseline=before,
                candidate=after,
                left_out=left_out,
                limit=bound,
                # being faster is no reason to promote: both sides were not timed at the same moment
                key=kind == metrics.COST,
                alpha=rules.alpha,
                separately_timed=kind == metrics.LATENCY and apart,
            )
        )
    return found, {definition["name"]: definition["name"] for definition in suite.graders} | LABELS


def read_side(run: EvaluationRun) -> Side:
    """All that a run measured. Two queries."""
    side = Side()
    rows = Answer.objects.filter(run=run).values_list("scenario_id", "error", "message", "latency_ms", "cost_usd")
    for scenario, _, message, latency, cost in rows.iterator(chunk_size=1000):
        side.answered[scenario] = message is not None
        if message is None:
            continue  # how fast an error came says nothing about the model
        if latency is not None:
            side.latency[scenario] = max(LEAST_MS, float(latency))
        if cost is not None and cost > Decimal(0):
            side.cost[scenario] = float(cost)
    scores = AnswerScore.objects.filter(answer__run=run, value__isnull=False)
    for scenario, grader, value in scores.values_list("answer__scenario_id", "grader", "value").iterator(
        chunk_size=5000
    ):
        if value is not None:
            side.scores[grader][scenario] = value
    return side


def _quality(
    definition: grading.Definition,
    baseline: Values,
    candidate: Values,
    units: Mapping[int, int],
    *,
    limit: float | None,
    alpha: float,
) -> Metric:
    name = str(definition["name"])
    shared = baseline.keys() & candidate.keys()
    left_out = len(baseline.keys() ^ candidate.keys())
    if grading.is_binary(definition) and len({units[key] for key in shared}) == len(shared):
        table = _table([(baseline[key] >= 1, candidate[key] >= 1) for key in shared])
        return metrics.compare_binary(name=name, pairs=table, left_out=left_out, limit=limit, key=True, alpha=alpha)
    # several scenarios of one conversation are not independent: their mean is one value
    before, after, left_out = _matched(baseline, candidate, units)
    return metrics.compare_scores(
        name=name, baseline=before, candidate=after, left_out=left_out, limit=limit, key=True, alpha=alpha
    )


def _answered(
    baseline: Mapping[int, bool], candidate: Mapping[int, bool], units: Mapping[int, int], rules: Rules
) -> Metric:
    whole: dict[int, tuple[bool, bool]] = {}
    for key in baseline.keys() & candidate.keys():  # a conversation counts once: as answered where all of it was
        before, after = whole.get(units[key], (True, True))
        whole[units[key]] = before and baseline[key], after and candidate[key]
    table = _table(list(whole.values()))
    return metrics.compare_binary(
        name="answered", pairs=table, left_out=0, limit=rules.accuracy, key=False, alpha=rules.alpha
    )


def _matched(baseline: Values, candidate: Values, units: Mapping[int, int]) -> tuple[Floats, Floats, int]:
    """Means per unit over the scenarios that both sides have, and how many scenarios only one side has."""
    sums: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for key in sorted(baseline.keys() & candidate.keys()):
        sums[units[key]].append((baseline[key], candidate[key]))
    means = [np.mean(values, axis=0) for _, values in sorted(sums.items())]
    table = np.array(means, dtype=float).reshape(len(means), 2)
    return table[:, 0], table[:, 1], len(baseline.keys() ^ candidate.keys())


def _table(pairs: list[tuple[bool, bool]]) -> Pairs:
    return Pairs(
        both=sum(a and b for a, b in pairs),
        fixed=sum(b and not a for a, b in pairs),
        broke=sum(a and not b for a, b in pairs),
        neither=sum(not a and not b for a, b in pairs),
    )
