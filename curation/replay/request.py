"""Asking for a replay: what it would cost, and the row that is its queue."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction

from curation.models import Replay, Trace
from curation.replay.opening import CannotReplay, Opening, Sent, edited, opening
from workspace import audit, formats
from workspace.access import Actor
from workspace.connections import client
from workspace.models import Connection, Project

USUAL_TOKENS = 1_024
MOST_TOKENS = 32_768


@dataclass(frozen=True, slots=True)
class Price:
    """What one request costs at most. `usd` None: the connection's price table does not know the model. Tokens are an
    estimate (characters / 4); `output` is the limit that is asked for."""

    input: int
    output: int
    usd: Decimal | None

    @property
    def is_free(self) -> bool:
        """Known to cost nothing."""
        return self.usd == 0

    @property
    def text(self) -> str:
        """What a person confirms: the sum in US dollars, or "unknown"."""
        return "unknown" if self.usd is None else str(self.usd)

    def covers(self, shown: str) -> bool:
        """Whether it is no more than the price that was shown, as `text` wrote it."""
        if self.usd is None or shown == "unknown":
            return shown == self.text
        try:
            return self.usd <= Decimal(shown)
        except (InvalidOperation, ValueError):
            return False


@dataclass(slots=True)
class Plan:
    """A replay that could be sent."""

    sent: Sent
    connection: Connection
    model: str
    settings: dict[str, Any]
    price: Price


def start(*, project: Project, trace_uid: uuid.UUID, step_key: str) -> tuple[Trace, Opening]:
    """The trace with its revision, and the conversation before the step. Raises Trace.DoesNotExist, CannotReplay."""
    trace = Trace.objects.select_related("revision").get(project=project, uid=trace_uid)
    if trace.revision is None:
        raise CannotReplay("step", "This trace holds nothing.")
    return trace, opening(trace.revision.document, step_key)


def plan(*, project: Project, found: Opening, given: Mapping[str, str]) -> Plan:
    """Read what a person asks for: connection (its id), model, temperature, max_tokens, and the edits of
    `opening.edited`. Raises CannotReplay naming the field."""
    connection = _connection(project, given.get("connection", ""))
    model = given.get("model", "").strip() or connection.default_model
    if not model:
        raise CannotReplay("model", f"{connection.name} has no default model, so one must be named.")
    if len(model) > 200:
        raise CannotReplay("model", "A model's name has at most 200 characters.")
    settings: dict[str, Any] = {"max_tokens": _whole(given.get("max_tokens", ""))}
    if text := given.get("temperature", "").strip():
        settings["temperature"] = _temperature(text)
    sent = edited(found, given)
    tokens = sent.example.total_tokens
    usd = client.cost(connection, model, tokens, settings["max_tokens"])
    price = Price(tokens, settings["max_tokens"], usd)
    if connection.budget_usd is not None and connection.spent_usd + (usd or 0) > connection.budget_usd:
        left = max(Decimal(0), connection.budget_usd - connection.spent_usd)
        raise CannotReplay(
            "connection",
            f"The budget of {connection.name} does not allow it: {formats.money(left)} of "
            f"{formats.money(connection.budget_usd)} is left, and this may cost {formats.money(usd)}.",
        )
    return Plan(sent, connection, model, settings, price)


def send(*, trace: Trace, found: Opening, wanted: Plan, actor: Actor, key: str, confirmed: str) -> Replay:
    """Write the row that a worker answers. The same key again gives the same row, so a doubled form costs nothing.
    `confirmed` is the price (`Price.text`) that a person saw and agreed to, "" where nobody did. Raises CannotReplay
    where it costs money, or may, and nobody confirmed that, or where it costs more than what was confirmed."""
    if not wanted.price.is_free and not confirmed:
        raise CannotReplay("confirmed", "Say that this may cost what is shown.")
    if not wanted.price.is_free and not wanted.price.covers(confirmed):
        raise CannotReplay(
            "confirmed",
            "The price is another one than was shown before, since something was changed. "
            "It was not sent: look at the new price and send again.",
        )
    known = Replay.objects.filter(project=trace.project_id, idempotency_key=key[:64]).first()
    if known is not None:
        return known
    assert trace.revision is not None  # `start` found the step in it
    changed = list(wanted.sent.changed)
    if wanted.model != trace.model:
        changed.append(f"model {wanted.model}")
    if "temperature" in wanted.settings:
        changed.append(f"temperature {wanted.settings['temperature']:g}")
    try:
        with transaction.atomic():
            made = Replay.objects.create(
                project_id=trace.project_id, trace=trace, revision=trace.revision, step_key=found.step_key,
                connection=wanted.connection, model=wanted.model, messages=wanted.sent.messages, tools=wanted.sent.tools,
                settings=wanted.settings, changed=changed, estimate_usd=wanted.price.usd, user=actor.user,
                author=actor.label[:200], idempotency_key=key[:64],
            )  # fmt: skip
            audit.record(
                project=trace.project, actor=actor, action="replay.requested", target=f"trace:{trace.uid}",
                replay=str(made.uid), model=wanted.model, connection=wanted.connection.name,
                at_most_usd=None if wanted.price.usd is None else str(wanted.price.usd),
            )  # fmt: skip
    except IntegrityError:
        return Replay.objects.get(project=trace.project_id, idempotency_key=key[:64])
    return made


def _connection(project: Project, uid: str) -> Connection:
    try:
        return Connection.objects.get(project=project, uid=uuid.UUID(uid))
    except (ValueError, Connection.DoesNotExist):
        raise CannotReplay("connection", "Choose a connection of this project.") from None


def _whole(text: str) -> int:
    text = text.strip()
    if not text:
        return USUAL_TOKENS
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_TOKENS or len(text) > 9:
        raise CannotReplay("max_tokens", f"{text[:20]!r} is not a whole number from 1 to {MOST_TOKENS:,}.")
    return int(text)


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 2:
        raise CannotReplay("temperature", f"{text[:20]!r} is not a number from 0 to 2.")
    return value
