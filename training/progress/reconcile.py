"""The sweep: what every process of this machine did since the last look, and what follows from it for its run.

Only what can be seen of a process counts, never the clock: while the database is away nothing expires, and whatever
started before a restart is found again by its folder.
"""

import logging
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from training import rundir
from training.artifacts import checkpoints, register
from training.launchers import local
from training.models import RunAttempt, TrainingRun
from training.models.runs import RunStatus
from training.progress import deaths, ingest
from training.progress.deaths import Ending

log = logging.getLogger(__name__)
SWEEP = 7_301_442  # advisory lock: one sweep at a time
RETRIES = 2


def sweep() -> int:
    """Look after every attempt of this machine that is not over; returns how many there were. Quick; one at a time
    (a second call at the same moment does nothing)."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [SWEEP])
        if not cursor.fetchone()[0]:
            return 0
    try:
        live = list(
            RunAttempt.objects.filter(status__in=["starting", "running"], lease_owner=local.host_id())
            .select_related("run")
            .order_by("id")
        )
        for attempt in live:
            try:
                look_after(attempt)
            except Exception:  # one broken run must not stop the care for the others
                log.exception("Looking after attempt %s failed; the next sweep tries again.", attempt)
        return len(live)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [SWEEP])


def look_after(attempt: RunAttempt) -> None:
    """One attempt: pass on the wish to stop, renew its lease, store its events, and conclude it when it is over."""
    sight = local.look(attempt)
    if attempt.run.status == RunStatus.STOPPING:
        local.stop(attempt, keep=not attempt.run.cancel_discard)
    if sight.state in ("starting", "alive"):
        if sight.state == "starting" and attempt.run.status == RunStatus.STOPPING and attempt.pid is None:
            _cancel_unborn(attempt)
            return
        if sight.state == "alive":
            local.renew(attempt, sight)
        ingest.ingest(attempt)
        return
    if sight.state == "gone" and local.kill_worker(attempt):
        return  # still dying: look again before anything else may start
    ingest.ingest(attempt)
    conclude(attempt, deaths.classify(Path(attempt.folder), sight))


def _cancel_unborn(attempt: RunAttempt) -> None:
    """Cancelled before its process was started: take the folder, so that none can start any more."""
    folder = Path(attempt.folder)
    folder.mkdir(parents=True, exist_ok=True)
    if rundir.claim(folder, {"given_up": True, "boot_id": "", "pid": None, "ticks": None}):
        conclude(attempt, Ending("stopped"))


def conclude(attempt: RunAttempt, ending: Ending) -> None:
    """Close an attempt and decide what becomes of its run. A stale attempt closes itself and changes nothing else."""
    model_problem = ""
    newest = TrainingRun.objects.fenced_by(attempt).exists()
    if ending.kind == "finished" and newest:
        try:
            register.register(attempt)
        except (register.NoModel, OSError) as error:
            model_problem = str(error)
            ending = Ending("failed", "error", model_problem, exit_code=ending.exit_code)
    with transaction.atomic():
        locked = (
            RunAttempt.objects.select_for_update().filter(pk=attempt.pk, status__in=["starting", "running"]).first()
        )
        if locked is None:
            return
        run = TrainingRun.objects.select_for_update().get(pk=attempt.run_id)
        if ending.kind == "stopped" and run.cancel_requested_at is None:
            # nobody here asked: the system did (a shutdown), so it goes on when the machine is back
            ending = Ending(
                "failed", "interrupted", "The process was told to stop from outside.", ending.exit_code, ending.signal
            )
        RunAttempt.objects.filter(pk=attempt.pk).update(
            status="lost" if ending.error_class == "lost" else "exited",
            ended_at=timezone.now(),
            exit_code=ending.exit_code,
            signal=ending.signal,
            error_class=ending.error_class,
            error=f"{locked.error}\n{ending.message}".strip(),
        )
        _decide(run, attempt, ending)


def _decide(run: TrainingRun, attempt: RunAttempt, ending: Ending) -> None:
    live = TrainingRun.objects.fenced_by(attempt).filter(status__in=RunStatus.live())
    now = timezone.now()
    if ending.kind == "finished":
        live.update(status=RunStatus.SUCCEEDED, status_reason="", ended_at=now)
    elif ending.kind == "stopped" or run.status == RunStatus.STOPPING:
        kept = "without keeping its checkpoints" if run.cancel_discard else "its checkpoints are kept"
        if live.update(status=RunStatus.CANCELLED, status_reason=f"Stopped on request, {kept}.", ended_at=now) and (
            run.cancel_discard
        ):
            # before the commit: killed in between, the attempt is still open and the next sweep does it again
            checkpoints.discard(run)
    elif ending.may_retry and _failures(run) <= RETRIES:
        live.update(
            status=RunStatus.QUEUED,
            status_reason=f"Attempt {attempt.number} ended: {ending.message} It goes on from its newest checkpoint.",
        )
    else:
        tried = f" Tried {_failures(run)} times." if ending.may_retry else ""
        live.update(status=RunStatus.FAILED, status_reason=f"{ending.message}{tried}", ended_at=now)


def _failures(run: TrainingRun) -> int:
    """Attempts that the machine ended since a person last asked for the run."""
    since = run.queued_at or run.created_at
    return run.attempts.filter(error_class__in=deaths.INFRASTRUCTURE, started_at__gte=since).count()
