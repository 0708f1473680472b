"""Comparisons whose answers a scripted model judges."""

from collections.abc import Callable
from typing import Any

from curation.models import GraderVersion
from evaluation.compare import request
from evaluation.compare.ask import Wish, ask, price
from evaluation.judging import work
from evaluation.judging.price import Bill
from evaluation.models import Comparison, Judging
from evaluation.runs import answers
from tests import make
from tests.curation.grading import graders
from workspace.access import SYSTEM
from workspace.models import Project

JUDGE: dict[str, Any] = {
    "type": "score_model", "name": "helpful", "model": "judge-1", "range": [1, 5], "pass_threshold": 4,
    "input": [{"role": "user", "content": "Wanted: {{ item.reference_text }} Said: {{ sample.output_text }}"}],
}  # fmt: skip
WORDS = "The order left the depot and arrives on day {n}."


def said(number: int) -> Any:
    return make.short_document(f"Where is order {number}?", WORDS.format(n=number))


def judge(project: Project, url: str, definition: dict[str, Any] = JUDGE, **fields: Any) -> GraderVersion:
    return graders.judge(graders.connect(project, url, **fields), definition)


def wish(project: Project, *, test: int = 20, **fields: Any) -> Wish:
    """Two models and a dataset with `test` held-out rows; judged by `helpful`."""
    version = make.dataset_version(project, train=1, validation=0, test=test, name="support", said=said)
    base = make.model(project, "support")
    make.model(project, "support", base=base)
    return Wish(candidate="support@2", dataset=str(version), **{"graders": ["helpful"], **fields})


def wish_of(comparison: Comparison) -> Wish:
    """The same once more."""
    return Wish(candidate="support@2", suite=str(comparison.suite.uid))


def priced(project: Project, wish: Wish) -> Bill:
    found = price(project=project, actor=SYSTEM, wish=wish)
    assert found is not None
    return found


def start(project: Project, wish: Wish) -> Comparison:
    wish.confirmed = priced(project, wish).whole.text
    return ask(project=project, actor=SYSTEM, wish=wish)


def answer(comparison: Comparison, *, worse: Callable[[int], bool] = lambda n: False) -> None:
    """Both models answer: the candidate as well as the reference, the baseline worse where told."""
    for run in (comparison.baseline, comparison.candidate):
        found = []
        for scenario in comparison.suite.scenarios.order_by("position"):
            text = "I do not know." if run == comparison.baseline and worse(scenario.position) else "It is on its way."
            spoken = make.message("assistant", f"{run.model}: {text} {scenario.position}")
            found.append(answers.Said(scenario, spoken, latency_ms=500 + scenario.position % 7))
        answers.store(run=run, said=found)
        answers.finish(run)
    comparison.baseline.refresh_from_db()
    comparison.candidate.refresh_from_db()


def finish(comparison: Comparison) -> Comparison:
    """What a worker does, until nothing moves any more."""
    request.settle(comparison)
    for key in work.open_judgings():
        while not work.work(key, 30):
            pass
    request.settle(comparison)
    return Comparison.objects.select_related("suite", "baseline__model", "candidate__model").get(pk=comparison.pk)


def of(comparison: Comparison) -> Judging:
    return Judging.objects.get(comparison=comparison)


def metric(comparison: Comparison, name: str = "helpful") -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in comparison.result["metrics"] if one["name"] == name)
    return found
