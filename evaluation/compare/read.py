"""What the page of a comparison shows beside its verdict: scenarios that changed, and two answers side by side."""

from dataclasses import dataclass, field

from django.db.models import F
from django.utils.safestring import SafeString

from curation.messages.form import Message, text_of
from curation.models import GraderVersion
from curation.review import diff
from curation.review.shown import shown
from curation.scoring import graders as grading
from evaluation.judging import calls
from evaluation.judging.price import models_of
from evaluation.models import Answer, AnswerScore, Comparison, EvaluationRun, JudgeCall, Scenario
from evaluation.runs import answers
from workspace.paging import Page, paginate

MOST_SHOWN = 200
MOST_SAID = 20  # messages beside the request, nearest to it; of each at most MOST_WORDS characters
MOST_WORDS = 2_000
# scores that moved less than this are not called changed
STEP = 0.05

FIXED, BROKE, UNMEASURED = "fixed", "broke", "unmeasured"


@dataclass(frozen=True, slots=True)
class Flip:
    """One scenario whose grade changed (kind fixed or broke), or that one side has no grade for, or no judgment."""

    position: int
    title: str
    kind: str
    before: float | None
    after: float | None


@dataclass(slots=True)
class Flips:
    """Scenarios of one kind, the biggest change first, at most MOST_SHOWN; and how many there are of each kind."""

    rows: list[Flip]
    counts: dict[str, int]
    total: int


@dataclass(frozen=True, slots=True)
class GradeLine:
    """One grader's word on one answer. `call`: how it was asked, where it is a model; `reason` then says why there is no
    judgment, where there is none."""

    grader: str
    value: float | None
    passed: bool | None
    reason: str
    call: JudgeCall | None = None


@dataclass(slots=True)
class SideShown:
    """One model's answer, ready for the page."""

    run: EvaluationRun
    answer: Answer | None
    text: SafeString = field(default_factory=SafeString)
    calls: list[tuple[str, str]] = field(default_factory=list)
    grades: list[GradeLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Said:
    """One message around the request; `cut` characters of its text are left out."""

    role: str
    text: str
    calls: list[tuple[str, str]]
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What was put to both models: the last `request` of a user, what was said `before` it and `since`, up to the answer.
    `earlier` and `between` messages of these are left out."""

    request: str
    before: list[Said]
    since: list[Said]
    earlier: int = 0
    between: int = 0


@dataclass(slots=True)
class Shown:
    """One scenario with both answers and what was expected."""

    scenario: Scenario
    kind: str
    asked: Asked
    sides: list[SideShown]
    expected: str
    expected_calls: list[tuple[str, str]]


def flips(comparison: Comparison, *, kind: str = "") -> Flips:
    """The scenarios whose primary grade changed; `kind` fixed, broke or unmeasured takes only those."""
    before, after = (_values(run, comparison) for run in (comparison.baseline, comparison.candidate))
    found: list[Flip] = []
    lost = _without_judgment(comparison)
    rows = comparison.suite.scenarios.order_by("position").values_list("pk", "position", "title")
    for key, position, title in rows:
        if key not in before and key not in after and key not in lost:
            continue  # nothing that this grader could measure
        left, right = before.get(key), after.get(key)
        named = UNMEASURED if key in lost else _kind(left, right)
        if named:
            found.append(Flip(position, title or f"Scenario {position}", named, left, right))
    counts = {name: sum(one.kind == name for one in found) for name in (FIXED, BROKE, UNMEASURED)}
    chosen = [one for one in found if (one.kind == kind if kind else one.kind != UNMEASURED)]
    chosen.sort(key=lambda one: (-abs((one.after or 0) - (one.before or 0)), one.kind != BROKE, one.position))
    return Flips(chosen[:MOST_SHOWN], counts, len(chosen))


def scenario(comparison: Comparison, position: int) -> Shown:
    """One scenario with both answers. Raises Scenario.DoesNotExist."""
    found = comparison.suite.scenarios.get(position=position)
    sides = [_side(run, found) for run in (comparison.baseline, comparison.candidate)]
    texts = [text_of(side.answer.message) if side.answer and side.answer.message else "" for side in sides]
    if texts[0] and texts[1] and texts[0] != texts[1]:
        changed = diff.words(texts[0], texts[1])
        sides[0].text = diff.Diff([piece for piece in changed.pieces if piece.kind != "ins"]).html()
        sides[1].text = diff.Diff([piece for piece in changed.pieces if piece.kind != "del"]).html()
    else:
        for side, text in zip(sides, texts, strict=True):
            side.text = shown(text)
    values = [
        next((grade.value for grade in side.grades if grade.grader == comparison.primary_grader), None)
        for side in sides
    ]
    return Shown(
        scenario=found,
        kind=_kind(*values),
        asked=_asked(found.messages),
        sides=sides,
        expected=text_of(found.reference),
        expected_calls=_calls(found.reference),
    )


def progress(comparison: Comparison) -> list[tuple[EvaluationRun, answers.Progress]]:
    """Both runs and how far they are."""
    return [(run, answers.progress(run)) for run in (comparison.baseline, comparison.candidate)]


def judgments(comparison: Comparison, *, cursor: str, size: int) -> Page[JudgeCall]:
    """Every answer before every judge, with what came of it, in the order in which they are asked."""
    rows = (
        calls.rows(comparison).select_related("answer__scenario", "version__grader").prefetch_related("answer__scores")
    )
    return paginate(rows, order=["id"], cursor=cursor, size=size)


def graders(comparison: Comparison) -> list[tuple[str, str]]:
    """Name and version of each grader of the suite: the first 12 digits of its digest; of a judge also whom it asks."""
    asked = {
        version.grader.slug: f", version {version.number}, asks {', '.join(models_of(version))} through "
        f"{version.connection or 'a connection that was removed'}"
        for version in GraderVersion.objects.filter(uid__in=list(comparison.suite.judges.values())).select_related(
            "grader", "connection"
        )
    }
    return [
        (f"{one['name']}{asked.get(one['name'], '')}", grading.digest(one)[:12]) for one in comparison.suite.graders
    ]


def _kind(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return UNMEASURED if before is not None or after is not None else ""
    if after - before >= STEP:
        return FIXED
    return BROKE if before - after >= STEP else ""


def _without_judgment(comparison: Comparison) -> set[int]:
    """Scenarios that the primary grader was to judge, and has no judgment for on one side or both."""
    uid = comparison.suite.judges.get(comparison.primary_grader)
    if uid is None:
        return set()
    rows = calls.rows(comparison).filter(version__uid=uid).exclude(status=JudgeCall.Status.DONE)
    return set(rows.values_list("answer__scenario_id", flat=True))


def _values(run: EvaluationRun, comparison: Comparison) -> dict[int, float]:
    scores = AnswerScore.objects.filter(answer__run=run, grader=comparison.primary_grader, value__isnull=False)
    return {key: value for key, value in scores.values_list("answer__scenario_id", "value") if value is not None}


def _side(run: EvaluationRun, found: Scenario) -> SideShown:
    answer = Answer.objects.filter(run=run, scenario=found).first()
    if answer is None:
        return SideShown(run, None)
    scores = answer.scores.annotate(order=F("id")).order_by("order")
    asked = {
        call.version.grader.slug: call
        for call in JudgeCall.objects.filter(answer=answer).select_related("version__grader")
    }
    lines = [
        GradeLine(score.grader, score.value, score.passed, score.reason, asked.pop(score.grader, None))
        for score in scores
    ]
    lines += [GradeLine(name, None, None, call.error, call) for name, call in asked.items() if name in run.suite.judges]
    made = _calls(answer.message) if answer.message else []
    return SideShown(run, answer, calls=made, grades=lines)


def _calls(message: Message) -> list[tuple[str, str]]:
    return [(call["name"], call["arguments"]) for call in message.get("tool_calls", [])]


def _asked(messages: list[Message]) -> Asked:
    """The last request of a user, with what stands around it; without a user, the last words there are."""
    spoken = [one for one in messages if one["role"] not in ("system", "developer")]
    at = next((n for n in reversed(range(len(spoken))) if spoken[n]["role"] == "user" and text_of(spoken[n])), None)
    if at is None:
        at = next((n for n in reversed(range(len(spoken))) if text_of(spoken[n])), None)
    if at is None:
        return Asked("", [], [])
    before, since = spoken[:at], spoken[at + 1 :]
    return Asked(
        text_of(spoken[at]),
        [_said(one) for one in before[-MOST_SAID:]],
        [_said(one) for one in since[-MOST_SAID:]],
        max(0, len(before) - MOST_SAID),
        max(0, len(since) - MOST_SAID),
    )


def _said(message: Message) -> Said:
    text = text_of(message)
    return Said(message["role"], text[:MOST_WORDS], _calls(message), max(0, len(text) - MOST_WORDS))
