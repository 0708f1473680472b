"""Answers before their judges: rows taken once and settled once. What is taken is committed before anybody is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Avg, F, Q, QuerySet
from django.utils import timezone

from curation.messages.clean import Notes, clean
from curation.models import GraderVersion
from curation.scoring.calling import LOST, Result, TakenAway
from curation.scoring.refused import Refused
from evaluation.models import Answer, AnswerScore, Comparison, EvaluationRun, JudgeCall, Judging, Suite
from evaluation.runs import answers

Status = JudgeCall.Status
MOST_TEXT = 20_000
ERASED = "The answer was erased."
LOOKED_AT = 50  # rows, for what one costs on average


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this process took; see `curation.scoring.calling.Taken`."""

    id: int
    attempts: int
    answer_id: int
    version_id: int
    prompt: Any
    answer: Any  # what came of an earlier try, as it came
    cost_usd: Decimal | None
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: int | None


def judges_of(suite: Suite) -> dict[str, GraderVersion]:
    """Who judges the answers to a suite, by the name of their scores. Raises Refused where one was removed."""
    found = {
        str(one.uid): one
        for one in GraderVersion.objects.select_related("grader__project", "connection__project").filter(
            uid__in=suite.judges.values()
        )
    }
    if gone := [name for name, uid in suite.judges.items() if uid not in found]:
        raise Refused("grader", f"The grader {gone[0]} was removed.")
    return {name: found[uid] for name, uid in suite.judges.items()}


def paired(runs: Sequence[EvaluationRun]) -> QuerySet[Answer]:
    """Answers of these runs to what all of them answered: one alone is compared with nothing, so nobody pays for it."""
    found = Answer.objects.filter(run__in=runs, message__isnull=False)
    for run in runs:
        found = found.filter(scenario__in=Answer.objects.filter(run=run, message__isnull=False).values("scenario"))
    return found


def rows(comparison: Comparison) -> QuerySet[JudgeCall]:
    """What the judges of a comparison are asked, whoever asks it."""
    sides = [comparison.baseline, comparison.candidate]
    return JudgeCall.objects.filter(
        version__uid__in=list(comparison.suite.judges.values()), answer__in=paired(sides).values("pk")
    )


def write(comparison: Comparison) -> None:
    """Put every answer before every judge that it was not put before. Harmless when repeated."""
    versions = judges_of(comparison.suite).values()
    keys = paired([comparison.baseline, comparison.candidate]).order_by("scenario__position", "pk")
    found = [
        JudgeCall(answer_id=key, version=version) for version in versions for key in keys.values_list("pk", flat=True)
    ]
    JudgeCall.objects.bulk_create(found, batch_size=500, ignore_conflicts=True)


def claim(judging: Judging, version: GraderVersion, owner: str, most: int, *, under_way: int = 0) -> list[Claimed]:
    """Take the next rows of one judge: waiting -> asking, by whoever holds the judging, while it runs and has not cost more
    than was agreed to; only so many that those and what is `under_way` pass that sum by one at most, at the cost of one on
    average. Both answers to a scenario come one after the other, so that what is judged makes pairs."""
    mine = Judging.objects.filter(pk=judging.pk, status=Judging.Status.RUNNING, lease_owner=owner)
    with transaction.atomic():
        sums = mine.filter(Q(agreed_usd=None) | Q(cost_usd__lte=F("agreed_usd")))
        left = sums.values_list(F("agreed_usd") - F("cost_usd"), flat=True)[:1]
        if not left or (most := _within(judging, left[0], most, under_way)) < 1:
            return []
        waiting = rows(judging.comparison).filter(version=version, status=Status.WAITING)
        taken = list(
            waiting.select_for_update(of=("self",), skip_locked=True).order_by("answer__scenario__position", "pk")[
                :most
            ]
        )
        JudgeCall.objects.filter(pk__in=[one.pk for one in taken]).update(
            status=Status.ASKING, attempts=F("attempts") + 1, judging=judging, asked_at=timezone.now(), error=""
        )
    return [
        Claimed(
            id=one.pk, attempts=one.attempts + 1, answer_id=one.answer_id, version_id=one.version_id, prompt=one.prompt,
            answer=one.reply, cost_usd=one.cost_usd, input_tokens=one.input_tokens, output_tokens=one.output_tokens,
            latency_ms=one.latency_ms,
        )
        for one in taken
    ]  # fmt: skip


def _within(judging: Judging, left: Decimal | None, most: int, under_way: int) -> int:
    """How many of `most` what is `left` of the agreed sum holds beside those under way, and one that may pass it. All, where
    nobody knows yet what one costs."""
    paid = JudgeCall.objects.filter(judging=judging, cost_usd__gt=0)[:LOOKED_AT]
    average = None if left is None else paid.aggregate(average=Avg("cost_usd"))["average"]
    return most if left is None or average is None else min(most, int(left / average) + 1 - under_way)


def missing(comparison: Comparison, version: GraderVersion) -> int:
    """Scenarios that both models answered, and that one of them has no judgment for: it failed, or its outcome is
    unknown."""
    left = rows(comparison).filter(version=version).exclude(status=Status.DONE)
    return left.values("answer__scenario").distinct().count()


def overspent(judging: Judging) -> str:
    """Why nothing more is taken though something waits: it cost more than was agreed to; "" where it did not."""
    over = Judging.objects.filter(pk=judging.pk, cost_usd__gt=F("agreed_usd"))
    sums = over.values_list("cost_usd", "agreed_usd").first()
    waiting = rows(judging.comparison).filter(status=Status.WAITING).count()
    if sums is None or not waiting:
        return ""
    cost, agreed = (f"${Decimal(one or 0).normalize():f}" for one in sums)  # exact: they may be all but the same
    left = "1 answer waits" if waiting == 1 else f"{waiting:,} answers wait"
    return f"It cost {cost} so far, more than the {agreed} that were agreed to. {left} for a new price."


def take_back(judging: Judging | None) -> int:
    """What a process that ended had taken may have been paid for, so its outcome is unknown. None: for a judging that is
    gone. Returns how many are."""
    left = JudgeCall.objects.filter(judging=judging, status=Status.ASKING)
    return left.update(status=Status.UNKNOWN, error=LOST, ended_at=timezone.now())


def keep(one: Claimed, *, judging: Judging, spent: Decimal | None = None, **fields: Any) -> None:
    """Write something down of a row that is at work, before the next thing is paid for; `spent` of it counts from now on.
    Raises TakenAway where the row is not ours any more, or the answer was erased."""
    fields = {("reply" if name == "answer" else name): _plain(value) for name, value in fields.items()}
    with transaction.atomic():
        stands = _hold(one)
        held = JudgeCall.objects.filter(pk=one.id, attempts=one.attempts)
        kept = held.filter(status__in=[Status.ASKING, Status.UNKNOWN]).update(**_without_words(fields, stands))
        if kept and spent:
            _count(judging, spent)
    if not kept or not stands:
        raise TakenAway


def settle(judging: Judging, name: str, definition: dict[str, Any], result: Result[Claimed]) -> bool:
    """A result, its score under `name` and the cost in one transaction. A row that was taken back meanwhile (its process
    was thought dead) is done after all: its answer came, and was paid for. Of an answer that was erased meanwhile only what
    it cost is kept. False where the row is another's."""
    one = result.claimed
    grade = result.grade
    if result.status == Status.FAILED and grade is not None and grade.value is None and not grade.error:
        result.status, result.error = Status.DONE, ""  # there is nothing to grade, and its score says so
    ends = result.status in (Status.DONE, Status.FAILED, Status.UNKNOWN)
    kept = {
        "prompt": result.prompt, "reply": result.answer, "cost_usd": result.cost_usd,
        "input_tokens": result.input_tokens, "output_tokens": result.output_tokens, "latency_ms": result.latency_ms,
    }  # fmt: skip
    known = {key: _plain(value) for key, value in kept.items() if value is not None}
    with transaction.atomic():
        stands = _hold(one)
        if not stands:
            result.status, result.error, ends = Status.FAILED, ERASED, True
        settled = JudgeCall.objects.filter(
            pk=one.id, attempts=one.attempts, status__in=[Status.ASKING, Status.UNKNOWN]
        ).update(
            status=result.status, error=_plain(result.error[:MOST_TEXT]), ended_at=timezone.now() if ends else None,
            **_without_words(known, stands),
        )  # fmt: skip
        if settled and result.status == Status.DONE and grade is not None:
            score = answers.score_of({**definition, "name": name}, grade)
            score.answer_id = one.answer_id
            AnswerScore.objects.bulk_create(
                [score], update_conflicts=True, unique_fields=["answer", "grader"],
                update_fields=["version", "value", "passed", "reason"],
            )  # fmt: skip
        if settled and result.spent:
            _count(judging, result.spent)
    return bool(settled)


def _hold(one: Claimed) -> bool:
    """Hold the answer against being erased until the transaction ends. False where it was."""
    held = Answer.objects.select_for_update(no_key=True).filter(pk=one.answer_id, message__isnull=False)
    return held.values_list("pk", flat=True).first() is not None


def _without_words(fields: dict[str, Any], stands: bool) -> dict[str, Any]:
    """Numbers alone of what was erased: prompt and reply quote it."""
    return fields if stands else {name: value for name, value in fields.items() if name not in ("prompt", "reply")}


def _count(judging: Judging, spent: Decimal) -> None:
    Judging.objects.filter(pk=judging.pk).update(cost_usd=F("cost_usd") + spent)


def _plain(value: Any) -> Any:
    return clean(value, Notes()) if isinstance(value, dict | list | str) else value
