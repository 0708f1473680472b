"""What the page of a run shows, put together from its rows and its folder."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from training import rundir
from training.artifacts import checkpoints
from training.models import ModelVersion, RunAttempt, RunEvent, TrainingRun
from training.models.runs import RunStatus
from training.progress import curves, deaths

STAGES = (("load", "Load"), ("check", "Check data"), ("train", "Train"), ("save", "Register"))
TILES = (
    ("loss", "Loss", 3, ""),
    ("eval_loss", "Validation loss", 3, ""),
    ("tokens_per_second", "Tokens per second", 0, ""),
    ("memory_mb", "Memory", 0, "MB"),
    ("grad_norm", "Gradient norm", 2, ""),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A station of the strip. state: done, now, next or failed; `share` is how far `now` is, in percent."""

    name: str
    state: str
    note: str
    share: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its curve; value None where it was not measured."""

    label: str
    value: str
    unit: str
    note: str
    curve: list[float | None]


@dataclass
class Picture:
    """Everything on the page."""

    run: TrainingRun
    attempts: list[RunAttempt]
    attempt: RunAttempt | None
    live: bool
    stages: list[Stage]
    tiles: list[Tile]
    seconds_left: float | None
    ready_at: datetime | None
    silent_for: timedelta | None
    checkpoints: list[checkpoints.Kept]
    best: int | None
    resume_from: int | None
    warnings: list[RunEvent]
    data: list[tuple[str, dict[str, Any]]]
    numbers: list[tuple[int, float | None, float | None, float | None]]
    numbers_of: int
    figure: dict[str, Any]
    cursor: int
    log: list[tuple[str, str, str]]
    log_offset: int
    advice: str
    model: ModelVersion | None
    device: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def time_left(self) -> str:
        """The time left, rounded so that it does not flicker; empty where it is not known."""
        if self.seconds_left is None:
            return ""
        step = 5 if self.seconds_left < 60 else 30 if self.seconds_left < 600 else 60
        seconds = max(5, round(self.seconds_left / step) * step)
        minutes, rest = divmod(seconds, 60)
        if not minutes:
            return f"{seconds} s"
        return (
            f"{minutes} min {rest} s"
            if rest
            else f"{minutes} min"
            if minutes < 60
            else _span(timedelta(seconds=seconds))
        )

    @property
    def death(self) -> str:
        """The class of the newest attempt's failure in words."""
        return deaths.LABELS.get(self.attempt.error_class, self.attempt.error_class) if self.attempt else ""

    @property
    def last_lines(self) -> list[tuple[str, str, str]]:
        """The end of the log."""
        return self.log[-8:]

    @property
    def steps_left(self) -> int | None:
        """Steps still to go."""
        return None if self.run.total_steps is None else self.run.total_steps - (self.run.step or 0)


def picture(run: TrainingRun) -> Picture:
    """The page of `run` as things stand. A fixed number of queries, whatever the length of the run."""
    attempts = list(run.attempts.order_by("number"))
    attempt = attempts[-1] if attempts else None
    live = run.status not in RunStatus.final()
    events = list(
        RunEvent.objects.filter(attempt=attempt, kind__in=("stage", "data", "loaded", "warning")).order_by("seq")[:500]
    )
    found = curves.read(run, [*(name for name, *_ in TILES), "learning_rate"])
    loss, validation = found.points["loss"], found.points["eval_loss"]
    thinned = (run.total_steps or 0) >= 2 * curves.MOST
    seconds = _seconds_left(run, attempt)
    kept = checkpoints.listed(run, losses=found.validated)
    log, offset = _log(attempt)
    loaded: dict[str, Any] = next((event.payload for event in events if event.kind == "loaded"), {})
    over = run.status in (RunStatus.FAILED, RunStatus.CANCELLED)
    return Picture(
        run=run,
        attempts=attempts,
        attempt=attempt,
        live=live,
        stages=_stages(run, attempt, events),
        tiles=_tiles(run, found.points),
        seconds_left=seconds,
        ready_at=timezone.now() + timedelta(seconds=seconds) if seconds is not None else None,
        silent_for=_silence(run, attempt),
        checkpoints=kept,
        best=_best(kept),
        resume_from=checkpoints.newest_valid(run) if over else None,
        warnings=[event for event in events if event.kind == "warning"],
        data=[(str(event.payload.get("split")), event.payload) for event in events if event.kind == "data"],
        numbers=_numbers(found.points),
        numbers_of=max(len({step for step, _ in [*loss, *validation]}), (run.step or 0) if thinned else 0),
        figure=curves.figure(run, loss, validation),
        cursor=curves.newest_id(run),
        log=log,
        log_offset=offset,
        advice=deaths.advice(attempt.error_class) if attempt and run.status == RunStatus.FAILED else "",
        model=ModelVersion.objects.filter(run=run).first(),
        device=str(loaded.get("device", "")),
        facts=loaded,
    )


def _seconds_left(run: TrainingRun, attempt: RunAttempt | None) -> float | None:
    """From the newest attempt's own steps, less what has passed since it said so."""
    if attempt is None or run.status != RunStatus.RUNNING or attempt.progress.get("seconds_left") is None:
        return None
    said = parse_datetime(str(attempt.progress.get("at", "")))
    passed = (timezone.now() - said).total_seconds() if said else 0.0
    return max(0.0, float(attempt.progress["seconds_left"]) - max(0.0, passed))


def _silence(run: TrainingRun, attempt: RunAttempt | None) -> timedelta | None:
    """How long no step has come, once it is longer than 10 minutes and the process still lives."""
    if attempt is None or run.status != RunStatus.RUNNING or attempt.progress_at is None:
        return None
    passed = timezone.now() - attempt.progress_at
    return passed if passed > timedelta(minutes=10) else None


def _stages(run: TrainingRun, attempt: RunAttempt | None, events: list[RunEvent]) -> list[Stage]:
    begun = {event.payload.get("name"): event.at for event in events if event.kind == "stage"}
    reached = [name for name, _ in STAGES if name in begun]
    current = reached[-1] if reached else ""
    over = run.status in RunStatus.final()
    end = (attempt.ended_at if attempt else None) or (run.ended_at if over else None)
    waited = (attempt.started_at if attempt else end or timezone.now()) - (run.queued_at or run.created_at)
    waiting = run.status in (RunStatus.DRAFT, RunStatus.CHECKED, RunStatus.QUEUED)
    stages = [Stage("Queued", "now" if waiting else "done", _span(waited) if waited.total_seconds() > 0 else "")]
    for index, (name, label) in enumerate(STAGES):
        if waiting or name not in begun:
            starting = name == "load" and run.status == RunStatus.STARTING
            stages.append(Stage(label, "now" if starting else "next", "starting" if starting else ""))
            continue
        follower = next((begun[later] for later, _ in STAGES[index + 1 :] if later in begun), end)
        took = _span((follower or timezone.now()) - begun[name])
        if name != current or run.status == RunStatus.SUCCEEDED:
            note = f"{run.total_steps} steps, {took}" if name == "train" and run.total_steps else took
            stages.append(Stage(label, "done", note))
        elif over:
            stages.append(Stage(label, "failed", _where(run) if name == "train" else run.get_status_display().lower()))
        else:
            share = round(100 * (run.step or 0) / run.total_steps) if name == "train" and run.total_steps else 50
            stages.append(Stage(label, "now", _where(run) if name == "train" else took, share))
    return stages


def _where(run: TrainingRun) -> str:
    return (
        f"step {run.step} of {run.total_steps}" if run.step is not None and run.total_steps else "before its first step"
    )


def _span(passed: timedelta) -> str:
    seconds = max(0.0, passed.total_seconds())
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _tiles(run: TrainingRun, points: dict[str, list[curves.Point]]) -> list[Tile]:
    tiles = []
    for name, label, digits, unit in TILES:
        known = [value for _, value in points[name] if value is not None]
        shown = f"{known[-1]:,.{digits}f}" if known else "–"
        tiles.append(Tile(label, shown, unit, _note(name, known, run), [v for _, v in curves.thin(points[name], 40)]))
    return tiles


def _note(name: str, known: list[float], run: TrainingRun) -> str:
    live = run.status not in RunStatus.final()
    if not known and name == "eval_loss":
        first = int(run.settings.get("eval_steps") or run.settings.get("save_steps") or 0)
        return f"first at step {first}" if live and first < (run.total_steps or first + 1) else "not measured"
    if not known:
        return "waiting for the first step" if live else "not measured"
    if name in ("loss", "eval_loss"):
        return f"from {known[0]:.3f}" + (f", best {min(known):.3f}" if name == "eval_loss" else "")
    if name == "memory_mb":
        return f"peak {max(known):,.0f} MB"
    if name == "grad_norm":
        limit = float(run.settings.get("max_grad_norm") or 1)
        return f"limit {limit:.2f}, clipped {sum(value > limit for value in known) / len(known):.0%}"
    return f"mean {sum(known) / len(known):,.0f}"


def _best(kept: list[checkpoints.Kept]) -> int | None:
    """Row id of the checkpoint with the lowest validation loss that is still there."""
    measured = [(one.validation_loss, one.row.pk) for one in kept if one.validation_loss is not None and one.on_disk]
    return min(measured)[1] if len(measured) > 1 else None


def _numbers(
    points: dict[str, list[curves.Point]],
) -> list[tuple[int, float | None, float | None, float | None]]:
    """(step, loss, validation loss, learning rate), newest first, at most 100 rows evenly taken."""
    rate, train, held = dict(points["learning_rate"]), dict(points["loss"]), dict(points["eval_loss"])
    steps = sorted({*train, *held}, reverse=True)
    if len(steps) > 100:
        wanted = {step for step, _ in curves.thin([(step, None) for step in sorted(train)], 80)}
        steps = [step for step in steps if step in wanted or step in held][:100]
    return [(step, train.get(step), held.get(step), rate.get(step)) for step in steps]


def _log(attempt: RunAttempt | None) -> tuple[list[tuple[str, str, str]], int]:
    if attempt is None:
        return [], 0
    text, offset = rundir.tail(Path(attempt.folder) / rundir.CONSOLE)
    return [log_line(line) for line in text.splitlines()[-80:]], offset


def log_line(line: str) -> tuple[str, str, str]:
    """(time, kind, text) of a console line. kind: ok, hm, err or "", told apart as in static/js/run.js."""
    head, _, rest = line.partition(" ")
    at, text = (head, rest) if len(head) == 8 and head[2:3] == ":" == head[5:6] else ("", line)
    kind = ""
    if text.startswith("checkpoint"):
        kind = "ok"
    elif text.startswith("warning:"):
        kind = "hm"
    elif text.startswith("failed:") or "Error" in text.split(":")[0]:
        kind = "err"
    return at, kind, text
