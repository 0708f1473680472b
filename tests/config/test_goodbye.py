"""What `make up` says goes on after Ctrl-C."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string

from tests import make
from training.models.runs import RunStatus
from workspace.models import Project

lines = import_string(settings.UP_GOODBYE)


@pytest.mark.django_db
def test_live_runs_are_named_and_ended_ones_are_not(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines() == []
    make.run(project, name="ended", status=RunStatus.SUCCEEDED)
    make.run(project, name="waits", status=RunStatus.QUEUED)
    make.run(project, name="support-lora", status=RunStatus.RUNNING)
    assert lines() == ["1 training run goes on: support-lora; the next `make up` adopts it"]
    call_command("up", "--what-goes-on")
    assert capsys.readouterr().out == "1 training run goes on: support-lora; the next `make up` adopts it\n"
    for number in range(6):
        make.run(project, name=f"more-{number}", status=RunStatus.STARTING)
    (line,) = lines()
    assert line.startswith("7 training runs go on: support-lora, more-0")
    assert line.endswith("and 2 more; the next `make up` adopts them")
