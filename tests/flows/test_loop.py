"""The whole loop without a browser: on the demo's data, and on recorded trajectories that nobody here wrote."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config import demo
from config.loop import Loop, StationFailed
from curation.datasets.recipe import Recipe
from curation.models import DatasetRow, Score, Trace
from evaluation.models import AnswerScore, Comparison
from tests.config.test_demo import rows_by_table
from training.models import ModelVersion, TrainingRun
from workspace.access import Actor
from workspace.models import Project, User

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
STATIONS = ["import", "judge", "freeze", "export", "train", "register", "suite", "compare", "over time"]
SAMPLES = os.environ.get("WHETSTONE_SAMPLES")


@pytest.fixture(autouse=True)
def own_folders(settings: Any, tmp_path: Path) -> None:
    """Runs and models of this test lie in its own folder."""
    settings.RUNS_DIR, settings.MODELS_DIR = tmp_path / "runs", tmp_path / "models"


def test_demo_loop_runs_every_station_and_can_be_repeated(capsys: pytest.CaptureFixture[str], settings: Any) -> None:
    call_command("demo_loop", "--json")
    told = json.loads(capsys.readouterr().out)
    stations = told["stations"]
    assert list(stations) == STATIONS
    assert stations["import"]["created"] == 12
    assert stations["judge"]["acceptable"] + stations["judge"]["unacceptable"] == 12
    assert stations["train"]["last_loss"] < stations["train"]["first_loss"]
    assert stations["compare"]["outcome"] in Comparison.Outcome.values
    assert told["seconds"] < 300
    again = Project.objects.get(slug="demo")
    model = ModelVersion.objects.get(project=again, source="run")
    assert model.run is not None and model.run.status == "succeeded" and not model.is_simulated
    assert AnswerScore.objects.filter(answer__run__suite__project=again, value__isnull=False).exists()

    # nothing is left of a project that has been through all of it
    demo.delete(project=again)
    left = {table: count for table, count in rows_by_table().items() if count}
    assert left == {"workspace_auditentry": 1}
    for folder in (settings.RUNS_DIR, settings.MODELS_DIR):
        assert [path for path in Path(folder).rglob("*") if path.is_file()] == []


def test_a_station_that_fails_ends_the_command() -> None:
    with pytest.raises(CommandError, match="no demo project 'nowhere'"):
        call_command("demo_loop", "--project", "nowhere")


def test_freezing_nothing_names_the_station(project: Project) -> None:
    walk = Loop(project=project, actor=Actor(), say=lambda station, text: None)
    with pytest.raises(StationFailed, match=r"freeze: .*none of the 0 traces"):
        walk.freeze(name="empty", query="judged:acceptable")


@pytest.mark.skipif(not SAMPLES, reason="WHETSTONE_SAMPLES is not set to a folder with tau-bench trajectories")
def test_recorded_trajectories_go_through_the_loop(project: Project, rita: User) -> None:
    files = sorted(Path(str(SAMPLES), "tau-bench").glob("*.json"))
    assert files, f"no trajectories in {SAMPLES}/tau-bench"
    lines: list[str] = []
    walk = Loop(project=project, actor=Actor(user=rita), say=lambda station, text: lines.append(f"{station}: {text}"))
    rewards = [record["reward"] for record in json.loads(files[0].read_text())]
    outcome = walk.bring_in(files[0])
    assert (outcome.read, outcome.created) == (len(rewards), len(rewards))
    again = walk.bring_in(files[0])
    assert (again.created, again.updated) == (0, 0)

    solved = set(Score.objects.filter(project=project, name="reward", number=1).values_list("trace_id", flat=True))
    assert len(solved) == sum(reward == 1 for reward in rewards)
    traces = Trace.objects.filter(project=project).order_by("id")
    walk.judge((trace, "acceptable" if trace.pk in solved else "unacceptable", "") for trace in traces)
    version = walk.freeze(
        name="tau-bench", query="judged:acceptable", recipe=Recipe(group_by="task", validation=0.15, test=0.2)
    )
    rows = DatasetRow.objects.filter(version=version).select_related("trace")
    assert 0 < len(rows) <= len(solved)
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row.trace.task_id, set()).add(row.split)
    assert all(len(found) == 1 for found in splits.values()), "a task stands on both sides"
    walk.export(version)
    base, tuned = walk.train(version, settings={"max_length": 8192, "max_steps": 6, "batch_size": 1})
    compared = walk.compare(version, base, tuned)
    walk.over_time(compared)
    assert compared.outcome in Comparison.Outcome.values and compared.sentence
    assert TrainingRun.objects.get(project=project).status == "succeeded"
