"""Everything the page of one pair shows."""

import uuid
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from curation.models import Pair, PairQueue, Preference
from curation.pairs import prefer, queues
from curation.pairs.sides import Sides, read
from curation.review.queues import Progress
from workspace.models import Project, User

MOST_TIED = 50


@dataclass(slots=True)
class Desk:
    """One pair. `mine` is the reader's own standing word as they see the sides (a, b, tie, both_bad), `told` whether names
    and words of others may be shown: to those who answered."""

    pair: Pair
    sides: Sides
    progress: Progress
    mine: Preference | None
    others: list[Preference]
    ahead: uuid.UUID | None
    before: uuid.UUID | None
    holder: str
    held: bool
    key: str

    @property
    def told(self) -> bool:
        """Whether the reader has answered."""
        return self.mine is not None

    @property
    def choice(self) -> str:
        """The own choice as the sides are shown; "" where there is none."""
        return self.shown_choice(self.mine.choice) if self.mine else ""

    def shown_choice(self, choice: str) -> str:
        """a, b, tie or both_bad for left, right, tie or both_bad."""
        return prefer.as_shown(choice, is_flipped=self.pair.is_flipped)

    @property
    def words(self) -> list[tuple[Preference, str]]:
        """What others said, with their choice in words."""
        return [(one, prefer.NAMES[self.shown_choice(one.choice)]) for one in self.others]

    @property
    def criteria(self) -> list[tuple[str, str]]:
        """Each criterion with the own answer to it, "" where there is none."""
        said = self.mine.criteria if self.mine else {}
        return [(name, self.shown_choice(said[name]) if name in said else "") for name in self.pair.queue.criteria]

    @property
    def rules(self) -> list[str]:
        """The queue's rules, one a line."""
        return [line.strip() for line in self.pair.queue.instructions.splitlines() if line.strip()]

    @property
    def lease_seconds(self) -> int:
        """How long the reader still holds the pair."""
        until = self.pair.leased_until
        return max(0, round((until - timezone.now()).total_seconds())) if until else 0


def named(*, project: Project, slug: str, uid: uuid.UUID) -> Pair:
    """A pair of a queue. Raises Pair.DoesNotExist."""
    sides = ("left_trace__revision", "right_trace__revision", "left_trace__project", "right_trace__project")
    found = Pair.objects.select_related("queue__project", "leased_by", *sides)
    heavy = [
        f"{side}__{field}" for side in ("left_trace", "right_trace") for field in ("metadata", "revision__document")
    ]
    return found.defer(*heavy).get(queue__project=project, queue__slug=slug, uid=uid)


def open_pair(*, pair: Pair, user: User, alone: bool = False) -> Desk:
    """Lease a pair and, unless `alone`, the one behind it, and read both sides. One that somebody else holds is shown and
    not taken."""
    holder, until = pair.leased_by, pair.leased_until
    held = queues.hold(pair=pair, user=user)
    ahead = None if alone else next_open(queue=pair.queue, user=user, but=pair)
    said = list(Preference.objects.filter(pair=pair, withdrawn_at=None).order_by("-id"))
    mine = next((one for one in said if one.user_id == user.pk), None)
    taken = not held and pair.status == Pair.Status.OPEN and holder is not None and until and until > timezone.now()
    return Desk(
        pair=pair,
        sides=read(pair),
        progress=queues.progress_of_all(project=pair.queue.project, user=user, queue=pair.queue).get(
            pair.queue_id, Progress()
        ),
        mine=mine,
        others=[one for one in said if one.user_id != user.pk] if mine else [],
        ahead=ahead,
        before=_before(pair, user),
        holder=str(holder) if taken else "",
        held=held,
        key=uuid.uuid4().hex,
    )


def next_open(*, queue: PairQueue, user: User, but: Pair | None = None) -> uuid.UUID | None:
    """Lease the next pair that needs a person: those whose sides say the same are closed as ties on the way, MOST_TIED of
    them at once; the one behind those is handed out whatever it says."""
    for turn in range(MOST_TIED + 1):
        uid = queues.lease_next(queue=queue, user=user, but=but)
        if uid is None or turn == MOST_TIED:
            return uid
        found = named(project=queue.project, slug=queue.slug, uid=uid)
        if not read(found).identical:
            return uid
        prefer.tie(pairs=[found])
    return None


def _before(pair: Pair, user: User) -> uuid.UUID | None:
    """From an open pair to the one before it that the reader still holds, else to what they chose last; from a pair that is
    done to what they chose before it."""
    others = Pair.objects.filter(queue=pair.queue).exclude(pk=pair.pk)
    done = others.filter(status=Pair.Status.DONE, done_by=user).order_by("-done_at")
    if pair.status == Pair.Status.DONE and pair.done_by_id == user.pk and pair.done_at:
        return done.filter(done_at__lt=pair.done_at).values_list("uid", flat=True).first()
    in_front = Q(skips__lt=pair.skips) | Q(skips=pair.skips, pk__lt=pair.pk)
    held = others.filter(in_front, status=Pair.Status.OPEN, leased_by=user, leased_until__gt=timezone.now())
    nearest = held.order_by("-skips", "-pk").values_list("uid", flat=True).first()
    return nearest or done.values_list("uid", flat=True).first()
