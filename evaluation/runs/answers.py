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
ERASED = "Erased at a person's request."


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
class Graded:
    """An answer that is not stored yet, with the scores that it will have."""

    answer: Answer
    scores: list[AnswerScore]


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
    """Store answers with their grades; scenarios that have an answer keep it. Returns how many were new. A grade that
    could not be made is stored as null."""
    return keep(run=run, graded=grade(run=run, said=said))


def grade(*, run: EvaluationRun, said: Iterable[Said]) -> list[Graded]:
    """What is new of this, with its grades. It may take long (code of a grader runs for seconds), so do it outside of any
    transaction."""
    said = list(said)
    have = _answered(run, [one.scenario.pk for one in said])
    fresh = []
    for one in said:
        if one.scenario.pk not in have:
            have.add(one.scenario.pk)
            fresh.append((one.scenario, _row(run, one)))
    definitions = _definitions(run)
    return [Graded(answer, _scores(definitions, answer, scenario)) for scenario, answer in fresh]


def keep(*, run: EvaluationRun, graded: list[Graded]) -> int:
    """Store graded answers in one transaction; see `store`. Of an answer to a scenario that was erased while its model was
    asked, only its costs are kept."""
    with transaction.atomic():
        # whoever stores answers of a run waits for the others, so that none is counted or graded twice
        EvaluationRun.objects.select_for_update().get(pk=run.pk)
        have = _answered(run, [one.answer.scenario_id for one in graded])
        fresh = [one for one in graded if one.answer.scenario_id not in have]
        _without_the_erased(fresh)
        Answer.objects.bulk_create((one.answer for one in fresh), batch_size=BATCH)
        _store_scores([(one.answer.pk, one.scores) for one in fresh])
    return len(fresh)


def _without_the_erased(graded: list[Graded]) -> None:
    held = Scenario.objects.select_for_update(no_key=True).order_by("pk")  # as whoever forgets a person holds them
    erased = {
        one.pk for one in held.filter(pk__in=[one.answer.scenario_id for one in graded]).only("messages")
        if not one.messages
    }  # fmt: skip
    for one in graded:
        if one.answer.scenario_id in erased:
            one.answer.message, one.answer.error = None, ERASED
            for score in one.scores:
                score.reason = ""


def regrade(*, run: EvaluationRun) -> int:
    """Grade again what was graded by an older version of a grader (or not at all); judges are asked elsewhere. Returns how
    many answers were."""
    definitions = _definitions(run)
    current = Q()
    for definition in definitions:
        current |= Q(scores__grader=definition["name"], scores__version=version_of(definition))
    if not definitions:
        return 0
    old = list(
        Answer.objects.filter(run=run)
        .annotate(graded=Count("scores", filter=current, distinct=True))
        .filter(graded__lt=len(definitions))
        .select_related("scenario")
    )
    fresh = {answer.pk: _scores(definitions, answer, answer.scenario) for answer in old}
    with transaction.atomic():
        EvaluationRun.objects.select_for_update().get(pk=run.pk)
        there = set(Answer.objects.filter(pk__in=fresh).values_list("pk", flat=True))
        names = [definition["name"] for definition in definitions]
        AnswerScore.objects.filter(answer__in=there, grader__in=names).delete()
        _store_scores([(key, fresh[key]) for key in there])
    return len(there)


def score_of(definition: grading.Definition, grade: grading.Grade) -> AnswerScore:
    """A grade as it is kept, but for its answer: its value from 0 to 1 in the range that the grader declares."""
    value, bounds = grade.value, grading.range_of(definition)
    if value is not None and bounds is not None:
        value = (value - bounds[0]) / (bounds[1] - bounds[0])
    return AnswerScore(
        grader=definition["name"],
        version=version_of(definition),
        value=value,
        passed=grade.passed,
        reason=clean.clean_text(grade.error or grade.reason, clean.Notes()),
    )


def version_of(definition: grading.Definition) -> str:
    """What a score says it was made by: the digest of the grader, and of the scale where that is not the grader's own."""
    own = grading.range_of(definition) in (None, (0.0, 1.0))
    return grading.digest(definition if own else {**definition, "scaled_to": [0, 1]})


def conversation_of(answer: Answer, scenario: Scenario) -> tuple[Conversation, dict[str, Any]]:
    """What graders see: the conversation with the answer at its end, and the facts, the reference among them."""
    said = [] if answer.message is None else [answer.message]
    talk: Conversation = {
        "id": "main", "name": "", "kind": "main", "messages": [*scenario.messages, *said], "tools": scenario.tools,
    }  # fmt: skip
    facts = {
        "reference": scenario.reference, "latency_ms": answer.latency_ms, "cost_usd": answer.cost_usd,
        "input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens,
    }  # fmt: skip
    return talk, facts


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


def _answered(run: EvaluationRun, scenarios: list[int]) -> set[int]:
    """Which of these scenarios have their answer already."""
    return set(Answer.objects.filter(run=run, scenario__in=scenarios).values_list("scenario_id", flat=True))


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


def _definitions(run: EvaluationRun) -> list[grading.Definition]:
    """The graders of the suite that ask nobody."""
    found = [one for one in run.suite.graders if one["name"] not in run.suite.judges]
    if found:
        grading.check_all(found)
    return found


def _store_scores(found: list[tuple[int, list[AnswerScore]]]) -> None:
    for key, scores in found:
        for score in scores:
            score.answer_id = key
    AnswerScore.objects.bulk_create((score for _, scores in found for score in scores), batch_size=BATCH)


def _scores(definitions: list[grading.Definition], answer: Answer, scenario: Scenario) -> list[AnswerScore]:
    talk, facts = conversation_of(answer, scenario)
    _, item = trace_inputs.inputs_of(talk, facts)
    item |= grading.item_of(reference=scenario.reference, tools=scenario.tools)
    sample = None if answer.message is None else grading.sample_of(answer.message)
    return [score_of(one, grading.grade(one, sample, item)) for one in definitions]
