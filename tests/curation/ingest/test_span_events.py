"""What was said in log records: joined with spans in any order, in pieces, again, or without any span."""

import itertools
import json
import random
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from curation.ingest.assemble import assemble
from curation.ingest.parsed import ParsedTrace, Unreadable
from curation.ingest.spans import PlainSpan, decode_spans
from curation.ingest.spans_events import DETAILS, EVALUATION
from curation.ingest.spans_logs import LogBatch, PlainLog, decode_logs, key_of
from curation.ingest.spans_silence import NO_CONTENT
from curation.messages.measure import measure
from tests.curation.ingest.reading import PAYLOADS
from tests.curation.ingest.test_span_formats import ANSWER, BOTH, CALLS, QUESTION, RULES, told, usage
from tests.curation.ingest.test_spans import ASK, TRACE, payload, said, span

GENAI = "genai_openai_1.3b0__span_and_event"
CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions")


def logs_of(name: str) -> list[PlainLog]:
    batch = decode_logs((PAYLOADS / name).read_bytes(), "json" if name.endswith("json") else "protobuf")
    assert (batch["rejected"], batch["others"]) == ([], 0)
    return batch["logs"]


def genai_logs(kind: str) -> list[PlainLog]:
    parts = (f"otlp_logs__{GENAI}__1of2.{kind}", f"otlp_logs__{GENAI}__2of2_with_evaluation_result.{kind}")
    return [log for part in parts for log in logs_of(part)]


def log(name: str, number: int = 1, *, at: int = 1, body: Any = None, **attributes: Any) -> PlainLog:
    return {
        "log": name, "trace": TRACE, "span": f"{number:016x}" if number else "", "time": at, "order": at, "body": body,
        "attributes": {key.replace("__", "."): value for key, value in attributes.items()}, "scope": {"name": "s"},
        "resource": {},
    }  # fmt: skip


def made(rows: list[PlainSpan | PlainLog] | list[PlainSpan] | list[PlainLog]) -> ParsedTrace:
    trace = assemble(rows)
    assert trace is not None
    return trace


@pytest.mark.parametrize("kind", ["pb", "json"])
def test_events_of_today_beside_their_spans(kind: str) -> None:
    spans, logs = payload(f"otlp_traces__{GENAI}.{kind}")["spans"], genai_logs(kind)
    alone, both = made(spans), made([*spans, *logs])
    assert both.document == alone.document  # nothing twice
    assert usage(both) == (309, 91)
    assert [(s.name, s.number, s.reason, s.author) for s in both.scores] == [
        ("Relevance", 4.0, "relevant: on topic", "my-evals")
    ]
    silent = [
        {**one, "attributes": {k: v for k, v in one["attributes"].items() if k not in CONTENT}} for one in spans
    ]  # as EVENT_ONLY sends them
    assert made(silent).import_notes == [NO_CONTENT]  # type: ignore[arg-type]
    joined = made([*silent, *logs])  # type: ignore[list-item]
    assert joined.document == alone.document
    assert joined.import_notes == alone.import_notes


def test_events_whose_spans_have_not_come() -> None:
    trace = made(genai_logs("pb"))
    assert told(trace) == BOTH
    assert usage(trace) == (309, 91)
    assert [len(c["messages"]) for c in trace.document["conversations"]] == [6, 2, 3, 3, 2]
    assert len(trace.document["conversations"][1]["candidates"]) == 1
    assert trace.document["conversations"][4]["messages"][1]["is_error"] is True
    assert (trace.agent, trace.environment, trace.latency_ms) == ("weather-bot", "test", None)


def test_events_of_conventions_up_to_130() -> None:
    spans = payload("otlp_traces__openai_v2_2.1b0_legacy_semconv1.28.pb")["spans"]
    logs = logs_of("otlp_logs__openai_v2_2.1b0_legacy_events.pb")
    assert len(logs) == 16
    trace = made([*spans, *logs])
    assert told(trace) == BOTH
    image = trace.document["conversations"][1]
    assert image["messages"][0]["parts"][1]["url"].startswith("data:image/png;base64,iVBOR")
    assert (len(image["candidates"]), told(trace, 1)[1]) == (1, ("assistant", ANSWER))
    assert told(trace, 2) == [("developer", RULES), ("user", QUESTION), ("assistant", "", *CALLS)]
    assert trace.document["conversations"][3]["messages"][1]["is_error"] is True
    assert usage(trace) == (228, 68)
    assert (trace.session_id, trace.user_id, trace.import_notes) == ("sess-1", "user-42", [])
    assert "send its logs to /v1/logs" in made(spans).import_notes[0]
    assert [told(made(logs), number) for number in range(3)] == [told(trace, number) for number in range(3)]


@pytest.mark.parametrize("name", ["genai", "legacy"])
def test_whatever_comes_first_the_end_is_the_same(name: str) -> None:
    rows: list[Any] = (
        [*payload(f"otlp_traces__{GENAI}.pb")["spans"], *genai_logs("pb")]
        if name == "genai"
        else [
            *payload("otlp_traces__openai_v2_2.1b0_legacy_semconv1.28.pb")["spans"],
            *logs_of("otlp_logs__openai_v2_2.1b0_legacy_events.pb"),
        ]
    )
    expected = made(rows)
    for seed in range(4):
        random.Random(seed).shuffle(rows)
        assert made(rows) == expected
        for count in range(1, len(rows), 3):
            part = assemble(rows[:count])
            told_in = measure(part.document).input_tokens if part is not None else None
            assert part is None or (told_in or 0) <= (part.input_tokens or 0) <= (expected.input_tokens or 0)


def test_the_same_event_in_another_batch_is_the_same_row() -> None:
    one = logs_of("otlp_logs__openai_v2_2.1b0_legacy_events.pb")
    request = ExportLogsServiceRequest.FromString(
        (PAYLOADS / "otlp_logs__openai_v2_2.1b0_legacy_events.pb").read_bytes()
    )
    del request.resource_logs[0].scope_logs[0].log_records[:5]
    again = decode_logs(request.SerializeToString(), "protobuf")["logs"]
    assert [key_of(log) for log in again] == [key_of(log) for log in one[5:]]
    assert len({key_of(log) for log in one}) == len(one)


def test_events_of_calls_that_have_no_span_of_their_own() -> None:
    """All events hang on the span of a web request: each is a call."""
    given = [said("user", "Hi")]
    first = log(DETAILS, at=5, gen_ai__operation__name="chat", gen_ai__response__id="a", gen_ai__usage__input_tokens=3)
    first["attributes"]["gen_ai.input.messages"] = given
    first["attributes"]["gen_ai.output.messages"] = [said("assistant", "One")]
    second = log(DETAILS, at=9, gen_ai__operation__name="chat", gen_ai__response__id="b", gen_ai__usage__input_tokens=4)
    second["attributes"]["gen_ai.input.messages"] = [*given, said("assistant", "One"), said("user", "More")]
    second["attributes"]["gen_ai.output.messages"] = [said("assistant", "Two")]
    web = span(1, name="POST /ask", attributes={"http.method": "POST", "session.id": "s"})
    for rows in itertools.permutations([first, second, web]):
        trace = made(list(rows))
        assert [m[1] for m in told(trace)] == ["Hi", "One", "More", "Two"]
        assert (trace.input_tokens, trace.session_id, trace.name) == (7, "s", "POST /ask")
    assert [m[1] for m in told(made([second, first]))] == ["Hi", "One", "More", "Two"]
    again = log(DETAILS, at=11, gen_ai__operation__name="chat", gen_ai__response__id="b", gen_ai__usage__input_tokens=4)
    assert made([first, second, again, web]).input_tokens == 7  # the same response, told twice


def test_events_inside_spans() -> None:
    """Azure's and others' spelling (content as JSON in gen_ai.event.content), Strands' (in attributes), the oldest."""
    spellings: list[list[dict[str, Any]]] = [
        [
            {"name": "gen_ai.user.message", "time": 1, "attributes": {"gen_ai.event.content": '{"content": "Hi"}'}},
            {"name": "gen_ai.choice", "time": 2, "attributes": {
                "gen_ai.event.content": '{"index": 0, "finish_reason": "stop", "message": {"content": "Hello"}}'}},
        ],
        [
            {"name": "gen_ai.user.message", "time": 1, "attributes": {"content": '[{"text": "Hi"}]'}},
            {"name": "gen_ai.choice", "time": 2, "attributes": {"message": '[{"text": "Hello"}]', "finish_reason": "stop"}},
        ],
        [
            {"name": "gen_ai.content.prompt", "time": 1, "attributes": {"gen_ai.prompt": '[{"role": "user", "content": "Hi"}]'}},
            {"name": "gen_ai.content.completion", "time": 2, "attributes": {
                "gen_ai.completion": '[{"role": "assistant", "content": "Hello"}]'}},
        ],
    ]  # fmt: skip
    for events in spellings:
        trace = made([span(1, attributes={"gen_ai.operation.name": "chat", "gen_ai.system": "az"}, events=events)])
        assert told(trace) == [("user", "Hi"), ("assistant", "Hello")]


def test_events_without_content_say_so() -> None:
    asked = log("gen_ai.user.message", body={}, at=1)
    called = log("gen_ai.choice", at=2, body={"index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look"}}]}})  # fmt: skip
    trace = made([span(1, attributes={"gen_ai.operation.name": "chat", "gen_ai.system": "x"}), asked, called])
    assert trace.import_notes[0].startswith("content capture was off")


def test_evaluations() -> None:
    call = span(1, attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps([ASK])})
    rows = [
        log(EVALUATION, gen_ai__evaluation__name="tone", gen_ai__evaluation__score__label="pass"),
        log(EVALUATION, gen_ai__evaluation__name="len", gen_ai__evaluation__score__value=0.0, gen_ai__evaluation__score__label="fail"),
        log(EVALUATION, gen_ai__evaluation__name="nothing"),
        log(EVALUATION, gen_ai__evaluation__score__value=1.0),
        log(EVALUATION, gen_ai__evaluation__name="nan", gen_ai__evaluation__score__value=float("nan")),
    ]  # fmt: skip
    trace = made([call, *rows])
    assert [(s.name, s.number, s.category, s.passed) for s in trace.scores] == [
        ("len", 0.0, "", False),
        ("tone", None, "pass", True),
    ]
    assert assemble(rows) is None  # scores wait for their trace
    assert len({s.external_id for s in trace.scores}) == 2


def json_logs(*records: Any) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}).encode()


def test_the_wire_of_logs() -> None:
    good = {"traceId": TRACE.upper(), "spanId": "00F067AA0BA902B7", "event_name": "gen_ai.user.message",
            "observedTimeUnixNano": "1700000000000000000", "body": {"kvlistValue": {"values": [
                {"key": "content", "value": {"stringValue": "Hi"}}, {"key": "raw", "value": {"bytesValue": "aGk="}}]}}}  # fmt: skip
    old = {
        "traceId": TRACE,
        "timeUnixNano": 5,
        "attributes": [{"key": "event.name", "value": {"stringValue": "gen_ai.choice"}}],
    }
    other = {"traceId": TRACE, "body": {"stringValue": "a line of a program"}}
    bad = {"traceId": "x", "eventName": "gen_ai.choice"}
    batch: LogBatch = decode_logs(json_logs(good, old, other, bad, "noise"), "json")
    first, second = batch["logs"]
    assert (first["log"], first["trace"], first["span"]) == ("gen_ai.user.message", TRACE, "00f067aa0ba902b7")
    assert (first["time"], first["body"]) == (17 * 10**17, {"content": "Hi", "raw": "aGk="})
    assert (second["log"], second["span"], second["time"]) == ("gen_ai.choice", "", 5)
    assert batch["others"] == 1
    assert "is not 32 hex digits" in batch["rejected"][0]


def test_each_signal_names_the_others_address() -> None:
    metrics = b'{"resourceMetrics": []}'
    for body, encoding, decoder, path in (
        ((PAYLOADS / f"otlp_logs__{GENAI}__1of2.pb").read_bytes(), "protobuf", decode_spans, "/v1/logs"),
        ((PAYLOADS / f"otlp_logs__{GENAI}__1of2.json").read_bytes(), "json", decode_spans, "/v1/logs"),
        ((PAYLOADS / f"otlp_traces__{GENAI}.pb").read_bytes(), "protobuf", decode_logs, "/v1/traces"),
        ((PAYLOADS / f"otlp_traces__{GENAI}.json").read_bytes(), "json", decode_logs, "/v1/traces"),
        (metrics, "json", decode_logs, "/v1/metrics"),
        (metrics, "json", decode_spans, "/v1/metrics"),
    ):
        with pytest.raises(Unreadable, match=path):
            decoder(body, encoding)  # type: ignore[operator]
    name, metric = b"\x0a\x05reads", b"\x3a\x02\x10\x02"  # a metric: its name, and a sum
    body = b"\x12" + bytes([len(name + metric)]) + name + metric
    body = b"\x0a" + bytes([len(body) + 2]) + b"\x12" + bytes([len(body)]) + body
    with pytest.raises(Unreadable, match="metrics"):
        decode_spans(body, "protobuf")


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x80\x80\x08"
        + b"\x12\x02\x12\x00" * (2**17 // 4)
        + b"\x0a\x80\x80\x08"
        + b"\x12\x02\x12\x00" * (2**17 // 4),
        b"\x12\x00" * 600_000,
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\xff" * 40,
    ],
    ids=["records", "fields", "length", "noise"],
)
def test_hostile_logs_are_refused_before_they_are_decoded(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_logs(body, "protobuf")


def test_deep_and_wide_json() -> None:
    for body in (b'{"resourceLogs":' + b"[" * 5000, b'{"a":[' + b"{}," * 1_100_000 + b"{}]}"):
        with pytest.raises(Unreadable):
            decode_logs(body, "json")
        with pytest.raises(Unreadable):
            decode_spans(body, "json")
    text = json_logs({"traceId": TRACE, "body": {"stringValue": "{[:" * 700_000}})
    assert decode_logs(text, "json")["others"] == 1  # what stands inside a string does not count
