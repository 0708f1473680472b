"""Mastra's exporter events: [{"type": "span_started" | "span_updated" | "span_ended", "exportedSpan"}, ...].

Source: @mastra/core 1.71.0 and @mastra/observability 1.17.9 (events they emitted). The input of a model step is lossy there
("[tool: get_weather]"), so what each step was asked is built again: the messages of the generation around it, and for each
step before it its answer and the results of its tools.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from curation.ingest.content import as_text
from curation.ingest.formats.openai_agents_spans import nanoseconds
from curation.ingest.openai_messages import dumps
from curation.ingest.parsed import ParsedTrace, Rejected
from curation.ingest.span_files import Gathered, Rows, plain_span, read_spans
from curation.ingest.spans import PlainSpan
from curation.ingest.text import Source

NAME = "mastra"
LABEL = "Mastra exporter events"
GROUP = "Exports of tracing tools"
_EVENTS = {"span_started", "span_updated", "span_ended"}


def detect(sample: list[Any]) -> bool:
    """Whether records are events of the exporter, or its spans."""
    return any(is_record(item) for item in sample)


def is_record(value: Any) -> bool:
    """Whether one value is an event."""
    if not isinstance(value, dict) or not isinstance(value.get("exportedSpan"), dict):
        return False
    return isinstance(value.get("type"), str) and value["type"] in _EVENTS


def read(source: Source) -> Iterator[tuple[str, ParsedTrace] | Rejected]:
    """One trace per trace id. Traces are put together at the end, when all spans have said their last."""
    events = _Events()
    rejected: list[Rejected] = []

    def records() -> Iterator[tuple[str, Any] | Rejected]:
        for item in source.records():
            if isinstance(item, Rejected):
                yield item
            elif not is_record(item[1]):
                rejected.append(Rejected(item[0], "is no event with type and exportedSpan"))
            else:
                events.add(item[0], item[1]["exportedSpan"])
        yield from events.traces()

    yield from read_spans(Source(source.name, source.shape, records=records), NAME, _take)
    yield from rejected


class _Events:
    """The last word of each span, by trace."""

    def __init__(self) -> None:
        self._traces: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {}

    def add(self, where: str, span: dict[str, Any]) -> None:
        _, spans = self._traces.setdefault(as_text(span.get("traceId") or ""), (where, {}))
        key = as_text(span.get("id") or "")
        spans[key] = {**spans.get(key, {}), **span}

    def traces(self) -> Iterator[tuple[str, Any]]:
        for where, spans in self._traces.values():
            yield where, list(spans.values())


def _take(spans: list[dict[str, Any]], gathered: Gathered) -> Iterable[str]:
    children: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        children.setdefault(as_text(span.get("parentSpanId") or ""), []).append(span)
    key = as_text(spans[0].get("traceId") or "")
    rows = gathered.trace(key)
    for span in spans:
        gathered.add(_plain(span, key))
    for span in spans:
        if span.get("type") == "model_generation":
            for step in _generation(span, children, key):
                gathered.add(step)
    _take_facts(spans, rows)
    return [key]


def _plain(span: dict[str, Any], trace: str, attributes: dict[str, Any] | None = None) -> PlainSpan:
    kind, facts = span.get("type"), _object(span, "attributes")
    name = as_text(span.get("entityName") or span.get("entityId") or "")
    found: dict[str, Any] = attributes or {}
    if kind == "agent_run":
        found = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    elif kind in ("tool_call", "mcp_tool_call"):
        found = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": facts.get("toolCallId"),
            "gen_ai.tool.call.arguments": _text(span.get("input")),
            "gen_ai.tool.call.result": _text(span.get("output")),
        }
    error = span.get("errorInfo") or span.get("error")
    failed = bool(error) or facts.get("success") is False
    message = error.get("message") or error if isinstance(error, dict) else error
    return plain_span(
        trace=trace,
        key=as_text(span.get("id") or ""),
        parent=as_text(span.get("parentSpanId") or ""),
        name=as_text(span.get("name") or ""),
        start=nanoseconds(span.get("startTime")),
        end=nanoseconds(span.get("endTime")),
        status={"code": 2 if failed else 0, "message": as_text(message or "")},
        attributes={name: value for name, value in found.items() if value is not None},
    )


def _generation(span: dict[str, Any], children: dict[str, list[dict[str, Any]]], trace: str) -> list[PlainSpan]:
    """A model call for each step of a generation; the generation itself where it has none."""
    facts = _object(span, "attributes")
    asked = span.get("input")
    said = list(asked["messages"]) if isinstance(asked, dict) and isinstance(asked.get("messages"), list) else []
    if isinstance(asked, list):
        said = list(asked)
    elif isinstance(asked, str) and asked:
        said = [{"role": "user", "content": asked}]
    steps = [one for one in children.get(as_text(span.get("id") or ""), []) if one.get("type") == "model_step"]
    steps.sort(
        key=lambda one: (_number(_object(one, "attributes").get("stepIndex")), nanoseconds(one.get("startTime")))
    )
    calls = []
    for step in steps or [span]:
        answer = _answer(step)
        inner = {**facts, **_object(step, "attributes")}
        inference = next(
            (one for one in children.get(as_text(step.get("id") or ""), []) if one.get("type") == "model_inference"), {}
        )
        calls.append(
            _plain(step, trace, _call(said, answer, {**inner, **_object(inference, "attributes")}, facts, step))
        )
        said = [*said, answer, *_results(step, children)]
    return calls


def _call(
    said: list[Any], answer: dict[str, Any], inner: dict[str, Any], facts: dict[str, Any], step: dict[str, Any]
) -> dict[str, Any]:
    usage = _object(inner, "usage")
    metadata = _object(step, "metadata")
    body = _object(metadata, "body")
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": dumps(said),
        "gen_ai.output.messages": dumps([{**answer, "finish_reason": inner.get("finishReason")}]),
        "gen_ai.request.model": inner.get("model"),
        "gen_ai.response.model": inner.get("responseModel"),
        "gen_ai.response.id": body.get("id"),
        "gen_ai.tool.definitions": dumps(facts["tools"]) if facts.get("tools") else None,
        "gen_ai.usage.input_tokens": usage.get("inputTokens"),
        "gen_ai.usage.output_tokens": usage.get("outputTokens"),
        "gen_ai.usage.cache_read.input_tokens": _object(usage, "inputDetails").get("cacheRead"),
        "gen_ai.usage.cache_write.input_tokens": _object(usage, "inputDetails").get("cacheWrite"),
        "gen_ai.usage.reasoning.output_tokens": _object(usage, "outputDetails").get("reasoning"),
    }


def _answer(step: dict[str, Any]) -> dict[str, Any]:
    """What a step said: its text, its reasoning and its calls, as chat completions write them."""
    output = step.get("output")
    if isinstance(output, str):
        return {"role": "assistant", "content": output}
    output = output if isinstance(output, dict) else {}
    answer: dict[str, Any] = {"role": "assistant", "content": output.get("text") or None}
    thoughts = output.get("reasoning")
    if isinstance(thoughts, str) and thoughts:
        answer["reasoning_content"] = thoughts
    elif isinstance(thoughts, list) and thoughts:
        answer["reasoning_content"] = "\n\n".join(
            as_text(one.get("text") or "") if isinstance(one, dict) else as_text(one) for one in thoughts
        )
    asked = output.get("toolCalls")
    calls = [call for call in asked if isinstance(call, dict)] if isinstance(asked, list) else []
    if calls:
        answer["tool_calls"] = [
            {"id": as_text(call.get("toolCallId") or ""), "type": "function",
             "function": {"name": as_text(call.get("toolName") or ""), "arguments": _text(call.get("args", call.get("input"))) or "{}"}}
            for call in calls
        ]  # fmt: skip
    return answer


def _results(step: dict[str, Any], children: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What the tools gave back that this step called, in the order of its calls."""
    found = {}
    for one in children.get(as_text(step.get("id") or ""), []):
        if one.get("type") in ("tool_call", "mcp_tool_call"):
            key = as_text(_object(one, "attributes").get("toolCallId") or "")
            found[key] = {"role": "tool", "tool_call_id": key, "content": _text(one.get("output")) or ""}
    asked = [call["id"] for call in _answer(step).get("tool_calls", [])]
    return [found[key] for key in asked if key in found]


def _take_facts(spans: list[dict[str, Any]], rows: Rows) -> None:
    root = next((span for span in spans if span.get("isRootSpan")), spans[0])
    metadata = _object(root, "metadata")
    rows.facts = {
        "session_id": as_text(metadata.get("sessionId") or metadata.get("threadId") or ""),
        "user_id": as_text(metadata.get("userId") or metadata.get("resourceId") or ""),
        "environment": as_text(metadata.get("environment") or ""),
        "tags": [as_text(tag) for tag in root["tags"]] if isinstance(root.get("tags"), list) else [],
        "metadata": {
            name: value for name, value in metadata.items() if name not in ("sessionId", "userId", "headers", "body")
        },
    }
    if not root.get("endTime"):
        rows.notes.add("the outermost span never ended, as far as the events tell")


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else dumps(value)


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
