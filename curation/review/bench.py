"""Everything the review page shows, read in few queries: one for the trace and all that was said of it, three for the
queue around it."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, IntegerField, OuterRef, Q, QuerySet, When
from django.db.models.fields.json import KT
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.safestring import SafeString

from curation.messages.form import Document, final_answer, main_conversation, text_of
from curation.models import (
    Correction,
    DatasetRow,
    Feedback,
    Judgment,
    QueueItem,
    ReviewQueue,
    Score,
    StepVerdict,
    Trace,
    TraceRevision,
)
from curation.review import diff, queues, transcript
from curation.review.blocks import plain_text
from curation.review.shown import markdown, one_line
from workspace import formats
from workspace.models import Project, User

SCORES = 100
JUDGMENTS = 50


@dataclass(slots=True)
class Opinion:
    """One standing judgment as the page shows it."""

    uid: str
    author: str
    verdict: str
    rating: int | None
    note: str
    at: datetime
    own: bool
    stale: bool


@dataclass(slots=True)
class Measured:
    """One score as text: `good` says whether it passed, None where it has no gate."""

    name: str
    value: str
    good: bool | None
    reason: str
    source: str
    author: str


@dataclass(slots=True)
class Edited:
    """A standing correction of the final answer."""

    author: str
    own: bool
    text: str
    rendered: str
    changes: diff.Diff
    stale: bool


@dataclass(slots=True)
class Bench:
    """The page of one trace. `item` and what follows it are None outside of a queue."""

    trace: Trace
    revision: int
    head: transcript.Slice
    gap: transcript.Gap | None
    tail: transcript.Slice
    run: transcript.Transcript
    opinions: list[Opinion]
    scores: list[Measured]
    edited: Edited | None
    answer: str
    key: str
    item: QueueItem | None = None
    progress: queues.Progress | None = None
    ahead: uuid.UUID | None = None
    before: uuid.UUID | None = None
    holder: str = ""
    feedback: list[dict[str, Any]] = field(default_factory=list)
    datasets: list[dict[str, Any]] = field(default_factory=list)

    @property
    def title(self) -> SafeString:
        """What the page is called: the trace's name, else how its first message begins."""
        return one_line(self.trace.name or self.trace.preview or self.trace.external_id, 140)

    @property
    def mine(self) -> Opinion | None:
        """The reader's own standing judgment of this revision."""
        return next((one for one in self.opinions if one.own and not one.stale), None)

    @property
    def others(self) -> list[Opinion]:
        """What others said, newest first."""
        return [one for one in self.opinions if not one.own]

    @property
    def rubric(self) -> list[str]:
        """The queue's instructions, a rule a line."""
        return [line.strip() for line in self.item.queue.instructions.splitlines() if line.strip()] if self.item else []

    @property
    def lease_seconds(self) -> int:
        """How long the reader still holds the item."""
        if self.item is None or self.item.leased_until is None:
            return 0
        return max(0, round((self.item.leased_until - timezone.now()).total_seconds()))


def open_item(*, project: Project, user: User, queue_slug: str, item_uid: uuid.UUID, upto: int = 0) -> Bench:
    """The page of a queue's item: leases it and the one behind it, so that the browser can load that one early. An item
    that somebody else holds is shown and not taken. Raises QueueItem.DoesNotExist."""
    found = QueueItem.objects.filter(queue__project=project, queue__slug=queue_slug, uid=item_uid)
    item = _with_words(found.select_related("queue", "trace__revision", "leased_by"), user, "trace__").get()
    bench = _bench(item.trace, item, user, upto)
    bench.item = item
    # the holder before us: the lease statement below tells only whether it is ours now
    holder, until = item.leased_by, item.leased_until
    held, bench.ahead = queues.hold_and_lease_ahead(item=item, user=user)
    if not held and item.status == QueueItem.Status.OPEN and holder is not None and until and until > timezone.now():
        bench.holder = str(holder)
    bench.progress = queues.progress(queue=item.queue, user=user)
    bench.before = _before(item, user)
    return bench


def open_trace(*, project: Project, user: User | None, trace_uid: uuid.UUID, upto: int = 0) -> Bench:
    """The page of a trace outside of any queue, with the datasets it is in. Raises Trace.DoesNotExist."""
    found = Trace.objects.filter(project=project, uid=trace_uid).select_related("revision")
    trace = _with_words(found, user, "").get()
    bench = _bench(trace, trace, user, upto)
    bench.feedback = [{**one, "at": datetime.fromisoformat(one["at"])} for one in trace.told]
    rows = DatasetRow.objects.filter(trace=trace).order_by("-version_id", "position")
    columns = ("version__dataset__name", "version__number", "position", "split")
    bench.datasets = [dict(row) for row in rows.values(*columns)[:100]]
    return bench


def run_of(*, project: Project, trace_uid: uuid.UUID, user: User | None) -> transcript.Transcript:
    """Only the conversation, for the parts of a long one. Raises Trace.DoesNotExist."""
    revision = _document_of(project, trace_uid)
    verdicts = StepVerdict.objects.filter(revision=revision.pk, user=user).values_list("step_key", "value")
    return transcript.read(revision.document, verdicts=dict(verdicts))


def text_of_block(
    *, project: Project, trace_uid: uuid.UUID, conversation: int, message: int, call: int | None
) -> str | None:
    """The plain text behind a block; None where there is no such block. Raises Trace.DoesNotExist."""
    return plain_text(_document_of(project, trace_uid).document, conversation, message, call)


def _document_of(project: Project, trace_uid: uuid.UUID) -> TraceRevision:
    trace = Trace.objects.select_related("revision").get(project=project, uid=trace_uid)
    if trace.revision is None:
        raise Trace.DoesNotExist
    return trace.revision


def _with_words(rows: "QuerySet[Any]", user: User | None, prefix: str) -> "QuerySet[Any]":
    """Add what people and graders said of the trace, as JSON arrays of the same query."""
    trace, revision = OuterRef(f"{prefix}pk"), OuterRef(f"{prefix}revision")
    if prefix:
        trace = OuterRef("trace_id")
    words = JSONObject(
        uid="uid", author="author", verdict="verdict", rating="rating", note="note", at="created_at", user="user_id",
        revision="revision_id",
    )  # fmt: skip
    scored = JSONObject(
        name="name", number="number", low="low", high="high", boolean="boolean", category="category", passed="passed",
        reason="reason", source="source", author="author",
    )  # fmt: skip
    edits = JSONObject(author="author", user="user_id", answer=KT("messages__-1"), revision="revision_id", id="id")
    told = JSONObject(author="author", rating="rating", aspects="aspects", comments="comments", at="created_at",
                      response="suggested_response")  # fmt: skip
    standing = {"trace": trace, "withdrawn_at": None}
    rows = rows.annotate(
        judged=ArraySubquery(Judgment.objects.filter(**standing).order_by("-id").values(json=words)[:JUDGMENTS]),
        steps_judged=ArraySubquery(
            StepVerdict.objects.filter(revision=revision, user=user).values(
                json=JSONObject(key="step_key", value="value")
            )
        ),
        scored=ArraySubquery(Score.objects.filter(trace=trace).order_by("name", "-id").values(json=scored)[:SCORES]),
        edits=ArraySubquery(Correction.objects.filter(**standing).order_by("-id").values(json=edits)[:20]),
    )
    if not prefix:
        rows = rows.annotate(
            told=ArraySubquery(Feedback.objects.filter(trace=trace).order_by("-id").values(json=told)[:50])
        )
    return rows


def _bench(trace: Trace, row: Any, user: User | None, upto: int) -> Bench:
    revision = trace.revision
    document: Document = revision.document if revision is not None else {"conversations": []}
    verdicts = {one["key"]: one["value"] for one in row.steps_judged}
    run = transcript.read(document, verdicts=verdicts)
    head, gap, tail = run.opening(upto)
    messages = main_conversation(document)["messages"]
    at = final_answer(messages)
    answer = text_of(messages[at]) if at is not None else ""
    own = user.pk if user is not None else None
    return Bench(
        trace=trace,
        revision=revision.number if revision is not None else 0,
        head=head,
        gap=gap,
        tail=tail,
        run=run,
        opinions=[_opinion(one, own, trace.revision_id) for one in row.judged],
        scores=[_measured(one) for one in row.scored],
        edited=_edited(row.edits, own, trace.revision_id, answer),
        answer=answer,
        key=uuid.uuid4().hex,
    )


def _opinion(one: dict[str, Any], own: int | None, revision: int | None) -> Opinion:
    return Opinion(
        uid=one["uid"], author=one["author"], verdict=one["verdict"], rating=one["rating"], note=one["note"],
        at=datetime.fromisoformat(one["at"]), own=own is not None and one["user"] == own, stale=one["revision"] != revision,
    )  # fmt: skip


def _measured(one: dict[str, Any]) -> Measured:
    if one["number"] is not None:
        value = f"{one['number']:g}" + (f" of {one['high']:g}" if one["high"] not in (None, 1) else "")
    elif one["boolean"] is not None:
        value = "yes" if one["boolean"] else "no"
    else:
        value = one["category"]
    return Measured(one["name"], value, one["passed"], one["reason"], one["source"], one["author"])


def _edited(rows: list[dict[str, Any]], own: int | None, revision: int | None, answer: str) -> Edited | None:
    """One's own correction, else the newest of others."""
    if not rows:
        return None
    row = next((one for one in rows if own is not None and one["user"] == own), rows[0])
    last: Any = json.loads(row["answer"]) if row["answer"] else {}
    text = text_of(last) if last.get("role") == "assistant" else ""
    if not text:  # the corrected message called tools, so it is not the last one
        messages = Correction.objects.only("messages").get(pk=row["id"]).messages
        at = final_answer(messages)
        text = text_of(messages[at]) if at is not None else ""
    return Edited(
        author=row["author"], own=own is not None and row["user"] == own, text=text, rendered=markdown(text),
        changes=diff.words(answer, text), stale=row["revision"] != revision,
    )  # fmt: skip


def _before(item: QueueItem, user: User) -> uuid.UUID | None:
    """Where "previous" leads: from an open item to the one before it that the reader still holds, else to what they
    judged last; from a judged one to what they judged before it."""
    mine = QueueItem.objects.filter(queue_id=item.queue_id).exclude(pk=item.pk)
    done = Q(status=QueueItem.Status.DONE, done_by=user)
    if item.status == QueueItem.Status.DONE and item.done_by_id == user.pk:
        return mine.filter(done, done_at__lt=item.done_at).order_by("-done_at").values_list("uid", flat=True).first()
    in_front = Q(skips__lt=item.skips) | Q(skips=item.skips, priority__gt=item.priority)
    in_front |= Q(skips=item.skips, priority=item.priority, pk__lt=item.pk)
    held = Q(status=QueueItem.Status.OPEN, leased_by=user, leased_until__gt=timezone.now()) & in_front
    # one query: held ones first, the nearest of them; then what was done last
    found = mine.filter(held | done).annotate(first=Case(When(held, then=0), default=1, output_field=IntegerField()))
    order = ("first", "-done_at", "-skips", "priority", "-pk")
    return found.order_by(*order).values_list("uid", flat=True).first()


def history(*, project: Project, user: User, size: int = 20) -> list[Judgment]:
    """What this person judged last and did not take back, newest first."""
    return list(
        Judgment.objects.filter(project=project, user=user, withdrawn_at=None)
        .select_related("trace")
        .defer("trace__metadata")
        .order_by("-id")[:size]
    )


def flagged(*, project: Project, size: int = 50) -> list[QueueItem]:
    """Items that somebody took out of a queue with a note."""
    found = QueueItem.objects.filter(queue__project=project, status=QueueItem.Status.FLAGGED)
    return list(found.select_related("queue", "trace").defer("trace__metadata").order_by("-id")[:size])


def summary_of(run: transcript.Transcript) -> str:
    """Where the time went, in words for those who cannot see the strip."""
    spent: dict[str, float] = {}
    for segment in run.strip:
        spent[segment.kind] = spent.get(segment.kind, 0) + segment.width
    whole = sum(spent.values()) or 1
    names = {"assistant": "the model", "tool": "tools", "failed": "failed calls", "user": "waiting for the user"}
    parts = [f"{names.get(kind, kind)} {formats.percent(width / whole, 0)}" for kind, width in spent.items()]
    return f"{formats.duration(run.total_ms)}: " + ", ".join(parts)


def queue_named(*, project: Project, slug: str) -> ReviewQueue:
    """A queue of the project; the default one is made where it is asked for. Raises ReviewQueue.DoesNotExist."""
    if slug == queues.DEFAULT_SLUG:
        return queues.default_queue(project=project)
    return ReviewQueue.objects.get(project=project, slug=slug)
