"""What the settings make in the data folder, and who can look into it."""

import os
from pathlib import Path

import pytest

from config.settings import environment as env

PARTS = ("runs", "models", "mail", "broker", "beat")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def make_all(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("WHETSTONE_DATA", str(folder))
    for name in ("BROKER_URL", "EMAIL_URL"):
        monkeypatch.delenv(name, raising=False)
    made = env.data_dir("WHETSTONE_DATA", default=folder)
    env.broker("BROKER_URL", data_dir=made)
    env.email("EMAIL_URL", folder=made)


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
@pytest.mark.parametrize(("account", "expected"), [(1000, 0o700), (0, 0o711)])
def test_a_new_data_folder_is_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int, account: int, expected: int
) -> None:
    """Root's is open to pass through only: its PostgreSQL may run as nobody."""
    folder = tmp_path / "data"
    monkeypatch.setattr(os, "geteuid", lambda: account)
    before = os.umask(umask)
    try:
        make_all(monkeypatch, folder)
    finally:
        os.umask(before)
    assert mode(folder) == expected
    assert {part: mode(folder / part) for part in PARTS} == dict.fromkeys(PARTS, 0o700)


def test_a_folder_that_is_there_keeps_its_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    (folder / "runs").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "runs").chmod(0o750)
    make_all(monkeypatch, folder)
    make_all(monkeypatch, folder)  # every process does
    assert (mode(folder), mode(folder / "runs"), mode(folder / "models")) == (0o755, 0o750, 0o700)
