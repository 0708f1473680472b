"""Writing a version's rows and decisions, by COPY: a hundred thousand of each are seconds."""

from collections.abc import Callable, Iterator

import orjson

from curation.datasets.selecting.plan import Plan, Row
from curation.ingest.copying import copy_in
from curation.models import DatasetDecision, DatasetRow, DatasetVersion

_ROW = ("version_id", "position", "trace_id", "revision_id", "conversation", "judgment_id", "correction_id", "split",
        "split_group", "digest", "part", "kind", "content", "edits", "other_trace_id", "other_revision_id", "preference_id",
        "batch_items", "origin", "topic", "fold", "composite")  # fmt: skip
TOLD_EVERY = 2_000
_DECISION = ("version_id", "trace_id", "included", "reason", "detail", "facts")


def write(version: DatasetVersion, plan: Plan, tell: Callable[[int, int], None] | None = None) -> None:
    """All rows in order, then a decision for every trace looked at. `tell` hears every TOLD_EVERY of them how many are
    written, and of how many. Raises the errors of django.db, and what `tell` raises."""
    rows, decisions = plan.every_row, plan.decisions
    total = len(rows) + len(decisions)
    copy_in(
        model=DatasetRow,
        columns=_ROW,
        rows=_telling((_row(version, position, row) for position, row in enumerate(rows, start=1)), tell, 0, total),
    )
    told = (
        (version.pk, one.trace, one.reason.included, one.reason.code, one.detail.replace("\x00", ""), _json(one.facts))
        for one in decisions
    )
    copy_in(model=DatasetDecision, columns=_DECISION, rows=_telling(told, tell, len(rows), total))


def _telling(
    rows: Iterator[tuple[object, ...]], tell: Callable[[int, int], None] | None, before: int, total: int
) -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(rows, start=before):
        if tell is not None and number % TOLD_EVERY == 0:
            tell(number, total)
        yield row


def _row(version: DatasetVersion, position: int, row: Row) -> tuple[object, ...]:
    content = row.unpacked()
    return (
        version.pk, position, row.trace_id, row.revision_id, row.conversation, row.judgment_id, row.correction_id, row.split,
        row.group, row.digest, row.part, row.kind, None if content is None else _json(content), _json(row.edits),
        row.other_trace, row.other_revision, row.preference_id, list(row.batch_items), row.origin, row.topic, row.fold,
        row.composite,
    )  # fmt: skip


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
