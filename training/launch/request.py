"""Asking for a run: everything that can be known to be wrong is said now, not after an hour."""

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from curation.datasets import leaks
from curation.datasets.exporting import export, formats
from curation.models import DatasetRow, DatasetVersion
from training.artifacts import bases
from training.models import ModelVersion, TrainingRun
from training.models.runs import RunStatus
from training.recipes import sft
from workspace import audit, lineage
from workspace.access import Actor
from workspace.models import Project

NEEDED = ("torch", "transformers", "trl", "peft", "datasets", "accelerate")
FORMAT = "trl-sft"


class Refused(ValueError):
    """A run that cannot be: `where` names the field."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        super().__init__(reason)


class KeyReused(ValueError):
    """The idempotency key was used for another request."""


def missing_packages() -> list[str]:
    """The packages of the extra `train` that are not installed here; looks without importing them."""
    importlib.invalidate_caches()
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def waiting_reason() -> str:
    """Why a queued run cannot start on this machine; "" where it can."""
    missing = missing_packages()
    if not missing:
        return ""
    names = ", ".join(missing)
    where = "Run once in the Whetstone folder: make train."
    return f"Training is not installed here ({names} missing). {where} The run then starts by itself."


def request(
    *,
    project: Project,
    actor: Actor,
    dataset_version: DatasetVersion,
    base: ModelVersion,
    settings: Mapping[str, Any],
    name: str = "",
    idempotency_key: str = "",
) -> TrainingRun:
    """Queue a run of SFT with LoRA and return it; with a key that was used for the same request, the run of then.

    Raises sft.InvalidSettings, Refused (dataset, base or name) and KeyReused. The caller nudges training.tasks.start.
    """
    if dataset_version.dataset.project_id != project.pk or base.project_id != project.pk:
        raise Refused("dataset", "The dataset and the base must belong to this project.")
    checked = sft.check(settings, source=base.source)
    wanted = _fingerprint(dataset_version, base, checked)
    if idempotency_key and (known := _known(project, idempotency_key, wanted)):
        return known
    try:
        bases.check(base)
    except bases.UnusableBase as error:
        raise Refused("base", str(error)) from None
    _check_rows(dataset_version)
    name = " ".join(name.split()) or f"{dataset_version.dataset.name}-{_next_number(project, dataset_version)}"
    if len(name) > 120:
        raise Refused("name", f"The name has {len(name)} characters; 120 fit.")
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                project=project,
                name=name,
                dataset_version=dataset_version,
                base=base,
                settings={**checked, "_request": wanted},
                status=RunStatus.QUEUED,
                status_reason=waiting_reason(),
                idempotency_key=idempotency_key[:64],
                created_by=actor.user,
                author=actor.label,
                queued_at=timezone.now(),
            )
            node = lineage.Node("run", str(run.uid))
            lineage.link(project=project, source=lineage.Node("dataset_version", str(dataset_version.uid)), target=node)
            lineage.link(project=project, source=lineage.Node("model", str(base.uid)), target=node)
            audit.record(
                project=project, actor=actor, action="run.requested", target=f"run:{run.uid}",
                dataset=str(dataset_version), base=str(base),
            )  # fmt: skip
    except IntegrityError:  # the second click of a double click, at the same moment
        known = _known(project, idempotency_key, wanted)
        if known is None:
            raise
        return known
    return run


def train_rows(version: DatasetVersion) -> int:
    """How many rows of a version can be trained on: those of the train split that the format takes."""
    rows = DatasetRow.objects.filter(version=version, split=DatasetRow.Split.TRAIN).count()
    return max(0, rows - export.invalid_rows(version, formats.find(FORMAT), DatasetRow.Split.TRAIN))


def length_note(version: DatasetVersion, settings: Mapping[str, Any]) -> str:
    """A warning when rows look too long for the limit, from the lengths counted at freezing; "" where they fit.

    Those were counted with another tokenizer, so this is a hint; the trainer counts exactly before it starts.
    """
    length = version.counts.get("length") or {}
    median, p95, most = (length.get(key) for key in ("median", "p95", "most"))
    limit, rows = int(settings["max_length"]), int(version.counts.get("rows") or 0)
    if not isinstance(most, int) or not isinstance(p95, int) or not isinstance(median, int) or most <= limit:
        return ""
    above = rows - -(-rows * 95 // 100)  # so many rows lie behind the one that p95 was read from
    if median > limit:
        share = f"At least {(rows + 1) // 2:,} of {rows:,} rows are"
    elif p95 > limit:
        share = f"At least {above + 1:,} of {rows:,} rows are"
    else:
        share = f"1 of {rows:,} rows is" if above == 1 else f"Between 1 and {above:,} of {rows:,} rows are"
    return f"{share} longer than {limit:,} tokens (the longest has about {most:,}). Raise the longest row to keep them."


def _check_rows(version: DatasetVersion) -> None:
    try:
        leaks.refuse(version=version)
    except leaks.HeldOutRows as error:
        raise Refused("dataset", str(error)) from None
    if train_rows(version):
        return
    if DatasetRow.objects.filter(version=version, split=DatasetRow.Split.TRAIN).exists():
        raise Refused("dataset", f"No row of {version} can be written as {FORMAT}; the dataset's page names them.")
    raise Refused("dataset", f"{version} has no rows in its train split. Judge more traces and freeze a new version.")


def _next_number(project: Project, version: DatasetVersion) -> int:
    return TrainingRun.objects.filter(project=project, dataset_version__dataset=version.dataset_id).count() + 1


def _fingerprint(version: DatasetVersion, base: ModelVersion, checked: Mapping[str, Any]) -> str:
    text = json.dumps([str(version.uid), str(base.uid), checked], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _known(project: Project, key: str, wanted: str) -> TrainingRun | None:
    known = TrainingRun.objects.filter(project=project, idempotency_key=key[:64]).first()
    if known is not None and known.settings.get("_request") != wanted:
        raise KeyReused(f"The key {key!r} was used for another request ({known.name}). Take a new key.")
    return known
