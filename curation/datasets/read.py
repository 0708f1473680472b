"""What pages and the API show of datasets: lists, one version, its rows, its decisions, what changed since."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from curation.datasets.example import Example, edited, example_of
from curation.datasets.example import stored as stored_example
from curation.datasets.exporting import validate
from curation.datasets.exporting.findings import Finding
from curation.datasets.exporting.formats import FORMATS, Format
from curation.datasets.selecting import near
from curation.messages.form import Message
from curation.models import BatchItem, Correction, Dataset, DatasetDecision, DatasetRow, DatasetVersion, Trace
from curation.review import blind
from workspace import lineage
from workspace.models import Project, User
from workspace.paging import Page, paginate


@dataclass(slots=True)
class Listed:
    """A dataset with its versions, newest first."""

    dataset: Dataset
    versions: list[DatasetVersion]

    @property
    def newest(self) -> DatasetVersion | None:
        """The version that the bare name stands for."""
        return self.versions[0] if self.versions else None

    @property
    def history(self) -> list[int]:
        """Rows of each version, oldest first."""
        return [int(version.counts["rows"]) for version in reversed(self.versions)]


@dataclass(slots=True)
class Changed:
    """Rows of a frozen version that rest on something that changed since: a person's word was taken back or turned
    around, a correction was withdrawn or replaced, the trace itself was sent anew, or a person was forgotten and only a
    tombstone is left, which no export writes. One row may count in several."""

    judgments: int = 0
    corrections: int = 0
    traces: int = 0
    erased: int = 0

    def __bool__(self) -> bool:
        return bool(self.judgments or self.corrections or self.traces or self.erased)


@dataclass(slots=True)
class ShownRow:
    """One row as its page shows it. `findings` by whom they concern; `before` and `after` are positions, None at the ends."""

    row: DatasetRow
    example: Example
    findings: dict[str, list[Finding]]
    before: int | None
    after: int | None
    lines: "list[ShownLine]" = field(default_factory=list)
    masked: int = 0
    cut: int = 0
    candidates: "list[BatchItem]" = field(default_factory=list)  # generated ones that it was made of, the better first

    @property
    def learned_tokens(self) -> int:
        """Of what is learned, without a chat template."""
        return sum(line.tokens for line in self.lines if line.learned)

    @property
    def worse_tokens(self) -> int:
        """Of the answer that is not wanted."""
        return sum(line.tokens for line in self.lines if line.worse)


@dataclass(slots=True)
class ShownLine:
    """One message of a row: whether it is learned, its tokens (an estimate), and for what answers a prompt which answer it
    is (chosen, rejected, answer). `worse`: it is learned from as an answer that is not wanted."""

    message: Message
    learned: bool
    tokens: int
    side: str = ""
    worse: bool = False

    @property
    def is_masked(self) -> bool:
        """Whether somebody said that this answer is context only."""
        return self.message["role"] == "assistant" and self.message.get("weight") == 0


@dataclass(frozen=True, slots=True)
class Other:
    """The trace that another one is like; `similarity` is estimated (0 to 1), None where it is not of likeness."""

    trace: Trace
    similarity: float | None

    @property
    def alike(self) -> str:
        """ "87 %", "" where it is not of likeness."""
        return "" if self.similarity is None else near.told(self.similarity).replace("%", " %")


@dataclass(slots=True)
class Verdict:
    """Whether a format takes a row; `findings` say why not, errors first."""

    format: Format
    findings: list[Finding]

    @property
    def takes(self) -> bool:
        """No finding is an error."""
        return not any(one.level == "error" for one in self.findings)

    @property
    def why(self) -> str:
        """The first reason."""
        return self.findings[0].reason if self.findings else ""


def datasets(project: Project, *, cursor: str = "", size: int = 50) -> tuple[Page[Dataset], list[Listed]]:
    """A page of datasets by name, each with its versions. Two queries."""
    page = paginate(Dataset.objects.filter(project=project), order=["name", "id"], cursor=cursor, size=size)
    return page, with_versions(page.rows)


def with_versions(found: Iterable[Dataset]) -> list[Listed]:
    """Datasets with their versions, newest first."""
    listed = list(found)
    versions: dict[int, list[DatasetVersion]] = defaultdict(list)
    for version in DatasetVersion.objects.filter(dataset__in=listed).select_related("dataset").order_by("-number"):
        versions[version.dataset_id].append(version)
    return [Listed(dataset, versions[dataset.pk]) for dataset in listed]


def version(project: Project, name: str, number: int | None = None) -> DatasetVersion:
    """One version, the newest without a number. Raises DatasetVersion.DoesNotExist."""
    newest_number = DatasetVersion.objects.filter(dataset=OuterRef("dataset")).order_by("-number").values("number")[:1]
    found = DatasetVersion.objects.select_related("dataset__project").annotate(of=Subquery(newest_number))
    found = found.filter(dataset__project=project, dataset__name=name)
    if number is not None:
        return found.get(number=number)
    newest = found.order_by("-number").first()
    if newest is None:
        raise DatasetVersion.DoesNotExist(f"There is no dataset {name!r}.")
    return newest


def same_before(found: DatasetVersion) -> DatasetVersion | None:
    """The newest earlier version of the dataset with the same rows and splits (content hash), and the same folds; None
    where there is none."""
    earlier = DatasetVersion.objects.filter(
        dataset=found.dataset_id, number__lt=found.number, content_hash=found.content_hash
    ).select_related("dataset")
    folds = _folds(found)
    return next((one for one in earlier.order_by("-number") if _folds(one) == folds), None)


def _folds(found: DatasetVersion) -> list[int | None]:
    """The fold of each row in order; empty where the version has none."""
    if not found.recipe.get("folds"):
        return []
    return list(found.rows.order_by("position").values_list("fold", flat=True))


def numbers(found: DatasetVersion) -> list[int]:
    """The newest six versions beside one that `version` gave (they are numbered without gaps)."""
    newest = int(found.of)  # type: ignore[attr-defined]
    return list(range(newest, max(0, newest - 6), -1))


def rows(
    found: DatasetVersion, *, split: str = "", changed: str = "", cursor: str = "", size: int = 50
) -> Page[DatasetRow]:
    """A page of rows in order, with trace, revision number, judgment and correction at hand, documents left alone.
    `changed` (a field of Changed) keeps those that rest on something that changed."""
    query = changed_rows(found, changed) if changed else found.rows.all()
    query = query.select_related("trace", "revision", "judgment", "correction")
    query = query.defer("trace__metadata", "revision__document", "revision__import_notes", "correction__messages")
    if split:
        query = query.filter(split=split)
    return paginate(query, order=["position"], cursor=cursor, size=size)


def row(found: DatasetVersion, position: int) -> ShownRow:
    """One row with what it says, what is learned of it, and its findings. Raises DatasetRow.DoesNotExist."""
    held = ("trace", "revision", "judgment", "correction", "other_trace", "other_revision", "preference")
    stored = found.rows.select_related(*held).get(position=position)
    example = example_of_row(stored)
    common = validate.common(example)
    total = int(found.counts["rows"])
    return ShownRow(
        row=stored,
        example=example,
        findings={"every format": validate.in_order(common)}
        | {one.NAME: validate.in_order(one.problems(example)) for one in FORMATS.values() if example.kind in one.KINDS},
        before=position - 1 if position > 1 else None,
        after=position + 1 if position < total else None,
        lines=_lines(example),
        masked=sum(use == "mask" for use in stored.edits.values()),
        cut=sum(use == "cut" for use in stored.edits.values()),
        candidates=_candidates(stored),
    )


def _candidates(row: DatasetRow) -> "list[BatchItem]":
    """The batch items of a row, in its order; those that are gone are left out."""
    if not row.batch_items:
        return []
    found = BatchItem.objects.select_related("batch").only("id", "ordinal", "settings", "grades", "batch__uid")
    by_id = found.in_bulk(row.batch_items)
    return [by_id[pk] for pk in row.batch_items if pk in by_id]


def verdicts(example: Example) -> list[Verdict]:
    """What every format says of a row."""
    common = validate.common(example)
    return [Verdict(one, validate.check(example, one, common)) for one in FORMATS.values()]


def example_of_row(row: DatasetRow) -> Example:
    """What a row says, with `revision` and `correction` at hand; nothing where only a tombstone is left."""
    if row.content is not None:
        return stored_example(row.kind, row.content)  # type: ignore[arg-type]  # a constraint keeps the kinds
    conversations = row.revision.document.get("conversations") or []
    if row.conversation >= len(conversations):  # a tombstone
        return Example(messages=[], tools=[])
    whole = example_of(conversations[row.conversation], row.correction.messages if row.correction else None)
    return Example(messages=edited(whole.messages, row.edits), tools=whole.tools)


def _lines(example: Example) -> list[ShownLine]:
    learns = example.trained if example.kind == "chat" else [False] * len(example.messages)
    lines = [ShownLine(*one) for one in zip(example.messages, learns, example.tokens, strict=True)]
    wanted = example.kind == "pair" or example.label is True
    sides = (
        ("chosen" if example.kind == "pair" else "answer", example.chosen, wanted),
        ("rejected", example.rejected, False),
    )
    for side, messages, learned in sides:
        tokens = Example(messages=messages, tools=[]).tokens
        lines += [
            ShownLine(one, learned, count, side, worse=not learned) for one, count in zip(messages, tokens, strict=True)
        ]
    return lines


def decisions(
    found: DatasetVersion, *, reason: str = "", cursor: str = "", size: int = 50, reader: User | None = None
) -> Page[DatasetDecision]:
    """A page of decisions in the order in which they were taken, all or those with one reason. To be in a list of one
    reason tells it, so what blind queues hide from `reader` is left out there."""
    query = found.decisions.select_related("trace").defer("trace__metadata")
    if reason:
        query = query.filter(reason=reason)
    if reason and reader is not None and blind.hides_any(project=found.dataset.project, reader=reader):
        query = query.exclude(trace__in=blind.shut_traces(reader))
    return paginate(query, order=["id"], cursor=cursor, size=size)


def others(project: Project, decided: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[int, Other]:
    """For decisions (trace, facts) about copies, near copies and what is held out: the other trace of each, by trace (ids
    inside). None for what is its own copy, and for what was erased. One query, none where nothing names another."""
    named = {trace: facts for trace, facts in decided if facts.get("other") not in (None, trace)}
    if not named:
        return {}
    known = Trace.objects.filter(project=project, erased_at=None).only("uid", "external_id")
    found = known.in_bulk([facts["other"] for facts in named.values()])
    return {
        trace: Other(found[facts["other"]], _similarity(facts))
        for trace, facts in named.items() if facts["other"] in found
    }  # fmt: skip


def _similarity(facts: Mapping[str, Any]) -> float | None:
    value, gate = facts.get("value"), facts.get("gate")
    if value is None or gate not in ("near", "near_held_out"):
        return None
    return min(float(value), near.ALMOST) if gate == "near" else float(value)


def changed_rows(found: DatasetVersion, kind: str) -> QuerySet[DatasetRow]:
    """The rows behind one number of `Changed`, by its field name."""
    return DatasetRow.objects.filter(version=found).filter(_since(found)[kind])


def changed(found: DatasetVersion) -> Changed:
    """How many rows rest on something that changed since the freezing. One query over the version's rows."""
    counted = {kind: Count("pk", filter=condition) for kind, condition in _since(found).items()}
    return Changed(**DatasetRow.objects.filter(version=found).aggregate(**counted))


def _since(found: DatasetVersion) -> dict[str, Q]:
    turned = Q(judgment__isnull=False) & ~Q(trace__verdict=F("judgment__verdict"))
    turned |= Q(judgment__withdrawn_at__isnull=False)
    # a pair or a label may rest on a rejected trace without any judgment of its own
    turned |= Q(judgment=None, kind="chat", trace__verdict__in=["unacceptable", "unsure"])
    corrections = Q(correction__withdrawn_at__isnull=False)
    if found.recipe.get("corrections") != "ignore":
        standing = Correction.objects.filter(
            trace=OuterRef("trace"), revision=OuterRef("revision"), withdrawn_at=None, created_at__gt=found.created_at
        )
        corrections |= Q(Exists(standing))
    return {
        "judgments": turned,
        "corrections": corrections,
        "traces": ~Q(trace__revision=F("revision")),
        "erased": Q(trace__erased_at__isnull=False) | Q(other_trace__erased_at__isnull=False),
    }


@dataclass(slots=True)
class Descent:
    """What came of a version, as outside ids, nearest first."""

    runs: list[uuid.UUID] = field(default_factory=list)
    models: list[uuid.UUID] = field(default_factory=list)


def descent(found: DatasetVersion) -> Descent:
    """Runs and models that learned from a version, from the lineage that they wrote."""
    came = Descent()
    start = lineage.Node("dataset_version", str(found.uid))
    for node in lineage.descendants(project=found.dataset.project, source=start):
        if node.kind == "run":
            came.runs.append(uuid.UUID(node.id))
        elif node.kind == "model":
            came.models.append(uuid.UUID(node.id))
    return came
