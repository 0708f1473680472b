"""Trials: a version on some traces before anybody uses it. Priced, agreed to, started once, read while they are worked off
(see `trying`), and how far their average can be trusted. Rows are the queue."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Avg, Count, QuerySet
from django.utils import timezone

from curation.models import GraderVersion, Trace, Trial, TrialItem
from curation.scoring import agreement, items, keep, pricing, trying
from curation.scoring import run as grading
from curation.scoring.graders import definitions
from curation.scoring.refused import Refused
from workspace import audit, leases
from workspace.access import Actor
from workspace.models import Project

MOST = 50
MOST_KEY = 64
LISTED = 5
AT_ONCE = 2.0  # seconds that a grader which asks no model may take before somebody else goes on with it
Status, Item = Trial.Status, TrialItem.Status


@dataclass(frozen=True, slots=True)
class Summary:
    """How far a trial is. `items` in the order they were drawn, each with its trace; `settled` of them are at their end. `mean`
    is over the `n` that have a score; the true mean of all traces lies between `low` and `high` in 95 of 100 trials, as
    `interval` found them: "wilson" where a score is 0 or 1, "student" (`half_width` either side of the mean) for others, ""
    with None where there is none: a single score, or all of them alike. `cost`: None where that of a sample is unknown."""

    trial: Trial
    items: list[TrialItem]
    counts: Counter[str]
    n: int
    mean: float | None
    half_width: float | None
    low: float | None
    high: float | None
    interval: str
    cost: Decimal | None

    @property
    def is_open(self) -> bool:
        """Whether more may come: it is worked on, or it was cancelled and an answer is under way."""
        return self.trial.status in trying.OPEN or bool(self.counts[Item.ASKING])

    @property
    def settled(self) -> int:
        """Samples of which nothing more comes."""
        return len(self.items) - self.counts[Item.WAITING] - self.counts[Item.ASKING]

    @property
    def came(self) -> int:
        """Samples that were asked and of which nothing more comes."""
        return self.settled - self.counts[Item.CANCELLED]

    @property
    def unscored(self) -> int:
        """Samples that were asked and have no score."""
        return self.counts[Item.DONE] + self.counts[Item.UNKNOWN] - self.n

    @property
    def states(self) -> str:
        """A letter for each sample: the first of its status."""
        return "".join(one.status[0] for one in self.items)

    def plain(self) -> dict[str, Any]:
        """As JSON, for GraderVersion.tried."""
        at = self.trial.ended_at or self.trial.created_at
        return {
            "n": self.n, "mean": self.mean, "half_width": self.half_width,
            "low": self.low, "high": self.high, "interval": self.interval,
            "cost_usd": None if self.cost is None else str(self.cost), "at": at.isoformat(),
            "rows": [
                {"trace": str(one.trace.uid), "score": one.score, "passed": one.passed, "reason": one.reason,
                 "error": one.error}
                for one in self.items
            ],
        }  # fmt: skip


def pick(*, project: Project, query: str, seed: int, n: int = 5) -> list[Trace]:
    """`n` traces drawn at random among those that match: the same seed draws the same ones. Raises FilterError."""
    found = items.matching(project=project, query=query, until=timezone.now(), sample=min(n, MOST), seed=seed)
    return list(items.drawn(found, seed))


def price(*, version: GraderVersion, traces: Sequence[Trace]) -> pricing.Price:
    """What a trial on these would cost at most."""
    return pricing.of_grading(version=version, traces=traces, calls_for=len(traces), until=timezone.now())


def priced(*, version: GraderVersion, query: str, seed: int, n: int) -> tuple[list[Trace], pricing.Price]:
    """The traces that a trial would be on, and what it would cost at most. Raises FilterError, Refused: nothing matches."""
    traces = pick(project=version.grader.project, query=query, seed=seed, n=n)
    if not traces:
        raise Refused(
            "query", f"No trace matches {query.strip() or 'the empty filter'}: there is nothing to try it on."
        )
    return traces, price(version=version, traces=traces)


def start(
    *, version: GraderVersion, query: str, seed: int, n: int = 5, actor: Actor, confirmed: str = "", key: str
) -> Trial:
    """Write a trial of a version, confirmed or not, and its samples down; workers take it from there. `confirmed` is the price
    (`Price.text`) that was seen and agreed to. The same `key` of the same person for the same version again gives the same
    trial, so a doubled form costs nothing. Raises FilterError, Refused (also where a budget does not hold the price)."""
    before = known(version, actor, key)
    if before is not None:
        return before
    traces, told = priced(version=version, query=query, seed=seed, n=n)
    limit = pricing.agreed(told, confirmed)
    pricing.affordable(told)
    try:
        with transaction.atomic():
            made = Trial.objects.create(
                project=version.grader.project, version=version, query=query, seed=seed, total=len(traces), agreed_usd=limit,
                user=actor.user, token=actor.token, author=actor.label[:200], idempotency_key=_key(actor, key),
            )  # fmt: skip
            _write(made, traces)
            audit.record(
                project=made.project, actor=actor, action="grader.tried", target=f"grader:{version.grader.uid}",
                version=version.number, trial=str(made.uid), samples=made.total,
                agreed_usd=None if limit is None else str(limit),
            )  # fmt: skip
    except IntegrityError:
        before = known(version, actor, key)
        if before is None:
            raise
        return before
    return made


def begin(*, version: GraderVersion, actor: Actor, **how: Any) -> tuple[Trial, bool]:
    """`start`, and where it asks nobody work on it here for AT_ONCE seconds, so that it is there at once. Returns the trial,
    and whether somebody else is to go on with it."""
    made = start(version=version, actor=actor, **how)
    goes_on = keep.asks_model(version) or not work(made.pk, AT_ONCE)
    return find(version, made.uid), goes_on


def known(version: GraderVersion, actor: Actor, key: str) -> Trial | None:
    """The trial that this person started with this key. Raises Refused for an empty key."""
    if not key.strip():
        raise Refused("key", "A key is needed, so that the same thing sent twice is started once.")
    return Trial.objects.filter(version=version, idempotency_key=_key(actor, key)).first()


def work(trial_id: int, seconds: float) -> bool:
    """Go on with a trial for about so long. True where nothing is left for the caller: it has ended, or another works on
    it; False: call again. A second call for the same trial, in whatever process, finds it taken."""
    return trying.work(trial_id, seconds)


def cancel(found: Trial, actor: Actor) -> bool:
    """Ask no more: what is under way still comes and is kept, the rest is not asked. False where it had ended."""
    with transaction.atomic():
        done = trying.end(Trial.objects.filter(pk=found.pk), Status.CANCELLED, "")
        if done:
            audit.record(
                project=found.project, actor=actor, action="grader.trial_cancelled",
                target=f"grader:{found.version.grader.uid}", version=found.version.number, trial=str(found.uid),
            )  # fmt: skip
    found.refresh_from_db()
    return done


def open_trials() -> list[int]:
    """Keys of trials that wait for a worker, oldest first. What was under way in one that was cancelled, and whose process
    is gone, is told as unknown first."""
    with transaction.atomic():
        for key in leases.free(Trial.objects.exclude(status__in=trying.OPEN).exclude(lease_owner="")):
            trying.take_back(Trial.objects.select_related("version").get(pk=key))
    return leases.free(Trial.objects.filter(status__in=trying.OPEN))


def find(version: GraderVersion, uid: Any) -> Trial:
    """Raises Trial.DoesNotExist."""
    return version.trials.select_related("project", "version__grader").get(uid=uid)


def earlier(version: GraderVersion) -> "QuerySet[Trial]":
    """The newest trials of a version by whomever, with `n` (how many samples have a score) and their `mean`. One query."""
    counted = version.trials.annotate(n=Count("items__score"), mean=Avg("items__score"))
    return counted.order_by("-id")[:LISTED]


def read(found: Trial, *, with_texts: bool = False) -> Summary:
    """How far it is, and the average of what came so far; `with_texts` each sample has its revision too. One query."""
    together = ("trace", "revision") if with_texts else ("trace",)
    rows = list(found.items.select_related(*together).order_by("ordinal"))
    scores = [one.score for one in rows if one.score is not None]
    mean = statistics.fmean(scores) if scores else None
    half, low, high, kind = None, None, None, ""
    if scores and _says_yes_or_no(found.version.definition, scores):
        share = agreement.share(round(sum(scores)), len(scores))
        low, high, kind = share.low, share.high, "wilson"
    elif mean is not None and (half := half_width(scores)) is not None:
        low, high, kind = mean - half, mean + half, "student"
    costs = [one.cost_usd for one in rows if one.status in (Item.DONE, Item.UNKNOWN)]
    counts = Counter(one.status for one in rows)
    return Summary(found, rows, counts, len(scores), mean, half, low, high, kind, grading.total(costs))


def half_width(scores: Sequence[float]) -> float | None:
    """Half of the 95 % interval of the mean (agreement.mean). None for fewer than two, and where all are alike: they have no
    spread to go by, and 0 would claim to be sure."""
    found = agreement.mean(scores)
    if len(set(scores)) < 2 or found.high is None or found.low is None:
        return None
    return (found.high - found.low) / 2


def _write(made: Trial, traces: Sequence[Trace]) -> None:
    """The samples. Their traces are held, so that forgetting one of them comes after and finds this trial."""
    there = Trace.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
    revisions = dict(
        there.filter(pk__in=[one.pk for one in traces], erased_at=None, revision__isnull=False).values_list(
            "pk", "revision_id"
        )
    )
    if len(revisions) < len(traces):
        raise Refused("query", "A trace that was drawn is not there any more: draw again.")
    TrialItem.objects.bulk_create(
        TrialItem(trial=made, ordinal=place, trace=one, revision_id=revisions[one.pk])
        for place, one in enumerate(traces)
    )


def _says_yes_or_no(definition: Mapping[str, Any], scores: Sequence[float]) -> bool:
    """Whether the mean is a share: the grader says only 0 or 1, or a scale from 0 to 1 was used like that."""
    if not set(scores) <= {0.0, 1.0}:
        return False
    return definitions.is_binary(definition) or definitions.range_of(definition) in (None, (0.0, 1.0))


def _key(actor: Actor, key: str) -> str:
    who = f"user:{actor.user.pk}" if actor.user else f"token:{actor.token.pk}" if actor.token else "system"
    return f"{who}:{key.strip()[:MOST_KEY]}"
