"""What the evaluation tests share."""

from pathlib import Path

import pytest

from tests.evaluation.scripted import judge, url  # noqa: F401


@pytest.fixture(autouse=True)
def own_folders(settings: object, tmp_path: Path) -> None:
    """Runs, models and the host's name of each test lie in a folder of its own."""
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    settings.RUNS_DIR = tmp_path / "runs"  # type: ignore[attr-defined]
    settings.MODELS_DIR = tmp_path / "models"  # type: ignore[attr-defined]
