"""What a model came from and what came of it, for its page."""

from dataclasses import dataclass
from typing import Any

from curation.models import DatasetRow, DatasetVersion
from training.models import ModelVersion, TrainingRun
from workspace import lineage


@dataclass(frozen=True, slots=True)
class Descent:
    """`judgments` and `reviewers` are those behind the dataset's rows; `later` are nodes of higher floors."""

    version: DatasetVersion | None
    rows: int | None
    judgments: int | None
    reviewers: int | None
    run: TrainingRun | None
    base: ModelVersion | None
    tuned: list[ModelVersion]
    runs_from: list[TrainingRun]
    later: list[lineage.Node]


def of(model: ModelVersion) -> Descent:
    """Both directions of a model's lineage. About eight queries."""
    run = model.run
    version = run.dataset_version if run else None
    counts: dict[str, Any] = {}
    if version is not None:
        rows = DatasetRow.objects.filter(version=version, split=DatasetRow.Split.TRAIN)
        judged = rows.exclude(judgment=None)
        counts = {
            "rows": rows.count(),
            "judgments": judged.values("judgment_id").distinct().count(),
            "reviewers": judged.values("judgment__author").distinct().count(),
        }
    node = lineage.Node("model", str(model.uid))
    later = lineage.descendants(project=model.project, source=node)
    return Descent(
        version=version,
        rows=counts.get("rows"),
        judgments=counts.get("judgments"),
        reviewers=counts.get("reviewers"),
        run=run,
        base=model.base,
        tuned=list(ModelVersion.objects.filter(base=model).order_by("-id")[:50]),
        runs_from=list(TrainingRun.objects.filter(base=model).order_by("-id")[:20]),
        later=[one for one in later if one.kind in ("comparison", "deployment")],
    )
