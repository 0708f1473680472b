"""Which model, which dataset: what people write, resolved."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet

from curation.models import DatasetVersion
from evaluation.runs.request import CannotAsk
from training.artifacts import bases
from training.models import ModelVersion
from workspace.access import Actor
from workspace.models import Connection, Project

BASE = "base"
CONNECTION = "connection:"


def find_model(*, project: Project, actor: Actor, text: str, where: str) -> ModelVersion:
    """A model by its id, NAME@NUMBER, NAME (the newest), `connection:NAME[/MODEL]`, or what a run can start from (tiny,
    a full path, a hub id). Models of connections, folders and the hub are registered on first use. Raises CannotAsk."""
    text = text.strip()
    if not text:
        raise CannotAsk(where, "Name a model.")
    if text.startswith(CONNECTION):
        return _of_connection(project, text.removeprefix(CONNECTION), where)
    known = ModelVersion.objects.filter(project=project).select_related("base", "connection", "run")
    try:
        found = known.filter(uid=UUID(text)).first()
    except ValueError:
        name, _, number = text.rpartition("@")
        found = known.filter(name=name, number=int(number)).first() if name and number.isdecimal() else None
        found = found or known.filter(name=text).order_by("-number").first()
    if found is not None:
        return found
    try:
        return bases.find(project, text, actor=actor)
    except bases.UnusableBase as error:
        raise CannotAsk(where, str(error)) from None


def find_baseline(*, project: Project, actor: Actor, text: str, candidate: ModelVersion) -> ModelVersion:
    """As find_model; `base` is what the candidate was tuned from. Raises CannotAsk."""
    if text.strip() != BASE:
        return find_model(project=project, actor=actor, text=text, where="baseline")
    if candidate.base is None:
        raise CannotAsk("baseline", f"{candidate} was not tuned here, so it has no base. Name a baseline.")
    return candidate.base


def find_version(*, project: Project, text: str) -> DatasetVersion:
    """A dataset version by NAME@NUMBER, NAME (the newest) or its id. Raises CannotAsk."""
    known = DatasetVersion.objects.select_related("dataset__project").filter(dataset__project=project)
    name, _, number = text.strip().rpartition("@")
    if name and number.isdecimal():
        found = known.filter(dataset__name=name, number=int(number)).first()
    else:
        found = known.filter(dataset__name=text.strip()).order_by("-number").first()
    if found is None:
        try:
            found = known.filter(uid=UUID(text.strip())).first()
        except ValueError:
            found = None
    if found is None:
        raise CannotAsk("dataset", f"There is no dataset version {text.strip()!r} here; write NAME@1.")
    return found


def askable(project: Project) -> QuerySet[ModelVersion]:
    """Models that can be compared, newest first: not the ones made up for a demo."""
    models = ModelVersion.objects.filter(project=project, is_simulated=False).select_related("base", "run")
    return models.order_by("-id")


def testable(project: Project) -> QuerySet[DatasetVersion]:
    """Dataset versions that hold rows back, newest first."""
    held = Q(counts__test__gt=0) | Q(counts__validation__gt=0)
    return DatasetVersion.objects.filter(held, dataset__project=project).select_related("dataset").order_by("-id")


def _of_connection(project: Project, text: str, where: str) -> ModelVersion:
    name, _, wanted = text.partition("/")
    connection = Connection.objects.filter(project=project, name=name).first()
    if connection is None:
        raise CannotAsk(where, f"There is no connection {name!r} in this project.")
    reference = wanted or connection.default_model
    if not reference:
        raise CannotAsk(where, f"{name} has no default model; write connection:{name}/MODEL.")
    same = ModelVersion.objects.filter(
        project=project, source=ModelVersion.Source.CONNECTION, connection=connection, reference=reference
    )
    for _ in range(5):
        if found := same.order_by("-number").first():
            return found
        label = reference[:120]
        newest = ModelVersion.objects.filter(project=project, name=label).aggregate(newest=Max("number"))["newest"] or 0
        try:
            with transaction.atomic():
                return ModelVersion.objects.create(
                    project=project,
                    name=label,
                    number=newest + 1,
                    source=ModelVersion.Source.CONNECTION,
                    reference=reference,
                    connection=connection,
                )
        except IntegrityError:  # somebody registers the same at this moment
            continue
    raise CannotAsk(where, f"{text} is being registered by others; try again.")
