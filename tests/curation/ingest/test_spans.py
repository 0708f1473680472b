"""Spans as real SDKs sent them, and as hostile ones might."""

import base64
import gzip
import itertools
import json
import random
from datetime import datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from curation.ingest.assemble import assemble
from curation.ingest.parsed import ParsedTrace, Unreadable
from curation.ingest.spans import Batch, PlainSpan, decode_spans, response, status_body
from curation.ingest.spans_silence import NO_CONTENT
from curation.messages.form import text_of
from curation.messages.measure import measure
from tests.curation.ingest.reading import PAYLOADS, messages

TRACE = "0af7651916cd43dd8448eb211c80319c"


def payload(name: str) -> Batch:
    data = (PAYLOADS / name).read_bytes()
    data = gzip.decompress(data) if name.endswith("gzip") else data
    return decode_spans(data, "json" if name.endswith("json") else "protobuf")


def assembled(name: str) -> ParsedTrace:
    trace = assemble(payload(name)["spans"])
    assert trace is not None
    return trace


def span(number: int, *, start: int = 0, parent: int = 0, **fields: Any) -> PlainSpan:
    made: PlainSpan = {
        "trace": TRACE, "span": f"{number:016x}", "parent": f"{parent:016x}" if parent else "", "name": f"span {number}",
        "kind": 1, "start": (start or number) * 10**9 + 10**18, "end": (start or number) * 10**9 + 10**18 + 5 * 10**8,
        "status": {"code": 0, "message": ""}, "attributes": {}, "events": [], "scope": {}, "resource": {},
    }  # fmt: skip
    made.update(fields)  # type: ignore[typeddict-item]
    return made


def said(role: str, *parts: Any) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": p} if isinstance(p, str) else p for p in parts]}


def chat(number: int, given: list[Any], answer: list[Any], **extra: Any) -> PlainSpan:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.input.messages": json.dumps(given),
        "gen_ai.output.messages": json.dumps(answer),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 1,
        **extra.pop("attributes", {}),
    }
    return span(number, attributes=attributes, **extra)


ASK = said("user", "Where?")
CALL = said("assistant", {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"q": 1}})
RESULT = said("tool", {"type": "tool_call_response", "id": "c1", "response": {"at": "home"}})
ANSWER = said("assistant", "At home.")


def tool(number: int, **extra: Any) -> PlainSpan:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look", "gen_ai.tool.call.id": "c1"}
    return span(number, attributes={**attributes, **extra.pop("attributes", {})}, **extra)


@pytest.mark.parametrize("name", ["span_and_event.pb", "span_and_event.json", "span_only.pb.gzip"])
def test_genuine_genai_bodies_in_all_encodings(name: str) -> None:
    trace = assembled(f"otlp_traces__genai_openai_1.3b0__{name}")
    main = messages(trace)
    assert [m["role"] for m in main] == ["developer", "user", "assistant", "tool", "tool", "assistant"]
    assert text_of(main[1]) == "Weather in Zürich and 東京? 🌦️"
    assert json.loads(main[2]["tool_calls"][1]["arguments"]) == {"city": "東京", "unit": "c"}
    assert (trace.input_tokens, trace.output_tokens) == (309, 91)  # five answers, each once
    assert (trace.session_id, trace.user_id, trace.environment, trace.agent) == (
        "sess-1",
        "user-42",
        "test",
        "weather-bot",
    )
    conversations = trace.document["conversations"]
    assert [c["kind"] for c in conversations] == ["main", *["sub_agent"] * 4]
    assert len(conversations[1]["candidates"]) == 1  # n=2
    assert conversations[1]["messages"][0]["parts"][1]["url"].startswith("data:image/png;base64,iVBOR")
    failed = conversations[4]["messages"][1]
    assert failed["is_error"] is True
    assert "429" in failed["parts"][0]["text"]
    assert conversations[0]["tools"][0]["name"] == "get_weather"
    assert measure(trace.document).input_tokens == 309


def test_genuine_body_without_content_says_how_to_turn_it_on() -> None:
    trace = assembled("otlp_traces__genai_openai_1.3b0__no_content.pb")
    assert trace.import_notes == [NO_CONTENT]
    assert (trace.input_tokens, trace.output_tokens) == (309, 91)
    assert measure(trace.document).steps == 6


def test_genuine_openinference_says_the_same_as_genai() -> None:
    one = assembled("otlp_traces__openinference_openai_0.1.66.pb")
    other = assembled("otlp_traces__genai_openai_1.3b0__span_and_event.pb")
    shapes = [
        [
            [(m["role"], text_of(m), len(m.get("tool_calls", []))) for m in c["messages"]]
            for c in t.document["conversations"]
        ]
        for t in (one, other)
    ]
    assert shapes[0] == shapes[1]
    assert (one.input_tokens, one.tags) == (309, ["prod", "weather"])
    assert one.metadata["exp"] == "A"


def test_genuine_agents_with_handoff_and_failing_tool() -> None:
    trace = assembled("otlp_traces__openinference_openai_agents_2.6.0.pb")
    main, triage = trace.document["conversations"]
    assert (main["name"], triage["name"]) == ("Weather", "Triage")
    assert [m["role"] for m in main["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert (
        main["messages"][4]["reasoning"][0]["text"] == "I should look up the weather first."
    )  # kept from its own call
    failed = main["messages"][5]
    assert (failed["is_error"], failed["name"], failed["latency_ms"]) == (True, "fail_tool", 4)
    assert (trace.input_tokens, trace.output_tokens) == (243, 69)
    found = measure(trace.document)
    assert (found.tool_calls, found.errors) == (2, 1)  # the shared history counts once
    assert trace.name == "weather workflow"
    assert trace.status == "ok"


def test_the_order_of_arrival_does_not_matter() -> None:
    spans = payload("otlp_traces__openinference_openai_agents_2.6.0.pb")["spans"]
    expected = assemble(spans)
    for seed in range(5):
        shuffled = list(spans)
        random.Random(seed).shuffle(shuffled)
        assert assemble(shuffled) == expected


def test_every_part_of_a_trace_can_be_put_together() -> None:
    spans = payload("otlp_traces__openinference_openai_agents_2.6.0.pb")["spans"]
    for count in range(1, len(spans) + 1):
        for part in (spans[:count], spans[-count:]):
            assemble(part)


def test_calls_are_chained_and_tools_give_times_and_failures() -> None:
    trace = assemble(
        [
            chat(1, [ASK], [CALL], parent=9),
            tool(2, parent=9, status={"code": 2, "message": "boom"}),
            chat(3, [ASK, CALL, RESULT], [ANSWER], parent=9),
        ]
    )
    assert trace is not None
    main = messages(trace)
    assert [m["role"] for m in main] == ["user", "assistant", "tool", "assistant"]
    assert (main[2]["latency_ms"], main[2]["is_error"], main[2]["span_id"]) == (500, True, f"{2:016x}")
    assert text_of(main[2]) == '{"at": "home"}'
    assert (trace.input_tokens, trace.output_tokens) == (20, 2)


def test_a_result_that_no_later_call_repeats_is_kept() -> None:
    trace = assemble([chat(1, [ASK], [CALL]), tool(2, attributes={"gen_ai.tool.call.result": '{"at": "home"}'})])
    assert trace is not None
    assert [(m["role"], text_of(m)) for m in messages(trace)][2] == ("tool", '{"at": "home"}')


def test_a_tool_reported_twice_is_taken_once_and_a_lonely_one_is_named() -> None:
    lonely = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "other", "gen_ai.tool.call.id": "zz"}
    trace = assemble([chat(1, [ASK], [CALL]), tool(2), tool(3), span(4, attributes=lonely)])
    assert trace is not None
    assert trace.import_notes == [
        "the run of a tool was reported by two spans and taken once",
        "a tool span belongs to no call: other",
    ]
    assert measure(trace.document).tool_calls == 1


def test_branches_become_conversations_of_their_own() -> None:
    other = said("user", "Something else")
    trace = assemble(
        [
            chat(1, [ASK], [CALL]),
            chat(2, [other], [ANSWER]),
            chat(3, [ASK, CALL, RESULT], [ANSWER]),
            chat(4, [ASK], [ANSWER]),
        ]
    )
    assert trace is not None
    kinds = [(c["kind"], len(c["messages"])) for c in trace.document["conversations"]]
    assert kinds == [("main", 4), ("sub_agent", 2), ("sub_agent", 2)]


def test_one_response_reported_by_two_spans_counts_once() -> None:
    twin = {"attributes": {"gen_ai.response.id": "r1"}}
    trace = assemble(
        [chat(1, [ASK], [ANSWER], **twin), chat(2, [], [], attributes={"gen_ai.response.id": "r1"}), span(7)]
    )
    assert trace is not None
    assert trace.input_tokens == 10
    assert "a model call was reported by two spans and counted once" in trace.import_notes


def test_a_span_around_calls_adds_no_usage() -> None:
    agent = span(
        1,
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "A", "gen_ai.usage.input_tokens": 99},
    )
    wrapper = chat(2, [ASK], [ANSWER], parent=1)
    trace = assemble([agent, wrapper, chat(3, [ASK], [ANSWER], parent=2)])
    assert trace is not None
    assert (trace.input_tokens, trace.agent) == (10, "A")
    assert len(trace.document["conversations"]) == 1


def test_an_agent_span_tells_what_its_silent_calls_do_not() -> None:
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.input.messages": json.dumps([ASK]),
        "gen_ai.output.messages": json.dumps([ANSWER]),
    }
    silent = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 4}
    trace = assemble(
        [span(1, attributes=attributes), span(2, parent=1, attributes=silent), span(3, parent=1, attributes=silent)]
    )
    assert trace is not None
    assert [text_of(m) for m in messages(trace)] == ["Where?", "At home."]
    assert trace.input_tokens == 8


def test_a_failed_call_that_was_made_again_leaves_a_note() -> None:
    failed = chat(1, [ASK], [], status={"code": 2, "message": "429"})
    trace = assemble([failed, chat(2, [ASK], [ANSWER])])
    assert trace is not None
    assert len(messages(trace)) == 2
    assert "a model call failed and was made again" in trace.import_notes
    alone = assemble([failed])
    assert alone is not None
    assert (alone.status, messages(alone)[1]["is_error"]) == ("error", True)


def test_compacted_history_is_a_new_chain() -> None:
    long = [ASK, CALL, RESULT, ANSWER, said("user", "more")]
    trace = assemble(
        [
            chat(1, long, [said("assistant", "x")]),
            chat(2, [said("user", "Summary: ..."), said("user", "more")], [ANSWER]),
        ]
    )
    assert trace is not None
    assert [len(c["messages"]) for c in trace.document["conversations"]] == [6, 3]
    assert "(compaction)" in trace.import_notes[0]


def test_spans_that_tell_of_no_model_are_no_trace() -> None:
    assert assemble([span(1, attributes={"http.method": "GET"}), span(2)]) is None


def test_parents_in_a_circle_and_strange_clocks() -> None:
    for start, end in itertools.product([0, 1, 2**63 - 1], repeat=2):
        trace = assemble([chat(1, [ASK], [ANSWER], parent=2) | {"start": start, "end": end}, span(2, parent=1)])  # type: ignore[operator]
        assert trace is not None


def test_cut_off_messages_are_told() -> None:
    trace = assemble([span(1, attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": '[{"role":"us'})])
    assert trace is not None
    assert "was it cut off" in trace.import_notes[0]


# --- the wire


def json_body(spans: list[dict[str, Any]], **extra: Any) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}], **extra}).encode()


def test_json_ids_are_hex_and_numbers_come_in_two_ways() -> None:
    body = json_body(
        [
            {"traceId": TRACE.upper(), "spanId": "00F067AA0BA902B7", "name": "x", "startTimeUnixNano": "1700000000000000000",
             "endTimeUnixNano": 1700000000500000000, "status": {"code": "STATUS_CODE_ERROR"}, "kind": "SPAN_KIND_CLIENT",
             "attributes": [{"key": "a", "value": {"intValue": "57"}}, {"key": "b", "value": {"intValue": 57}},
                            {"key": "c", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {}]}}},
                            {"key": "d", "value": {"kvlistValue": {"values": [{"key": "e", "value": {"boolValue": True}}]}}},
                            {"key": "f", "value": {"doubleValue": "NaN"}}, "noise"]},
            {"trace_id": TRACE, "span_id": "b7ad6b7169203331", "attributes": {"plain": 1}, "unknown": 1},
        ]
    )  # fmt: skip
    batch = decode_spans(body, "json")
    first, second = batch["spans"]
    assert (first["trace"], first["span"], first["kind"], first["status"]["code"]) == (TRACE, "00f067aa0ba902b7", 3, 2)
    assert first["end"] - first["start"] == 500_000_000
    assert first["attributes"] == {"a": 57, "b": 57, "c": ["x", None], "d": {"e": True}, "f": "NaN"}
    assert second["attributes"] == {"plain": 1}


@pytest.mark.parametrize(
    "trace_id", ["", TRACE[:31], "0" * 32, "z" * 32, base64.b64encode(b"x" * 24).decode(), 7, None]
)
def test_wrong_ids_reject_their_span_only(trace_id: Any) -> None:
    good = {"traceId": TRACE, "spanId": "00f067aa0ba902b7"}
    batch = decode_spans(json_body([{"traceId": trace_id, "spanId": "00f067aa0ba902b7", "name": "bad"}, good]), "json")
    assert len(batch["spans"]) == 1
    assert "is not 32 hex digits" in batch["rejected"][0]
    answer = json.loads(response("json", batch["rejected"]))
    assert answer["partialSuccess"]["rejectedSpans"] == "1"
    assert b"is not 32 hex digits" in response("protobuf", batch["rejected"])


def test_logs_are_refused() -> None:
    for name in ("span_and_event__1of2.pb", "span_and_event__1of2.json"):
        with pytest.raises(Unreadable):
            payload(f"otlp_logs__genai_openai_1.3b0__{name}")


@pytest.mark.parametrize(
    "body",
    [
        b"\x12\x00" * 3_000_000,  # empty fields
        b"\x0a\x80\x80\x08" + b"\x12\x02\x12\x00" * (2**17 // 4),  # empty spans
        b"\x0a" + b"\xff" * 12,
        b"\x0b\x0c",
        bytes(range(1, 256)),
    ],
)
def test_hostile_protobuf_is_refused_before_it_is_decoded(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_spans(body, "protobuf")


def test_deep_values_in_protobuf() -> None:
    request = ExportTraceServiceRequest()
    found = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"x" * 16, span_id=b"y" * 8)
    value = found.attributes.add(key="deep").value
    for _ in range(120):
        value = value.array_value.values.add()
    with pytest.raises(Unreadable):
        decode_spans(request.SerializeToString(), "protobuf")


def test_status_is_google_rpc_status() -> None:
    assert json.loads(status_body("json", 3, "bad ü")) == {"code": 3, "message": "bad ü"}
    assert status_body("protobuf", 3, "bad") == b"\x08\x03\x12\x03bad"
    long = status_body("protobuf", 14, "x" * 300)
    assert long[:5] == b"\x08\x0e\x12\xac\x02"


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("langfuse_5.0.4.pb.gzip", 1), ("mastra_otel_exporter_1.4.0.pb", 2), ("mlflow_3.17.2__root_lost.pb", 2),
        ("openinference_openai_agents_2.6.0.pb", 1), ("pydantic_ai_2.68.0__format_6.pb", 2), ("vercel_ai_7.0.173.json", 2),
    ],
)  # fmt: skip
def test_the_run_of_a_tool_keeps_when_it_began(name: str, runs: int) -> None:
    """Genuine bodies: a result that a tool's span answers began when that span began, to the microsecond."""
    spans = payload(f"otlp_traces__{name}")["spans"]
    starts = {one["span"]: one["start"] for one in spans}
    seen = set()
    for key in dict.fromkeys(one["trace"] for one in spans):
        trace = assemble(one for one in spans if one["trace"] == key)
        assert trace is not None
        for result in (m for c in trace.document["conversations"] for m in c["messages"] if m["role"] == "tool"):
            if result.get("span_id") in starts:
                began = datetime.fromisoformat(result["started_at"])
                assert abs(began.timestamp() * 1e9 - starts[result["span_id"]]) < 2_000
                seen.add(result["span_id"])
    assert len(seen) == runs
