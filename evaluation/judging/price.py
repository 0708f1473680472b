"""What judging the answers of a comparison is estimated to cost, told before it starts: answers that are not there yet are
taken to be as long as they may get. Unknown is said, never 0."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from curation.messages.form import Conversation, Message
from curation.models import GraderVersion
from curation.scoring import asking, keep, pricing
from curation.scoring.pricing import Price
from curation.scoring.refused import Refused
from evaluation.judging import calls
from evaluation.models import Answer, Comparison, EvaluationRun, JudgeCall
from evaluation.runs import answers

Status = JudgeCall.Status
# of an answer that is not there yet; only their length matters
SUPPOSED: dict[str, Any] = {"latency_ms": 10_000, "cost_usd": Decimal("0.001234"), "input_tokens": 10_000}


class Asked(Protocol):
    """A scenario, or one that is not stored yet."""

    @property
    def messages(self) -> list[Message]: ...
    @property
    def tools(self) -> list[Any]: ...
    @property
    def reference(self) -> Message: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One judge and what it costs."""

    version: GraderVersion
    price: Price

    @property
    def models(self) -> list[str]:
        """Whom it asks."""
        return models_of(self.version)


@dataclass(frozen=True, slots=True)
class Bill:
    """All judges. `answers` of both models to what both answer."""

    lines: tuple[Line, ...]
    answers: int

    @property
    def whole(self) -> Price:
        """What is agreed to."""
        prices = [line.price for line in self.lines]
        return Price(
            traces=sum(one.traces for one in prices),
            reused=sum(one.reused for one in prices),
            items=sum(one.items for one in prices),
            until=max((one.until for one in prices), default=timezone.now()),
            parts=tuple(part for one in prices for part in one.parts),
            looked_at=sum(one.looked_at for one in prices),
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One model: its answers where they are there already, and how many tokens an answer may have."""

    run: EvaluationRun | None
    longest: int

    @property
    def answered(self) -> EvaluationRun | None:
        """The run, where it is answered."""
        return self.run if self.run is not None and self.run.status == EvaluationRun.Status.SUCCEEDED else None


def before(*, asked: Sequence[Asked], versions: Iterable[GraderVersion], sides: tuple[Side, Side]) -> Bill:
    """The price of judging both models' answers to `asked`: (scenarios) x 2 per judge, less those that were judged before,
    and those whose scenario one of the two is known not to have answered. Raises Refused where a judge may not be used."""
    known = [side.answered for side in sides if side.answered is not None]
    pairs = calls.paired(known).filter(run=known[0]).count() if known else len(asked)
    lines = []
    for version in versions:
        _check(version)
        parts: list[pricing.Part] = []
        items = looked = 0
        for side in sides:
            run = side.answered
            if run is None:
                left, sample = pairs, _supposed(asked, side)
            else:
                rest = _open(calls.paired(known).filter(run=run), version, again(False, False))
                left, sample = rest.count(), _shown(rest)
            parts += pricing.parts_of(version, sample, left, extra=side.longest if run is None else 0)
            items, looked = items + left, looked + len(sample)
        lines.append(Line(version, _price(2 * pairs, items, parts, looked)))
    return Bill(tuple(lines), 2 * pairs)


def of_rest(comparison: Comparison, *, again_unknown: bool = False, again_failed: bool = False) -> Bill:
    """What going on with a judging costs from now on: what waits, and what is asked again. Raises Refused where nothing
    is, and where a judge may not be used."""
    statuses = again(again_unknown, again_failed)
    answered = calls.paired([comparison.baseline, comparison.candidate])
    lines = []
    for version in calls.judges_of(comparison.suite).values():
        _check(version)
        rest = _open(answered, version, statuses)
        count = rest.count()
        sample = _shown(rest)
        parts = pricing.parts_of(version, sample, count)
        lines.append(Line(version, _price(count, count, parts, len(sample))))
    if not any(line.price.items for line in lines):
        raise Refused("comparison", _nothing(comparison))
    return Bill(tuple(lines), sum(line.price.items for line in lines))


def models_of(version: GraderVersion) -> list[str]:
    """The models that a judge asks, each once."""
    return list(dict.fromkeys(str(one["model"]) for one in asking.judges_in(version.definition)))


def again(unknown: bool, failed: bool) -> list[str]:
    """The states of what is asked when a judging goes on."""
    return [Status.WAITING, *[Status.UNKNOWN] * unknown, *[Status.FAILED] * failed]


def _check(version: GraderVersion) -> None:
    keep.usable(version)
    if version.connection is None:
        raise Refused("connection", f"The connection that {version} asked through was removed.")


def _supposed(asked: Sequence[Asked], side: Side) -> list[tuple[dict[str, Any], Conversation]]:
    """Scenarios, some of many, each with its reference in the place of the answer."""
    step = max(1, len(asked) / pricing.LOOKED_AT)
    chosen = [asked[int(place * step)] for place in range(min(len(asked), pricing.LOOKED_AT))]
    return [
        (
            {**SUPPOSED, "output_tokens": side.longest, "reference": one.reference},
            {
                "id": "main", "name": "", "kind": "main", "messages": [*one.messages, one.reference],
                "tools": one.tools,
            },
        )
        for one in chosen
    ]  # fmt: skip


def _open(found: QuerySet[Answer], version: GraderVersion, statuses: list[str]) -> QuerySet[Answer]:
    """Answers that were not put before a judge yet, or whose row is in one of `statuses`; what came of the others is as it
    is."""
    judged = JudgeCall.objects.filter(answer=OuterRef("pk"), version=version).exclude(status__in=statuses)
    return found.filter(~Exists(judged))


def _shown(found: QuerySet[Answer]) -> list[tuple[dict[str, Any], Conversation]]:
    keys = list(found.order_by("scenario__position").values_list("pk", flat=True))
    step = max(1, len(keys) / pricing.LOOKED_AT)
    chosen = [keys[int(place * step)] for place in range(min(len(keys), pricing.LOOKED_AT))]
    told = []
    for answer in Answer.objects.filter(pk__in=chosen).select_related("scenario").order_by("pk"):
        talk, facts = answers.conversation_of(answer, answer.scenario)
        told.append((facts, talk))
    return told


def _price(all_of_them: int, items: int, parts: list[pricing.Part], looked_at: int) -> Price:
    told = Price(all_of_them, all_of_them - items, items, timezone.now(), looked_at=looked_at)
    return replace(told, parts=tuple(parts))


def _nothing(comparison: Comparison) -> str:
    found = calls.rows(comparison)
    unknown = found.filter(status=Status.UNKNOWN).count()
    hint = f" The outcome of {unknown} is unknown: say that they may be asked again." if unknown else ""
    return f"Nothing is left to be judged in this comparison.{hint}"
