"""Topics: the tree with its counts, making and changing them, what one trace is about; two versions compared."""

import uuid
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema, Status

from curation.api.routing import router
from curation.api.topics_told import TAGS, TopicOut, problem, topic_out
from curation.browse.patience import TooSlow, patience
from curation.datasets import compare, read, topics
from curation.datasets.topics import BadTopic
from curation.models import DatasetVersion, Topic, Trace
from workspace.access import Entry, enter, reader_of
from workspace.models import Role
from workspace.problems import Problem

SECONDS = 20.0


class TopicIn(Schema):
    """A topic. With a filter it is a rule; without one it is given by hand or by a clustering."""

    name: str = Field(max_length=120)
    parent: str = Field("", description="Slug of the topic that it stands below; empty: at the top.")
    q: str = Field("", description="The rule: traces that match are of this topic, unless they were given another.")


class TopicChange(Schema):
    """What to change; what is absent stays. The slug always stays."""

    name: str | None = Field(None, max_length=120)
    parent: str | None = None
    q: str | None = None


class TopicCounted(TopicOut):
    """A topic with its traces, in the order of the tree."""

    depth: int
    own: int = Field(description="Traces of the topic itself.")
    total: int = Field(description="With those of all topics below it.")
    share: float = Field(description="Of `total` in all traces that have a topic.")
    by: dict[str, int] = Field(description="`own` by hand, cluster and rule.")
    broken: str = Field(description="Why the rule matches nothing; empty: it is read.")


class TopicTree(Schema):
    """All topics. The balance is the share of the smallest topic over that of the largest; null with fewer than two."""

    items: list[TopicCounted]
    traces: int
    without: int
    balance: float | None
    level: str = Field(
        description="excellent (from 0.8), good (0.6), fair (0.4), poor (0.2), critical; training wants > 0.5"
    )


class TraceTopicIn(Schema):
    """What a trace is about, said by hand."""

    topic: str = Field(description="Slug; empty takes back what was said.")


class TraceTopicOut(Schema):
    """What a trace is about and how that is known."""

    topic: str | None
    source: str = Field(description="hand, cluster or rule; empty: it has none")


class DiffersOut(Schema):
    """An option of the recipe, or the filter, that differs."""

    option: str
    before: str
    after: str


class DiffOut(Schema):
    """Two versions of a dataset. A row is the same where trace, conversation and part are."""

    a: int
    b: int
    rows_before: int
    rows_after: int
    same: int
    came: int
    went: int
    changed: int
    came_by: dict[str, int] = Field(description="Why: what the older version said of the trace.")
    went_by: dict[str, int] = Field(description="Why: what the newer version says of the trace.")
    changed_by: dict[str, int] = Field(
        description="content, revision, judgment, correction, split; a row may count twice."
    )
    moves: list[dict[str, Any]] = Field(description="Rows that changed their split: from, to, rows.")
    recipe: list[DiffersOut]


class DiffRow(Schema):
    """A row that came, went or changed; `row` is its place in the version that holds it (of both: the newer)."""

    row: int
    was: int | None
    trace: uuid.UUID
    external_id: str
    split: str
    was_split: str | None
    changes: list[str]
    why: str
    detail: str


class DiffRows(Schema):
    """A page of rows of a difference."""

    items: list[DiffRow]
    next: str | None


@router.get("/topics", response=TopicTree, tags=TAGS, summary="Topics with their counts")
def list_topics(request: HttpRequest, slug: Path[str]):
    """The tree in its order, each topic before those below it. 503 where a rule takes too long to be tried."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        with patience(SECONDS):
            seen = topics.overview(entry.project)
    except TooSlow as error:
        raise Problem(503, "too_slow", f"A rule takes too long to be tried on every trace. {error}") from None
    items = [
        {**topic_out(node.topic), "depth": node.depth, "own": node.own, "total": node.total, "share": node.share,
         "by": node.by or {}, "broken": node.broken}
        for node in seen.nodes
    ]  # fmt: skip
    return {"items": items, "traces": seen.traces, "without": seen.without, "balance": seen.balance.score,
            "level": seen.balance.level}  # fmt: skip


@router.post("/topics", response={201: TopicOut}, tags=TAGS, summary="Make a topic")
def make_topic(request: HttpRequest, slug: Path[str], body: TopicIn):
    """It comes after those that stand beside it: of several rules that match the first counts."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        made = topics.create(project=entry.project, actor=entry.actor, name=body.name, parent=body.parent, query=body.q)
    except BadTopic as error:
        raise problem(error) from None
    return Status(201, topic_out(made))


@router.patch("/topics/{topic}", response=TopicOut, tags=TAGS, summary="Change a topic")
def change_topic(request: HttpRequest, slug: Path[str], topic: str, body: TopicChange):
    """Its name, place or rule."""
    entry = enter(request, slug, Role.ENGINEER)
    found = _find(entry, topic)
    above = found.parent.slug if found.parent else ""
    try:
        topics.change(
            topic=found, actor=entry.actor, name=found.name if body.name is None else body.name,
            parent=above if body.parent is None else body.parent, query=found.query if body.q is None else body.q,
        )  # fmt: skip
    except BadTopic as error:
        raise problem(error) from None
    return topic_out(found)


@router.delete("/topics/{topic}", response={204: None}, tags=TAGS, summary="Remove a topic")
def remove_topic(request: HttpRequest, slug: Path[str], topic: str):
    """What stands below it moves up. 409 while traces are given it: take it from them by an act (`topic`, no argument)."""
    entry = enter(request, slug, Role.ENGINEER)
    try:
        topics.remove(topic=_find(entry, topic), actor=entry.actor)
    except BadTopic as error:
        raise Problem(409, "topic_in_use", str(error)) from None
    return Status(204, None)


@router.get("/traces/{trace_id}/topic", response=TraceTopicOut, tags=TAGS, summary="What a trace is about")
def get_trace_topic(request: HttpRequest, slug: Path[str], trace_id: uuid.UUID):
    """By hand before by cluster before by rule."""
    entry = enter(request, slug, Role.REVIEWER)
    return _about(_trace(entry, trace_id))


@router.put("/traces/{trace_id}/topic", response=TraceTopicOut, tags=TAGS, summary="Say what a trace is about")
def give_trace_topic(request: HttpRequest, slug: Path[str], trace_id: uuid.UUID, body: TraceTopicIn):
    """By hand; for many traces at once there is the act `topic`."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = _trace(entry, trace_id)
    try:
        topics.give(trace=trace, slug=body.topic, actor=entry.actor)
    except BadTopic as error:
        raise problem(error) from None
    return _about(trace)


@router.get("/datasets/{name}/diff", response=DiffOut, tags=["datasets"], summary="Compare two versions")
def diff_versions(request: HttpRequest, slug: Path[str], name: str, a: int = 0, b: int = 0):
    """What came, went and changed from version a (0: the one before b) to version b (0: the newest), and why."""
    entry = enter(request, slug, Role.REVIEWER)
    older, newer = _versions(entry, name, a, b)
    found = compare.counts(older, newer)
    moves = [{"from": before, "to": after, "rows": rows} for (before, after), rows in found.moves.most_common()]
    return {
        "a": older.number, "b": newer.number, "rows_before": found.before, "rows_after": found.after, "same": found.same,
        "came": found.came,
        "went": found.went, "changed": found.changed, "came_by": found.why[compare.CAME],
        "went_by": found.why[compare.WENT], "changed_by": found.by_change, "moves": moves,
        "recipe": [
            {"option": one.name, "before": one.before, "after": one.after} for one in compare.recipes(older, newer)
        ],
    }  # fmt: skip


@router.get("/datasets/{name}/diff/rows", response=DiffRows, tags=["datasets"], summary="Rows that differ")
def diff_rows(
    request: HttpRequest,
    slug: Path[str],
    name: str,
    a: int = 0,
    b: int = 0,
    show: Literal["in", "out", "changed"] = "in",
    why: str = "",
    cursor: str = "",
    size: int = Query(100, ge=1, le=500),
):
    """Rows in order; `why` keeps those with one reason (of came_by, went_by) or one change (of changed_by). What was said
    of a trace is withheld from a person who must judge it blind first: `why` and `detail` are empty then."""
    entry = enter(request, slug, Role.REVIEWER)
    older, newer = _versions(entry, name, a, b)
    if why and why not in compare.codes(show):
        raise Problem(
            422, "unknown_reason", f"There is no reason {why!r} there.", details=[{"where": "why", "reason": why}]
        )
    page, shown = compare.listed(older, newer, show=show, why=why, cursor=cursor, size=size, reader=reader_of(entry))
    items = [
        {"row": one.row.position, "was": one.other.position if one.other else None, "trace": one.row.trace.uid,
         "external_id": one.row.trace.external_id, "split": one.row.split,
         "was_split": one.other.split if one.other else None, "changes": list(one.changes), "why": one.why,
         "detail": one.detail}
        for one in shown
    ]  # fmt: skip
    return {"items": items, "next": page.older or None}


def _about(trace: Trace) -> dict[str, Any]:
    topic, source = topics.of_trace(trace)
    return {"topic": topic.slug if topic else None, "source": source}


def _find(entry: Entry, slug: str) -> Topic:
    found = Topic.objects.select_related("parent", "project").filter(project=entry.project, slug=slug).first()
    if found is None:
        raise Http404(f"There is no topic {slug!r} in this project.")
    return found


def _trace(entry: Entry, uid: uuid.UUID) -> Trace:
    found = Trace.objects.select_related("project").filter(project=entry.project, uid=uid).first()
    if found is None:
        raise Http404("There is no such trace in this project.")
    return found


def _versions(entry: Entry, name: str, a: int, b: int) -> tuple[DatasetVersion, DatasetVersion]:
    try:
        newer = read.version(entry.project, name, b or None)
        return read.version(entry.project, name, a or max(1, newer.number - 1)), newer
    except DatasetVersion.DoesNotExist:
        raise Http404(f"There are no such versions of a dataset {name!r} in this project.") from None
