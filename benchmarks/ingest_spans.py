"""OTLP bodies for benchmarks.ingest: traces of one model call each, about 4 kB, as OpenInference writes them.

The words are drawn from a small vocabulary, so they pack better than real text does.
"""

import json
import random
import time
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_VOCABULARY = """
the a an order customer refund shipping status please check account invoice payment error timeout retry database query
result table schema function returns user asked agent tool called weather city flight booking cancel update profile email
password reset policy document section summary because however therefore although maybe model training example label
review quality score high low medium urgent delayed warehouse item quantity price total
"""
WORDS = _VOCABULARY.split()
TOOLS = ("get_order", "search_kb", "refund", "get_weather", "run_sql", "send_email", "lookup_user")


def body(traces: int, seed: int) -> bytes:
    """A protobuf body with so many new traces."""
    chance = random.Random(seed)
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _put(group.resource, "service.name", "support")
    scoped = group.scope_spans.add()
    scoped.scope.name = "openinference.instrumentation.openai"
    for _ in range(traces):
        span = scoped.spans.add()
        span.trace_id, span.span_id, span.name = chance.randbytes(16), chance.randbytes(8), "ChatCompletion"
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + 10**9
        span.status.code = 1
        _fill(span, chance)
    return bytes(request.SerializeToString())


def _fill(span: Any, chance: random.Random) -> None:
    _put(span, "openinference.span.kind", "LLM")
    _put(span, "llm.model_name", chance.choice(["gpt-4o-mini", "gpt-4.1", "qwen2.5-7b"]))
    _put(span, "llm.token_count.prompt", chance.randint(300, 3000))
    _put(span, "llm.token_count.completion", chance.randint(20, 800))
    messages = [("system", _said(chance, 60)), ("user", _said(chance, chance.randint(10, 40)))]
    number = 0
    for role, text in messages:
        _put(span, f"llm.input_messages.{number}.message.role", role)
        _put(span, f"llm.input_messages.{number}.message.content", text)
        number += 1
    for _ in range(chance.randint(2, 5)):
        call, tool = f"call_{chance.getrandbits(80):020x}", chance.choice(TOOLS)
        asked = f"llm.input_messages.{number}.message"
        _put(span, f"{asked}.role", "assistant")
        _put(span, f"{asked}.tool_calls.0.tool_call.id", call)
        _put(span, f"{asked}.tool_calls.0.tool_call.function.name", tool)
        arguments = json.dumps({"id": chance.randint(1, 10**6), "q": _said(chance, 5)})
        _put(span, f"{asked}.tool_calls.0.tool_call.function.arguments", arguments)
        answer = f"llm.input_messages.{number + 1}.message"
        _put(span, f"{answer}.role", "tool")
        _put(span, f"{answer}.tool_call_id", call)
        found = [{"id": chance.randint(1, 9999), "text": _said(chance, 8)} for _ in range(chance.randint(1, 5))]
        _put(span, f"{answer}.content", json.dumps({"ok": chance.random() < 0.9, "rows": found}))
        number += 2
    _put(span, "llm.output_messages.0.message.role", "assistant")
    _put(span, "llm.output_messages.0.message.content", _said(chance, chance.randint(30, 90)))


def _said(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."


def _put(holder: Any, key: str, value: str | int) -> None:
    pair = holder.attributes.add()
    pair.key = key
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value
