"""From what a person or program wrote to a comparison: one call for the page, the API and the command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from curation.scoring import keep
from curation.scoring.graders import BadDefinition
from evaluation.compare import decide, request, sides
from evaluation.models import Comparison, Suite
from evaluation.runs.request import CannotAsk, read_settings
from evaluation.suites import build
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
    `graders`: definitions, or names of confirmed graders of the project."""

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


def ask(*, project: Project, actor: Actor, wish: Wish) -> Comparison:
    """Make (or find) the suite, the runs and the comparison. Raises Refused, and has then asked no model anything."""
    try:
        settings = read_settings(dict(wish.settings))
        other = None if wish.candidate_settings is None else read_settings({**settings, **wish.candidate_settings})
        rules = decide.read_rules(dict(wish.rules))
        candidate = sides.find_model(project=project, actor=actor, text=wish.candidate, where="candidate")
        baseline = sides.find_baseline(project=project, actor=actor, text=wish.baseline, candidate=candidate)
        request.check_sides(baseline=baseline, candidate=candidate, settings=settings, candidate_settings=other)
        suite = _suite(project, actor, wish)
        return request.request_comparison(
            suite=suite,
            baseline=baseline,
            candidate=candidate,
            settings=settings,
            candidate_settings=other,
            rules=rules,
            actor=actor,
            name=wish.name,
        )
    except (CannotAsk, build.CannotBuild, decide.BadRules, BadDefinition) as error:
        raise Refused(error.where, getattr(error, "reason", "") or str(error)) from None


def _suite(project: Project, actor: Actor, wish: Wish) -> Suite:
    if bool(wish.suite) == bool(wish.dataset):
        raise CannotAsk("dataset", "Name either a dataset version or a suite.")
    if wish.suite:
        try:
            return Suite.objects.get(project=project, uid=UUID(wish.suite))
        except (ValueError, Suite.DoesNotExist):
            raise CannotAsk("suite", f"There is no suite {wish.suite!r} in this project.") from None
    version = sides.find_version(project=project, text=wish.dataset)
    graders = None if wish.graders is None else [_grader(project, one) for one in wish.graders]
    return build.make_suite(
        version=version, actor=actor, split=wish.split, turns=wish.turns, most=wish.most, graders=graders
    )


def _grader(project: Project, given: Any) -> Any:
    """A definition as it is, or that of a confirmed grader of the project: "slug" (the newest) or "slug@number"."""
    if not isinstance(given, str):
        return given
    try:
        version = keep.named(project=project, label=given)
    except (keep.Refused, keep.NotConfirmed) as error:
        raise CannotAsk("graders", str(error)) from None
    if keep.asks_model(version):
        reason = f"{version} asks a model to judge. Comparisons are graded without asking anybody: choose another one."
        raise CannotAsk("graders", reason)
    return {**version.definition, "name": version.grader.slug}
