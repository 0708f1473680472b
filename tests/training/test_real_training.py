"""A real run on the tiny model, through rows, runner and worker: no part of it is replaced."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import make
from training import rundir
from training.artifacts import bases
from training.launch import request
from training.models import Metric, ModelVersion, RunEvent, TrainingRun
from training.models.runs import RunStatus
from workspace import lineage
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
QUICK = {"max_steps": 12, "save_steps": 5, "learning_rate": 0.02}


def test_a_run_learns_and_its_model_is_registered(
    project: Project, alice: User, drive: Callable[..., TrainingRun], settings: Any
) -> None:
    version = make.dataset_version(project, train=16, validation=4)
    base = bases.ensure_tiny(project)
    run = request.request(project=project, actor=Actor(user=alice), dataset_version=version, base=base, settings=QUICK)
    drive(run)
    assert (run.status, run.step, run.total_steps) == (RunStatus.SUCCEEDED, 12, 12), run.status_reason
    attempt = run.attempts.get()
    losses = [m.value for m in Metric.objects.filter(attempt=attempt, name="loss").order_by("step")]
    assert len(losses) == 12
    assert losses[-1] < losses[0] - 1
    validation = Metric.objects.filter(attempt=attempt, name="eval_loss").order_by("step")
    assert [m.step for m in validation] == [5, 10, 12]
    assert validation.last().value < validation.first().value
    kinds = list(RunEvent.objects.filter(attempt=attempt).order_by("seq").values_list("kind", flat=True))
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    model = ModelVersion.objects.get(run=run)
    assert model.is_adapter
    assert model.base == base
    assert model.digest == rundir.digest(settings.MODELS_DIR / model.reference)
    assert model.facts["steps"] == 12
    node = lineage.Node("model", str(model.uid))
    came_from = {n.kind for n in lineage.ancestors(project=project, target=node)}
    assert came_from == {"run", "dataset_version", "model"}
    files = settings.MODELS_DIR / model.reference
    assert str(settings.DATA_DIR) not in (files / "adapter_config.json").read_text()
    assert not list(files.glob("*.bin"))
    # nothing that the worker could see held a secret
    assert "SECRET" not in Path(attempt.folder, rundir.CONSOLE).read_text()
