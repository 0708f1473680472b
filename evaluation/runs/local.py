"""Answering by a process of this machine: one at a time, detached, found again after any restart.

The process touches files only. Its answers.jsonl is read from an offset that is stored together with the answers, so
that each line counts once, whoever dies in between. A process that was killed is started again for what is still open,
at most MOST_RETRIES times; one that failed for a reason is not.
"""

import json
import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from evaluation.models import EvaluationAttempt, EvaluationRun, Scenario
from evaluation.runs import answers
from evaluation.runs.answers import Said
from training.artifacts import bases
from training.launch import request as training
from training.launchers import local
from training.progress import deaths

log = logging.getLogger(__name__)
MOST_RETRIES = 2
SLOT = 7_301_443  # advisory lock around taking the one slot of this machine; training has the two numbers before it
PROMPTS, ANSWERS = "prompts.jsonl", "answers.jsonl"
OPEN = (EvaluationRun.Status.QUEUED, EvaluationRun.Status.RUNNING)
LIVE = (EvaluationAttempt.Status.STARTING, EvaluationAttempt.Status.RUNNING)


def reconcile() -> None:
    """Look after this machine's processes, then start the next run that waits. Harmless when called twice at once."""
    for attempt in EvaluationAttempt.objects.filter(status__in=LIVE, lease_owner=local.host_id()).order_by("id"):
        try:
            look_after(attempt)
        except Exception:  # one broken run must not stop the care for the others
            log.exception("Looking after answering attempt %s failed; the next sweep tries again.", attempt)
    start_next()


def start_next() -> EvaluationAttempt | None:
    """Start the oldest run that waits for a process, if this machine is free and has what it takes."""
    if not _waiting().exists():
        return None
    reason = training.waiting_reason()
    if reason:
        _waiting().exclude(status_reason=reason).update(status_reason=reason)
        return None
    attempt = _claim()
    if attempt is None:
        return None
    run = EvaluationRun.objects.select_related("model", "suite").get(pk=attempt.run_id)
    try:
        job = {"base": bases.for_worker(run.model), "settings": run.settings, "run": str(run.uid)}
        _write_prompts(run, Path(attempt.folder))
    except (OSError, ValueError) as error:
        _close(attempt, error_class="config", error=str(error))
        answers.fail(run, f"The model cannot be started: {error}")
        return None
    local.begin(attempt, what="answer", job=job)
    return attempt


def look_after(attempt: EvaluationAttempt) -> None:
    """Take in what one process wrote, and draw the conclusion where it has ended."""
    sight = local.look(attempt)  # before reading: what it wrote until its end is then all there
    read_answers(attempt)
    run = EvaluationRun.objects.select_related("model", "suite").get(pk=attempt.run_id)
    if run.status not in OPEN and sight.state in ("starting", "alive"):
        local.stop(attempt, keep=False)  # cancelled
    if sight.state == "alive":
        local.renew(attempt, sight)
    elif sight.state == "starting":
        return  # its lease is never renewed: one whose starter died before it began must run out
    elif sight.state == "ended" or not local.kill_worker(attempt):
        # a worker whose runner is gone is not left alone; what it wrote until now still counts
        read_answers(attempt)
        _ended(run, attempt, deaths.classify(Path(attempt.folder), sight))


def read_answers(attempt: EvaluationAttempt) -> int:
    """Store the whole lines of answers.jsonl that are not stored yet, with the offset, in one transaction. Returns how
    many answers were new. A last line without its end waits. Graders run before it: their code may take long."""
    here = EvaluationAttempt.objects.get(pk=attempt.pk)
    lines, offset = _read_lines(Path(here.folder) / ANSWERS, here.answers_offset)
    if offset == here.answers_offset:
        return 0
    run = EvaluationRun.objects.select_related("suite").get(pk=here.run_id)
    graded = answers.grade(run=run, said=_said(run, lines))
    with transaction.atomic():
        locked = EvaluationAttempt.objects.select_for_update().get(pk=attempt.pk)
        if locked.answers_offset != here.answers_offset:
            return 0  # somebody else read them meanwhile
        fresh = answers.keep(run=run, graded=graded)
        now = timezone.now()
        EvaluationAttempt.objects.filter(pk=attempt.pk).update(answers_offset=offset, progress_at=now)
    return fresh


def _waiting() -> Any:
    """Runs that wait for a process: no live attempt, and a model that is answered here."""
    return (
        EvaluationRun.objects.filter(status__in=OPEN, model__connection=None)
        .exclude(attempts__status__in=LIVE)
        .exclude(is_simulated=True)
    )


def _claim() -> EvaluationAttempt | None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [SLOT])
        if EvaluationAttempt.objects.filter(status__in=LIVE, lease_owner=local.host_id()).exists():
            return None
        run = _waiting().order_by("id").first()
        if run is None:
            return None
        number = run.attempts.count() + 1
        folder = settings.RUNS_DIR / "evaluations" / str(run.uid) / str(number)
        EvaluationRun.objects.filter(pk=run.pk, status__in=OPEN).update(
            status=EvaluationRun.Status.RUNNING, status_reason=""
        )
        return EvaluationAttempt.objects.create(run=run, number=number, folder=str(folder), **local.claim_fields())


def _write_prompts(run: EvaluationRun, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PROMPTS).open("w", encoding="utf-8") as file:
        for scenario in answers.waiting(run).iterator(chunk_size=200):
            line = {"id": str(scenario.position), "messages": scenario.messages, "tools": scenario.tools}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _read_lines(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """(objects, offset behind the last whole line). A line that is no object is passed over: its scenario stays open
    and is asked again."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            block = file.read()
    except FileNotFoundError:
        return [], offset
    end = block.rfind(b"\n") + 1
    found = []
    for line in block[:end].splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
    return found, offset + end


def _said(run: EvaluationRun, lines: list[dict[str, Any]]) -> list[Said]:
    by_id = {
        str(scenario.position): scenario
        for scenario in Scenario.objects.filter(
            suite=run.suite_id, position__in=[int(line["id"]) for line in lines if str(line.get("id")).isdigit()]
        )
    }
    said = []
    for line in lines:
        scenario = by_id.get(str(line.get("id")))
        if scenario is None:
            continue
        message, error = line.get("message"), str(line.get("error") or "")
        if message is not None and not (isinstance(message, dict) and isinstance(message.get("parts"), list)):
            message, error = None, error or "The process wrote an answer that cannot be read."
        said.append(
            Said(
                scenario,
                message,  # type: ignore[arg-type]
                error=error,
                latency_ms=_whole(line.get("latency_ms")),
                input_tokens=_whole(line.get("input_tokens")),
                output_tokens=_whole(line.get("output_tokens")),
            )
        )
    return said


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62 else None


def _ended(run: EvaluationRun, attempt: EvaluationAttempt, ending: deaths.Ending) -> None:
    status = EvaluationAttempt.Status.LOST if ending.error_class == "lost" else EvaluationAttempt.Status.EXITED
    _close(
        attempt,
        status=status,
        exit_code=ending.exit_code,
        signal=ending.signal,
        error_class=ending.error_class,
        error=ending.message,
    )
    if ending.kind == "finished":
        if not answers.finish(run):
            _again(run, attempt, "The process ended before it had answered everything.")
    elif ending.kind == "stopped" or ending.may_retry:
        _again(run, attempt, ending.message or "The answering process was stopped.")
    else:
        answers.fail(run, ending.message)


def _again(run: EvaluationRun, attempt: EvaluationAttempt, reason: str) -> None:
    """Leave the run open for another attempt, or end it after MOST_RETRIES of them. Nothing to do where the answers
    were complete before the process died, or where the run is over."""
    if run.status not in OPEN or answers.finish(run):
        return
    if attempt.number > MOST_RETRIES:
        answers.fail(
            run, f"{reason} This was attempt {attempt.number}, the last. Its log: {attempt.folder}/console.log"
        )
        return
    EvaluationRun.objects.filter(pk=run.pk, status__in=OPEN).update(
        status_reason=f"{reason} Going on where it stopped."
    )


def _close(attempt: EvaluationAttempt, **fields: Any) -> None:
    EvaluationAttempt.objects.filter(pk=attempt.pk, status__in=LIVE).update(
        **{"status": EvaluationAttempt.Status.EXITED, "ended_at": timezone.now(), **fields}
    )
