"""Whatever stands in spans and events: they become a trace, or none, or are refused with a reason; nothing else is raised.

Keys and values are those that the readers look for, in each other's places.
"""

import json
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from curation.ingest import spans_events
from curation.ingest.assemble import assemble
from curation.ingest.parsed import Unreadable
from curation.ingest.prepare import prepare
from curation.ingest.spans import decode_spans, response
from curation.ingest.spans_logs import decode_logs, key_of
from curation.messages.clean import Notes, clean
from tests.curation.ingest.reading import PAYLOADS
from tests.curation.ingest.test_spans import TRACE

QUICK = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
# every attribute that a reader names, out of the readers themselves
SOURCES = [*Path(spans_events.__file__).parent.glob("spans_*.py")]
SOURCES += [
    Path(spans_events.__file__).parent / "formats" / f"{name}.py"
    for name in (
        "otel_genai",
        "openinference",
        "openllmetry",
        "langfuse_spans",
        "mastra",
        "vercel",
        "mlflow_spans",
        "pydantic_ai",
    )
]
FOUND = {key for source in SOURCES for key in re.findall(r'"([a-z_]+\.[A-Za-z_.]+[A-Za-z_])"', source.read_text())}
FLAT = [
    "gen_ai.prompt.0.role", "gen_ai.prompt.0.content", "gen_ai.prompt.1.tool_calls.0.name", "gen_ai.completion.0.content",
    "gen_ai.completion.0.tool_calls.0.arguments", "llm.request.functions.0.parameters", "llm.input_messages.0.message.role",
    "llm.input_messages.0.message.content", "llm.output_messages.0.message.role", "llm.input_messages.x.message.role",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id", "annotations.0.annotation.name",
    "annotations.0.annotation.score", "llm.input_messages.0.message.contents.0.message_content.type",
    "mastra.model_step.input", "mastra.model_step.output", "mastra.model_generation.input", "mastra.agent_run.output",
    "traceloop.entity.input", "traceloop.entity.output", "langfuse.trace.metadata.x", "metadata", "events", "all_messages",
    "tool_arguments", "model_request_parameters", "agent_name", "mlflow.traceTag.x",
]  # fmt: skip
KEYS = st.sampled_from([*sorted(FOUND), *FLAT])
KINDS = st.sampled_from(
    ["text", "reasoning", "thinking", "tool_call", "tool-call", "tool_use", "tool_call_response", "tool-result", "tool_result",
     "blob", "uri", "file", "image", "image_url", "compaction", "server_tool_call", "refusal", "json", "", "thinking"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["user", "assistant", "tool", "system", "c1", "{}", "[]", '{"a":1}', "[{", "chat", "execute_tool", "LLM", "TOOL",
                       "invoke_agent", "generation", "model_step", "model_generation", "model_inference", "ai.toolCall", "[tool: x]",
                       "ai.generateText.doGenerate", '"TOOL"', '"CHAT_MODEL"', "__REDACTED__", "r1", "ERROR", "agent"])
)  # fmt: skip
NAMES = st.sampled_from(
    ["role", "content", "parts", "type", "text", "id", "name", "arguments", "args", "input", "tool_calls", "function", "messages",
     "response", "result", "output", "toolCallId", "toolName", "toolCalls", "kind", "part_kind", "event.name", "message", "choices",
     "usage", "tools", "kwargs", "source", "data", "url", "index", "finish_reason", "prompt", "system", "inputs", "value", "lc"]
)  # fmt: skip
JSONISH = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=14
)
PART = st.dictionaries(NAMES, JSONISH, max_size=3).flatmap(lambda part: KINDS.map(lambda kind: {**part, "type": kind}))
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system", "ai", "x"])},
    optional={"parts": st.lists(PART, max_size=3), "content": JSONISH, "tool_calls": JSONISH, "tool_call_id": SCALARS},
)
WORDS = st.lists(MESSAGE, max_size=3) | JSONISH
VALUES = (
    SCALARS
    | WORDS
    | WORDS.map(lambda value: json.dumps(value))
    | WORDS.map(lambda value: json.dumps(json.dumps(value)))
)
IDS = st.sampled_from(["00f067aa0ba902b7", "00f067aa0ba902b8", "00f067aa0ba902b9", "zz", ""])
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=7)
EVENTS = st.sampled_from([*sorted(spans_events._SAID), spans_events.DETAILS, spans_events.EVALUATION, "exception", ""])
TIMES = st.integers(0, 9) | SCALARS
SPAN = st.fixed_dictionaries(
    {"traceId": st.just(TRACE), "spanId": IDS, "attributes": ATTRIBUTES},
    optional={"parentSpanId": IDS, "name": SCALARS, "startTimeUnixNano": TIMES, "endTimeUnixNano": TIMES, "status": JSONISH,
              "events": st.lists(st.fixed_dictionaries({"name": EVENTS}, optional={"attributes": ATTRIBUTES, "timeUnixNano": TIMES}),
                                 max_size=2), "kind": SCALARS},
)  # fmt: skip
LOG = st.fixed_dictionaries(
    {"traceId": st.just(TRACE), "eventName": EVENTS, "body": VALUES, "attributes": ATTRIBUTES},
    optional={"spanId": IDS, "timeUnixNano": TIMES},
)


def as_stored(row: Any) -> Any:
    return orjson.loads(orjson.dumps(clean(row, Notes())))


@QUICK
@given(st.lists(SPAN, max_size=5), st.lists(LOG, max_size=4))
def test_spans_and_events_of_anything(spans: list[Any], logs: list[Any]) -> None:
    body = json.dumps({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": spans}]}]}).encode()
    batch = decode_spans(body, "json")
    assert len(batch["spans"]) + len(batch["rejected"]) == len(spans)
    response("protobuf", batch["rejected"])
    told = decode_logs(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]}).encode(), "json")
    assert len(told["logs"]) + len(told["rejected"]) + told["others"] == len(logs)
    rows = {span["span"]: as_stored(span) for span in batch["spans"]}  # each once, as the store keeps them
    rows |= {key_of(log): as_stored(log) for log in told["logs"]}
    began = time.monotonic()
    trace = assemble(rows.values())
    if trace is not None:
        prepared = prepare(trace)
        assert orjson.loads(prepared.document)["conversations"]
        assert len({step.key for step in prepared.steps}) == len(prepared.steps)
        again = assemble(reversed(list(rows.values())))
        assert again is not None
        assert prepare(again).digest == prepared.digest
    assert time.monotonic() - began < 5


BODIES = [
    (path.read_bytes(), decode_logs if "otlp_logs" in path.name else decode_spans)
    for path in sorted(PAYLOADS.glob("otlp_*.pb"))
]


@QUICK
@given(
    st.sampled_from(BODIES),
    st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), min_size=1, max_size=8),
    st.booleans(),
)
def test_damaged_bodies_are_refused_or_read(body: Any, changes: list[tuple[int, int]], is_cut: bool) -> None:
    data = bytearray(body[0])
    for place, byte in changes:
        data[place % len(data)] = byte
    data = data[: changes[0][0] % len(data)] if is_cut else data
    with suppress(Unreadable):
        found: Any = body[1](bytes(data), "protobuf")
        for trace in {row["trace"] for row in found.get("spans", found.get("logs"))}:
            made = assemble([as_stored(row) for row in found.get("spans", found.get("logs")) if row["trace"] == trace])
            if made is not None:
                prepare(made)


def test_the_genuine_bodies_are_whole() -> None:
    for data, decoder in BODIES:
        kind = ExportLogsServiceRequest if decoder is decode_logs else ExportTraceServiceRequest
        assert kind.FromString(data).SerializeToString()
