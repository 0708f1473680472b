"""The one client for OpenAI-compatible endpoints: guarded addresses, retries, a concurrency limit, costs and budgets."""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import httpx2
from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.db.models import F

from workspace.connections import estimate, secrets
from workspace.connections.guard import NotAllowed, PinnedTransport
from workspace.models import Connection, Project

if TYPE_CHECKING:
    import openai  # loaded where it is used: every process imports this module, few of them call anybody

log = logging.getLogger(__name__)
Result = TypeVar("Result")
Given = ParamSpec("Given")
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
TIMEOUT = httpx2.Timeout(120.0, connect=10.0)
RETRIES = 3
MOST_ERROR = 2_000  # characters of what an endpoint says when it refuses
FIRST_PAUSE = 0.5  # seconds


Kind = Literal["budget", "setup", "refused", "request", "busy", "server", "unreachable", "lost"]


class ConnectionFailed(Exception):
    """The endpoint did not give an answer; the text says why and holds no key. `of_request`: it refused or could not
    answer this one request, and others may do; else the connection itself does not work now.

    `kind`: budget (used up, or not to be kept), setup (address, key or model: nothing was sent), refused (not allowed to
    ask, or no such model), request (this one request), busy (429), server (5xx), unreachable (nothing was sent), lost (sent,
    and no answer came, or a gateway gave up waiting for it: it may have been paid for). `status` is that of the answer,
    where one came.
    """

    def __init__(
        self, reason: str, *, of_request: bool = False, kind: Kind = "setup", status: int | None = None
    ) -> None:
        super().__init__(reason)
        self.of_request, self.kind, self.status = of_request, kind, status

    @property
    def ends_all(self) -> bool:
        """Whether the next request would fail for the same reason, until a person changes something."""
        return self.kind in ("budget", "setup", "refused")


class Unsent(OperationalError):
    """The database was away before anything was sent: asking again pays for nothing twice."""


# too long or not understood: about what was asked, not about the connection
REFUSES_ONE = (400, 413, 422)
# said by what stands before the model (408: and by the endpoint itself): the model may have answered, and been paid
GAVE_UP = (408, 502, 504, 524)


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `message` is the assistant message in the OpenAI form; None stands for what was not reported.
    `is_estimate`: the endpoint did not count its tokens, so `cost_usd` is of characters / 4."""

    message: dict[str, Any]
    finish_reason: str | None
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    latency_ms: int
    is_estimate: bool = False


def complete(
    *,
    connection: Connection,
    model: str = "",
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    seed: int | None = None,
    top_p: float | None = None,
    reasoning_effort: str | None = None,
    response_format: dict[str, Any] | None = None,
    lets_go: bool = False,
) -> Completion:
    """One chat completion (POST {base_url}/chat/completions). What it cost is added to `spent_usd` of the connection and
    of its project; where the endpoint reports no usage, an estimate is. Only what is given is sent; `response_format` is in the API's form.
    `lets_go`: this thread's connection to the database is given back while it waits for the answer.

    Raises Unsent, and ConnectionFailed: budget used up, address not allowed, key unreadable, refused, or no answer after RETRIES more
    tries with a growing pause (429, 5xx, and connections that never came about). What was sent and got no answer, or only
    that of a gateway (GAVE_UP), may have been paid for: that is never sent again from here.
    """
    import openai

    name = model or connection.default_model
    if not name:
        raise ConnectionFailed(f"{connection.name} has no default model and none was named.")
    try:
        check_budget(connection, model=name)
    except (OperationalError, InterfaceError) as error:
        raise Unsent(str(error)) from error
    options = {
        "tools": tools, "temperature": temperature, "max_completion_tokens": max_tokens, "seed": seed, "top_p": top_p,
        "reasoning_effort": reasoning_effort, "response_format": response_format,
    }  # fmt: skip
    given = {key: value for key, value in options.items() if value is not None and value != []}
    wanted: dict[str, Any] = {"model": name, "messages": messages, **given}
    if lets_go and not database.in_atomic_block:
        database.close()
    begun = time.monotonic()
    with _client(connection) as session, _slot(connection):
        try:
            answer = _send(session, wanted)
        except openai.OpenAIError as error:
            raise _failed(connection, error) from None
    elapsed = round((time.monotonic() - begun) * 1000)
    usage = getattr(answer, "usage", None)
    tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    choices = getattr(answer, "choices", None) or []  # an error page with status 200 comes as text
    message = choices[0].message.model_dump(mode="json", exclude_none=True) if choices else None
    counted = _counted(wanted, message, tokens)
    price = cost(connection, name, *counted)
    if price:
        _count(connection, price)
    if message is None:
        raise ConnectionFailed(f"{connection.name} answered without a choice.", of_request=True, kind="request")
    return Completion(
        message=_without_key(connection, message),
        finish_reason=choices[0].finish_reason,
        model=answer.model or name,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost_usd=price,
        latency_ms=elapsed,
        is_estimate=price is not None and counted != tokens,
    )


def _counted(
    wanted: dict[str, Any], message: dict[str, Any] | None, tokens: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    """Tokens in and out as they were reported (no request has 0), else estimated where an answer came."""
    if message is None:
        return tokens
    reported = tokens[0] or estimate.sent(wanted)
    return reported, tokens[1] or estimate.said(message)


def _send(session: "openai.OpenAI", wanted: dict[str, Any]) -> Any:
    """The answer, tried again where nothing can have been paid for. Raises OpenAIError."""
    import openai

    tries = 0
    while True:
        try:
            return session.chat.completions.create(**wanted)
        except openai.BadRequestError as error:
            if "max_completion_tokens" not in wanted or "max_completion_tokens" not in str(error):
                raise
            wanted["max_tokens"] = wanted.pop("max_completion_tokens")  # older servers know only the old name
        except (openai.APIStatusError, openai.APIConnectionError) as error:
            tries += 1
            if tries > RETRIES or not _again(error):
                raise
            time.sleep(_pause(error, tries))


def _again(error: "openai.APIStatusError | openai.APIConnectionError") -> bool:
    import openai

    if isinstance(error, openai.APIStatusError):
        return _kind_of(error) in ("busy", "server")
    return _never_sent(error)


def _pause(error: Exception, tries: int) -> float:
    """What the endpoint asks for (Retry-After in seconds, at most a minute), else 0.5 s, 1 s, 2 s ... and a little more,
    so that those who were refused together do not come back together."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        asked = float(headers.get("retry-after", ""))
    except ValueError:
        asked = 0.0
    return asked if 0 < asked <= 60 else min(8.0, FIRST_PAUSE * 2 ** (tries - 1)) * random.uniform(1, 1.25)  # noqa: S311


def models(*, connection: Connection) -> list[str]:
    """The names of the models it offers, sorted (GET {base_url}/models). Raises ConnectionFailed."""
    import openai

    with _client(connection) as session:
        try:
            return sorted(model.id for model in session.models.list())
        except openai.OpenAIError as error:
            raise _failed(connection, error) from None


def cost(connection: Connection, model: str, input_tokens: int | None, output_tokens: int | None) -> Decimal | None:
    """USD for these tokens by the connection's price table (entry of the model, else "*"); None where unknown."""
    price = connection.prices.get(model) or connection.prices.get("*")
    if not price or input_tokens is None or output_tokens is None:
        return None
    if "input" not in price or "output" not in price:
        return None
    million = Decimal(1_000_000)
    return (
        Decimal(str(price["input"])) * input_tokens / million + Decimal(str(price["output"])) * output_tokens / million
    )


def check_budget(connection: Connection, *, model: str, usd: Decimal | None = Decimal(0)) -> None:
    """Raise ConnectionFailed (kind budget) where the budget of the connection, or that of its project, is used up or
    would not hold `usd` more (None: nobody knows how much). A project's budget cannot be kept where the price of the model
    is not known, so nothing is asked then. What is under way when a budget ends still comes, and is counted."""
    found = Connection.objects.values_list(
        "name", "budget_usd", "spent_usd", "project__name", "project__budget_usd", "project__spent_usd"
    ).get(pk=connection.pk)
    for name, budget, spent, who in ((*found[:3], "An engineer"), (*found[3:], "An administrator of the project")):
        if budget is None:
            continue
        if spent >= budget or (usd and spent + usd > budget):
            what = "is used up" if spent >= budget else f"does not allow what may cost ${usd:.2f}"
            raise ConnectionFailed(
                f"The budget of {name} {what} (${spent:.2f} of ${budget:.2f} is spent). "
                f"{who} can raise it in the settings.",
                kind="budget",
            )
    if found[4] is not None and (usd is None or cost(connection, model, 0, 0) is None):
        raise ConnectionFailed(
            f"{found[3]} has a budget, and what {model} costs is not known, so it could not be kept. "
            f"Add the price of {model} to {found[0]} in the settings.",
            kind="budget",
        )


def _count(connection: Connection, price: Decimal) -> None:
    """Add to both sums. An answer that was paid for is not given up because the database is away for a moment."""

    def add() -> None:
        with transaction.atomic():
            Connection.objects.filter(pk=connection.pk).update(spent_usd=F("spent_usd") + price)
            Project.objects.filter(pk=connection.project_id).update(spent_usd=F("spent_usd") + price)

    try:
        steadily(add)
    except (OperationalError, InterfaceError):
        log.exception("$%s spent at %s could not be counted: the database is away.", price, connection.name)


def steadily(act: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Do `act`, again for about a minute while the database is away. Inside a transaction it is done once."""
    for pause in (*PAUSES, None):
        try:
            return act(*given, **named)
        except (OperationalError, InterfaceError):
            if pause is None or database.in_atomic_block:
                raise
            database.close()
            time.sleep(pause)
    raise AssertionError  # the last try returns or raises


@contextmanager
def _client(connection: Connection) -> "Iterator[openai.OpenAI]":
    import openai

    try:
        key = secrets.decrypt(connection.key_encrypted)
    except secrets.Unreadable as error:
        raise ConnectionFailed(str(error)) from None
    transport = PinnedTransport(allow_private=connection.allow_private_host)
    with (
        httpx2.Client(transport=transport, timeout=TIMEOUT, follow_redirects=False, trust_env=False) as http,
        openai.OpenAI(api_key=key or "none", base_url=connection.base_url, http_client=http, max_retries=0) as session,
    ):
        try:
            yield session
        except NotAllowed as error:
            raise ConnectionFailed(error.reason) from None


_slots: dict[int, tuple[int, threading.BoundedSemaphore]] = {}
_slots_lock = threading.Lock()


@contextmanager
def _slot(connection: Connection) -> Iterator[None]:
    """At most `max_concurrency` calls at once from this process."""
    with _slots_lock:
        known = _slots.get(connection.pk)
        if known is None or known[0] != connection.max_concurrency:
            known = (connection.max_concurrency, threading.BoundedSemaphore(connection.max_concurrency))
            _slots[connection.pk] = known
    with known[1]:
        yield


def _failed(connection: Connection, error: "openai.OpenAIError") -> ConnectionFailed:
    import openai

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NotAllowed):
            return ConnectionFailed(cause.reason)
        cause = cause.__cause__ or cause.__context__
    never_sent = _never_sent(error)
    kind: Kind = "unreachable" if never_sent else "lost"
    status = None
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        kind = _kind_of(error)
        text = f"{connection.name} answered {status}: {error.message}"
    elif isinstance(error, openai.APITimeoutError):
        text = f"{connection.name} did not answer in time."
    elif isinstance(error, openai.APIConnectionError):
        text = f"{connection.name} cannot be reached at {connection.base_url}."
        if not never_sent:
            text = f"The connection to {connection.name} broke before an answer came."
    else:
        text = f"{connection.name}: {error}"
    key = _key(connection)
    text = text.replace(key, "[key]") if key else text
    text = text if len(text) <= MOST_ERROR else f"{text[:MOST_ERROR]}…"
    return ConnectionFailed(text, of_request=kind == "request", kind=kind, status=status)


def _without_key(connection: Connection, message: dict[str, Any]) -> dict[str, Any]:
    """The answer as it came; an endpoint that says the key back does not get it kept."""
    key = _key(connection)
    if not key or key not in (text := json.dumps(message, ensure_ascii=False)):
        return message
    scrubbed: dict[str, Any] = json.loads(text.replace(key, "[key]"))
    return scrubbed


def _key(connection: Connection) -> str:
    try:
        return secrets.decrypt(connection.key_encrypted)
    except secrets.Unreadable:
        return ""


def _never_sent(error: BaseException) -> bool:
    """Whether the connection did not even come about."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _kind_of(error: "openai.APIStatusError") -> Kind:
    if error.status_code in REFUSES_ONE:
        return "request"
    if error.code == "insufficient_quota":  # a 429 that no waiting helps
        return "refused"
    if error.status_code in GAVE_UP:
        return "lost"
    if error.status_code in (409, 429):
        return "busy"
    return "server" if error.status_code >= 500 else "refused"
