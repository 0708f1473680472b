"""Comparisons from rows: pairs, verdicts, what is missing, lineage; settled exactly once."""

import threading
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from curation.datasets.build import freeze
from curation.datasets.recipe import Recipe
from curation.models import DatasetVersion
from evaluation.compare import cancel, request
from evaluation.compare.decide import Rules
from evaluation.models import Comparison, EvaluationRun, Suite
from evaluation.runs.request import CannotAsk, read_settings
from evaluation.suites.build import make_suite
from tests import make
from tests.curation.datasets import rows
from workspace import lineage
from workspace.access import SYSTEM
from workspace.models import AuditEntry, Project, User

pytestmark = pytest.mark.django_db


def compare(
    suite: Suite, before: Any, after: Any, *, rules: Rules | None = None, costs: Any = (None, None)
) -> Comparison:
    """A settled comparison of two folders' models that answered as told."""
    base, tuned = make.model(suite.project, "base"), make.model(suite.project, "tuned")
    make.answered(suite, base, before, cost_usd=costs[0])
    make.answered(suite, tuned, after, cost_usd=costs[1])
    comparison = request.request_comparison(
        suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=rules or Rules(), actor=SYSTEM
    )
    assert request.settle(comparison)
    comparison.refresh_from_db()
    return comparison


def metric(comparison: Comparison, name: str) -> dict[str, Any]:
    return next(one for one in comparison.result["metrics"] if one["name"] == name)


def test_a_better_model_is_approved_with_the_reason(project: Project) -> None:
    suite = make.suite(project, scenarios=60)
    comparison = compare(suite, lambda n: n <= 20, lambda n: n <= 55)
    assert (comparison.status, comparison.outcome) == ("done", "APPROVE")
    assert comparison.sentence.startswith("tuned@1 is better in tool calls (+58.3 points)")
    found = metric(comparison, "tool calls")
    assert (found["n"], found["fixed"], found["broke"], found["guard"]) == (60, 35, 0, "pass")
    assert comparison.result["further"] == ["Not measured: cost per answer."]


def test_a_worse_model_is_rejected(project: Project) -> None:
    comparison = compare(make.suite(project, scenarios=40), lambda n: True, lambda n: n > 25)
    assert comparison.outcome == "REJECT"


def test_few_scenarios_are_inconclusive(project: Project) -> None:
    comparison = compare(make.suite(project, scenarios=5), lambda n: n <= 3, lambda n: True)
    assert comparison.outcome == "INCONCLUSIVE"
    assert "5 scenarios are too few" in comparison.sentence


def test_what_one_side_could_not_answer_is_no_pair_and_not_wrong(project: Project) -> None:
    suite = make.suite(project, scenarios=30)
    comparison = compare(suite, lambda n: True, lambda n: None if n <= 2 else True)
    found = metric(comparison, "tool calls")
    assert (found["n"], found["left_out"], found["candidate"]) == (28, 2, 1.0)
    assert metric(comparison, "answered")["candidate"] == pytest.approx(28 / 30)


def test_a_model_that_often_fails_to_answer_is_not_approved_for_what_is_left(project: Project) -> None:
    suite = make.suite(project, scenarios=60)
    comparison = compare(suite, lambda n: n % 3 == 0, lambda n: None if n <= 25 else True)
    assert comparison.outcome == "REJECT"
    assert "answers given" in comparison.sentence


def test_costs_are_compared_where_both_sides_have_them(project: Project) -> None:
    suite = make.suite(project, scenarios=30)
    comparison = compare(suite, lambda n: True, lambda n: True, costs=(Decimal("0.01"), Decimal("0.02")))
    assert (comparison.outcome, metric(comparison, "cost")["guard"]) == ("REJECT", "fail")
    half = compare(make.suite(project, scenarios=30), lambda n: True, lambda n: True, costs=(Decimal("0.01"), None))
    assert metric(half, "cost")["guard"] == "unmeasured"


def test_answers_of_one_conversation_are_one_unit(project: Project) -> None:
    suite = make.suite(project, scenarios=25, turns="each", said=lambda n: make.short_document(f"Order {n}?"))
    comparison = compare(suite, lambda n: n % 2 == 0, lambda n: True)
    # each conversation has one tool call and one text; the text's similarity is one value per conversation
    assert metric(comparison, "similarity")["n"] == 25
    assert metric(comparison, "tool calls")["kind"] == "binary"
    assert metric(comparison, "latency")["n"] == 25


def test_a_failed_run_fails_the_comparison_with_its_reason(project: Project) -> None:
    suite = make.suite(project)
    base, tuned = make.model(project, "base"), make.model(project, "tuned")
    comparison = request.request_comparison(
        suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    make.answered(suite, base, lambda n: True)
    make.answered(suite, tuned, lambda n: None)
    assert request.settle(comparison)
    comparison.refresh_from_db()
    assert (comparison.status, comparison.outcome) == ("failed", "")
    assert "tuned@1: Not one scenario was answered" in comparison.status_reason


def test_settling_waits_for_both_and_happens_once(project: Project) -> None:
    suite = make.suite(project)
    base, tuned = make.model(project, "base"), make.model(project, "tuned")
    make.answered(suite, base, lambda n: True)
    comparison = request.request_comparison(
        suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=Rules(), actor=SYSTEM
    )
    assert not request.settle(comparison)
    make.answered(suite, tuned, lambda n: True)
    assert request.settle_all() == 1
    assert request.settle_all() == 0
    assert AuditEntry.objects.filter(action="comparison.decided").count() == 1


def test_one_that_cannot_be_settled_keeps_no_other_waiting(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for _ in range(2):
        suite = make.suite(project)
        base, tuned = make.model(project, "base"), make.model(project, "tuned")
        make.answered(suite, base, lambda n: True)
        make.answered(suite, tuned, lambda n: True)
        asked.append(
            request.request_comparison(
                suite=suite, baseline=base, candidate=tuned, settings=read_settings({}), rules=Rules(), actor=SYSTEM
            )
        )
    measure = request.pairs.measure

    def sometimes(comparison: Comparison, rules: Rules) -> Any:
        if comparison.pk == asked[0].pk:
            raise ZeroDivisionError
        return measure(comparison, rules)

    monkeypatch.setattr(request.pairs, "measure", sometimes)
    assert request.settle_all() == 1
    assert Comparison.objects.get(pk=asked[1].pk).status == "done"


def test_asking_again_gives_the_comparison_that_stands(project: Project) -> None:
    first = compare(make.suite(project), lambda n: True, lambda n: True)
    arguments: dict[str, Any] = {
        "suite": first.suite, "baseline": first.baseline.model, "candidate": first.candidate.model,
        "settings": read_settings({}), "actor": SYSTEM,
    }  # fmt: skip
    assert request.request_comparison(**arguments, rules=Rules()) == first
    assert request.request_comparison(**arguments, rules=Rules(latency=None)) != first
    assert EvaluationRun.objects.count() == 2


def test_a_model_against_itself_needs_other_settings(project: Project) -> None:
    suite, model = make.suite(project), make.model(project)
    arguments: dict[str, Any] = {
        "suite": suite, "baseline": model, "candidate": model,
        "settings": read_settings({}), "rules": Rules(), "actor": SYSTEM,
    }  # fmt: skip
    with pytest.raises(CannotAsk, match="same model"):
        request.request_comparison(**arguments)
    warm = request.request_comparison(**arguments, candidate_settings=read_settings({"temperature": 0.7}))
    assert warm.baseline_id != warm.candidate_id


def test_a_model_is_not_asked_what_it_was_trained_on(project: Project, rita: User) -> None:
    for _ in range(40):
        rows.trace(project, judged="acceptable", by=rita)

    def frozen(**recipe: Any) -> DatasetVersion:
        return freeze(project=project, name="support", query_text="", actor=SYSTEM, recipe=Recipe(**recipe))

    learned, other = frozen(seed=0, test=0.3), frozen(seed=9, test=0.4)
    run = make.run(project, version=learned)
    tuned = make.model(project, "tuned", source="run", run=run, base=run.base)
    later = make.model(project, "later", source="run", base=tuned)
    arguments: dict[str, Any] = {"baseline": run.base, "settings": read_settings({}), "rules": Rules(), "actor": SYSTEM}
    for model in (tuned, later):
        with pytest.raises(CannotAsk, match=r"was trained on \d+ of the \d+ scenarios \(support@1\)"):
            request.request_comparison(suite=make_suite(version=other, actor=SYSTEM), candidate=model, **arguments)
    assert not EvaluationRun.objects.exists()
    held_out = make_suite(version=learned, actor=SYSTEM)
    assert request.request_comparison(suite=held_out, candidate=tuned, **arguments).status == "running"


def test_nothing_simulated_enters_a_comparison(project: Project) -> None:
    suite = make.suite(project)
    with pytest.raises(CannotAsk, match="made up"):
        request.request_comparison(
            suite=suite,
            baseline=make.model(project, "base"),
            candidate=make.model(project, "demo", is_simulated=True),
            settings=read_settings({}),
            rules=Rules(),
            actor=SYSTEM,
        )
    assert not EvaluationRun.objects.exists()


def test_lineage_leads_from_models_to_the_comparison(project: Project) -> None:
    comparison = compare(make.suite(project), lambda n: True, lambda n: True)
    for model in (comparison.baseline.model, comparison.candidate.model):
        came = lineage.descendants(project=project, source=lineage.Node("model", str(model.uid)))
        assert lineage.Node("comparison", str(comparison.uid)) in came


def test_stopping_ends_the_runs_that_nothing_else_waits_for(project: Project) -> None:
    suite = make.suite(project)
    base, one, two = (make.model(project, name) for name in ("base", "one", "two"))
    arguments: dict[str, Any] = {
        "suite": suite, "baseline": base, "settings": read_settings({}), "rules": Rules(), "actor": SYSTEM
    }  # fmt: skip
    first = request.request_comparison(**arguments, candidate=one)
    second = request.request_comparison(**arguments, candidate=two)
    assert cancel.cancel(comparison=first, actor=SYSTEM)
    assert not cancel.cancel(comparison=first, actor=SYSTEM)
    states = dict(EvaluationRun.objects.values_list("model__name", "status"))
    assert states == {"base": "queued", "one": "cancelled", "two": "queued"}
    second.refresh_from_db()
    assert second.status == "running"


def test_answers_that_are_missing_from_one_conversation_count_once(project: Project) -> None:
    suite = make.suite(project, scenarios=10, turns="each", said=lambda n: make.short_document(f"Order {n}?"))
    assert suite.counts["scenarios"] == 20
    comparison = compare(suite, lambda n: True, lambda n: None if n in (1, 2) else True)
    found = metric(comparison, "answered")
    assert (found["n"], found["broke"]) == (10, 1)


@pytest.mark.django_db(transaction=True)
def test_two_opposite_comparisons_at_once_do_not_lock_each_other_out(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite, models = make.suite(project), [make.model(project, name) for name in ("one", "two")]
    both = threading.Barrier(2)
    real, errors = request.request_run, []

    def after_the_other_has_one(**arguments: Any) -> EvaluationRun:
        run = real(**arguments)
        with suppress(threading.BrokenBarrierError):  # where locks are taken in order, only one gets here
            both.wait(timeout=1)
        return run

    def go(baseline: Any, candidate: Any) -> None:
        try:
            request.request_comparison(
                suite=suite, baseline=baseline, candidate=candidate, settings=read_settings({}), rules=Rules(),
                actor=SYSTEM,
            )  # fmt: skip
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    monkeypatch.setattr(request, "request_run", after_the_other_has_one)
    threads = [threading.Thread(target=go, args=pair) for pair in (models, models[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (Comparison.objects.count(), EvaluationRun.objects.count()) == (2, 2)
