"""Saying that a trace is acceptable, unacceptable or unsure, and taking it back."""

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from curation import effective
from curation.models import Judgment, QueueItem, Trace, Verdict
from curation.review import questions
from curation.review.invalid import Invalid
from curation.review.queues import LEASE
from workspace import audit
from workspace.access import Actor
from workspace.models import Project
from workspace.uuid7 import uuid7

NOTE_LIMIT = 20_000
KEY_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a judgment: its outside id, the trace's effective judgment, and whether it had come before."""

    uid: uuid.UUID
    effective: str
    repeated: bool = False


def check(*, verdict: str, rating: int | None, note: str, key: str = "") -> None:
    """Raise Invalid with the name of the field and the reason for the first thing that cannot be stored."""
    if verdict not in Verdict.values:
        raise Invalid("verdict", f"must be one of {', '.join(Verdict.values)}; got {verdict[:40]!r}")
    if rating is not None and not 1 <= rating <= 5:
        raise Invalid("rating", f"must be a whole number from 1 to 5; got {rating}")
    if len(note) > NOTE_LIMIT:
        raise Invalid("note", f"has {len(note):,} characters; at most {NOTE_LIMIT:,} are kept")
    if "\x00" in note:
        raise Invalid("note", "contains a NUL character")
    if len(key) > KEY_LIMIT:
        raise Invalid("idempotency_key", f"has {len(key)} characters; at most {KEY_LIMIT} are kept")


def record(
    *,
    project: Project,
    actor: Actor,
    verdict: str,
    trace_uid: uuid.UUID | None = None,
    item_uid: uuid.UUID | None = None,
    rating: int | None = None,
    note: str = "",
    key: str = "",
    revision: int | None = None,
    adjudicated: bool = False,
    seconds: float | None = None,
) -> Recorded:
    """Store a judgment of a trace, named by its own outside id or by that of an item of a queue; of its current
    revision, or of revision number `revision`, the one that was seen.

    Stores the trace's effective judgment, closes its open queue items and writes the audit row, all or nothing. The same
    `key` again changes nothing and returns what the first one did. Raises Trace.DoesNotExist for a trace that is not in
    the project, and Invalid for a bad value or a key that stands for another judgment.
    """
    check(verdict=verdict, rating=rating, note=note, key=key)
    words = effective.Words(
        uid=uuid7(),
        project=project.pk,
        trace=0,
        revision=0,
        user=actor.user.pk if actor.user else None,
        token=actor.token.pk if actor.token else None,
        author=actor.label[:200],
        verdict=verdict,
        rating=rating,
        note=note,
        adjudicated=adjudicated,
        key=key,
        at=timezone.now(),
        seconds=seconds if seconds is None or 0 <= seconds < 86_400 else None,
    )
    judged = effective.judge(words, item=item_uid, trace=trace_uid, number=revision)
    if judged is None:
        raise Trace.DoesNotExist
    if judged.revision is None:
        raise Invalid("revision", "does not exist" if revision is not None else "this trace has no content to judge")
    if judged.effective is None:
        return _repeated(project, judged.trace, words)
    return Recorded(words.uid, judged.effective)


def _repeated(project: Project, trace: int, words: effective.Words) -> Recorded:
    """The answer to a judgment whose key was seen before."""
    earlier = (
        Judgment.objects.select_related("trace")
        .defer("trace__metadata")
        .get(project=project, idempotency_key=words.key)
    )
    same = (earlier.trace_id, earlier.user_id, earlier.verdict, earlier.rating, earlier.note) == (
        trace, words.user, words.verdict, words.rating, words.note,
    )  # fmt: skip
    if not same:
        raise Invalid("idempotency_key", f"was already used for another judgment ({earlier.verdict}); use a new one")
    return Recorded(earlier.uid, earlier.trace.verdict, repeated=True)


def latest(
    *, project: Project, actor: Actor, queue: int | None = None, trace: uuid.UUID | None = None
) -> uuid.UUID | None:
    """The outside id of the newest judgment of this person that stands, in a queue (its id inside) or on a trace: what
    undoing takes back. None where there is none."""
    own = Judgment.objects.filter(project=project, user=actor.user, token=actor.token, withdrawn_at=None)
    if queue is not None:
        own = own.filter(trace__queue_items__queue=queue)
    if trace is not None:
        own = own.filter(trace__uid=trace)
    return own.order_by("-id").values_list("uid", flat=True).first()


def withdraw(*, project: Project, actor: Actor, key: str = "", uid: uuid.UUID | None = None) -> Judgment | None:
    """Take back one's own judgment, found by its idempotency key or outside id: the effective judgment is what it would
    be without it, and the queue items that it closed are open again, leased to the same person.

    Returns the judgment, also when it was withdrawn before (nothing changes then), or None where the person has no such
    judgment.
    """
    own = Judgment.objects.filter(project=project, user=actor.user, token=actor.token)
    found = own.filter(uid=uid) if uid is not None else own.filter(idempotency_key=key).exclude(idempotency_key="")
    with transaction.atomic():
        # the trace first: the order in which `record` locks
        trace_id = found.values_list("trace_id", flat=True).first()
        if trace_id is None:
            return None
        Trace.objects.select_for_update().only("pk").get(pk=trace_id)
        judgment = found.select_related("trace").defer("trace__metadata").get()
        if judgment.withdrawn_at is not None:
            return judgment
        judgment.withdrawn_at = timezone.now()
        judgment.save(update_fields=["withdrawn_at"])
        judgment.trace.verdict = effective.settle(trace_id)
        questions.drop(trace=trace_id, judgment=judgment.uid)
        QueueItem.objects.filter(
            trace_id=trace_id, status=QueueItem.Status.DONE, done_by=actor.user, done_at=judgment.created_at
        ).update(
            status=QueueItem.Status.OPEN, done_by=None, done_at=None,
            leased_by=actor.user, leased_until=timezone.now() + LEASE if actor.user else None,
        )  # fmt: skip
        audit.record(
            project=project, actor=actor, action="judgment.withdrawn", target=f"trace:{judgment.trace.uid}",
            judgment=str(judgment.uid), verdict=judgment.verdict, effective=judgment.trace.verdict,
        )  # fmt: skip
    return judgment
