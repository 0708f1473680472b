"""Datasets and their versions: freeze, list, read rows."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema, Status
from pydantic import ConfigDict

from curation import filters, tasks
from curation.api.routing import router
from curation.datasets import build, freezing, read, recipe
from curation.models import Dataset, DatasetVersion, Freezing
from curation.review import blind
from workspace.access import enter, reader_of
from workspace.models import Project, Role
from workspace.nudge import nudge
from workspace.problems import Problem

Split = Literal["train", "validation", "test"]
TAGS = ["datasets"]


class RecipeIn(Schema):
    """How rows are chosen and split. What is left out has its default; docs/exports.md explains every field."""

    task: str = Field("chat", description="What a row teaches: chat, tool_selection, pairs, labels, prompts ...")
    task_options: dict[str, Any] = Field(default_factory=dict, description="Options of that task.")
    upload: str = Field("", description="Id of an upload: only its traces. Empty: all that the filter matches.")
    until: str = Field("", description="Only traces received until this ISO time. Empty: the moment of freezing.")
    judgments: list[str] = Field(["acceptable"], description="Some of acceptable, unacceptable, unjudged.")
    corrections: str = Field(
        "use", description="use, rescue (a rejected trace comes in where it was corrected), ignore."
    )
    bad_steps: str = Field("keep", description="keep, mask (steps judged bad are context only).")
    measures: list[dict[str, Any]] = Field(default_factory=list, description='{"score", "passed"}, all of them.')
    min_quality: float | None = Field(None, description="Least response_quality (else mean feedback rating), 0 to 5.")
    min_confidence: float | None = Field(None, description="Least validation_confidence, 0 to 1.")
    gates: list[dict[str, Any]] = Field(
        default_factory=list, description='{"score", "operator": gte|gt|lte|lt|eq, "threshold"}, all must pass.'
    )
    weights: dict[str, float] = Field(default_factory=dict, description="Weights of scores in the composite.")
    required: list[str] = Field(default_factory=list, description="Scores without which a trace is left out.")
    min_score: float | None = Field(None, description="Least composite, 0 to 1.")
    use_original_outputs: bool = Field(True, description="false takes the answers of answers_from.")
    answers_from: str = Field("", description="Id of a generation batch.")
    dedupe: str | bool = Field("exact", description="none, exact, near. true is exact, false is none.")
    near_threshold: float = Field(0.7, description="Estimated Jaccard similarity of word 5-grams, 0.5 to 1.")
    outliers: str = Field("", description="length, content, or empty.")
    personal: str = Field("tell", description="tell, exclude, replace.")
    balance: dict[str, Any] | None = Field(None, description='{"field": agent|model|env|topic|meta.KEY, "most"}')
    coreset: dict[str, Any] | None = Field(
        None, description='{"strategy": loss_topk|diversity|hybrid|random, "size", "loss_ratio", "loss"}'
    )
    mix: dict[str, Any] | None = Field(
        None, description='{"strategy": weighted|balanced|curriculum, "by", "weights", "least"}'
    )
    replay: dict[str, Any] | None = Field(None, description='{"buffer", "ratio", "capacity"}')
    max_examples: int | None = Field(None, description="At most so many, best by composite where weights are given.")
    limit: int | None = Field(None, description="At most so many rows.")
    order: str = Field("newest", description="Which come first: newest, oldest, sample, composite.")
    seed: int = Field(0, description="Keys the split and every draw.")
    validation: float = Field(0.1, description="Share of the validation split, 0 to 1.")
    test: float = Field(0.1, description="Share of the test split, 0 to 1.")
    group_by: str = Field(
        "task", description="What is never split: task (else session, else trace), session, user, trace, cluster."
    )
    stratify: str = Field("", description="topic: the shares hold within each topic.")
    folds: int = Field(0, description="Folds of cross-validation, 0 for none.")
    held_out: str = Field("project", description="Whose test rows never train: project, dataset.")

    model_config = ConfigDict(extra="forbid")


class FreezeIn(Schema):
    """What to freeze."""

    name: str = Field(description="Small letters, digits, - and _; the dataset is made where it does not exist.")
    filter: str = Field("", description="As in the trace list. Empty: every trace that is not archived.")
    recipe: RecipeIn = Field(default_factory=lambda: RecipeIn.model_validate({}))
    description: str = Field("", max_length=2000, description="Kept when the dataset is made.")


class VersionOut(Schema):
    """A frozen version. Token counts are estimates (characters / 4)."""

    id: UUID
    dataset: str
    version: int
    filter: str
    resolved_filter: str = Field(description="The filter with absolute times, as it was when frozen.")
    recipe: dict[str, Any]
    rows: int
    content_hash: str = Field(description="SHA-256 over digest and split of every row in order.")
    counts: dict[str, Any] = Field(description="looked_at, rows per split, by_reason, tokens, checks per format ...")
    warnings: list[dict[str, str]]
    frozen_by: str
    frozen_at: datetime


class ChangedOut(Schema):
    """Rows that rest on something that changed after the freezing."""

    judgments: int
    corrections: int
    traces: int
    erased: int


class VersionDetail(VersionOut):
    """A version with what changed since."""

    changed_since: ChangedOut


class DatasetOut(Schema):
    """A dataset and its versions, newest first."""

    name: str
    description: str
    created_at: datetime
    versions: list[VersionOut]


class DatasetList(Schema):
    """A page of datasets by name."""

    items: list[DatasetOut]
    next: str | None


class FreezingOut(Schema):
    """A version that is frozen behind."""

    id: UUID
    name: str
    status: str = Field(description="waiting, working, done, failed or cancelled")
    stage: str = Field(description="reading, choosing or writing")
    done: int = Field(description="Of the stage.")
    total: int = Field(description="Of the stage; 0 where it is not known.")
    error: str
    version: VersionOut | None
    created_at: datetime
    ended_at: datetime | None


class PreviewOut(Schema):
    """What a freeze would give now."""

    resolved_filter: str
    counts: dict[str, Any]
    warnings: list[dict[str, str]]


class RowOut(Schema):
    """One row and what it rests on; ids are null where there is nothing."""

    row: int
    split: str
    group: str
    trace: UUID
    external_id: str
    revision: int
    judgment: UUID | None
    judged_by: str | None
    correction: UUID | None
    digest: str


class RowList(Schema):
    """A page of rows in order."""

    items: list[RowOut]
    next: str | None


@router.get("/datasets", response=DatasetList, tags=TAGS, summary="List datasets")
def list_datasets(request: HttpRequest, slug: Path[str], cursor: str = ""):
    """Datasets by name, 50 a page, each with its versions."""
    entry = enter(request, slug, Role.REVIEWER)
    page, listed = read.datasets(entry.project, cursor=cursor)
    return {"items": [_dataset(one) for one in listed], "next": page.older or None}


@router.post("/datasets", response={201: VersionOut, 202: FreezingOut}, tags=TAGS, summary="Freeze a version")
def freeze_dataset(request: HttpRequest, slug: Path[str], body: FreezeIn):
    """Freeze what the filter matches now as the next version of the dataset. What takes longer than about a second is
    answered with 202 and how far it is: ask `GET /freezings/{id}` until its status is done."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        came = freezing.ask(
            project=entry.project,
            name=body.name,
            query_text=body.filter,
            actor=entry.actor,
            recipe=recipe.parse(body.recipe.dict()),
            description=body.description,
        )
    except freezing.Refusals as error:
        raise problem(error) from None
    if isinstance(came, DatasetVersion):
        return Status(201, _version(came))
    nudge(tasks.freeze, came.pk)
    return Status(202, _freezing(came))


@router.get("/freezings/{freezing_id}", response=FreezingOut, tags=TAGS, summary="See how far a freezing is")
def read_freezing(request: HttpRequest, slug: Path[str], freezing_id: Path[UUID]):
    """Its stage while it is under way, its version once it is done, else why there is none."""
    entry = enter(request, slug, Role.ENGINEER)
    return _freezing(_found_freezing(entry.project, freezing_id))


@router.post("/freezings/{freezing_id}/cancel", response=FreezingOut, tags=TAGS, summary="Cancel a freezing")
def cancel_freezing(request: HttpRequest, slug: Path[str], freezing_id: Path[UUID]):
    """No version is made."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _found_freezing(entry.project, freezing_id)
    if not freezing.cancel(found, entry.actor):
        raise Problem(409, "not_running", f"The freezing is {found.status}.")
    return _freezing(found)


@router.post("/datasets/preview", response=PreviewOut, tags=TAGS, summary="Count without freezing")
def preview_dataset(request: HttpRequest, slug: Path[str], body: FreezeIn):
    """The counts that freezing would give; no dataset is written. Texts are read for some seconds: what was not reached is
    counted as `not_looked_at`, and the next preview goes on from there."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        chosen = recipe.parse(body.recipe.dict())
        seen = build.preview(project=entry.project, query_text=body.filter, recipe=chosen, name=body.name)
    except (recipe.RecipeError, filters.FilterError) as error:
        raise problem(error) from None
    return {"resolved_filter": seen.resolved_query, "counts": seen.counts, "warnings": seen.counts["warnings"]}


@router.get("/datasets/{name}", response=DatasetOut, tags=TAGS, summary="One dataset")
def get_dataset(request: HttpRequest, slug: Path[str], name: str):
    """A dataset with all its versions."""
    entry = enter(request, slug, Role.REVIEWER)
    found = read.with_versions(Dataset.objects.filter(project=entry.project, name=name))
    if not found:
        raise Http404(f"There is no dataset {name!r} in this project.")
    return _dataset(found[0])


@router.get("/datasets/{name}/versions/{n}", response=VersionDetail, tags=TAGS, summary="One version")
def get_version(request: HttpRequest, slug: Path[str], name: str, n: int):
    """A version, and how many of its rows rest on something that changed since."""
    entry = enter(request, slug, Role.REVIEWER)
    found = _find(entry.project, name, n)
    changed = read.changed(found)
    since = {
        "judgments": changed.judgments,
        "corrections": changed.corrections,
        "traces": changed.traces,
        "erased": changed.erased,
    }
    return {**_version(found), "changed_since": since}


@router.get("/datasets/{name}/versions/{n}/rows", response=RowList, tags=TAGS, summary="Rows and what they rest on")
def list_rows(
    request: HttpRequest,
    slug: Path[str],
    name: str,
    n: int,
    split: Split | None = None,
    cursor: str = "",
    size: int = Query(100, ge=1, le=500),
):
    """Rows in order, without their messages. What others said is left out (null) for a reviewer for whom the trace waits in
    a blind queue."""
    entry = enter(request, slug, Role.REVIEWER)
    page = read.rows(_find(entry.project, name, n), split=split or "", cursor=cursor, size=size)
    hidden = blind.hidden_of(traces=[row.trace for row in page.rows], user=reader_of(entry))
    return {"items": [_row(row, row.trace_id in hidden) for row in page.rows], "next": page.older or None}


def _found_freezing(project: Project, uid: UUID) -> Freezing:
    found = Freezing.objects.select_related("project").filter(project=project, uid=uid).first()
    if found is None:
        raise Http404("There is no such freezing in this project.")
    return found


def _freezing(found: Freezing) -> dict[str, Any]:
    version = freezing.version_of(found)
    return {
        "id": found.uid, "name": found.name, "status": found.status if version is None else "done", "stage": found.stage,
        "done": found.done, "total": found.total, "error": found.error,
        "version": None if version is None else _version(version), "created_at": found.created_at,
        "ended_at": found.ended_at,
    }  # fmt: skip


def _find(project: Any, name: str, number: int) -> DatasetVersion:
    try:
        return read.version(project, name, number)
    except DatasetVersion.DoesNotExist:
        raise Http404(f"There is no version {number} of a dataset {name!r} in this project.") from None


def problem(error: Exception) -> Problem:
    """What the work refused, in the API's one shape."""
    text = str(error)
    if isinstance(error, recipe.RecipeError):
        details = [{"where": f"recipe.{field}", "reason": reason} for field, reason in error.problems]
        return Problem(422, "invalid_recipe", text, details=details)
    if isinstance(error, filters.FilterError):
        return Problem(
            422, "invalid_filter", text, details=[{"where": f"filter:{error.position}", "reason": error.message}]
        )
    if isinstance(error, build.BadName):
        return Problem(422, "invalid_name", text, details=[{"where": "name", "reason": text}])
    assert isinstance(error, build.NothingToFreeze)
    details = [{"where": code, "reason": f"{count} traces"} for code, count in error.dropped.items()]
    return Problem(409, "no_rows", text, details=details)


def _dataset(one: read.Listed) -> dict[str, Any]:
    found = one.dataset
    return {
        "name": found.name,
        "description": found.description,
        "created_at": found.created_at,
        "versions": [_version(version) for version in one.versions],
    }


def _version(found: DatasetVersion) -> dict[str, Any]:
    return {
        "id": found.uid,
        "dataset": found.dataset.name,
        "version": found.number,
        "filter": found.query,
        "resolved_filter": found.resolved_query,
        "recipe": found.recipe,
        "rows": found.counts["rows"],
        "content_hash": found.content_hash,
        "counts": found.counts,
        "warnings": found.counts["warnings"],
        "frozen_by": found.author,
        "frozen_at": found.created_at,
    }


def _row(row: Any, hidden: bool) -> dict[str, Any]:
    judgment, correction = (None, None) if hidden else (row.judgment, row.correction)
    return {
        "row": row.position,
        "split": row.split,
        "group": row.split_group,
        "trace": row.trace.uid,
        "external_id": row.trace.external_id,
        "revision": row.revision.number,
        "judgment": judgment.uid if judgment else None,
        "judged_by": judgment.author if judgment else None,
        "correction": correction.uid if correction else None,
        "digest": row.digest,
    }
