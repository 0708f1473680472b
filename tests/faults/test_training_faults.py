"""Deaths of trainer and runner, doubled sweeps, stale attempts, damaged files: each is made to happen for real."""

# ruff: noqa: F811  (fixtures are arguments of the same name)

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests import make
from tests.training.conftest import drive, held, own_folders  # noqa: F401
from training import rundir, tasks
from training.artifacts import bases
from training.launch import cancel, request, start
from training.launchers import local
from training.models import Metric, ModelVersion, RunAttempt, RunEvent, TrainingRun
from training.models.runs import RunStatus
from training.progress import deaths, ingest, reconcile
from workspace import identity
from workspace.access import Actor
from workspace.models import Project

Drive = Callable[..., TrainingRun]
real = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def queue(project: Project, **settings: Any) -> TrainingRun:
    """A queued run of the tiny model on 16 rows."""
    return request.request(
        project=project,
        actor=Actor(),
        dataset_version=make.dataset_version(project, train=16, validation=0),
        base=bases.ensure_tiny(project),
        settings={"max_steps": 60, "save_steps": 6, "keep_checkpoints": 3, **settings},
    )


def claimed(project: Project, tmp_path: Path) -> RunAttempt:
    """A run that is running by its rows, with a folder and no process."""
    run = make.run(project, status=RunStatus.RUNNING)
    folder = tmp_path / "runs" / str(run.uid) / "1"
    folder.mkdir(parents=True)
    return RunAttempt.objects.create(run=run, number=1, folder=str(folder), status="running", **local.claim_fields())


def worker_of(run: TrainingRun) -> int:
    """The pid of the trainer."""
    return int((rundir.read_json(Path(run.attempts.get().folder) / "worker.json") or {})["pid"])


def beyond_checkpoint(events: list[dict[str, Any]], first: int = 0) -> bool:
    """Whether a checkpoint of step `first` or later is written and exactly two or three steps came after it."""
    saved = [event["step"] for event in events if event["kind"] == "checkpoint"]
    steps = [event["step"] for event in events if event["kind"] == "metric"]
    return bool(saved and steps) and saved[-1] >= first and 2 <= steps[-1] - saved[-1] <= 3


class TestRealDeaths:
    pytestmark = real

    def test_a_killed_trainer_goes_on_from_its_checkpoint_and_repeats_the_same_losses(
        self, project: Project, drive: Drive
    ) -> None:
        run = queue(project)
        with held(run, at=beyond_checkpoint) as stands:
            drive(run, until=lambda _: stands.is_set())
            os.kill(worker_of(run), signal.SIGKILL)
        drive(run)
        assert run.status == RunStatus.SUCCEEDED, run.status_reason
        first, second = run.attempts.order_by("number")
        assert (first.status, first.error_class, first.signal) == ("exited", "killed", signal.SIGKILL)
        resumed = second.progress["resumed_at"]
        assert resumed > 0
        assert resumed % 6 == 0
        losses = [
            dict(Metric.objects.filter(attempt=one, name="loss").values_list("step", "value"))
            for one in (first, second)
        ]
        assert min(losses[1]) == resumed + 1
        common = set(losses[0]) & set(losses[1])
        assert common, "the trainer was killed before it had gone beyond its checkpoint"
        for step in common:
            assert losses[0][step] == pytest.approx(losses[1][step], abs=1e-5)
        assert ModelVersion.objects.get(run=run).facts["steps"] == 60

    def test_a_killed_runner_is_lost_its_trainer_ends_too_and_the_run_goes_on(
        self, project: Project, drive: Drive
    ) -> None:
        run = queue(project)
        with held(run, at=beyond_checkpoint) as stands:
            drive(run, until=lambda _: stands.is_set())
            attempt = run.attempts.get()
            trainer = rundir.read_json(Path(attempt.folder) / "worker.json") or {}
            assert attempt.pid is not None
            os.kill(attempt.pid, signal.SIGKILL)
        drive(run)
        assert run.status == RunStatus.SUCCEEDED, run.status_reason
        first, second = run.attempts.order_by("number")
        assert (first.status, first.error_class) == ("lost", "lost")
        assert second.progress["resumed_at"] > 0
        assert not identity.lives(trainer["boot_id"], trainer["pid"], trainer["ticks"])
        assert ModelVersion.objects.filter(run=run).count() == 1

    def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(self, project: Project, drive: Drive) -> None:
        run = queue(project)
        with held(run, at=lambda events: beyond_checkpoint(events, 12)) as stands:
            drive(run, until=lambda _: stands.is_set())
            os.kill(worker_of(run), signal.SIGKILL)
        time.sleep(0.5)
        folder = Path(run.attempts.get().folder) / rundir.CHECKPOINTS
        (newest, damaged), (before, _) = rundir.checkpoints(folder)[:2]
        weights = next(damaged.glob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:-100])
        drive(run)
        assert run.status == RunStatus.SUCCEEDED, run.status_reason
        second = run.attempts.get(number=2)
        assert second.progress["resumed_at"] == before
        said = [e.payload["message"] for e in RunEvent.objects.filter(attempt=second, kind="warning")]
        assert any(f"checkpoint-{newest}" in line and "damaged" in line for line in said)

    def test_cancel_twice_while_the_libraries_load(self, project: Project, drive: Drive) -> None:
        run = queue(project)
        drive(run, until=lambda r: r.attempts.filter(pid__gt=0).exists())
        cancel.cancel(run=run, actor=Actor())
        cancel.cancel(run=run, actor=Actor())
        drive(run)
        assert run.status == RunStatus.CANCELLED
        assert not ModelVersion.objects.filter(run=run).exists()
        assert run.attempts.get().error_class == ""

    def test_cancel_keeps_a_checkpoint_and_resume_ends_the_run(self, project: Project, drive: Drive) -> None:
        run = queue(project, save_steps=1000)
        with held(run, at=lambda events: any(e["kind"] == "metric" and e["step"] >= 3 for e in events)) as stands:
            drive(run, until=lambda _: stands.is_set())
            cancel.cancel(run=run, actor=Actor())
        drive(run)
        assert run.status == RunStatus.CANCELLED
        kept = run.attempts.get().checkpoints.get().step
        cancel.resume(run=run, actor=Actor())
        drive(run)
        assert run.status == RunStatus.SUCCEEDED, run.status_reason
        assert run.attempts.get(number=2).progress["resumed_at"] == kept

    def test_a_run_that_ends_while_everything_else_is_away_is_adopted(self, project: Project, drive: Drive) -> None:
        run = queue(project, max_steps=8)
        attempt = start.start_next()
        assert attempt is not None
        result = Path(attempt.folder) / rundir.RESULT
        deadline = time.monotonic() + 120
        while not result.exists():  # nobody sweeps: web, worker and database might as well be gone
            assert time.monotonic() < deadline
            time.sleep(0.3)
        RunAttempt.objects.filter(pk=attempt.pk).update(pid=None, pid_started=None, boot_id="", status="starting")
        tasks.reconcile()
        tasks.reconcile()
        run.refresh_from_db()
        assert (run.status, run.step) == (RunStatus.SUCCEEDED, 8)
        assert Metric.objects.filter(attempt=attempt, name="loss").count() == 8
        assert ModelVersion.objects.filter(run=run).count() == 1

    def test_rows_that_are_all_too_long_are_refused_with_the_reason_and_never_retried(
        self, project: Project, drive: Drive
    ) -> None:
        run = queue(project, max_length=32)
        drive(run)
        assert run.status == RunStatus.FAILED
        assert run.attempts.get().error_class == "data"
        assert "16 are longer than max_length=32" in run.status_reason


@pytest.mark.django_db(transaction=True)
class TestWithoutTorch:
    def test_a_double_click_makes_one_run(self, project: Project) -> None:
        version, base = make.dataset_version(project, train=2, validation=0), bases.ensure_tiny(project)

        def click(_: int) -> int:
            try:
                return request.request(
                    project=project, actor=Actor(), dataset_version=version, base=base, settings={}, idempotency_key="k"
                ).pk
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(click, range(4)))) == 1
        assert TrainingRun.objects.count() == 1
        with pytest.raises(request.KeyReused):
            request.request(
                project=project, actor=Actor(), dataset_version=version, base=base, settings={"epochs": 9},
                idempotency_key="k",
            )  # fmt: skip

    def test_two_starters_claim_one_run_once(self, project: Project) -> None:
        make.run(project)
        make.run(project)

        def take(_: int) -> int | None:
            try:
                attempt = start.claim()
                return attempt.pk if attempt else None
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            taken = [pk for pk in pool.map(take, range(4)) if pk]
        assert len(taken) == 1
        assert TrainingRun.objects.filter(status=RunStatus.QUEUED).count() == 1

    def test_events_are_stored_once_and_a_torn_line_waits(self, project: Project, tmp_path: Path) -> None:
        attempt = claimed(project, tmp_path)
        path = Path(attempt.folder) / rundir.EVENTS
        lines = [_event(1, "started"), _event(2, "metric", step=1, values={"loss": 2.5, "grad_norm": None})]
        third = _event(3, "progress", step=1, total=9, seconds_left=4.0)
        path.write_text("".join(lines) + third[:20])

        def read(_: int) -> int:
            try:
                return ingest.ingest(attempt)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(read, range(4))) == 2
        attempt.refresh_from_db()
        assert attempt.progress == {}
        with path.open("a") as file:
            file.write(third[20:] + "garbage\n" + _event(4, "warning", message="nul \x00 byte"))
        assert ingest.ingest(attempt) == 2
        assert ingest.ingest(attempt) == 0
        attempt.refresh_from_db()
        assert (attempt.progress["step"], attempt.run.pk) == (1, attempt.run_id)
        assert "1 lines" in attempt.error
        run = TrainingRun.objects.get(pk=attempt.run_id)
        assert (run.step, run.total_steps) == (1, 9)
        assert Metric.objects.get(attempt=attempt, name="loss").value == 2.5
        assert Metric.objects.get(attempt=attempt, name="grad_norm").value is None
        assert RunEvent.objects.filter(attempt=attempt).count() == 2

    def test_a_stale_attempt_changes_nothing(self, project: Project, tmp_path: Path) -> None:
        stale = claimed(project, tmp_path)
        newer = RunAttempt.objects.create(
            run=stale.run, number=2, folder=str(tmp_path / "2"), status="running", **local.claim_fields()
        )
        TrainingRun.objects.filter(pk=stale.run_id).update(step=40, total_steps=60)
        path = Path(stale.folder) / rundir.EVENTS
        path.write_text(_event(1, "progress", step=7, total=60) + _event(2, "finished", step=60))
        (Path(stale.folder) / rundir.MODEL).mkdir()
        rundir.write_json(Path(stale.folder) / rundir.RESULT, {"exit_code": 0})
        rundir.write_json(Path(stale.folder) / rundir.RUNNER, identity.of_process())
        reconcile.look_after(stale)
        run = TrainingRun.objects.get(pk=stale.run_id)
        assert (run.status, run.step) == (RunStatus.RUNNING, 40)
        assert not ModelVersion.objects.filter(run=run).exists()
        stale.refresh_from_db()
        newer.refresh_from_db()
        assert (stale.status, newer.status) == ("exited", "running")

    def test_a_reused_pid_is_not_taken_for_the_process(self, project: Project, tmp_path: Path) -> None:
        attempt = claimed(project, tmp_path)
        me = identity.of_process()
        assert identity.lives(me["boot_id"], me["pid"], me["ticks"])
        for changed in ({"ticks": me["ticks"] + 1}, {"boot_id": "an earlier boot"}):
            rundir.write_json(Path(attempt.folder) / rundir.RUNNER, {**me, **changed})
            rundir.write_json(Path(attempt.folder) / "worker.json", {**me, **changed})
            assert local.look(attempt).state == "gone"
            assert local.kill_worker(attempt) is False  # we are still here

    def test_two_sweeps_at_once_conclude_once(self, project: Project, tmp_path: Path) -> None:
        attempt = claimed(project, tmp_path)
        rundir.write_json(Path(attempt.folder) / rundir.RUNNER, identity.of_process())
        rundir.write_json(
            Path(attempt.folder) / rundir.RESULT, {"exit_code": None, "signal": 9, "out_of_memory": False}
        )

        def go(_: int) -> None:
            try:
                reconcile.sweep()
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(go, range(4)))
        run = TrainingRun.objects.get(pk=attempt.run_id)
        assert (run.status, run.attempts.count()) == (RunStatus.QUEUED, 1)
        assert "goes on from its newest checkpoint" in run.status_reason

    def test_infrastructure_deaths_are_retried_twice_and_no_more(self, project: Project, tmp_path: Path) -> None:
        run = make.run(project)
        for number in (1, 2, 3):
            attempt = start.claim()
            assert attempt is not None
            assert attempt.number == number
            reconcile.conclude(attempt, deaths.Ending("failed", "killed", "Ended from outside.", signal=9))
        run.refresh_from_db()
        assert run.status == RunStatus.FAILED
        assert "Tried 3 times" in run.status_reason

    def test_a_starter_that_died_before_its_process_is_noticed_and_a_late_runner_leaves(
        self, project: Project, tmp_path: Path
    ) -> None:
        attempt = claimed(project, tmp_path)
        RunAttempt.objects.filter(pk=attempt.pk).update(status="starting")
        attempt.refresh_from_db()
        assert local.look(attempt).state == "starting"  # its starter still has time
        RunAttempt.objects.filter(pk=attempt.pk).update(lease_until=timezone.now() - local.LEASE)
        attempt.refresh_from_db()
        assert local.look(attempt).state == "gone"
        assert rundir.claim(Path(attempt.folder), identity.of_process()) is False

    def test_a_claim_that_a_power_cut_left_empty_does_not_hold_the_slot_for_ever(
        self, project: Project, tmp_path: Path
    ) -> None:
        attempt = claimed(project, tmp_path)
        (Path(attempt.folder) / rundir.RUNNER).touch()
        assert local.look(attempt).state == "starting"
        RunAttempt.objects.filter(pk=attempt.pk).update(lease_until=timezone.now() - local.LEASE)
        reconcile.sweep()
        attempt.refresh_from_db()
        assert (attempt.status, attempt.error_class) == ("lost", "lost")
        assert (rundir.read_json(Path(attempt.folder) / rundir.RUNNER) or {})["given_up"] is True

    @pytest.mark.parametrize("result", [{"exit_code": rundir.STOPPED}, {"exit_code": None, "signal": 9}])
    def test_a_sweep_killed_at_the_discard_does_it_again(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: dict[str, Any]
    ) -> None:
        attempt = claimed(project, tmp_path)
        kept = Path(attempt.folder) / rundir.CHECKPOINTS / "checkpoint-6"
        kept.mkdir(parents=True)
        rundir.write_json(Path(attempt.folder) / rundir.RUNNER, identity.of_process())
        cancel.cancel(run=attempt.run, actor=Actor(), discard=True)
        rundir.write_json(Path(attempt.folder) / rundir.RESULT, result)

        def killed(_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(reconcile.checkpoints, "discard", killed)
        with pytest.raises(KeyboardInterrupt):
            reconcile.sweep()
        attempt.refresh_from_db()
        assert (attempt.status, kept.is_dir()) == ("running", True)
        monkeypatch.undo()
        reconcile.sweep()
        run = TrainingRun.objects.get(pk=attempt.run_id)
        assert (run.status, kept.exists()) == (RunStatus.CANCELLED, False)

    def test_time_alone_ends_nothing(self, project: Project, tmp_path: Path) -> None:
        """The database was away for an hour: the lease is long over, the process lives, the run goes on."""
        attempt = claimed(project, tmp_path)
        rundir.write_json(Path(attempt.folder) / rundir.RUNNER, identity.of_process())
        RunAttempt.objects.filter(pk=attempt.pk).update(lease_until=timezone.now() - 120 * local.LEASE)
        reconcile.sweep()
        attempt.refresh_from_db()
        assert attempt.status == "running"
        assert attempt.lease_until is not None
        assert attempt.lease_until > timezone.now()
        assert attempt.pid == os.getpid()

    def test_cancel_before_the_process_exists(self, project: Project) -> None:
        run = make.run(project)
        attempt = start.claim()
        assert attempt is not None
        cancel.cancel(run=run, actor=Actor())
        reconcile.sweep()
        run.refresh_from_db()
        assert run.status == RunStatus.CANCELLED
        assert rundir.claim(Path(attempt.folder), identity.of_process()) is False


def _event(seq: int, kind: str, **payload: Any) -> str:
    return json.dumps({"seq": seq, "at": "2026-01-01T00:00:00+00:00", "kind": kind, **payload}) + "\n"
