"""Erasing a project takes its own files, and nobody else's."""

from pathlib import Path
from typing import Any

import pytest

from config.erase import StillRunning, erase_project
from evaluation.models import EvaluationRun
from evaluation.runs.request import read_settings, request_run
from tests import make
from training.models import RunAttempt
from workspace.models import Project


def test_a_base_in_another_projects_folder_stays(project: Project, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.RUNS_DIR, settings.MODELS_DIR = tmp_path, tmp_path / "runs", tmp_path / "models"
    mine, other = (settings.MODELS_DIR / name for name in ("run-mine", "run-of-another-project"))
    for folder in (mine, other):
        folder.mkdir(parents=True)
    make.model(project, source="run", reference=mine.name)
    make.model(project, source="folder", reference=str(other))
    erase_project(project=project)
    assert other.is_dir() and not mine.exists()


def test_a_process_of_another_machine_refuses_before_anything_changes(
    project: Project, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR, settings.RUNS_DIR, settings.MODELS_DIR = tmp_path, tmp_path / "runs", tmp_path / "models"
    waiting, run = make.run(project), make.run(project, status="running")
    asked = request_run(suite=make.suite(project), model=make.model(project), settings=read_settings({}))
    RunAttempt.objects.create(
        run=run, number=1, host="elsewhere", lease_owner="another machine", folder=str(tmp_path / "x"), status="running"
    )
    with pytest.raises(StillRunning, match="elsewhere"):
        erase_project(project=project)
    for row, status in ((waiting, "queued"), (run, "running"), (asked, EvaluationRun.Status.QUEUED)):
        row.refresh_from_db()
        assert row.status == status
