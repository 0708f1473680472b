"""POST /v1/logs and /v1/metrics against the real ASGI app: what comes there ends on the same traces."""

import gzip
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from curation.models import RawRecord, Score, Span, Trace, TraceRevision
from curation.tasks import sweep_inbox
from tests.curation.ingest.reading import PAYLOADS
from tests.curation.ingest.sending import make_token, send
from tests.curation.ingest.test_span_events import CONTENT, GENAI, json_logs
from tests.curation.ingest.test_spans import TRACE

pytestmark = pytest.mark.django_db(transaction=True)
PROTOBUF, JSON = "application/x-protobuf", "application/json"
SPANS = (PAYLOADS / f"otlp_traces__{GENAI}.json").read_bytes()
LOGS = [
    (PAYLOADS / f"otlp_logs__{GENAI}__{part}.json").read_bytes() for part in ("1of2", "2of2_with_evaluation_result")
]


@pytest.fixture
def token() -> Iterator[str]:
    yield f"Bearer {make_token()}"
    connections.close_all()


def silent() -> bytes:
    """The spans as they come with EVENT_ONLY: without what was said."""
    body = json.loads(SPANS)
    for group in body["resourceSpans"]:
        for scoped in group["scopeSpans"]:
            for span in scoped["spans"]:
                span["attributes"] = [pair for pair in span["attributes"] if pair["key"] not in CONTENT]
    return json.dumps(body).encode()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_logs_and_spans_in_any_order_are_one_trace(token: str, order: tuple[int, ...]) -> None:
    sent = [("/v1/traces", silent()), ("/v1/logs", LOGS[0]), ("/v1/logs", LOGS[1])]
    for number in order:
        assert send(sent[number][0], sent[number][1], Authorization=token).content == b"{}"
        sweep_inbox()
    trace = Trace.objects.get()
    document = TraceRevision.objects.get(pk=trace.revision_id).document
    assert [m["role"] for m in document["conversations"][0]["messages"]] == [
        "developer", "user", "assistant", "tool", "tool", "assistant",
    ]  # fmt: skip
    assert (trace.input_tokens, trace.session_id, trace.tool_calls) == (309, "sess-1", 5)
    assert (Score.objects.get().name, Score.objects.get().number) == ("Relevance", 4.0)
    assert Span.objects.count() == 7 + 7
    revisions = TraceRevision.objects.count()
    for path, body in [*sent, *sent]:  # all of it again
        send(path, body, Authorization=token)
    sweep_inbox()
    assert (RawRecord.objects.count(), TraceRevision.objects.count(), Score.objects.count()) == (3, revisions, 1)
    assert TraceRevision.objects.get(pk=trace.revision_id).document == document


def test_protobuf_and_gzip(token: str) -> None:
    for part in ("1of2", "2of2_with_evaluation_result"):
        body = (PAYLOADS / f"otlp_logs__{GENAI}__{part}.pb").read_bytes()
        answer = send(
            "/v1/logs", gzip.compress(body), Authorization=token, Content_Type=PROTOBUF, Content_Encoding="gzip"
        )
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", PROTOBUF)
    sweep_inbox()
    assert Trace.objects.get().input_tokens == 309  # before any span came


def test_what_is_no_event_is_counted_and_not_kept(token: str) -> None:
    line = {"traceId": TRACE, "body": {"stringValue": "started"}}
    answer = send("/v1/logs", json_logs(line, line), Authorization=token)
    said = "2 log records that are no GenAI events were not kept"
    assert answer.json() == {"partialSuccess": {"rejectedLogRecords": "0", "errorMessage": said}}
    assert not RawRecord.objects.exists()
    wrong = {"traceId": "no", "eventName": "gen_ai.choice", "body": {"stringValue": "x"}}
    answer = send("/v1/logs", json_logs(wrong), Authorization=token)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    found = ExportLogsServiceResponse.FromString(b"\x0a\x05\x08\x01\x12\x01x")  # one form for both signals
    assert (found.partial_success.rejected_log_records, found.partial_success.error_message) == (1, "x")


@pytest.mark.parametrize("prefix", ["", "/api/public/otel"])
def test_metrics_are_heard_and_not_kept(token: str, prefix: str) -> None:
    answer = send(f"{prefix}/v1/metrics", b'{"resourceMetrics": [{}]}', Authorization=token)
    assert (answer.status_code, answer.json()) == (200, {})
    answer = send(f"{prefix}/v1/metrics", b"\x0a\x02\x12\x00", Authorization=token, Content_Type=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    assert not RawRecord.objects.exists()
    assert send(f"{prefix}/v1/metrics", b"{}").status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "word"),
    [
        ("/v1/traces", LOGS[0], JSON, 400, "/v1/logs"),
        ("/v1/logs", SPANS, JSON, 400, "/v1/traces"),
        ("/v1/logs", b"\xff" * 30, PROTOBUF, 400, ""),
        ("/v1/logs", b"[]", JSON, 400, "resourceLogs"),
        ("/v1/logs", b"{}", "text/plain", 415, ""),
        ("/v1/logs", b"", JSON, 200, ""),
        ("/v1/logs", b"", PROTOBUF, 200, ""),
    ],
    ids=["logs-as-spans", "spans-as-logs", "noise", "list", "text", "nothing-json", "nothing"],
)
def test_bodies_of_every_kind(token: str, path: str, body: Any, kind: str, status: int, word: str) -> None:
    answer = send(path, body, Authorization=token, Content_Type=kind)
    assert answer.status_code == status
    assert word in answer.text
    assert not RawRecord.objects.exists()


def test_who_has_no_token(token: str) -> None:
    assert send("/v1/logs", LOGS[0]).status_code == 401
    assert not RawRecord.objects.exists()
