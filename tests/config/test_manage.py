"""What commands say before they can do anything."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def test_a_command_on_an_empty_database_says_what_to_run_first(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "BROKER_URL")}
    environment |= {"WHETSTONE_DATA": str(tmp_path / "new"), "DJANGO_SETTINGS_MODULE": "config.settings"}
    said = subprocess.run(
        [sys.executable, "manage.py", "create_token", "--project", "demo", "--role", "engineer", "--name", "x"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    assert "not set up for this version" in said.stderr and "`manage.py migrate` first" in said.stderr
