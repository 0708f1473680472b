"""Erasing a project takes its own files, and nobody else's."""

from pathlib import Path
from typing import Any

from config.erase import erase_project
from tests import make
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
