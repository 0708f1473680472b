"""What a batch is estimated to cost, told before it starts: unknown is said, never 0.

The limit of every answer is in it, but prompts are only estimated (characters / 4; of many traces from a sample, with its
margin), so a batch may cost more. It stops where it passes the sum that was agreed to (see `claims.claim`); calls under way
then still come.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any, TypeVar

from curation.messages.form import main_conversation
from curation.models import GraderVersion, Trace, TraceRevision
from curation.models.traces import TraceQuerySet
from curation.scoring import asking, items, keep, run, wire
from curation.scoring.graders import judge, trace_inputs
from curation.scoring.refused import Refused
from workspace import formats
from workspace.connections import client, estimate
from workspace.models import Connection

# so many prompts are really made; the others are taken to be as long on average, with a margin
LOOKED_AT = 100
CENT_PARTS = Decimal("0.000001")
MOST_USD = Decimal("999999.999999")  # that a batch can hold

Known = TypeVar("Known")  # of what is looked at, besides its conversation


@dataclass(frozen=True, slots=True)
class Part:
    """Calls to one model over one connection. `input` is an estimate (characters / 4), `output` the limit that is sent.
    `missing`: why no prompt could be made, so that there is nothing to price; "" where some could."""

    connection: Connection
    model: str
    calls: int
    input: int
    output: int
    usd: Decimal | None
    missing: str = ""

    @property
    def why_unknown(self) -> str:
        """Why nobody knows what it costs; "" where it is known."""
        if self.usd is not None:
            return ""
        return self.missing or f"{self.connection.name} has no price for {self.model}."


@dataclass(frozen=True, slots=True)
class Price:
    """What a batch is estimated to cost. `traces` match, `reused` of them have their score already and cost nothing, `items`
    are left. `usd` None: the price table of a connection does not know its model. `looked_at`: of so many traces the prompt
    was really made; the rest is taken to be as long, with a margin. `until`: traces that come later are not in it, and not in the batch
    that is started with the same moment."""

    traces: int
    reused: int
    items: int
    until: datetime
    parts: tuple[Part, ...] = ()
    looked_at: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        """Requests to models."""
        return sum(part.calls for part in self.parts)

    @property
    def input(self) -> int:
        """Tokens that are sent, estimated."""
        return sum(part.input for part in self.parts)

    @property
    def output(self) -> int:
        """Tokens that may come back at most."""
        return sum(part.output for part in self.parts)

    @property
    def usd(self) -> Decimal | None:
        """US dollars; None where one part is unknown."""
        return run.total([part.usd for part in self.parts]) if self.parts else Decimal(0)

    @property
    def why_unknown(self) -> str:
        """Why nobody knows what it costs, each reason once; "" where it is known."""
        return " ".join(dict.fromkeys(part.why_unknown for part in self.parts if part.usd is None))

    @property
    def is_free(self) -> bool:
        """Known to cost nothing."""
        return self.usd == 0

    @property
    def text(self) -> str:
        """What a person confirms: the sum in US dollars, or "unknown"."""
        return "unknown" if self.usd is None else f"{self.usd.quantize(CENT_PARTS, ROUND_UP):f}"

    def covers(self, shown: str) -> bool:
        """Whether it is no more than the price that was shown, as `text` wrote it."""
        if self.usd is None or shown == "unknown":
            return shown == self.text
        try:
            return self.usd <= Decimal(shown)
        except (InvalidOperation, ValueError):
            return False


def agreed(price: Price, confirmed: str) -> Decimal | None:
    """The sum that a person agreed to, which a batch does not pass: this price, or a higher one that was named; None where
    nobody knows the price. Raises Refused where nobody agreed. What is free needs no word."""
    if price.usd is None and confirmed == price.text:
        return None
    if price.is_free:
        return Decimal(0)
    if not confirmed:
        raise Refused("confirmed", "Say that this may cost what is shown.")
    if not price.covers(confirmed):
        raise Refused(
            "confirmed",
            f"The price is another one than was shown: {price.text} instead of {confirmed[:40]}. "
            "Nothing was started: look at the new price and start again.",
        )
    return min(max(Decimal(confirmed), Decimal(price.text)), MOST_USD).quantize(CENT_PARTS)


def affordable(price: Price) -> None:
    """Raise Refused where a budget does not hold the whole price, naming what is left."""
    totals: dict[int, tuple[Connection, str, Decimal | None]] = {}
    for part in price.parts:
        _, _, before = totals.get(part.connection.pk, (part.connection, part.model, Decimal(0)))
        together = None if before is None or part.usd is None else before + part.usd
        totals[part.connection.pk] = (part.connection, part.model, together)
        _known(part)
    for connection, model, usd in totals.values():
        try:
            client.check_budget(connection, model=model, usd=usd)
        except client.ConnectionFailed as error:
            raise Refused("connection", str(error)) from None
    project = next((part.connection.project for part in price.parts), None)
    if project is None or project.budget_usd is None or price.usd is None:
        return
    project.refresh_from_db(fields=["budget_usd", "spent_usd"])
    if project.budget_usd is not None and project.spent_usd + price.usd > project.budget_usd:
        left = max(Decimal(0), project.budget_usd - project.spent_usd)
        raise Refused(
            "connection",
            f"The budget of {project.name} does not allow it: {formats.money(left)} of "
            f"{formats.money(project.budget_usd)} is left, and this may cost {formats.money(price.usd)}.",
        )


def _known(part: Part) -> None:
    if part.usd is None and part.connection.budget_usd is not None:
        if part.missing:
            raise Refused(
                "connection", f"{part.connection.name} has a budget, and no price can be told. {part.missing}"
            )
        raise Refused(
            "connection",
            f"{part.connection.name} has a budget, and what {part.model} costs is not known, so it could not be kept. "
            f"Add the price of {part.model} to {part.connection.name} in the settings.",
        )


def of_grading(
    *, version: GraderVersion, traces: Sequence[Trace], calls_for: int, until: datetime, matched: int | None = None,
    reused: int = 0, extra: int = 0,
) -> Price:  # fmt: skip
    """The price of grading `calls_for` answers, by the prompts for `traces`, a sample of them (with `revision`).
    `extra`: tokens that an answer which is not there yet may add to each prompt."""
    told = Price(calls_for + reused if matched is None else matched, reused, calls_for, until)
    if not keep.asks_model(version) or calls_for == 0:
        return told
    parts = judge_parts(version, conversations_of(traces), calls_for, extra=extra)
    return replace(told, parts=tuple(parts), looked_at=len(traces))


def judge_parts(
    version: GraderVersion,
    looked_at: Sequence[tuple[Trace, Any]],
    answers: int,
    *,
    extra: int = 0,
    of: int | None = None,
) -> list[Part]:
    """The calls of a judge, by model. Raises Refused where it has no connection."""
    references = run.references_of([trace for trace, _ in looked_at])
    known = [(run.facts_of(trace, references), conversation) for trace, conversation in looked_at]
    return parts_of(version, known, answers, extra=extra, of=of)


def parts_of(
    version: GraderVersion, looked_at: Sequence[tuple[Mapping[str, Any], Any]], answers: int, *, extra: int = 0,
    of: int | None = None,
) -> list[Part]:  # fmt: skip
    """The same by (facts, conversation), where what is judged is no trace."""
    connection = version.connection
    if connection is None:
        raise Refused("connection", f"The connection that {version} asked through was removed.")

    def sent(facts: Mapping[str, Any], conversation: Any) -> list[Mapping[str, Any]]:
        sample, item = trace_inputs.inputs_of(conversation, facts)
        if sample is None:
            return []
        return [asking.sent_of(one, connection) for one in asking.requests(version.definition, sample, item)]

    parts = scaled(connection, looked_at, answers, sent, extra=extra, of=of)
    if parts or not answers:
        return parts
    # none of the prompts looked at could be made; those of others may be
    models = [one["model"] or connection.default_model for one in asking.judges_in(version.definition)]
    missing = _unfilled(version, looked_at)
    return [Part(connection, model, answers, 0, 0, None, missing) for model in models]


def _unfilled(version: GraderVersion, looked_at: Sequence[tuple[Mapping[str, Any], Any]]) -> str:
    """Why none of the prompts looked at could be made, with what the first one with an answer lacks."""
    told = f"None of the {len(looked_at)} prompts looked at could be filled"
    for facts, conversation in looked_at:
        sample, item = trace_inputs.inputs_of(conversation, facts)
        if sample is None:
            continue
        for part in asking.judges_in(version.definition):
            try:
                judge.request_of(part, sample, item)
            except (LookupError, ValueError, TypeError) as error:
                return f"{told}: {{{{ {error} }}}} has no value there."
    return f"{told}: there is no answer to judge." if looked_at else "There was no trace to make a prompt of."


def candidate_parts(
    connection: Connection,
    looked_at: Sequence[tuple[Trace, Any]],
    answers: int,
    *,
    model: str,
    max_tokens: int,
    of: int,
) -> list[Part]:
    """The calls that generate `answers` candidates for `of` traces; none where nothing of what was looked at can be sent."""

    def sent(trace: Trace, conversation: Any) -> list[dict[str, Any]]:
        try:
            messages, tools = wire.opening({"conversations": [conversation]}).sent()
        except Refused:  # it will not be sent either
            return []
        return [{"model": model, "messages": messages, "tools": tools, "max_tokens": max_tokens}]

    return scaled(connection, looked_at, answers, sent, of=of)


def scaled(
    connection: Connection, looked_at: Sequence[tuple[Known, Any]], answers: int,
    sent: Callable[[Known, Any], Iterable[Mapping[str, Any]]], *, extra: int = 0, of: int | None = None,
) -> list[Part]:  # fmt: skip
    """What `answers` answers cost where those looked at are a fair sample of the `of` ones (`answers` unless told) that they
    are made for, by model. Where it is a sample, its tokens in have two standard errors on top (see `_margin`)."""
    counted: dict[str, list[int]] = {}
    each: dict[str, list[int]] = {}  # tokens in of each that was looked at
    for known, conversation in looked_at:
        own: dict[str, int] = {}
        for one in sent(known, conversation):
            sums = counted.setdefault(one["model"], [0, 0, 0])
            tokens_in = estimate.sent(one) + extra
            sums[0] += 1
            sums[1] += tokens_in
            sums[2] += one.get("max_tokens") or 0
            own[one["model"]] = own.get(one["model"], 0) + tokens_in
        for model, tokens in own.items():
            each.setdefault(model, []).append(tokens)
    parts = []
    for model, (calls, tokens_in, tokens_out) in counted.items():
        scale = answers / max(1, len(looked_at))
        more = 1 + _margin(each[model], len(looked_at), answers if of is None else of)
        up = [round(value * scale + 0.499) for value in (calls, tokens_in * more, tokens_out)]
        parts.append(Part(connection, model, up[0], up[1], up[2], client.cost(connection, model, up[1], up[2])))
    return parts


def _margin(values: Sequence[int], n: int, of: int) -> float:
    """Two standard errors of the total that is estimated from a simple random sample of `n` without putting back, as a share
    of it; 0 where all `of` were looked at, or one is priced by many. Values that are not there are 0. (Cochran, Sampling
    Techniques, 2.5 and 2.6: the standard error with the finite population correction.)"""
    if n >= of or n < 2 or not any(values):
        return 0.0
    mean = sum(values) / n
    squares = sum((value - mean) ** 2 for value in values) + (n - len(values)) * mean**2
    return 2 * math.sqrt(squares / (n - 1) * (1 - n / of) / n) / mean


def looked_at(traces: TraceQuerySet) -> list[Trace]:
    """Those whose prompts stand for the others: of the same traces always the same, so that their price is one wherever it
    is told."""
    return list(items.drawn(traces, 0)[:LOOKED_AT])


def conversations_of(traces: Sequence[Trace]) -> list[tuple[Trace, Any]]:
    """Each trace with its main conversation. Two queries at most."""
    documents = dict(
        TraceRevision.objects.filter(pk__in=[one.revision_id for one in traces]).values_list("pk", "document")
    )
    return [
        (one, main_conversation(documents[one.revision_id]))
        for one in traces
        if one.revision_id is not None and one.revision_id in documents
    ]
