"""Saying which of two answers is better, and taking it back."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from curation.models import Pair, PairQueue, Preference, Trace, TraceRevision
from curation.review.invalid import Invalid, check_text
from curation.review.judgments import KEY_LIMIT, NOTE_LIMIT
from curation.review.queues import LEASE
from workspace import audit
from workspace.access import Actor
from workspace.models import Project

EDIT_LIMIT = 1_000_000
TIED_BY = "word for word the same"
# what a person says of A and B, by which side is shown as A
_SIDES = {False: {"a": "left", "b": "right"}, True: {"a": "right", "b": "left"}}


NAMES = {"a": "A is better", "b": "B is better", "tie": "Tie", "both_bad": "Both bad"}


def as_shown(choice: str, *, is_flipped: bool) -> str:
    """a, b, tie or both_bad for left, right, tie or both_bad."""
    if choice in ("left", "right"):
        return "a" if (choice == "left") != is_flipped else "b"
    return choice


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody says of a pair as it is shown: `choice` a, b, tie or both_bad; `strength` slight, clear or "";
    `criteria` {criterion: a, b or tie}; `edited` the better answer as it should have been, "" where it is good as it is;
    `revisions` the numbers of the revisions that were seen, of the left trace and of the right one; None: the newest."""

    choice: str
    strength: str = ""
    criteria: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    edited: str = ""
    key: str = ""
    revisions: tuple[int | None, int | None] = (None, None)


def record(*, pair: Pair, actor: Actor, word: Word) -> Preference:
    """Store a preference, close the pair and write the audit row, all or nothing. The same key again changes nothing. Raises
    Invalid naming the field."""
    sides = _SIDES[pair.is_flipped]
    known = {"tie": "tie", "both_bad": "both_bad", **sides}
    if word.choice not in known:
        raise Invalid("verdict", f"must be a, b, tie or both_bad; got {word.choice[:40]!r}")
    choice = known[word.choice]
    decided = word.choice in sides
    if word.strength not in ("", *Preference.Strength.values):
        raise Invalid("strength", f"must be slight or clear; got {word.strength[:40]!r}")
    if word.edited and not decided:
        raise Invalid("edited", "is the better answer: choose A or B with it")
    criteria = _criteria(pair.queue, word.criteria, sides)
    check_text("note", word.note, most=NOTE_LIMIT)
    check_text("edited", word.edited, most=EDIT_LIMIT)
    check_text("key", word.key, most=KEY_LIMIT)
    with transaction.atomic():
        held = Pair.objects.select_for_update(of=("self",)).select_related("left_trace", "right_trace").get(pk=pair.pk)
        if word.key and (
            earlier := Preference.objects.filter(project=pair.queue.project, idempotency_key=word.key).first()
        ):
            if earlier.pair_id != pair.pk or earlier.choice != choice:
                raise Invalid("key", "was already used for another preference; use a new one")
            return earlier
        seen = [
            _seen(trace, number)
            for trace, number in zip((held.left_trace, held.right_trace), word.revisions, strict=True)
        ]
        now = timezone.now()
        # one's own earlier word on this pair gives way to the newer one; taking that back brings it back
        Preference.objects.filter(pair=held, user=actor.user, withdrawn_at=None).update(withdrawn_at=now)
        made = Preference.objects.create(
            project=pair.queue.project, pair=held, left_trace=held.left_trace, left_revision_id=seen[0],
            left_candidate=held.left_candidate, right_trace=held.right_trace, right_revision_id=seen[1],
            right_candidate=held.right_candidate, choice=choice, strength=word.strength if decided else "",
            criteria=criteria, note=word.note, edited=word.edited, is_flipped=held.is_flipped, user=actor.user,
            author=actor.label[:200], idempotency_key=word.key,
        )  # fmt: skip
        Preference.objects.filter(pk=made.pk).update(created_at=now)
        Pair.objects.filter(pk=held.pk).update(
            status=Pair.Status.DONE, done_by=actor.user, done_at=now, leased_by=None, leased_until=None
        )
        audit.record(
            project=pair.queue.project, actor=actor, action="preference.recorded", target=f"pair:{pair.uid}",
            queue=pair.queue.slug, choice=choice, preference=str(made.uid),
        )  # fmt: skip
    return made


def _criteria(queue: PairQueue, given: Mapping[str, str], sides: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(given) - set(queue.criteria))
    if unknown:
        raise Invalid("criteria", f"has {unknown[0][:80]!r}, which this queue does not ask")
    for name, value in given.items():
        if value not in (*sides, "tie"):
            raise Invalid("criteria", f"must be a, b or tie for {name}; got {value[:40]!r}")
    return {name: sides.get(value, value) for name, value in given.items()}


def _seen(trace: Trace, number: int | None) -> int:
    """The id of the revision with this number, else of the newest. Raises Invalid."""
    found = trace.revision_id
    if number is not None:
        revisions = TraceRevision.objects.filter(trace=trace, number=number)
        found = revisions.values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("revision", "does not exist: one side has no such content any more")
    return found


def tie(*, pairs: Sequence[Pair]) -> int:
    """Close open pairs whose sides say the same, each as a tie that nobody had to judge. Returns how many were open."""
    with transaction.atomic():
        ids = [pair.pk for pair in pairs]
        rows = Pair.objects.select_for_update(of=("self",)).filter(pk__in=ids, status=Pair.Status.OPEN).order_by("pk")
        found = list(rows.select_related("queue", "left_trace", "right_trace"))
        now = timezone.now()
        Pair.objects.filter(pk__in=[pair.pk for pair in found]).update(
            status=Pair.Status.DONE, done_at=now, leased_by=None, leased_until=None
        )
        Preference.objects.bulk_create(
            Preference(
                project_id=pair.queue.project_id, pair=pair, left_trace=pair.left_trace,
                left_revision_id=pair.left_trace.revision_id, left_candidate=pair.left_candidate,
                right_trace=pair.right_trace, right_revision_id=pair.right_trace.revision_id,
                right_candidate=pair.right_candidate, choice=Preference.Choice.TIE, author=TIED_BY,
            )
            for pair in found
            if pair.left_trace.revision_id and pair.right_trace.revision_id
        )  # fmt: skip
    return len(found)


def latest(*, queue: PairQueue, actor: Actor) -> Preference | None:
    """The newest preference of this person in the queue that stands: what undoing takes back."""
    own = Preference.objects.filter(pair__queue=queue, user=actor.user, withdrawn_at=None)
    return own.select_related("pair").order_by("-id").first()


def withdraw(*, project: Project, actor: Actor, key: str = "", uid: uuid.UUID | None = None) -> Preference | None:
    """Take back one's own preference, found by its key or outside id. What it had replaced stands again; where nobody's word
    stands then, its pair is open, leased to the same person. None where the person has no such preference; one that was
    withdrawn before is returned as it is."""
    own = Preference.objects.filter(project=project, user=actor.user)
    found = own.filter(uid=uid) if uid is not None else own.filter(idempotency_key=key).exclude(idempotency_key="")
    with transaction.atomic():
        place = found.values_list("pk", "pair_id").first()
        if place is None:
            return None
        # the pair first: the order in which `record` locks
        pair = Pair.objects.select_for_update().filter(pk=place[1]).first() if place[1] else None
        made = Preference.objects.select_for_update(of=("self",)).select_related("pair__queue").get(pk=place[0])
        if made.withdrawn_at is not None:
            return made
        own.filter(pair=pair, withdrawn_at=made.created_at).exclude(pk=made.pk).update(withdrawn_at=None)
        Preference.objects.filter(pk=made.pk).update(withdrawn_at=timezone.now())
        if pair is not None:
            _settle(pair, actor)
        audit.record(
            project=project, actor=actor, action="preference.withdrawn",
            target=f"pair:{made.pair.uid}" if made.pair else f"preference:{made.uid}", choice=made.choice,
        )  # fmt: skip
    return made


def _settle(pair: Pair, actor: Actor) -> None:
    """Done by whoever said the newest word that stands, else open again."""
    newest = Preference.objects.filter(pair=pair, withdrawn_at=None).order_by("-created_at", "-id").first()
    closed = Pair.objects.filter(pk=pair.pk, status=Pair.Status.DONE)
    if newest is not None:
        closed.update(done_by=newest.user, done_at=newest.created_at)
    else:
        until = timezone.now() + LEASE
        closed.update(status=Pair.Status.OPEN, done_by=None, done_at=None, leased_by=actor.user, leased_until=until)
