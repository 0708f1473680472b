"""Asking a model a suite: one EvaluationRun per suite, model and settings, used again where it stands."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from evaluation.models import EvaluationRun, Suite
from evaluation.runs import answers
from training.models import ModelVersion
from workspace import lineage

DEFAULTS: dict[str, Any] = {"max_new_tokens": 256, "temperature": 0.0, "seed": 0}
BOUNDS = {"max_new_tokens": (1, 32_768), "temperature": (0.0, 2.0), "seed": (0, 2**31 - 1)}
LOCAL = (
    ModelVersion.Source.TINY,
    ModelVersion.Source.FOLDER,
    ModelVersion.Source.HUB,
    ModelVersion.Source.RUN,
)


class CannotAsk(ValueError):
    """This model cannot be asked this suite, or the settings make no sense. `where` names the argument at fault."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(reason)
        self.where = where


def read_settings(given: Any) -> dict[str, Any]:
    """Settings with their defaults. Raises CannotAsk for an unknown name or a value out of bounds."""
    if not isinstance(given, dict):
        raise CannotAsk("settings", "An object is needed.")
    for key, value in given.items():
        if key not in BOUNDS:
            raise CannotAsk(f"settings.{key}", f"There is no such setting; there are {', '.join(BOUNDS)}.")
        low, high = BOUNDS[key]
        whole = key != "temperature"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise CannotAsk(f"settings.{key}", f"{value!r} is not {kind} from {low} to {high}.")
    settings = {**DEFAULTS, **given}
    settings["temperature"] = float(settings["temperature"])
    return settings


def request_run(*, suite: Suite, model: ModelVersion, settings: dict[str, Any]) -> EvaluationRun:
    """The run of `model` on `suite` with `settings` (from read_settings): one that is answered or being answered, else
    one whose connection failed, which goes on where it stopped, else a new one. Raises CannotAsk for simulated models."""
    if model.project_id != suite.project_id:
        raise CannotAsk("model", "The model belongs to another project.")
    if model.is_simulated:
        raise CannotAsk("model", f"{model} is made up for the demo and cannot answer. Compare models that exist.")
    with transaction.atomic():
        # two equal requests at once end with one run: the lock on the model makes the second wait and find it
        ModelVersion.objects.select_for_update().get(pk=model.pk)
        equal = EvaluationRun.objects.filter(suite=suite, model=model, settings=settings, is_simulated=False)
        known = find_run(suite=suite, model=model, settings=settings) or _resumed(equal)
        if known is not None:
            return known
        run = EvaluationRun.objects.create(project=suite.project, suite=suite, model=model, settings=settings)
        for kind, uid in (("suite", suite.uid), ("model", model.uid)):
            lineage.link(
                project=suite.project,
                source=lineage.Node(kind, str(uid)),
                target=lineage.Node("evaluation", str(run.uid)),
            )
    return run


def find_run(*, suite: Suite, model: ModelVersion, settings: dict[str, Any]) -> EvaluationRun | None:
    """The run of `model` on `suite` with `settings` that is answered or being answered."""
    equal = EvaluationRun.objects.filter(suite=suite, model=model, settings=settings, is_simulated=False)
    over = [EvaluationRun.Status.FAILED, EvaluationRun.Status.CANCELLED]
    return equal.exclude(status__in=over).order_by("id").first()


def _resumed(equal: QuerySet[EvaluationRun]) -> EvaluationRun | None:
    """The newest of these runs that a failing connection ended, waiting again; what it answered stays."""
    failed = equal.filter(status=EvaluationRun.Status.FAILED, model__connection__isnull=False)
    run = failed.order_by("-id").first()
    if run is None or not answers.waiting(run).exists():
        return None
    changed = EvaluationRun.objects.filter(pk=run.pk, status=EvaluationRun.Status.FAILED).update(
        status=EvaluationRun.Status.QUEUED, status_reason="", ended_at=None
    )
    run.refresh_from_db()
    return run if changed else None


def is_local(model: ModelVersion) -> bool:
    """Whether a process here answers for the model; otherwise its connection does."""
    return model.source in LOCAL
