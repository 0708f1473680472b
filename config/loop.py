"""The whole loop without a browser: each station is one call into the work of its floor, done here and now.

Beside a running worker this is harmless: rows are the queue, and whoever comes first does the work.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.datasets import build
from curation.datasets.exporting import export
from curation.datasets.recipe import Recipe
from curation.ingest.import_files import import_file
from curation.ingest.outcome import Outcome
from curation.models import DatasetVersion, Trace
from curation.review import judgments
from evaluation.compare import decide, drive
from evaluation.compare import request as comparing
from evaluation.models import Comparison, Suite
from evaluation.runs.request import read_settings
from evaluation.suites.build import make_suite
from evaluation.tracking import points
from training.artifacts import bases
from training.launch import request as launching
from training.launch import start
from training.models import Metric, ModelVersion, TrainingRun
from training.models.runs import RunStatus
from training.progress import reconcile
from workspace import lineage
from workspace.access import Actor
from workspace.models import Project

Say = Callable[[str, str], None]

# short rows and few steps: enough to see every station work on two cores in well under three minutes
SETTINGS: dict[str, Any] = {"max_steps": 20, "batch_size": 2, "accumulate": 1, "max_length": 4096, "too_long": "drop"}
ANSWERS: dict[str, Any] = {"max_new_tokens": 32}
SCENARIOS = 8
TRAINING_SECONDS = 300.0
ANSWERING_SECONDS = 240.0
LOSS = "loss"


class StationFailed(RuntimeError):
    """A station did not do its part; the text says which and why."""

    def __init__(self, station: str, reason: str) -> None:
        self.station, self.reason = station, reason
        super().__init__(f"{station}: {reason}")


@dataclass(slots=True)
class Loop:
    """One walk through the loop from judged traces on. `say` gets (station, result) after each station."""

    project: Project
    actor: Actor
    say: Say
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: float = field(default_factory=time.monotonic)

    def done(self, station: str, text: str, **facts: Any) -> None:
        """Notes a station's result with the seconds it took."""
        now = time.monotonic()
        self.results[station] = {**facts, "seconds": round(now - self.clock, 1)}
        self.clock = now
        self.say(station, text)

    def bring_in(self, path: Path) -> Outcome:
        """Import a file the way `import_traces` does; a rejected record fails the station."""
        outcome = import_file(project=self.project, actor=self.actor, path=path)
        if outcome.rejected_count or not outcome.read:
            first = outcome.rejected[0] if outcome.rejected else None
            raise StationFailed(
                "import", f"{first.where}: {first.reason}" if first else f"{path.name} holds no traces."
            )
        self.done(
            "import",
            f"{outcome.read} traces read as {outcome.format}: {outcome.created} created, {outcome.updated} updated, "
            f"{outcome.unchanged} unchanged",
            read=outcome.read, created=outcome.created, updated=outcome.updated, unchanged=outcome.unchanged,
        )  # fmt: skip
        return outcome

    def judge(self, verdicts: Iterable[tuple[Trace, str, str]]) -> None:
        """Record (trace, verdict, note) for each; traces that this actor judged so before are left."""
        counts = {"acceptable": 0, "unacceptable": 0, "unsure": 0}
        for trace, verdict, note in verdicts:
            judgments.record(
                project=self.project, actor=self.actor, trace_uid=trace.uid, verdict=verdict, note=note,
                key=f"loop:{trace.uid}",
            )  # fmt: skip
            counts[verdict] += 1
            if not Trace.objects.filter(pk=trace.pk).exclude(verdict="").exists():
                raise StationFailed("judge", f"{trace.external_id} is still unjudged after a judgment.")
        if not any(counts.values()):
            raise StationFailed("judge", "There was no trace to judge.")
        self.done("judge", ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count), **counts)

    def freeze(self, *, name: str, query: str, recipe: Recipe | None = None) -> DatasetVersion:
        """A dataset version of what the filter finds and people accepted."""
        try:
            version = build.freeze(project=self.project, name=name, query_text=query, actor=self.actor, recipe=recipe)
        except ValueError as error:
            raise StationFailed("freeze", str(error)) from error
        counts = version.counts
        parts = ", ".join(f"{counts[split]} {split}" for split in build.SPLITS)
        self.done(
            "freeze",
            f"{version}: {counts['rows']} rows ({parts}) of {counts['looked_at']} traces, "
            f"hash {version.content_hash[:12]}",
            version=str(version), rows=counts["rows"], content_hash=version.content_hash,
        )  # fmt: skip
        return version

    def export(self, version: DatasetVersion) -> None:
        """Both formats written to the end, and every line read back. Rows that a format cannot take are counted."""
        told = {}
        for name in ("openai-sft", "trl-sft"):
            written = export.Written()
            try:
                text = b"".join(export.write_jsonl(version, name, skip_invalid=True, inside=True, written=written))
            except ValueError as error:
                raise StationFailed("export", str(error)) from error
            lines = [json.loads(line) for line in text.decode().split("\n") if line]
            if (
                not lines
                or len(lines) + written.skipped != version.counts["rows"]
                or not all(line["messages"] for line in lines)
            ):
                raise StationFailed("export", f"{name} has {len(lines)} lines for {version.counts['rows']} rows.")
            told[name] = {"lines": written.lines, "skipped": written.skipped, "bytes": written.size}
        text_told = ", ".join(
            f"{name}: {one['lines']} lines, {one['skipped']} left out, {one['bytes'] / 1e6:.2f} MB"
            for name, one in told.items()
        )
        self.done("export", text_told, **told)

    def train(
        self, version: DatasetVersion, *, settings: dict[str, Any] | None = None
    ) -> tuple[ModelVersion, ModelVersion]:
        """A short run from the tiny random model, in a process of its own. Returns (base, tuned)."""
        if reason := launching.waiting_reason():
            raise StationFailed("train", reason)
        base = bases.ensure_tiny(self.project)
        try:
            run = launching.request(
                project=self.project,
                actor=self.actor,
                dataset_version=version,
                base=base,
                settings={**SETTINGS, **(settings or {})},
            )
        except ValueError as error:
            raise StationFailed("train", str(error)) from error
        run = _wait_for(run)
        losses = list(
            Metric.objects.filter(attempt__run=run, name=LOSS).order_by("step").values_list("value", flat=True)
        )
        finite = [value for value in losses if value is not None]
        if len(finite) < 2:
            raise StationFailed("train", f"{run.name} reported {len(finite)} losses.")
        self.done(
            "train", f"{run.name}: {run.step} steps, loss {finite[0]:.2f} to {finite[-1]:.2f}",
            run=str(run.uid), steps=run.step, first_loss=finite[0], last_loss=finite[-1],
        )  # fmt: skip
        model = ModelVersion.objects.filter(run=run).first()
        if model is None:
            raise StationFailed("register", f"{run.name} ended well, but no model was registered.")
        if not bases.folder_of(model).is_dir():
            raise StationFailed("register", f"The files of {model} are not there.")
        self.done("register", f"{model}: {(model.bytes or 0) / 1e3:,.0f} kB, {model.digest[:12]}", model=str(model.uid))
        return base, model

    def compare(self, version: DatasetVersion, base: ModelVersion, tuned: ModelVersion) -> Comparison:
        """A suite of held-out rows, answered by both models, and the verdict. Both answer worse than any real model."""
        try:
            suite: Suite = make_suite(version=version, actor=self.actor, most=SCENARIOS)
        except ValueError as error:
            raise StationFailed("suite", str(error)) from error
        graders = ", ".join(one["name"] for one in suite.graders)
        self.done(
            "suite", f"{suite}: {suite.counts['scenarios']} scenarios of the {suite.split} split, graded by {graders}",
            suite=str(suite.uid), scenarios=suite.counts["scenarios"],
        )  # fmt: skip
        asked = comparing.request_comparison(
            suite=suite,
            baseline=base,
            candidate=tuned,
            settings=read_settings(ANSWERS),
            rules=decide.Rules(),
            actor=self.actor,
        )
        try:
            settled = drive.work_until_settled(asked, tell=lambda line: None, timeout=ANSWERING_SECONDS)
        except TimeoutError as error:
            raise StationFailed("compare", str(error)) from error
        if settled.status != Comparison.Status.DONE:
            raise StationFailed("compare", settled.status_reason)
        made = lineage.descendants(project=self.project, source=lineage.Node("dataset_version", str(version.uid)))
        if lineage.Node("comparison", str(settled.uid)) not in made:
            raise StationFailed("compare", "The lineage does not lead from the dataset to the comparison.")
        self.done(
            "compare", f"{settled.outcome}. {settled.sentence}", comparison=str(settled.uid), outcome=settled.outcome
        )
        return settled

    def over_time(self, compared: Comparison) -> None:
        """The points of the chart: both models on the suite, and what people accepted per model version."""
        measured = points.measured(suite=compared.suite, days=90)
        judged = points.judged(project=self.project, days=90)
        wanted = {str(compared.baseline.model), str(compared.candidate.model)}
        if missing := wanted - {point.label for point in measured}:
            raise StationFailed("over time", f"No point for {' and '.join(sorted(missing))} on {compared.suite}.")
        on_suite = ", ".join(f"{point.label} {point.score:.3f} (n={point.n})" for point in measured)
        self.done(
            "over time",
            f"{on_suite}; judged traces: {len(judged)} points of {len(points.series(judged))} model versions",
            measured=len(measured), judged=len(judged),
        )  # fmt: skip


def _wait_for(run: TrainingRun) -> TrainingRun:
    """Start and look after the run until it is over; raises StationFailed where it does not end well."""
    deadline = time.monotonic() + TRAINING_SECONDS
    while run.status not in RunStatus.final():
        if time.monotonic() > deadline:
            raise StationFailed("train", f"{run.name} is not over after {TRAINING_SECONDS:.0f} seconds ({run.status}).")
        start.start_next()
        reconcile.sweep()
        time.sleep(0.4)
        run.refresh_from_db()
    if run.status != RunStatus.SUCCEEDED:
        raise StationFailed("train", run.status_reason or f"{run.name} ended as {run.get_status_display().lower()}.")
    return run
