"""Everything the review page shows, read in few queries: one for the trace and all that was said of it, three for the
queue around it."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, IntegerField, Q, When
from django.utils import timezone
from django.utils.safestring import SafeString

from curation.messages.form import Document, final_answer, main_conversation, text_of
from curation.models import Comment, DatasetRow, Judgment, QueueItem, ReviewQueue, StepVerdict, Trace
from curation.review import comments, documents, questions, queues, tool_views, transcript
from curation.review.blocks import plain_text, told
from curation.review.keys import ACTS
from curation.review.parts import Part
from curation.review.shown import one_line
from curation.review.words import Edited, Measured, Opinion, Words, with_words, words_of
from workspace import formats
from workspace.models import Project, User


@dataclass(slots=True)
class Bench:
    """The page of one trace. `item` and what follows it are None outside of a queue."""

    trace: Trace
    revision: int
    parts: list[Part]
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
    comments: list[Comment] = field(default_factory=list)
    is_blind: bool = False
    hidden: int = 0  # judgments of others that are not shown because of that
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
    def judges(self) -> list[Measured]:
        """What judge models said."""
        return [one for one in self.scores if one.source == "judge"]

    @property
    def measured(self) -> list[Measured]:
        """Scores of every other source."""
        return [one for one in self.scores if one.source != "judge"]

    @property
    def suggestions(self) -> list[dict[str, Any]]:
        """Feedback that says what should have been answered, or which tools should have been called."""
        return [one for one in self.feedback if one["response"] or one["tools"]]

    @property
    def open_comments(self) -> int:
        """How many comments wait for somebody."""
        return sum(one.resolved_at is None for one in self.comments)

    @property
    def asks(self) -> list[tuple[str, str, bool, str]]:
        """The ways to recover from an error as (value, label, whether it was said, key); empty where the queue does not
        ask."""
        if self.item is None or not questions.asked_in(self.item.queue):
            return []
        said = self.said(questions.STRATEGY)
        keys = {act.name: act.key for act in ACTS}
        return [(value, label, value == said, keys[value]) for value, label in questions.STRATEGIES.items()]

    @property
    def error_type(self) -> str:
        """What kind of error people said it is."""
        return self.said(questions.ERROR_TYPE)

    @property
    def error_types(self) -> tuple[str, ...]:
        """What errors are often called."""
        return questions.ERRORS

    def said(self, name: str) -> str:
        """The newest score of people with this name, as text."""
        return next((one.value for one in self.scores if one.name == name and one.source == "human"), "")

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


def open_item(
    *, project: Project, user: User, queue_slug: str, item_uid: uuid.UUID, part: int = 0, alone: bool = False
) -> Bench:
    """The page of a queue's item: leases it and the one behind it, so that the browser can load that one early; with
    `alone` only itself, for a page that is loaded ahead. An item
    that somebody else holds is shown and not taken. Raises QueueItem.DoesNotExist."""
    found = QueueItem.objects.filter(queue__project=project, queue__slug=queue_slug, uid=item_uid)
    found = found.select_related("queue", "trace__revision", "leased_by").defer("trace__revision__document")
    item = documents.with_text(with_words(found, user, "trace__"), prefix="trace__revision__").get()
    # whoever answers in a blind queue answers first, whatever their role
    waits = item.queue.is_blind and item.status == QueueItem.Status.OPEN
    bench = _bench(project, item.trace, item, user, part, blind=waits or item.blind)
    bench.item = item
    # the holder before us: the lease statement below tells only whether it is ours now
    holder, until = item.leased_by, item.leased_until
    if alone:
        held = queues.hold(item=item, user=user)
    else:
        held, bench.ahead = queues.hold_and_lease_ahead(item=item, user=user)
    if not held and item.status == QueueItem.Status.OPEN and holder is not None and until and until > timezone.now():
        bench.holder = str(holder)
    bench.progress = queues.progress(queue=item.queue, user=user)
    bench.before = _before(item, user)
    return bench


def open_trace(
    *, project: Project, user: User | None, trace_uid: uuid.UUID, part: int = 0, may_look: bool = True
) -> Bench:
    """The page of a trace outside of any queue, with the datasets it is in. `may_look`: words of others are shown although
    the trace waits in a blind queue. Raises Trace.DoesNotExist."""
    found = Trace.objects.filter(project=project, uid=trace_uid).select_related("revision").defer("revision__document")
    trace = documents.with_text(with_words(found, user, ""), prefix="revision__").get()
    bench = _bench(project, trace, trace, user, part, blind=trace.blind and not may_look)
    rows = DatasetRow.objects.filter(Q(trace=trace) | Q(other_trace=trace)).order_by("-version_id", "position")
    columns = ("version__dataset__name", "version__number", "position", "split")
    bench.datasets = [dict(row) for row in rows.values(*columns)[:100]]
    return bench


def said_of(*, project: Project, user: User | None, trace_uid: uuid.UUID, may_look: bool) -> Words:
    """What people and graders said of a trace, without its conversation. `may_look` as for `open_trace`. Raises
    Trace.DoesNotExist."""
    row = with_words(Trace.objects.filter(project=project, uid=trace_uid).defer("metadata"), user, "").get()
    return words_of(row, user=user, revision=row.revision_id, answer="", blind=row.blind and not may_look)


def run_of(
    *, project: Project, trace_uid: uuid.UUID, user: User | None, revision: int | None = None
) -> transcript.Transcript:
    """Only the conversation, for the parts of a long one: of the revision with this number, else of the current one.
    Raises TraceRevision.DoesNotExist."""
    pk, document = documents.of_revision(project=project, trace_uid=trace_uid, number=revision)
    verdicts = StepVerdict.objects.filter(revision=pk, user=user).values_list("step_key", "value")
    return transcript.read(document, verdicts=dict(verdicts), wishes=tool_views.wishes(project))


def talk_of(*, trace: Trace, user: User | None, only_own: bool = False) -> list[Comment]:
    """The standing comments of a trace as comments.of_trace gives them, each with the name of the step it is about."""
    found = comments.of_trace(trace=trace, user=user, only_own=only_own)
    if any(one.step_key for one in found):
        _name_steps(found, run_of(project=trace.project, trace_uid=trace.uid, user=user).names, trace)
    return found


def _name_steps(found: Iterable[Comment], names: Mapping[str, str], trace: Trace) -> None:
    """Put there what the page calls each comment's step; a step that is gone has the name it had when it was said."""
    earlier: dict[int, Mapping[str, str]] = {}
    for one in found:
        if not one.step_key:
            continue
        name = names.get(one.step_key, "")
        if not name and one.revision_id != trace.revision_id:
            number = one.revision.number
            if number not in earlier:
                earlier[number] = run_of(project=trace.project, trace_uid=trace.uid, user=None, revision=number).names
            name = earlier[number].get(one.step_key, "")
        one.step_name = name or "a step that is gone"


def text_of_block(
    *,
    project: Project,
    trace_uid: uuid.UUID,
    conversation: int,
    message: int | None,
    call: int | None = None,
    thought: int | None = None,
    revision: int | None = None,
) -> str | None:
    """The plain text behind a block, without `message` of a whole conversation; None where there is no such block. Raises
    TraceRevision.DoesNotExist."""
    _, document = documents.of_revision(project=project, trace_uid=trace_uid, number=revision)
    if message is None:
        return told(document, conversation)
    return plain_text(document, conversation, message, call, thought)


def _bench(project: Project, trace: Trace, row: Any, user: User | None, part: int, *, blind: bool) -> Bench:
    revision = trace.revision
    document: Document = {"conversations": []}
    if revision is not None:
        document = documents.read(revision.pk, revision.digest, row.document_text)
    verdicts = {one["key"]: one["value"] for one in row.steps_judged}
    run = transcript.read(document, verdicts=verdicts, wishes=tool_views.wishes(project))
    messages = main_conversation(document)["messages"]
    at = final_answer(messages)
    answer = text_of(messages[at]) if at is not None else ""
    said = words_of(row, user=user, revision=trace.revision_id, answer=answer, blind=blind)
    # most traces have none: then nothing is asked
    talk = comments.of_trace(trace=trace, user=user, only_own=said.is_blind) if row.discussed else []
    _name_steps(talk, run.names, trace)
    return Bench(
        trace=trace,
        revision=revision.number if revision is not None else 0,
        parts=run.opening(part),
        run=run,
        opinions=said.opinions,
        scores=said.scores,
        edited=said.edited,
        feedback=said.feedback,
        comments=talk,
        is_blind=said.is_blind,
        hidden=said.hidden,
        answer=answer,
        key=uuid.uuid4().hex,
    )


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
    return ReviewQueue.objects.listed().get(project=project, slug=slug)
