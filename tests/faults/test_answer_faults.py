"""kill -9 of the answering process: what was answered stays, the rest is answered, nothing twice."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from evaluation.models import EvaluationAttempt, EvaluationRun
from evaluation.runs import answers, local
from evaluation.runs.request import read_settings, request_run
from tests import make
from training import rundir
from training.artifacts import bases
from workspace import identity
from workspace.models import Project

pytestmark = [pytest.mark.django_db, pytest.mark.faults, pytest.mark.slow]


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.RUNS_DIR, settings.MODELS_DIR = tmp_path, tmp_path / "runs", tmp_path / "models"


@pytest.fixture
def run(project: Project) -> EvaluationRun:
    pytest.importorskip("torch")
    suite = make.suite(project, scenarios=12)
    return request_run(suite=suite, model=bases.ensure_tiny(project), settings=read_settings({"max_new_tokens": 64}))


def _go(run: EvaluationRun, until: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"{run.status} {run.status_reason}"
        local.reconcile()
        run.refresh_from_db()
        time.sleep(0.02)


def _kill(attempt: EvaluationAttempt, name: str) -> None:
    owner = rundir.read_json(Path(attempt.folder) / name) or {}
    os.kill(owner["pid"], signal.SIGKILL)
    while identity.lives(owner["boot_id"], owner["pid"], owner["ticks"]):
        time.sleep(0.01)


@pytest.mark.parametrize("victims", [["worker.json"], [rundir.RUNNER], [rundir.RUNNER, "worker.json"]])
def test_a_killed_process_is_resumed_and_no_answer_is_doubled(run: EvaluationRun, victims: list[str]) -> None:
    _go(run, lambda: 2 <= answers.progress(run).answered < 12)
    first = run.attempts.get()
    before = dict(run.answers.values_list("scenario_id", "id"))
    for name in victims:
        _kill(first, name)
    _go(run, lambda: run.status not in ("queued", "running"))
    assert (run.status, answers.progress(run).answered) == ("succeeded", 12)
    after = dict(run.answers.values_list("scenario_id", "id"))
    assert before.items() <= after.items()
    attempts = list(run.attempts.order_by("number"))
    assert [attempt.status in ("exited", "lost") for attempt in attempts] == [True] * len(attempts)
    if len(attempts) > 1:  # the second was asked only for what the first had not said
        asked = {json.loads(text)["id"] for text in Path(attempts[1].folder, "prompts.jsonl").read_text().splitlines()}
        said = {
            json.loads(t)["id"]
            for t in Path(first.folder, "answers.jsonl").read_text().splitlines(True)
            if t.endswith("\n")
        }
        assert asked.isdisjoint(said)
    assert len(attempts) == 2


def test_nobody_looking_for_a_while_loses_nothing(run: EvaluationRun) -> None:
    local.reconcile()
    attempt = run.attempts.get()
    deadline = time.monotonic() + 120
    while rundir.read_json(Path(attempt.folder) / rundir.RESULT) is None:  # web, worker and beat are all away
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert answers.progress(run).answered == 0
    local.reconcile()
    run.refresh_from_db()
    assert (run.status, answers.progress(run).answered, run.attempts.count()) == ("succeeded", 12, 1)
