"""Training's operations of the API, below /api/projects/{slug}/."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Header, Path, Query, Router, Schema, Status
from pydantic import Field

from training import tasks
from training.artifacts import bases, download
from training.launch import cancel as wishes
from training.launch import request as requests
from training.models import ModelVersion, TrainingRun
from training.progress import follow
from training.recipes import sft
from workspace.access import Entry, enter
from workspace.models import Role
from workspace.nudge import nudge
from workspace.paging import paginate
from workspace.problems import Problem

router = Router(tags=["training"])


class RunIn(Schema):
    """What to train. Settings that are left out take the default of the base."""

    dataset: str = Field(description="NAME@NUMBER, NAME (the newest version) or a version's id.")
    base: str = Field(
        "tiny", description="tiny (random, knows nothing), a full path, a hub id, or a model's id or NAME@NUMBER."
    )
    name: str = Field("", description="Empty: named after the dataset.")
    settings: dict[str, Any] = Field(
        default_factory=dict, description='Such as {"epochs": 3, "learning_rate": 0.0002}.'
    )


class RunOut(Schema):
    """A run and how far it is. `metrics` are the newest values; what was not measured is missing."""

    id: UUID
    name: str
    status: str
    status_reason: str
    method: str
    dataset: str
    base: str
    settings: dict[str, Any]
    step: int | None
    total_steps: int | None
    seconds_left: float | None
    metrics: dict[str, float | None]
    attempts: int
    model_id: UUID | None
    author: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class RunList(Schema):
    """A page of runs, newest first."""

    items: list[RunOut]
    next: str | None


class ModelOut(Schema):
    """A model: a base, or a version trained here. `card` says what it came from."""

    id: UUID
    name: str
    number: int
    source: str
    is_adapter: bool
    is_simulated: bool
    digest: str
    bytes: int | None
    card: dict[str, Any]
    created_at: datetime


class ModelList(Schema):
    """A page of models, newest first."""

    items: list[ModelOut]
    next: str | None


class CancelIn(Schema):
    """How to stop."""

    discard: bool = Field(False, description="Throw the checkpoints away instead of keeping one.")


def _run_out(found: list[TrainingRun]) -> list[dict[str, Any]]:
    losses = follow.last_losses(found)
    lefts = follow.newest_progress(found)
    return [
        {
            "id": run.uid, "name": run.name, "status": run.status, "status_reason": run.status_reason,
            "method": run.method, "dataset": str(run.dataset_version), "base": str(run.base),
            "settings": {key: value for key, value in run.settings.items() if not key.startswith("_")},
            "step": run.step, "total_steps": run.total_steps,
            "seconds_left": lefts.get(run.pk, {}).get("seconds_left") if run.status == "running" else None,
            "metrics": losses.get(run.pk, {}), "attempts": lefts.get(run.pk, {}).get("attempt", 0),
            "model_id": run.model.uid if hasattr(run, "model") else None, "author": run.author,
            "created_at": run.created_at, "started_at": run.started_at, "ended_at": run.ended_at,
        }
        for run in found
    ]  # fmt: skip


def _runs(entry: Entry) -> Any:
    return TrainingRun.objects.filter(project=entry.project).select_related("dataset_version__dataset", "base", "model")


def _find(entry: Entry, uid: UUID) -> TrainingRun:
    found = _runs(entry).filter(uid=uid).first()
    if found is None:
        raise Problem(404, "not_found", "There is no such run in this project.")
    return found


@router.post("runs", response={201: RunOut}, summary="Start a training run")
def create_run(
    request: HttpRequest, slug: Path[str], body: RunIn, idempotency_key: str = Header("", alias="Idempotency-Key")
) -> Status[dict[str, Any]]:
    """Queues a run of SFT with LoRA. The same Idempotency-Key with the same body gives the same run again."""
    entry = enter(request, slug, Role.ENGINEER)
    version = follow.find_version(entry.project, body.dataset)
    if version is None:
        raise _invalid("dataset", f"There is no dataset version {body.dataset!r} in this project.")
    if len(idempotency_key) > 64:
        raise _invalid("Idempotency-Key", "64 characters fit.")
    try:
        run = requests.request(
            project=entry.project, actor=entry.actor, dataset_version=version,
            base=bases.find(entry.project, body.base, actor=entry.actor), name=body.name, settings=body.settings,
            idempotency_key=idempotency_key,
        )  # fmt: skip
    except bases.UnusableBase as error:
        raise _invalid("base", str(error)) from None
    except requests.Refused as error:
        raise _invalid(error.where, str(error)) from None
    except sft.InvalidSettings as error:
        details = [{"where": f"settings.{name}", "reason": reason} for name, reason in error.errors.items()]
        raise Problem(422, "invalid", "Some settings cannot be used.", details=details) from None
    except requests.KeyReused as error:
        raise Problem(409, "key_reused", str(error)) from None
    nudge(tasks.start, run.pk)
    return Status(201, _run_out([_find(entry, run.uid)])[0])


def _invalid(where: str, reason: str) -> Problem:
    return Problem(422, "invalid", reason, details=[{"where": where, "reason": reason}])


@router.get("runs", response=RunList, summary="List training runs")
def list_runs(
    request: HttpRequest, slug: Path[str], cursor: str = "", limit: int = Query(50, ge=1, le=200)
) -> dict[str, Any]:
    entry = enter(request, slug, Role.REVIEWER)
    page = paginate(_runs(entry), order=["-id"], cursor=cursor, size=limit)
    return {"items": _run_out(page.rows), "next": page.older or None}


@router.get("runs/{uid}", response=RunOut, summary="A run: status, step, newest metrics, its model")
def get_run(request: HttpRequest, slug: Path[str], uid: UUID) -> dict[str, Any]:
    entry = enter(request, slug, Role.REVIEWER)
    return _run_out([_find(entry, uid)])[0]


@router.post("runs/{uid}/cancel", response=RunOut, summary="Stop a run")
def cancel_run(request: HttpRequest, slug: Path[str], uid: UUID, body: CancelIn | None = None) -> dict[str, Any]:
    """Stops after the current step and keeps a checkpoint, unless `discard`. Twice is harmless."""
    entry = enter(request, slug, Role.ENGINEER)
    run = _find(entry, uid)
    try:
        wishes.cancel(run=run, actor=entry.actor, discard=bool(body and body.discard))
    except wishes.NotPossible as error:
        raise Problem(409, "over", str(error)) from None
    nudge(tasks.reconcile)
    return _run_out([_find(entry, uid)])[0]


@router.post("runs/{uid}/resume", response=RunOut, summary="Go on with a failed or cancelled run")
def resume_run(request: HttpRequest, slug: Path[str], uid: UUID) -> dict[str, Any]:
    """Queues a new attempt that goes on from the newest valid checkpoint."""
    entry = enter(request, slug, Role.ENGINEER)
    run = _find(entry, uid)
    try:
        wishes.resume(run=run, actor=entry.actor)
    except wishes.NotPossible as error:
        raise Problem(409, "not_resumable", str(error)) from None
    nudge(tasks.start, run.pk)
    return _run_out([_find(entry, uid)])[0]


def _models(entry: Entry) -> Any:
    return ModelVersion.objects.filter(project=entry.project).select_related("base", "run__dataset_version__dataset")


def _model_out(model: ModelVersion) -> dict[str, Any]:
    return {
        "id": model.uid, "name": model.name, "number": model.number, "source": model.source,
        "is_adapter": model.is_adapter, "is_simulated": model.is_simulated, "digest": model.digest,
        "bytes": model.bytes, "card": download.card(model), "created_at": model.created_at,
    }  # fmt: skip


@router.get("models", response=ModelList, summary="List models")
def list_models(
    request: HttpRequest, slug: Path[str], cursor: str = "", limit: int = Query(50, ge=1, le=200)
) -> dict[str, Any]:
    entry = enter(request, slug, Role.REVIEWER)
    page = paginate(_models(entry), order=["-id"], cursor=cursor, size=limit)
    return {"items": [_model_out(model) for model in page.rows], "next": page.older or None}


@router.get("models/{uid}", response=ModelOut, summary="A model and what it came from")
def get_model(request: HttpRequest, slug: Path[str], uid: UUID) -> dict[str, Any]:
    entry = enter(request, slug, Role.REVIEWER)
    found = _models(entry).filter(uid=uid).first()
    if found is None:
        raise Problem(404, "not_found", "There is no such model in this project.")
    return _model_out(found)
