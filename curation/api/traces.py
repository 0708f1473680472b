"""Reading traces: the list and one trace."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch
from django.http import Http404, HttpRequest
from ninja import Field, Path, Query, Schema

from curation import filters
from curation.api.routing import router
from curation.browse import rows
from curation.browse.patience import TooSlow, patience
from curation.models import Judgment, Score, Trace
from curation.review import blind, scores
from workspace.access import Entry, enter, reader_of
from workspace.models import Role
from workspace.problems import Problem

MOST = 200
SECONDS = 10.0


class ScoreOut(Schema):
    """One value; exactly one of number, boolean and category is set."""

    name: str
    number: float | None = None
    low: float | None = Field(None, description="Declared range of the number.")
    high: float | None = None
    boolean: bool | None = None
    category: str | None = None
    passed: bool | None = None
    source: str = Field(description="human, judge, code, imported or worker")
    author: str = ""
    grader_version: str = ""
    reason: str = ""
    created_at: datetime


class JudgmentOut(Schema):
    """One person's word on one revision."""

    id: uuid.UUID
    author: str
    verdict: str
    rating: int | None = None
    note: str = ""
    adjudicated: bool
    revision: int = Field(description="Number of the revision that was seen.")
    created_at: datetime
    withdrawn_at: datetime | None = None


class TraceOut(Schema):
    """A trace as lists show it. null is unknown, never 0."""

    id: uuid.UUID
    external_id: str
    name: str
    preview: str = Field(description="The start of the first user message.")
    agent: str
    model: str
    environment: str
    session_id: str
    user_id: str
    task_id: str
    status: str
    received_at: datetime
    started_at: datetime | None
    latency_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None = Field(description="US dollars, as text.")
    turns: int
    steps: int
    tool_calls: int
    errors: int
    tools: list[str]
    tags: list[str]
    source_format: str
    archived: bool
    verdict: str | None = Field(description="The effective judgment; null while unjudged.")
    verdict_stale: bool = Field(description="The trace changed after it was judged.")
    scores: dict[str, float | bool | str] = Field(description="The value that counts under each name.")


class TraceList(Schema):
    """A page; `next` is the cursor of the page behind it, null on the last."""

    items: list[TraceOut]
    next: str | None
    windowed: bool = Field(
        description="Any order but the newest first is made among the newest 10,000 that match; true where more match."
    )


class TraceDetail(TraceOut):
    """A trace with everything that was said, in the internal form."""

    metadata: dict[str, Any] | None = Field(description="As the sender attached it; null while a blind queue hides it.")
    revision: int | None = Field(description="Number of the newest revision.")
    document: dict[str, Any] | None = Field(
        description="The internal form: conversations with messages and tools. Arguments and schemas are JSON as text."
    )
    import_notes: list[str] = Field(description="What could not be taken over, in words.")
    all_scores: list[ScoreOut] = Field(description="Every value, newest first.")
    judgments: list[JudgmentOut] = Field(description="Newest first, withdrawn ones included.")


class ListParams(Schema):
    """What part of the list."""

    q: str = Field("", description="Filter, such as `agent:support -judged:yes latency>15s`; see the documentation.")
    sort: str = Field(
        "-seen", description="seen, agent, steps, errors, tokens, cost, time or score.NAME; - for falling."
    )
    cursor: str = Field("", description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=MOST)


@router.get("/traces", response=TraceList, summary="List traces")
def list_traces(request: HttpRequest, slug: Path[str], params: Query[ListParams]) -> dict[str, Any]:
    """Traces that match a filter, newest first. Archived ones only where the filter names `archived`. For a reviewer those
    that wait in a blind queue come without verdict and scores, and not at all where the filter asks for these."""
    entry = enter(request, slug, Role.REVIEWER)
    try:
        query = filters.parse(params.q)
    except filters.FilterError as error:
        details = [{"where": f"q, character {error.position + 1}", "reason": error.message}]
        if error.suggestion:
            details.append({"where": "q", "reason": f"Perhaps: {error.suggestion}"})
        raise Problem(400, "bad_filter", error.message, details=details) from None
    try:
        order = rows.read_order(params.sort)
    except rows.UnknownOrder as error:
        raise Problem(400, "bad_sort", str(error), details=[{"where": "sort", "reason": str(error)}]) from None
    try:
        with patience(SECONDS):
            page, windowed = rows.plain_page(
                project=entry.project,
                query=query,
                order=order,
                cursor=params.cursor,
                size=params.limit,
                reader=reader_of(entry),
            )
    except TooSlow as error:
        said = f"{error} Narrow the filter, for example with since:7d."
        raise Problem(503, "too_slow", said, details=[{"where": "q", "reason": said}]) from None
    found = scores.effective(page.rows)
    hidden = _hidden(entry, page.rows)
    return {
        "items": [_brief(trace, found.get(trace.pk, {}), trace.pk in hidden) for trace in page.rows],
        "next": page.older or None,
        "windowed": windowed,
    }


@router.get("/traces/{trace_id}", response=TraceDetail, summary="Read a trace")
def read_trace(request: HttpRequest, slug: Path[str], trace_id: Path[uuid.UUID]) -> dict[str, Any]:
    """One trace: its newest revision in the internal form, its scores and judgments. What others said and measured is left
    out for a reviewer for whom the trace waits in a blind queue."""
    entry = enter(request, slug, Role.REVIEWER)
    trace = (
        Trace.objects.filter(project=entry.project, uid=trace_id)
        .select_related("revision")
        .prefetch_related(
            Prefetch("judgments", Judgment.objects.select_related("revision").order_by("-id")),
            Prefetch("scores", Score.objects.order_by("-id")),
        )
        .first()
    )
    if trace is None:
        raise Http404("There is no such trace in this project.")
    revision, user = trace.revision, entry.actor.user
    hidden = bool(_hidden(entry, [trace]))
    judged = [row for row in trace.judgments.all() if not hidden or (user is not None and row.user_id == user.pk)]
    return _brief(trace, scores.effective([trace]).get(trace.pk, {}), hidden) | {
        "metadata": None if hidden else trace.metadata,
        "revision": revision.number if revision else None,
        "document": revision.document if revision else None,
        "import_notes": revision.import_notes if revision else [],
        "all_scores": [_score(score) for score in trace.scores.all() if not hidden],
        "judgments": [_judgment(judgment) for judgment in judged],
    }


def _hidden(entry: Entry, traces: Sequence[Trace]) -> set[int]:
    return blind.hidden_of(traces=traces, user=reader_of(entry))


def _brief(trace: Trace, scores: dict[str, Score], hidden: bool) -> dict[str, Any]:
    columns = (name for name in TraceOut.model_fields if name not in ("id", "archived", "verdict", "scores"))
    return {name: getattr(trace, name) for name in columns} | {
        "id": trace.uid,
        "archived": trace.archived_at is not None,
        "verdict": None if hidden else trace.verdict or None,
        "verdict_stale": trace.verdict_stale and not hidden,
        "scores": {} if hidden else {name: _value(score) for name, score in scores.items()},
    }


def _value(score: Score) -> float | bool | str:
    return score.number if score.number is not None else score.boolean if score.boolean is not None else score.category


def _score(score: Score) -> dict[str, Any]:
    columns = (name for name in ScoreOut.model_fields if name != "category")
    return {name: getattr(score, name) for name in columns} | {"category": score.category or None}


def _judgment(judgment: Judgment) -> dict[str, Any]:
    columns = (name for name in JudgmentOut.model_fields if name not in ("id", "revision"))
    return {name: getattr(judgment, name) for name in columns} | {
        "id": judgment.uid,
        "revision": judgment.revision.number,
    }
