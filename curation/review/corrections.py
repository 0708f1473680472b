"""What an answer should have been: the whole conversation with the edited answer in it, in the internal form."""

import copy
import uuid

from django.db import transaction
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from curation.messages.form import Conversation, Document, Message, final_answer, main_conversation, text_of, text_part
from curation.models import Correction, Judgment, Trace, TraceRevision
from curation.review.invalid import Invalid
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

TEXT_LIMIT = 200_000


def correct(
    *, project: Project, actor: Actor, trace_uid: uuid.UUID, text: str, revision: int | None = None
) -> Correction | None:
    """Store `text` as the final answer that should have been given. The same text as the trace's own answer takes an
    earlier correction back; the same correction again adds no row.

    Returns the correction that stands now, None where there is none. Raises Trace.DoesNotExist, and Invalid for an empty
    or overlong text and for a trace without an answer.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Invalid("answer", "is empty; say what should have been answered, or reset it")
    if len(text) > TEXT_LIMIT:
        raise Invalid("answer", f"has {len(text):,} characters; at most {TEXT_LIMIT:,} are kept")
    if "\x00" in text:
        raise Invalid("answer", "contains a NUL character")
    with transaction.atomic():
        trace, seen = _locked(project, trace_uid, revision)
        document: Document = seen.document
        conversation = main_conversation(document)
        at = final_answer(conversation["messages"])
        if at is None:
            raise Invalid("answer", "cannot be corrected: this trace has none")
        if text == text_of(conversation["messages"][at]).strip():
            _withdraw(project, actor, trace)
            return None
        current = _standing(trace, actor).first()
        if current is not None and current.revision_id == seen.pk and answer_of(current.messages) == text:
            return current
        _standing(trace, actor).update(withdrawn_at=timezone.now())
        made = Correction.objects.create(
            project=project, trace=trace, revision=seen, user=actor.user, author=actor.label[:200],
            conversation=_index(document, conversation), messages=with_answer(conversation["messages"], at, text),
        )  # fmt: skip
        audit.record(
            project=project,
            actor=actor,
            action="trace.corrected",
            target=f"trace:{trace.uid}",
            correction=str(made.uid),
        )
    return made


def reset(*, project: Project, actor: Actor, trace_uid: uuid.UUID) -> bool:
    """Take back one's own correction; False where there was none. Raises Trace.DoesNotExist."""
    with transaction.atomic():
        trace = Trace.objects.select_for_update().only("uid").get(project=project, uid=trace_uid)
        return _withdraw(project, actor, trace)


def take_back_newest(*, project: Project, actor: Actor, trace_uid: uuid.UUID, judgment: uuid.UUID | None) -> bool:
    """Take back one's own correction of a trace where it came after one's judgment with the outside id `judgment`, or
    where that is None; False where there is no such correction. Raises Trace.DoesNotExist."""
    with transaction.atomic():
        trace = Trace.objects.select_for_update().only("uid").get(project=project, uid=trace_uid)
        newer = _standing(trace, actor)
        if judgment is not None:
            said_at = Judgment.objects.filter(project=project, uid=judgment).values("created_at")
            newer = newer.filter(created_at__gt=Subquery(said_at))
        return newer.exists() and _withdraw(project, actor, trace)


def with_answer(messages: list[Message], at: int, text: str) -> list[Message]:
    """A copy of the conversation up to its answer, number `at`, which says `text` instead.

    What is not text in the answer stays; what the model thought, what it cost and how long it took go, since they belong
    to other words. Messages behind the answer replied to the old one and are left out, unless they are results of calls
    that stand in the same message.
    """
    kept = copy.deepcopy(messages if messages[at].get("tool_calls") else messages[: at + 1])
    answer = kept[at]
    others = [part for part in answer["parts"] if part["type"] not in ("text", "refusal")]
    answer["parts"] = [text_part(text), *others]
    for gone in ("reasoning", "usage", "cost_usd", "latency_ms", "finish_reason", "started_at"):
        answer.pop(gone, None)  # type: ignore[misc]
    return kept


def answer_of(messages: list[Message]) -> str:
    """The final answer of a conversation as text; "" where it has none."""
    at = final_answer(messages)
    return text_of(messages[at]) if at is not None else ""


def _locked(project: Project, uid: uuid.UUID, revision: int | None) -> tuple[Trace, TraceRevision]:
    trace = Trace.objects.select_for_update().only("uid", "revision_id").get(project=project, uid=uid)
    wanted = {"pk": trace.revision_id} if revision is None else {"number": revision}
    seen = TraceRevision.objects.filter(trace=trace, **wanted).first()
    if seen is None:
        raise Invalid("revision", "does not exist" if revision is not None else "this trace has no content to correct")
    return trace, seen


def _standing(trace: Trace, actor: Actor) -> "QuerySet[Correction]":
    return Correction.objects.filter(trace=trace, user=actor.user, withdrawn_at=None).order_by("-id")


def _withdraw(project: Project, actor: Actor, trace: Trace) -> bool:
    count = _standing(trace, actor).update(withdrawn_at=timezone.now())
    if count:
        audit.record(project=project, actor=actor, action="correction.withdrawn", target=f"trace:{trace.uid}")
    return bool(count)


def _index(document: Document, conversation: Conversation) -> int:
    for index, one in enumerate(document["conversations"]):
        if one is conversation:
            return index
    return 0
