"""A run's result becomes a model of the project."""

import shutil
from pathlib import Path

from django.conf import settings
from django.db import transaction

from training import rundir
from training.models import ModelVersion, RunAttempt, TrainingRun
from workspace import audit, lineage
from workspace.access import SYSTEM


class NoModel(ValueError):
    """The worker says that it finished, and there is no model."""


def register(attempt: RunAttempt) -> ModelVersion:
    """The model of a finished attempt, its files moved to the models folder. Twice gives the same model."""
    run = TrainingRun.objects.select_related("project", "base", "dataset_version").get(pk=attempt.run_id)
    known = ModelVersion.objects.filter(run=run).first()
    if known is not None:
        return known
    source = Path(attempt.folder) / rundir.MODEL
    # moved under a name that the run alone gives, so that a crash between the move and the row is repaired
    kept = settings.MODELS_DIR / f"run-{run.uid}"
    if not source.is_dir() and not kept.is_dir():
        raise NoModel(f"The worker finished, but {source} is not there.")
    if source.is_dir():
        settings.MODELS_DIR.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(source, kept)
    card = rundir.read_json(kept / rundir.SEAL) or {}
    with transaction.atomic():
        TrainingRun.objects.select_for_update().get(pk=run.pk)
        known = ModelVersion.objects.filter(run=run).first()
        if known is not None:
            return known
        newest = ModelVersion.objects.filter(project=run.project, name=run.name).order_by("-number").first()
        model = ModelVersion.objects.create(
            project=run.project,
            name=run.name,
            number=newest.number + 1 if newest else 1,
            source=ModelVersion.Source.RUN,
            reference=f"run-{run.uid}",
            base=run.base,
            run=run,
            is_adapter=(kept / "adapter_config.json").is_file(),
            digest=rundir.digest(kept),
            bytes=rundir.folder_bytes(kept),
            facts=card.get("facts", {}),
        )
        lineage.link(
            project=run.project,
            source=lineage.Node("run", str(run.uid)),
            target=lineage.Node("model", str(model.uid)),
        )
        audit.record(
            project=run.project,
            actor=SYSTEM,
            action="model.registered",
            target=f"model:{model.uid}",
            digest=model.digest,
        )
    return model
