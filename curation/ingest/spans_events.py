"""Events beside spans: what was said, in log records or in a span's own events, brought to the span it belongs to.

Source: OpenTelemetry GenAI events. gen_ai.client.inference.operation.details says all of one call at once; conventions up
to 1.30 wrote one event per message (role in the name, body {content, tool_calls, id}) and one gen_ai.choice per answer;
some SDKs write the same as events of the span, their content in gen_ai.event.content. gen_ai.evaluation.result is a score.
An event whose span has not come, or never comes, makes a call of its own until then.
"""

from typing import Any

from curation.ingest.content import as_text
from curation.ingest.fields import as_finite
from curation.ingest.parsed import ParsedScore
from curation.ingest.reading import maybe_json
from curation.ingest.spans import PlainSpan
from curation.ingest.spans_logs import PlainLog, key_of

DETAILS = "gen_ai.client.inference.operation.details"
EVALUATION = "gen_ai.evaluation.result"
CHOICE = "gen_ai.choice"
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.developer.message": "developer",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_WHOLE = ("gen_ai.content.prompt", "gen_ai.content.completion")
_SAID = {*_ROLES, *_WHOLE, CHOICE}
_ANSWERS = (CHOICE, _WHOLE[1])
_CALLS = {"chat", "generate_content", "text_completion"}
_CONTENT = (INPUT, OUTPUT, "gen_ai.system_instructions", "gen_ai.tool.definitions")
_PASSES = {"pass": True, "passed": True, "fail": False, "failed": False}


def with_events(spans: list[PlainSpan], logs: list[PlainLog]) -> tuple[list[PlainSpan], list[ParsedScore]]:
    """Spans with the events that belong to them, and the scores that came as events. Nothing depends on the order of
    either."""
    scores = [score for log in _sorted(logs) if (score := _score(log)) is not None]
    found = {span["span"]: span for span in spans}
    for span in spans:
        if span["events"]:
            own = _own_events(span)
            scores += [score for log in own if (score := _score(log)) is not None]
            _join_messages(found, [log for log in own if log["log"] in _SAID], span["span"])
    details: dict[str, list[PlainLog]] = {}
    said: dict[str, list[PlainLog]] = {}
    for log in _sorted(logs):
        if log["log"] == DETAILS:
            details.setdefault(log["span"], []).append(log)
        elif log["log"] in _SAID:
            said.setdefault(log["span"], []).append(log)
    for key, events in said.items():
        _join_messages(found, events, key)
    for key, events in details.items():
        _join_details(found, events, key)
    return list(found.values()), sorted(scores, key=lambda score: (score.name, score.external_id))


def _sorted(logs: list[PlainLog]) -> list[PlainLog]:
    return sorted(logs, key=lambda log: (log["time"], log["order"], log["log"], log["span"], str(log["body"])[:500]))


def _own_events(span: PlainSpan) -> list[PlainLog]:
    """The events of a span that tell what was said, in the form of log records."""
    return [
        {
            "log": event["name"],
            "trace": span["trace"],
            "span": span["span"],
            "time": event.get("time") or 0,
            "order": number,
            "body": _content(event.get("attributes") or {}),
            "attributes": event.get("attributes") or {},
            "scope": span["scope"],
            "resource": span["resource"],
        }
        for number, event in enumerate(span["events"])
        if isinstance(event.get("name"), str) and (event["name"] in _SAID or event["name"] == EVALUATION)
    ]


def _content(attributes: dict[str, Any]) -> Any:
    inner = attributes.get("gen_ai.event.content")
    return maybe_json(inner) if isinstance(inner, str) else attributes


def _join_details(found: dict[str, PlainSpan], events: list[PlainLog], key: str) -> None:
    """Each event tells of one call: that of its span, where the span is a call (or has not come)."""
    span = found.get(key)
    seen: set[str] = set()
    if span is not None and _is_call(span):
        seen.add(as_text(span["attributes"].get("gen_ai.response.id") or ""))
    for number, log in enumerate(events):
        response = as_text(log["attributes"].get("gen_ai.response.id") or "")
        if number == 0 and key and (span is None or (_is_call(span) and (response in seen or seen == {""}))):
            base = span or _made_up(log, key, "")
            found[key] = {**base, "attributes": _both(base["attributes"], log["attributes"])}
        elif not response or response not in seen:
            parent = key if span is not None and not _is_call(span) else span["parent"] if span is not None else ""
            name = key_of(log)
            made = _made_up(log, name, parent)
            found[name] = {**made, "attributes": _both({}, log["attributes"])}
        elif span is not None:
            found[key] = {**found[key], "attributes": _both(found[key]["attributes"], log["attributes"])}
        seen.add(response)


def _both(of_span: dict[str, Any], of_event: dict[str, Any]) -> dict[str, Any]:
    """What the span says, and of the event what the span leaves open; words are the event's (limits on the length of
    attributes cut those of spans)."""
    both = {**of_event, **{key: value for key, value in of_span.items() if value not in (None, "")}}
    both.update({key: of_event[key] for key in _CONTENT if of_event.get(key)})
    return both


def _join_messages(found: dict[str, PlainSpan], events: list[PlainLog], key: str) -> None:
    """One event per message: those up to the answers are one call."""
    calls: list[list[PlainLog]] = []
    for log in events:
        is_answer = log["log"] in _ANSWERS
        if not calls or (not is_answer and calls[-1][-1]["log"] in _ANSWERS):
            calls.append([])
        calls[-1].append(log)
    span = found.get(key)
    for number, call in enumerate(calls):
        given = [message for log in call if log["log"] != CHOICE for message in _given(log)]
        answers = sorted((log for log in call if log["log"] == CHOICE), key=_index)
        said = [*(_answer(log) for log in answers), *_completions(call)]
        words = {**({INPUT: given} if _tells(given) else {}), **({OUTPUT: said} if _tells(said) else {})}
        if number == 0 and span is not None and _is_gen_ai(span):
            known = {name: span["attributes"][name] for name in words if span["attributes"].get(name)}
            found[key] = {**span, "attributes": {**span["attributes"], **words, **known}}
        else:
            name = key if number == 0 and key and span is None else key_of(call[0])
            parent = (key if not _is_gen_ai(span) else span["parent"]) if span is not None else ""
            made = _made_up(call[0], name, parent)
            provider = call[0]["attributes"].get("gen_ai.system")
            found[name] = {**made, "attributes": {"gen_ai.operation.name": "chat", "gen_ai.system": provider, **words}}


def _given(log: PlainLog) -> list[dict[str, Any]]:
    body = _body(log)
    if log["log"] in _WHOLE:
        prompt = maybe_json(log["attributes"].get("gen_ai.prompt")) if log["log"] == _WHOLE[0] else None
        return [item for item in prompt if isinstance(item, dict)] if isinstance(prompt, list) else []
    return [{"role": _ROLES[log["log"]], "tool_call_id": body.get("id"), **_words(body)}]


def _completions(call: list[PlainLog]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for log in call:
        if log["log"] == _WHOLE[1]:
            items = maybe_json(log["attributes"].get("gen_ai.completion"))
            found += [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return found


def _answer(log: PlainLog) -> dict[str, Any]:
    body = _body(log)
    inner = body.get("message")
    inner = maybe_json(inner) if isinstance(inner, str) and inner[:1] in "[{" else inner
    message = _words(inner) if isinstance(inner, dict) else {"content": inner} if inner else _words(body)
    return {"role": "assistant", "finish_reason": body.get("finish_reason"), **message}


def _words(body: dict[str, Any]) -> dict[str, Any]:
    kept = {key: body[key] for key in ("content", "tool_calls", "name", "refusal") if body.get(key) not in (None, "")}
    content = kept.get("content")
    if isinstance(content, str) and content[:2] == "[{":
        parts = maybe_json(content)
        if isinstance(parts, list) and all(
            isinstance(part, dict) and ("text" in part or "type" in part) for part in parts
        ):
            kept["content"] = parts
    return kept


def _body(log: PlainLog) -> dict[str, Any]:
    body = log["body"]
    body = maybe_json(body) if isinstance(body, str) else body
    if not isinstance(body, dict):
        inner = _content(log["attributes"])
        body = inner if isinstance(inner, dict) else {}
    return body


def _index(log: PlainLog) -> int:
    index = _body(log).get("index")
    return index if isinstance(index, int) else 0


def _tells(messages: list[dict[str, Any]]) -> bool:
    """Whether words came, and not only that there were messages (content capture was off)."""
    return any(message.get("content") or message.get("parts") or _with_arguments(message) for message in messages)


def _with_arguments(message: dict[str, Any]) -> bool:
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return any(isinstance(function, dict) and function.get("arguments") for function in functions)


def _is_gen_ai(span: PlainSpan | None) -> bool:
    return span is not None and any(key.startswith("gen_ai.") for key in span["attributes"])


def _is_call(span: PlainSpan) -> bool:
    operation = span["attributes"].get("gen_ai.operation.name")
    return operation in _CALLS or (not operation and "gen_ai.request.model" in span["attributes"])


def _made_up(log: PlainLog, key: str, parent: str) -> PlainSpan:
    """A span for a call of which only an event tells. Its time is the event's, so its length is not known."""
    asked = as_text(log["attributes"].get("gen_ai.request.model") or "")
    return {
        "trace": log["trace"], "span": key, "parent": parent, "name": f"chat {asked}".strip(), "kind": 0,
        "start": log["time"], "end": 0, "status": {"code": 0, "message": ""}, "attributes": {}, "events": [],
        "scope": log["scope"], "resource": log["resource"],
    }  # fmt: skip


def _score(log: PlainLog) -> ParsedScore | None:
    """A score out of an evaluation's event; its label stands before the explanation where it has a number too."""
    if log["log"] != EVALUATION:
        return None
    attributes = log["attributes"]
    name = attributes.get("gen_ai.evaluation.name")
    value = attributes.get("gen_ai.evaluation.score.value", attributes.get("gen_ai.evaluation.score"))
    label = as_text(attributes.get("gen_ai.evaluation.score.label") or attributes.get("gen_ai.evaluation.label") or "")
    number = as_finite(value)
    boolean = value if isinstance(value, bool) else None
    if not isinstance(name, str) or not name or (number is None and boolean is None and not label):
        return None
    why = as_text(attributes.get("gen_ai.evaluation.explanation") or "")
    has_value = number is not None or boolean is not None
    return ParsedScore(
        name=name,
        number=number,
        boolean=boolean,
        category="" if has_value else label,
        passed=_PASSES.get(label.lower(), boolean),
        reason=": ".join(filter(None, [label if has_value else "", why])),
        author=as_text(log["scope"].get("name") or ""),
        external_id=key_of(log),
    )
