"""What is read from environment variables."""

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings import environment


def test_folders_come_with_commas_or_as_in_path_and_links_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "there")
    for text in (f"{tmp_path}/a, {tmp_path}/link", f"{tmp_path}/a{os.pathsep}{tmp_path}/link"):
        monkeypatch.setenv("FOLDERS", text)
        assert environment.folders("FOLDERS", default=[]) == [tmp_path / "a", tmp_path / "there"]
    for empty in ("", "  ", ","):
        monkeypatch.setenv("FOLDERS", empty)
        assert environment.folders("FOLDERS", default=[tmp_path]) == [tmp_path]
    monkeypatch.setenv("FOLDERS", "models")
    with pytest.raises(ImproperlyConfigured, match="FOLDERS: models is no full path"):
        environment.folders("FOLDERS", default=[])
