"""Asking a model to judge, through the project's one client. What was sent and what came back is kept as it was."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from curation.messages.clean import Notes, clean
from curation.scoring.graders import judge
from workspace.connections import client
from workspace.models import Connection

log = logging.getLogger(__name__)
# a model that refuses one of these is asked without it: the prompt as sent says so
MAY_LACK = ("response_format", "temperature")
_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
_TOO_LONG = ("context", "too long", "maximum", "tokens")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was answered: `prompt` as it was sent (without the key), `answer` as it came."""

    prompt: dict[str, Any]
    answer: dict[str, Any]
    cost_usd: Decimal | None
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: int


@dataclass(slots=True)
class Asker:
    """Answers JudgeRequests through a connection and remembers what it paid for. Where the connection failed, `failure`
    says how, and nothing more is asked. `known` (see `half_answered`) is taken before anybody is asked; what was answered
    is handed to `keeps` before the next is asked, with `unanswered` the one that is about to be."""

    connection: Connection
    lets_go: bool = False  # of the database while it waits
    known: list[Asked] = field(default_factory=list)
    keeps: Callable[["Asker"], None] | None = None
    said: list[Asked] = field(default_factory=list)
    failure: client.ConnectionFailed | None = None
    unanswered: dict[str, Any] | None = None  # what was sent when it failed

    def __call__(self, request: judge.JudgeRequest) -> judge.JudgeAnswer:
        """One judgment. Raises ConnectionFailed, whatever `keeps` raises, and client.Unsent before the first was sent. An
        error of the database that comes later is a ConnectionFailed: lost where this one was sent, else busy."""
        if self.failure is not None:
            raise self.failure
        sent = sent_of(request, self.connection)
        asked = self._known(sent) or self._ask(sent)
        self.said.append(asked)
        text = asked.answer["message"].get("content")
        text = text if isinstance(text, str) else ""
        fenced = _FENCED.fullmatch(text)
        return judge.JudgeAnswer(text=fenced[1] if fenced else text)

    @property
    def prompts(self) -> Any:
        """What was sent, with what got no answer as the last: one, a list of several, or None."""
        return _one([*(one.prompt for one in self.said), *([self.unanswered] if self.unanswered else [])])

    @property
    def answers(self) -> Any:
        """What came, in the same form."""
        return _one([one.answer for one in self.said])

    def _known(self, sent: dict[str, Any]) -> Asked | None:
        wanted = clean(_taken(self.connection, sent), Notes()) if self.known else None
        found = next((one for one in self.known if one.prompt == wanted), None)
        if found is not None:
            self.known.remove(found)
        return found

    def _ask(self, sent: dict[str, Any]) -> Asked:
        self.unanswered = sent
        try:
            self._keep()
            asked = ask(self.connection, sent, lets_go=self.lets_go)
        except client.ConnectionFailed as error:
            self.failure = error
            raise
        except (OperationalError, InterfaceError) as error:  # behind the request it may have been paid for
            was_sent = not isinstance(error, client.Unsent)
            if not was_sent and not self.said:
                raise
            why = f"The database was away: {error}"[:300]
            self.failure = client.ConnectionFailed(why, kind="lost" if was_sent else "busy")
            raise self.failure from None
        self.unanswered = None
        return asked

    def _keep(self) -> None:
        if not self.said or self.keeps is None:
            return
        try:
            self.keeps(self)
        except (OperationalError, InterfaceError) as error:  # nothing more is paid for until it can be written down
            raise client.ConnectionFailed(f"The database was away: {error}"[:300], kind="busy") from None


def half_answered(prompts: Any, answers: Any) -> list[Asked]:
    """What was answered and paid for of a grading that got stuck: as `Asker.prompts` and `Asker.answers` were kept. Nothing
    where all was answered, or none. It costs nothing again."""
    sent, came = (
        value if isinstance(value, list) else [] if value is None else [value] for value in (prompts, answers)
    )
    if len(sent) <= len(came):
        return []
    return [Asked(prompt, answer, Decimal(0), 0, 0, 0) for prompt, answer in zip(sent, came, strict=False)]


Ask = Callable[[judge.JudgeRequest], judge.JudgeAnswer]


def sent_of(request: judge.JudgeRequest, connection: Connection) -> dict[str, Any]:
    """The request as arguments of `client.complete`, without what is not given."""
    wanted = {
        "model": request.model or connection.default_model, "messages": [dict(one) for one in request.messages],
        "response_format": _format(request.response_format), "temperature": request.temperature,
        "max_tokens": request.max_tokens, "seed": request.seed, "top_p": request.top_p,
        "reasoning_effort": request.reasoning_effort,
    }  # fmt: skip
    return {name: value for name, value in wanted.items() if value is not None}


def ask(connection: Connection, sent: dict[str, Any], *, lets_go: bool = False) -> Asked:
    """Send one request. An endpoint that answers 400 to `response_format` or to `temperature` is asked once more without
    it (the schema then stands in the prompt), and where that works it is remembered. Raises ConnectionFailed."""
    model = sent["model"]
    sent = _taken(connection, sent)
    dropped: list[str] = []
    while True:
        try:
            came = client.complete(connection=connection, lets_go=lets_go, **sent)
            break
        except client.ConnectionFailed as error:
            option = _refused(error, sent)
            if not option:
                raise
            sent = _without(sent, option)
            dropped.append(option)
    if dropped:
        try:
            client.steadily(lambda: _remember(connection, [f"{model} {option}" for option in dropped]))
        except (OperationalError, InterfaceError):  # the answer is here; only the next request learns it anew
            log.warning("What %s does not take could not be remembered.", connection.name)
    return Asked(sent, answer_of(came), came.cost_usd, came.input_tokens, came.output_tokens, came.latency_ms)


def answer_of(came: client.Completion) -> dict[str, Any]:
    """An answer as it is kept; it says where its cost is an estimate."""
    told = {"message": came.message, "finish_reason": came.finish_reason, "model": came.model}
    return told | ({"cost_is_estimate": True} if came.is_estimate else {})


def requests(
    definition: Mapping[str, Any], sample: Mapping[str, Any], item: Mapping[str, Any]
) -> list[judge.JudgeRequest]:
    """All requests that grading one answer would make; those whose templates have a hole that nothing fills make none."""
    found = []
    for part in judges_in(definition):
        try:
            found.append(judge.request_of(part, sample, item))
        except (LookupError, ValueError, TypeError):
            continue
    return found


def judges_in(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The definitions inside one that ask a model, itself among them."""
    if definition["type"] in ("score_model", "label_model"):
        return [definition]
    inner = definition.get("graders")
    parts = list(inner.values()) if isinstance(inner, Mapping) else list(inner or [])
    return [found for part in parts for found in judges_in(part)]


def _format(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """In the form of the API: {"type": "json_schema", "json_schema": {name, schema, strict}}."""
    if not schema:
        return None
    if schema.get("type") == "json_schema" and "json_schema" in schema:
        return dict(schema)
    return {"type": "json_schema", "json_schema": {"name": "judgment", "schema": dict(schema), "strict": True}}


def _refused(error: client.ConnectionFailed, sent: Mapping[str, Any]) -> str:
    """Which option a 400 was about; "" where about none that can be left out."""
    if error.status not in (400, 422):
        return ""
    said = str(error).lower()
    if "temperature" in sent and "temperature" in said:
        return "temperature"
    if "response_format" not in sent:
        return ""
    named = any(word in said for word in ("response_format", "response format", "json_schema", "schema"))
    return "response_format" if named or not any(word in said for word in _TOO_LONG) else ""


def _taken(connection: Connection, sent: dict[str, Any]) -> dict[str, Any]:
    """The request without what the endpoint is known not to take."""
    model = sent["model"]
    for option in MAY_LACK:
        if option in sent and f"{model} {option}" in connection.lacks:
            sent = _without(sent, option)
    return sent


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values or None


def _without(sent: dict[str, Any], option: str) -> dict[str, Any]:
    rest = {name: value for name, value in sent.items() if name != option}
    if option == "response_format":
        schema = json.dumps(sent["response_format"]["json_schema"]["schema"], ensure_ascii=False)
        rule = f"Answer with one JSON object and nothing else. It must match this JSON schema: {schema}"
        first, *others = sent["messages"]
        if first["role"] == "system" and isinstance(first.get("content"), str):
            rest["messages"] = [{**first, "content": f"{first['content']}\n\n{rule}"}, *others]
        else:
            rest["messages"] = [{"role": "system", "content": rule}, first, *others]
    return rest


def _remember(connection: Connection, lacks: list[str]) -> None:
    with transaction.atomic():
        held = Connection.objects.select_for_update().only("lacks").get(pk=connection.pk)
        held.lacks = [*held.lacks, *(one for one in lacks if one not in held.lacks)]
        held.save(update_fields=["lacks"])
    connection.lacks = held.lacks
