"""POST /v1/traces against the real ASGI app."""

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import httpx2 as httpx
import pytest
from django.db import OperationalError, connection, connections
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from config.asgi import application
from curation.ingest import inbox
from curation.ingest.bodies import opened
from curation.models import RawRecord, Span, Trace
from curation.tasks import sweep_inbox, work_off
from tests.curation.ingest.reading import PAYLOADS
from tests.curation.ingest.sending import wait
from tests.curation.ingest.test_spans import TRACE, json_body
from workspace import tokens
from workspace.access import SYSTEM
from workspace.models import ApiToken, Project, Role

pytestmark = pytest.mark.django_db(transaction=True)
PROTOBUF, JSON = "application/x-protobuf", "application/json"
GENAI = PAYLOADS / "otlp_traces__genai_openai_1.3b0__span_and_event.pb"


@pytest.fixture
def token() -> Iterator[str]:
    project = Project.objects.create(slug="acme", name="Acme")
    yield tokens.issue(project=project, name="agent", role=Role.REVIEWER, actor=SYSTEM)[1]
    connections.close_all()


async def post(token: str, body: Any, kind: str | None = PROTOBUF, **headers: str) -> httpx.Response:
    named = {"Authorization": f"Bearer {token}", **({"Content-Type": kind} if kind else {}), **headers}
    named = {key.replace("_", "-"): value for key, value in named.items() if value}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://t") as client:
        return await client.post("/v1/traces", content=body, headers=named)


def send(token: str, body: Any, kind: str | None = PROTOBUF, **headers: str) -> httpx.Response:
    found: httpx.Response = wait(post(token, body, kind, **headers))
    return found


@pytest.mark.parametrize(
    ("name", "kind", "packed"),
    [
        ("span_and_event.pb", PROTOBUF, ""),
        ("span_and_event.json", JSON, ""),
        ("span_and_event.json", "application/json; charset=utf-8", ""),
        ("span_only.pb.gzip", PROTOBUF, "gzip"),
    ],
)
def test_genuine_bodies_are_kept_answered_and_worked_off(token: str, name: str, kind: str, packed: str) -> None:
    body = (PAYLOADS / f"otlp_traces__genai_openai_1.3b0__{name}").read_bytes()
    answer = send(token, body, kind, Content_Encoding=packed)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind.partition(";")[0]
    assert answer.content == (b"{}" if "json" in kind else b"")
    record = RawRecord.objects.get()
    assert bytes(record.body) == body, "it is kept as it came"
    whole = gzip.decompress(body) if packed else body
    assert opened(record.body, record.packing) == whole
    assert (record.packing, record.size) == (packed, len(whole))
    assert send(token, whole, kind).status_code == 200
    assert RawRecord.objects.count() == 1, "packed or not, it is the same delivery"
    sweep_inbox()
    record.refresh_from_db()
    assert (record.status, record.outcome["created"]) == ("done", 1)
    trace = Trace.objects.get()
    assert (trace.input_tokens, trace.tool_calls) == (309, 5)
    assert Span.objects.count() == 7


def test_the_same_body_again_changes_nothing(token: str) -> None:
    for _ in range(3):
        assert send(token, GENAI.read_bytes()).status_code == 200
        sweep_inbox()
    assert (RawRecord.objects.count(), Trace.objects.count(), Span.objects.count()) == (1, 1, 7)
    assert send(token, gzip.compress(GENAI.read_bytes()), Content_Encoding="gzip").status_code == 200
    assert RawRecord.objects.count() == 1  # the same bytes, packed


def test_spans_that_come_one_by_one_from_two_senders_make_one_trace(token: str) -> None:
    whole = json.loads((PAYLOADS / "otlp_traces__genai_openai_1.3b0__span_and_event.json").read_text())
    scopes = whole["resourceSpans"][0]["scopeSpans"]
    pieces = [
        json.dumps(
            {"resourceSpans": [{**whole["resourceSpans"][0], "scopeSpans": [{**scope, "spans": [span]}]}]}
        ).encode()
        for scope in scopes
        for span in scope["spans"]
    ]

    async def all_at_once() -> list[httpx.Response]:
        return list(await asyncio.gather(*(post(token, piece, JSON) for piece in [*pieces, *pieces])))

    assert {answer.status_code for answer in wait(all_at_once())} == {200}

    async def work() -> None:
        ids = inbox_ids()
        await asyncio.gather(*(asyncio.to_thread(work_in_thread, number) for number in [*ids, *ids]))

    def inbox_ids() -> list[int]:
        return inbox.pending()

    def work_in_thread(number: int) -> None:
        try:
            work_off(number)
        finally:
            connections.close_all()

    ids = inbox_ids()
    assert len(ids) == 7

    async def both() -> None:
        await asyncio.gather(*(asyncio.to_thread(work_in_thread, number) for number in [*ids, *reversed(ids)]))

    wait(both())
    sweep_inbox()
    trace = Trace.objects.get()
    assert (Span.objects.count(), trace.input_tokens, trace.session_id) == (7, 309, "sess-1")
    assert set(RawRecord.objects.values_list("status", flat=True)) == {"done"}


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wst_wrong", "Basic abc", "Token x"])
def test_who_has_no_token(token: str, given: str) -> None:
    answer = wait(post("", GENAI.read_bytes(), Authorization=given))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == PROTOBUF
    assert not RawRecord.objects.exists()


def test_a_revoked_token(token: str) -> None:
    tokens.revoke(token=ApiToken.objects.get(), actor=SYSTEM)
    assert send(token, GENAI.read_bytes()).status_code == 401


@pytest.mark.parametrize(
    ("body", "kind", "packed", "status"),
    [
        (b"", PROTOBUF, "", 200),
        (b"", JSON, "", 200),
        (b"{}", JSON, "", 200),
        (b"\xff" * 50, PROTOBUF, "", 400),
        (b"[]", JSON, "", 400),
        (b"{", JSON, "", 400),
        (b'{"a":' * 3000, JSON, "", 400),
        (b"\xff", JSON, "", 400),
        (b"{}", "text/plain", "", 415),
        (b"{}", None, "", 415),
        (b"{}", JSON, "br", 415),
        (b"{}", JSON, "gzip", 400),
        (gzip.compress(b"{}")[:-3], JSON, "gzip", 400),
        (gzip.compress(b"{}") + gzip.compress(b""), JSON, "gzip", 200),
        (zlib.compress(b"{}"), JSON, "deflate", 200),
        (gzip.compress(gzip.compress(b"{}")), JSON, "gzip", 400),
        (gzip.compress(b"\0" * 50_000_000), PROTOBUF, "gzip", 413),
    ],
    # made from the bytes they would hold the time of day, and parallel workers would name the tests differently
    ids=[
        "nothing", "nothing-json", "no-spans", "noise", "list", "cut-json", "deep", "not-utf8", "text", "no-type",
        "brotli", "not-gzip", "cut-gzip", "two-members", "deflate", "gzip-twice", "bomb",
    ],
)  # fmt: skip
def test_bodies_of_every_kind(token: str, body: bytes, kind: str | None, packed: str, status: int) -> None:
    answer = send(token, body, kind, Content_Encoding=packed)
    assert answer.status_code == status
    assert not RawRecord.objects.exists()
    if status != 200 and kind == JSON:
        assert set(answer.json()) == {"code", "message"}
    elif status != 200 and kind == PROTOBUF:
        assert answer.content[0] == 8  # google.rpc.Status, field 1


def test_logs_are_not_traces(token: str) -> None:
    for name, kind in (("1of2.pb", PROTOBUF), ("1of2.json", JSON)):
        body = (PAYLOADS / f"otlp_logs__genai_openai_1.3b0__span_and_event__{name}").read_bytes()
        answer = send(token, body, kind)
        assert answer.status_code == 400
    assert "logs" in answer.json()["message"]


def test_the_size_limit_is_exact_and_holds_without_a_length(token: str, settings: Any) -> None:
    body = json_body([{"traceId": TRACE, "spanId": "00f067aa0ba902b7"}])
    settings.MAX_BODY_BYTES = len(body)
    assert send(token, body, JSON).status_code == 200
    settings.MAX_BODY_BYTES = len(body) - 1
    assert send(token, body, JSON).status_code == 413

    async def chunks() -> Any:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    assert send(token, chunks(), JSON).status_code == 413
    settings.MAX_BODY_BYTES = len(body)
    assert send(token, chunks(), JSON).status_code == 200


def test_partial_success(token: str) -> None:
    body = json_body([{"traceId": "no", "spanId": "no"}, {"traceId": TRACE, "spanId": "00f067aa0ba902b7"}])
    answer = send(token, body, JSON)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    sweep_inbox()
    assert Span.objects.count() == 1
    assert not Trace.objects.exists()  # no model call in it yet
    assert len(RawRecord.objects.get().outcome["rejected"]) == 1
    found = ExportTraceServiceResponse.FromString(send(token, b"\x0a\x06\x12\x04\x12\x02\x2a\x00").content)
    assert found.partial_success.rejected_spans == 1


def test_our_own_trouble_is_a_503_that_asks_to_come_again(token: str) -> None:
    for place in ("curation.intake_door.tokens.find", "curation.otlp.inbox.keep"):
        for error in (OperationalError("away"), RuntimeError("bug")):
            with mock.patch(place, side_effect=error):
                answer = send(token, GENAI.read_bytes())
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_broker_that_is_away_changes_nothing(token: str) -> None:
    with mock.patch.object(work_off, "apply_async", side_effect=ConnectionError("away")):
        assert send(token, GENAI.read_bytes()).status_code == 200
    sweep_inbox()
    assert Trace.objects.exists()


def test_other_methods(token: str) -> None:
    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://t") as client:
            return await client.get("/v1/traces")

    answer = wait(get())
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_poison_is_quarantined_visible_and_can_be_tried_again(token: str) -> None:
    good = json_body(
        [{"traceId": TRACE, "spanId": "00f067aa0ba902b7", "attributes": {"gen_ai.operation.name": "chat"}}]
    )
    assert send(token, GENAI.read_bytes()).status_code == 200
    assert send(token, good, JSON).status_code == 200
    poison = RawRecord.objects.order_by("id").first()
    assert poison is not None
    real = inbox.store_bodies

    def explode(**arguments: Any) -> Any:
        if any(body.raw_id == poison.pk for body in arguments["bodies"]):
            raise ValueError("a bug\0")
        return real(**arguments)

    with mock.patch("curation.ingest.inbox.store_bodies", side_effect=explode):
        for _ in range(4):
            sweep_inbox()
    poison.refresh_from_db()
    assert (poison.status, poison.error) == ("quarantined", "ValueError: a bug\ufffd")
    assert Trace.objects.count() == 1  # the other one went through
    assert inbox.retry(record=poison) is True
    sweep_inbox()
    assert Trace.objects.count() == 2


def test_a_body_that_kills_its_worker_is_quarantined_in_the_end(token: str) -> None:
    send(token, GENAI.read_bytes())
    record = RawRecord.objects.get()
    for _ in range(8):
        with mock.patch("curation.ingest.inbox._lock", side_effect=SystemExit), pytest.raises(SystemExit):
            inbox.work_off(record_id=record.pk)
            raise SystemExit  # once it is quarantined, nothing kills any more
    record.refresh_from_db()
    assert record.status == "quarantined"
    assert "ended 5 times" in record.error


def test_a_database_that_goes_away_leaves_the_record_waiting(token: str) -> None:
    send(token, GENAI.read_bytes())
    with mock.patch("curation.ingest.inbox.store_bodies", side_effect=OperationalError("restart")):
        assert inbox.work_off(record_id=RawRecord.objects.get().pk) is None
    assert RawRecord.objects.get().status == "pending"
    sweep_inbox()
    assert Trace.objects.exists()


def test_connections_do_not_leak(token: str) -> None:
    async def many() -> set[int]:
        return {answer.status_code for answer in await asyncio.gather(*(post(token, b"{}", JSON) for _ in range(60)))}

    assert wait(many()) == {200}
    deadline = time.monotonic() + 20  # a busy server takes its time to end a backend
    while (left := backends()) > 3:
        assert time.monotonic() < deadline, f"{left} connections are left"
        time.sleep(0.1)


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_stat_activity where datname = current_database()")
        return int(cursor.fetchone()[0])


def test_two_projects_with_one_trace_id_stay_apart(token: str) -> None:
    other = Project.objects.create(slug="other", name="Other")
    _, theirs = tokens.issue(project=other, name="x", role=Role.ADMIN, actor=SYSTEM)
    for text in (token, theirs):
        assert send(text, GENAI.read_bytes()).status_code == 200
    sweep_inbox()
    assert set(Trace.objects.values_list("project__slug", "input_tokens")) == {("acme", 309), ("other", 309)}
