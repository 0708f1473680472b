"""Static files as they are served: hashed names, also inside of scripts."""

import re
from pathlib import Path
from typing import Any

from django.core.management import call_command


def test_scripts_import_the_hashed_file(tmp_path: Path, settings: Any) -> None:
    """A script that imports another one loads the same file as the page does, so that no listener is there twice."""
    settings.STATIC_ROOT = str(tmp_path)
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "workspace.static_files.StaticFiles"}}
    call_command("collectstatic", interactive=False, verbosity=0)
    scripts = list((tmp_path / "js").glob("*.*.js"))
    imports = [
        name for path in scripts for name in re.findall(r'^import .* from "\./([^"]+)"', path.read_text(), re.MULTILINE)
    ]
    assert imports
    for name in imports:
        assert re.fullmatch(r"\w+\.[0-9a-f]{12}\.js", name) and (tmp_path / "js" / name).exists()
