"""From what a person or program wrote to a comparison: one call for the page, the API and the command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from curation.models import GraderVersion
from curation.scoring import keep
from curation.scoring.graders import BadDefinition
from evaluation.compare import decide, request, sides
from evaluation.judging.agree import agree
from evaluation.judging.calls import judges_of
from evaluation.judging.price import Bill, Side, before
from evaluation.models import Comparison, Suite
from evaluation.runs.request import CannotAsk, find_run, read_settings
from evaluation.suites import build
from training.models import ModelVersion
from workspace.access import Actor
from workspace.models import Project


class Refused(ValueError):
    """A comparison that cannot be: `where` names the field at fault, the text says why."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


@dataclass(slots=True)
class Wish:
    """What is to be compared. Either `dataset` (NAME@NUMBER; its held-out rows become a suite) or `suite` (an id).
    `graders`: definitions, or names of confirmed graders of the project. `confirmed`: the price of those that ask a model,
    as it was seen (`Price.text`), or a higher sum."""

    candidate: str
    baseline: str = sides.BASE
    dataset: str = ""
    suite: str = ""
    split: str = ""
    turns: str = "last"
    most: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    candidate_settings: Mapping[str, Any] | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    graders: list[Any] | None = None
    name: str = ""
    confirmed: str = ""


def price(*, project: Project, actor: Actor, wish: Wish) -> Bill | None:
    """What its judges are estimated to cost; None where nobody is asked to judge. Raises Refused; nothing is asked, and no
    comparison made."""
    try:
        plan = _read(project, actor, wish)
        return _bill(plan) if plan.judges else None
    except _CANNOT as error:
        raise _refused(error) from None


def ask(*, project: Project, actor: Actor, wish: Wish) -> Comparison:
    """Make (or find) the suite, the runs and the comparison. Where models are to judge, `wish.confirmed` is the price that
    was seen. Raises Refused, and has then asked no model anything."""
    try:
        plan = _read(project, actor, wish)
        agreed = agree(_bill(plan), wish.confirmed) if plan.judges else None
        suite = build.make(plan.suite, actor=actor) if isinstance(plan.suite, build.Plan) else plan.suite
        return request.request_comparison(
            suite=suite,
            baseline=plan.baseline,
            candidate=plan.candidate,
            settings=plan.settings,
            candidate_settings=plan.other,
            rules=plan.rules,
            agreed=agreed,
            actor=actor,
            name=wish.name,
        )
    except _CANNOT as error:
        raise _refused(error) from None


_CANNOT = (CannotAsk, build.CannotBuild, decide.BadRules, BadDefinition, keep.Refused)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A wish, understood; `suite` may not be stored yet."""

    settings: dict[str, Any]
    other: dict[str, Any] | None
    rules: decide.Rules
    candidate: ModelVersion
    baseline: ModelVersion
    suite: Suite | build.Plan
    judges: list[GraderVersion]


def _read(project: Project, actor: Actor, wish: Wish) -> _Plan:
    settings = read_settings(dict(wish.settings))
    other = None if wish.candidate_settings is None else read_settings({**settings, **wish.candidate_settings})
    rules = decide.read_rules(dict(wish.rules))
    candidate = sides.find_model(project=project, actor=actor, text=wish.candidate, where="candidate")
    baseline = sides.find_baseline(project=project, actor=actor, text=wish.baseline, candidate=candidate)
    request.check_sides(baseline=baseline, candidate=candidate, settings=settings, candidate_settings=other)
    suite, judges = _suite(project, wish)
    return _Plan(settings, other, rules, candidate, baseline, suite, judges)


def _bill(plan: _Plan) -> Bill:
    suite: Suite | None
    asked: Sequence[Any]
    if isinstance(plan.suite, Suite):
        suite, asked = plan.suite, list(plan.suite.scenarios.order_by("position"))
    else:
        suite, asked = plan.suite.known(), plan.suite.questions
    both = ((plan.baseline, plan.settings), (plan.candidate, plan.settings if plan.other is None else plan.other))
    found = [
        (None if suite is None else find_run(suite=suite, model=model, settings=how), how["max_new_tokens"])
        for model, how in both
    ]
    return before(asked=asked, versions=plan.judges, sides=(Side(*found[0]), Side(*found[1])))


def _suite(project: Project, wish: Wish) -> tuple[Suite | build.Plan, list[GraderVersion]]:
    if bool(wish.suite) == bool(wish.dataset):
        raise CannotAsk("dataset", "Name either a dataset version or a suite.")
    if wish.suite:
        try:
            suite = Suite.objects.get(project=project, uid=UUID(wish.suite))
        except (ValueError, Suite.DoesNotExist):
            raise CannotAsk("suite", f"There is no suite {wish.suite!r} in this project.") from None
        return suite, list(judges_of(suite).values())
    version = sides.find_version(project=project, text=wish.dataset)
    if wish.graders is None:
        plan = build.plan(version=version, split=wish.split, turns=wish.turns, most=wish.most)
        return plan, []
    chosen = [_grader(project, one) for one in wish.graders]
    judges = [one for _, one in chosen if one is not None]
    plan = build.plan(
        version=version,
        split=wish.split,
        turns=wish.turns,
        most=wish.most,
        graders=[definition for definition, _ in chosen],
        judges={one.grader.slug: str(one.uid) for one in judges},
    )
    return plan, judges


def _grader(project: Project, given: Any) -> tuple[Any, GraderVersion | None]:
    """(a definition as it is, or that of a confirmed grader of the project: "slug" (the newest) or "slug@number"; and that
    version, where it asks a model)."""
    if not isinstance(given, str):
        return given, None
    try:
        version = keep.named(project=project, label=given)
    except (keep.Refused, keep.NotConfirmed) as error:
        raise CannotAsk("graders", str(error)) from None
    return {**version.definition, "name": version.grader.slug}, version if keep.asks_model(version) else None


def _refused(error: Exception) -> Refused:
    where = error.field if isinstance(error, keep.Refused) else error.where  # type: ignore[attr-defined]
    return Refused(where, getattr(error, "reason", "") or str(error))
