"""Storing answers with their grades, and the states of a run."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from curation.messages import clean
from curation.messages.form import Conversation, Message
from curation.scoring import graders as grading
from curation.scoring.graders import trace_inputs
from evaluation.models import Answer, AnswerScore, EvaluationRun, Scenario

BATCH = 500


@dataclass(slots=True)
class Said:
    """What came back for one scenario: a message, or an error in words. None is unknown."""

    scenario: Scenario
    message: Message | None
    error: str = ""
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Scenarios of a run: how many are answered, how many of those with an error."""

    total: int
    answered: int
    failed: int

    @property
    def open(self) -> int:
        """Scenarios that still wait."""
        return self.total - self.answered


def store(*, run: EvaluationRun, said: Iterable[Said]) -> int:
    """Store answers and their grades in one transaction; scenarios that have an answer keep it. Returns how many were
    new. A grade that could not be made is stored as null."""
    with transaction.atomic():
        # whoever stores answers of a run waits for the others, so that none is counted or graded twice
        EvaluationRun.objects.select_for_update().get(pk=run.pk)
        have = set(Answer.objects.filter(run=run).values_list("scenario_id", flat=True))
        fresh = []
        for one in said:
            if one.scenario.pk not in have:
                have.add(one.scenario.pk)
                fresh.append(one)
        stored = Answer.objects.bulk_create((_row(run, one) for one in fresh), batch_size=BATCH)
        _score(run, [(answer, one.scenario) for answer, one in zip(stored, fresh, strict=True)])
    return len(fresh)


def regrade(*, run: EvaluationRun) -> int:
    """Grade again what was graded by an older version of a grader (or not at all). Returns how many answers were."""
    wanted = {definition["name"]: grading.digest(definition) for definition in run.suite.graders}
    current = Q()
    for name, version in wanted.items():
        current |= Q(scores__grader=name, scores__version=version)
    with transaction.atomic():
        EvaluationRun.objects.select_for_update().get(pk=run.pk)
        old = list(
            Answer.objects.filter(run=run)
            .annotate(graded=Count("scores", filter=current, distinct=True))
            .filter(graded__lt=len(wanted))
            .select_related("scenario")
        )
        AnswerScore.objects.filter(answer__in=old).delete()
        _score(run, [(answer, answer.scenario) for answer in old])
    return len(old)


def waiting(run: EvaluationRun) -> QuerySet[Scenario]:
    """Scenarios without an answer, in order."""
    return Scenario.objects.filter(suite=run.suite_id).exclude(answers__run=run).order_by("position")


def progress(run: EvaluationRun) -> Progress:
    """How far a run is. Two queries."""
    found = Answer.objects.filter(run=run).aggregate(
        all=Count("id"), failed=Count("id", filter=Q(message__isnull=True))
    )
    return Progress(Scenario.objects.filter(suite=run.suite_id).count(), found["all"], found["failed"])


def begin(run: EvaluationRun) -> bool:
    """From waiting to answering; False where it is no longer to be answered."""
    states = [EvaluationRun.Status.QUEUED, EvaluationRun.Status.RUNNING]
    changed = EvaluationRun.objects.filter(pk=run.pk, status__in=states).update(status=EvaluationRun.Status.RUNNING)
    return bool(changed)


def finish(run: EvaluationRun) -> bool:
    """To answered, if every scenario has an answer; to failed, if each of them is an error. True where this call did
    it."""
    if waiting(run).exists():
        return False
    if not Answer.objects.filter(run=run, message__isnull=False).exists():
        last = Answer.objects.filter(run=run).order_by("-id").first()
        return fail(run, f"Not one scenario was answered. The last error: {last.error if last else 'none'}")
    return _end(run, EvaluationRun.Status.SUCCEEDED, "")


def fail(run: EvaluationRun, reason: str) -> bool:
    """To failed with a reason in words. Answers that came stay. True where this call did it."""
    return _end(run, EvaluationRun.Status.FAILED, reason[:2000])


def _end(run: EvaluationRun, status: str, reason: str) -> bool:
    open_states = [EvaluationRun.Status.QUEUED, EvaluationRun.Status.RUNNING]
    changed = EvaluationRun.objects.filter(pk=run.pk, status__in=open_states).update(
        status=status, status_reason=reason, ended_at=timezone.now(), lease_owner="", lease_until=None
    )
    return bool(changed)


def _row(run: EvaluationRun, said: Said) -> Answer:
    notes = clean.Notes()
    error = clean.clean_text(said.error, notes)
    if said.message is None and not error:
        error = "No answer came."
    return Answer(
        run=run,
        scenario=said.scenario,
        message=clean.clean(said.message, notes),
        error=error,
        latency_ms=said.latency_ms,
        input_tokens=said.input_tokens,
        output_tokens=said.output_tokens,
        cost_usd=said.cost_usd,
    )


def _inputs(answer: Answer, scenario: Scenario) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """What graders see: the answer, and the whole conversation before it with the reference and what the answer cost."""
    said = [] if answer.message is None else [answer.message]
    talk: Conversation = {
        "id": "main", "name": "", "kind": "main", "messages": [*scenario.messages, *said], "tools": scenario.tools,
    }  # fmt: skip
    facts = {
        "reference": scenario.reference, "latency_ms": answer.latency_ms, "cost_usd": answer.cost_usd,
        "input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens,
    }  # fmt: skip
    _, item = trace_inputs.inputs_of(talk, facts)
    item |= grading.item_of(reference=scenario.reference, tools=scenario.tools)
    return (None if answer.message is None else grading.sample_of(answer.message)), item


def _score(run: EvaluationRun, pairs: list[tuple[Answer, Scenario]]) -> None:
    definitions = run.suite.graders
    grading.check_all(definitions)
    versions = [grading.digest(definition) for definition in definitions]
    scores = []
    for answer, scenario in pairs:
        sample, item = _inputs(answer, scenario)
        for definition, version in zip(definitions, versions, strict=True):
            grade = grading.grade(definition, sample, item)
            scores.append(
                AnswerScore(
                    answer=answer,
                    grader=definition["name"],
                    version=version,
                    value=grade.value,
                    passed=grade.passed,
                    reason=clean.clean_text(grade.error or grade.reason, clean.Notes()),
                )
            )
    AnswerScore.objects.bulk_create(scores, batch_size=BATCH)
