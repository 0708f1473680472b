"""Static files as they are served: hashed names, also inside of scripts."""

import re
from pathlib import Path
from typing import Any

from django.core.management import call_command

from workspace.static_files import SHEETS


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


def test_scripts_that_import_each_other_in_a_circle_have_one_hash_that_follows_every_change(
    tmp_path: Path, settings: Any
) -> None:
    names: list[set[str]] = []
    for text in ("1", "2"):
        source, target = tmp_path / f"source{text}", tmp_path / f"target{text}"
        for sheet in {name for sheets in SHEETS.values() for name in sheets}:
            (source / "css").mkdir(parents=True, exist_ok=True)
            (source / "css" / f"{sheet}.css").write_text("a { color: red }")
        (source / "js").mkdir()
        (source / "js" / "one.js").write_text('import { two } from "./two.js";\nexport const one = () => two;\n')
        (source / "js" / "two.js").write_text(f'import {{ one }} from "./one.js";\nexport const two = [one, {text}];\n')
        settings.STATICFILES_DIRS, settings.STATIC_ROOT = [str(source)], str(target)
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "workspace.static_files.StaticFiles"}}
        call_command("collectstatic", interactive=False, verbosity=0)
        hashed = {path.name for path in (target / "js").glob("*.*.js")}
        assert len(hashed) == 2 and len({name.split(".")[1] for name in hashed}) == 1
        names.append(hashed)
    assert not names[0] & names[1]
