"""Asking for a comparison, and drawing its conclusion once both models have answered."""

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone

from curation.models import DatasetRow, DatasetVersion
from evaluation.compare import decide, pairs
from evaluation.judging import work
from evaluation.judging.agree import Agreed
from evaluation.models import Comparison, EvaluationRun, Judging, Suite
from evaluation.runs import answers
from evaluation.runs.request import CannotAsk, request_run
from training.models import ModelVersion
from workspace import audit, lineage
from workspace.access import SYSTEM, Actor

log = logging.getLogger(__name__)
OVER = (EvaluationRun.Status.SUCCEEDED, EvaluationRun.Status.FAILED, EvaluationRun.Status.CANCELLED)


def request_comparison(
    *,
    suite: Suite,
    baseline: ModelVersion,
    candidate: ModelVersion,
    settings: dict[str, Any],
    candidate_settings: dict[str, Any] | None = None,
    rules: decide.Rules,
    agreed: Agreed | None = None,
    actor: Actor,
    name: str = "",
) -> Comparison:
    """Baseline against candidate on a suite. Settings come from runs.request.read_settings; the candidate may have its
    own (two temperatures of one model). Runs that stand are used again, and so is a comparison of the same runs by the
    same rules. Where the suite's graders ask a model, somebody `agreed` to its price (judging.agree). Raises CannotAsk,
    also where a side was trained on what it would be asked."""
    if suite.judges and agreed is None:
        raise CannotAsk("confirmed", "Its graders ask a model to judge: look at the price and agree to it.")
    other = settings if candidate_settings is None else candidate_settings
    check_sides(baseline=baseline, candidate=candidate, settings=settings, candidate_settings=candidate_settings)
    for model in (baseline, candidate):
        _check_held_out(suite, model)
    with transaction.atomic():
        lock_models(baseline.pk, candidate.pk)
        runs = [
            request_run(suite=suite, model=baseline, settings=settings),
            request_run(suite=suite, model=candidate, settings=other),
        ]
        known = (
            Comparison.objects.filter(suite=suite, baseline=runs[0], candidate=runs[1], rules=rules.as_json())
            .exclude(status=Comparison.Status.FAILED)
            .first()
        )
        if known is not None:
            return known
        comparison = Comparison.objects.create(
            project=suite.project,
            name=name.strip()[:200] or _name(baseline, candidate),
            suite=suite,
            baseline=runs[0],
            candidate=runs[1],
            primary_grader=suite.graders[0]["name"],
            rules=rules.as_json(),
            created_by=actor.user,
            author=actor.label,
        )
        if agreed is not None:
            Judging.objects.create(comparison=comparison, agreed_usd=agreed.usd)
        target = lineage.Node("comparison", str(comparison.uid))
        for kind, uid in {
            ("model", baseline.uid),
            ("model", candidate.uid),
            ("evaluation", runs[0].uid),
            ("evaluation", runs[1].uid),
        }:
            lineage.link(project=suite.project, source=lineage.Node(kind, str(uid)), target=target)
        audit.record(
            project=suite.project,
            actor=actor,
            action="comparison.requested",
            target=f"comparison:{comparison.uid}",
            baseline=str(baseline),
            candidate=str(candidate),
            suite=str(suite),
            **({} if agreed is None else {"agreed_usd": None if agreed.usd is None else str(agreed.usd)}),
        )
    return comparison


def lock_models(*keys: int) -> None:
    """Hold model rows until the transaction ends. Always by id: two opposite comparisons at once would otherwise each
    hold what the other waits for."""
    list(ModelVersion.objects.select_for_update().filter(pk__in=keys).order_by("id").values_list("pk"))


def check_sides(
    *,
    baseline: ModelVersion,
    candidate: ModelVersion,
    settings: dict[str, Any],
    candidate_settings: dict[str, Any] | None = None,
) -> None:
    """Raise CannotAsk where the two sides are the same, or one of them does not exist but in a demo."""
    if baseline.pk == candidate.pk and candidate_settings in (None, settings):
        raise CannotAsk("candidate", "Both sides are the same model with the same settings.")
    for where, model in (("baseline", baseline), ("candidate", candidate)):
        if model.is_simulated:
            raise CannotAsk(where, f"{model} is made up for the demo and cannot answer. Compare models that exist.")


def _check_held_out(suite: Suite, model: ModelVersion) -> None:
    """Raise CannotAsk where `model`, or a model it continues, learned from a trace of the suite: what one version holds
    back is in the train split of another that was frozen with another seed, other shares or other groups."""
    learned: list[DatasetVersion] = []
    root: ModelVersion | None = model
    while root is not None:
        if root.run is not None:
            learned.append(root.run.dataset_version)
        root = root.base
    if not learned:
        return
    asked = suite.scenarios.values("row__trace")
    train = DatasetRow.objects.filter(version__in=learned, split=DatasetRow.Split.TRAIN, trace__in=asked)
    seen = suite.scenarios.filter(row__trace__in=train.values("trace")).count()
    if seen:
        names = ", ".join(sorted({str(version) for version in learned}))
        raise CannotAsk(
            "dataset",
            f"{model} was trained on {seen} of the {suite.scenarios.count()} scenarios ({names}), so the comparison "
            "would prove nothing. Compare on a version that was frozen with the same seed, shares and groups.",
        )


def settle(comparison: Comparison) -> bool:
    """Draw the conclusion of a comparison whose runs are over, once what is to be judged is judged. True where this call did
    it; harmless when repeated."""
    comparison = Comparison.objects.select_related(
        "suite", "project", "baseline__model", "baseline__suite", "candidate__model", "candidate__suite"
    ).get(pk=comparison.pk)
    runs = (comparison.baseline, comparison.candidate)
    if comparison.status != Comparison.Status.RUNNING or not all(run.status in OVER for run in runs):
        return False
    bad = [run for run in runs if run.status != EvaluationRun.Status.SUCCEEDED]
    if bad:
        reason = "; ".join(f"{run.model}: {run.status_reason or run.get_status_display()}" for run in bad)
        Judging.objects.filter(comparison=comparison, status=Judging.Status.WAITING).update(
            status=Judging.Status.CANCELLED, ended_at=timezone.now()
        )
        return _fail(comparison, reason)
    judging = work.advance(comparison)
    if judging is not None and judging.status == Judging.Status.STOPPED:
        return _fail(comparison, f"Judging stopped. {judging.error}")
    if judging is not None and judging.status != Judging.Status.DONE:
        return False
    for run in runs:
        answers.regrade(run=run)
    rules = decide.Rules(**comparison.rules)
    found, labels = pairs.measure(comparison, rules)
    decision = decide.decide(metrics=found, rules=rules, candidate=_short(comparison), labels=labels)
    result = {
        "metrics": [metric.as_json() for metric in found],
        "labels": labels,
        "further": decision.further,
        "scenarios": comparison.suite.counts.get("scenarios"),
    }
    with transaction.atomic():
        changed = Comparison.objects.filter(pk=comparison.pk, status=Comparison.Status.RUNNING).update(
            status=Comparison.Status.DONE, outcome=decision.outcome, sentence=decision.sentence, result=result,
            decided_at=timezone.now(),
        )  # fmt: skip
        if changed:
            _record(comparison, decision.outcome, decision.sentence)
    return bool(changed)


def end(comparison: Comparison, reason: str) -> str:
    """End it without a conclusion. One whose judges went on keeps the verdict that it had. Returns why it ended, "" where it
    was over already."""
    running = Comparison.objects.filter(pk=comparison.pk, status=Comparison.Status.RUNNING)
    if running.filter(outcome="").update(
        status=Comparison.Status.FAILED, status_reason=reason, decided_at=timezone.now()
    ):
        return reason
    kept = f"{reason} What was concluded before stands."
    return kept if running.update(status=Comparison.Status.DONE, status_reason=kept) else ""


def settle_all() -> int:
    """Draw the conclusion of every comparison that is ready. Returns how many were."""
    ready = Comparison.objects.filter(
        status=Comparison.Status.RUNNING, baseline__status__in=OVER, candidate__status__in=OVER
    )
    settled = 0
    for comparison in ready.order_by("id"):
        try:
            settled += settle(comparison)
        except Exception:  # one that cannot be concluded must not keep the others waiting
            log.exception("Comparison %s could not be settled; the next sweep tries again.", comparison.uid)
    return settled


def _fail(comparison: Comparison, reason: str) -> bool:
    with transaction.atomic():
        said = end(comparison, reason)
        if said:
            _record(comparison, comparison.outcome, said)
    return bool(said)


def _record(comparison: Comparison, outcome: str, sentence: str) -> None:
    audit.record(
        project=comparison.project, actor=SYSTEM, action="comparison.decided", target=f"comparison:{comparison.uid}",
        outcome=outcome, sentence=sentence,
    )  # fmt: skip


def _name(baseline: ModelVersion, candidate: ModelVersion) -> str:
    if baseline.name == candidate.name:
        return f"{baseline.name} {baseline.number} against {candidate.number}"[:200]
    return f"{baseline} against {candidate}"[:200]


def _short(comparison: Comparison) -> str:
    """The candidate's name in the sentence; with its temperature where only that tells the sides apart."""
    model = comparison.candidate.model
    if model.pk == comparison.baseline.model_id:
        return f"{model} at temperature {comparison.candidate.settings.get('temperature')}"
    return str(model)
