"""Everything hostile that a sender can put on the wire, by the numbers of the list this suite is held to (1 to 45).

Cases that another file tests already are named in ELSEWHERE, and that they exist is a test here; the rest stands below,
against every door that takes JSON: OpenTelemetry, the Agents SDK, LangSmith and POST traces.
"""

import asyncio
import gzip
import importlib
import itertools
import json
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest import mock

import httpx2 as httpx
import pytest
from django.db import OperationalError, connections
from psycopg_pool import PoolTimeout

from config.asgi import application
from curation import intake_door
from curation.ingest import backlog
from curation.ingest.bodies import TooLarge, Unpacker
from curation.models import RawRecord, Span, Trace
from curation.tasks import sweep_inbox
from tests.curation.ingest.sending import ask, make_token, send, wait
from tests.curation.ingest.test_spans import TRACE, json_body
from workspace.models import Project

pytestmark = pytest.mark.django_db(transaction=True)
OTLP, AGENTS, RUNS, RECORDS = "/v1/traces", "/v1/traces/ingest", "/runs/batch", "/api/projects/acme/traces"
JSON_DOORS = [OTLP, AGENTS, RUNS, RECORDS]
THIN = [OTLP, AGENTS, RUNS, "/v1/logs", "/api/public/scores", "/runs/multipart"]  # beside Django
DOOR, SPANS, TEXT, IMPORT = "test_otlp_door", "test_spans", "test_text", "test_import"

# number -> (what, where it is tested beside this file; "" only here)
ELSEWHERE: dict[int, tuple[str, str]] = {
    1: ("gzip bomb", f"{DOOR}.test_bodies_of_every_kind"),
    2: ("double gzip", f"{DOOR}.test_bodies_of_every_kind"),
    3: ("truncated gzip", f"{DOOR}.test_bodies_of_every_kind"),
    4: ("gzip of several members", f"{DOOR}.test_bodies_of_every_kind"),
    5: ("Content-Encoding lies or is unknown", f"{DOOR}.test_bodies_of_every_kind"),
    6: ("chunked without length", f"{DOOR}.test_the_size_limit_is_exact_and_holds_without_a_length"),
    7: ("slow-loris body", ""),
    8: ("one byte over the limit", f"{DOOR}.test_the_size_limit_is_exact_and_holds_without_a_length"),
    9: ("protobuf of 2 M empty spans", f"{SPANS}.test_hostile_protobuf_is_refused_before_it_is_decoded"),
    10: ("random bytes as protobuf", "test_fuzz.test_any_bytes"),
    11: ("logs to the traces' address", f"{DOOR}.test_logs_are_not_traces"),
    12: ("JSON with snake_case keys", f"{SPANS}.test_json_ids_are_hex_and_numbers_come_in_two_ways"),
    13: ("enum names as strings", f"{SPANS}.test_json_ids_are_hex_and_numbers_come_in_two_ways"),
    14: ("attributes as object", f"{SPANS}.test_json_ids_are_hex_and_numbers_come_in_two_ways"),
    15: ("ids: upper case, 31 characters, zero, base64", f"{SPANS}.test_wrong_ids_reject_their_span_only"),
    16: ("int as string and as number", f"{SPANS}.test_json_ids_are_hex_and_numbers_come_in_two_ways"),
    17: ("AnyValue of depth 100", f"{SPANS}.test_deep_values_in_protobuf"),
    18: ("span ids twice, in one batch and in two", ""),
    19: ("the same batch at once", f"{DOOR}.test_spans_that_come_one_by_one_from_two_senders_make_one_trace"),
    20: ("child before parent, root never", f"{SPANS}.test_every_part_of_a_trace_can_be_put_together"),
    21: ("clocks that cannot be", f"{SPANS}.test_parents_in_a_circle_and_strange_clocks"),
    22: ("10,000 attributes on one span", ""),
    23: ("an attribute of 5 MB", ""),
    24: ("two projects, one trace id", f"{DOOR}.test_two_projects_with_one_trace_id_stay_apart"),
    25: ("content type with charset, or none", f"{DOOR}.test_genuine_bodies_are_kept_answered_and_worked_off"),
    26: ("empty body", f"{DOOR}.test_bodies_of_every_kind"),
    27: ("U+0000 in a value", "test_store.test_hostile_values_are_stored_and_told"),
    28: ("U+0000 in a key", ""),
    29: ("lone surrogate", "test_store.test_hostile_values_are_stored_and_told"),
    30: ("NaN, Infinity, 1e400", f"{TEXT}.test_shapes"),
    31: ("2**64 and 5,000 digits", f"{TEXT}.test_long_integers_keep_their_digits"),
    32: ("nesting of 1,100 and 100,000", f"{TEXT}.test_what_cannot_be_read_at_all"),
    33: ("keys twice", ""),
    34: ("byte order mark", f"{TEXT}.test_shapes"),
    35: ("UTF-16", f"{TEXT}.test_shapes"),
    36: ("invalid UTF-8", f"{TEXT}.test_one_bad_line_costs_one_line"),
    37: ("U+2028 in JSON lines", f"{TEXT}.test_shapes"),
    38: ("no last newline, CRLF, blank lines", f"{TEXT}.test_shapes"),
    39: ("one bad line in 100,000", f"{IMPORT}.test_one_bad_line_in_a_hundred_thousand_is_named"),
    40: ("one line of 50 MB", ""),
    41: ("15 MB of {},", ""),
    42: ("2 M keys", ""),
    43: ("bidi overrides, zero width, ANSI, zalgo", ""),
    44: ("an image of 20 MB", ""),
    45: ("ids with / and CR, 10 kB, emoji, wildcards", "test_store.test_hostile_values_are_stored_and_told"),
}


def test_every_case_of_the_list_is_here_or_elsewhere() -> None:
    assert list(ELSEWHERE) == list(range(1, 46))
    for what, place in ELSEWHERE.values():
        if place:
            module, _, name = place.partition(".")
            assert hasattr(importlib.import_module(f"tests.curation.ingest.{module}"), name), (what, place)


@pytest.fixture
def token() -> Iterator[str]:
    backlog.forget()
    yield make_token()
    backlog.forget()
    connections.close_all()


HI, OK = '[{"role": "user", "content": "hi"}]', '[{"role": "assistant", "content": "ok"}]'
BODIES = {
    OTLP: '{"resourceSpans": [{"resource": {"attributes": {"x": @@}}, "scopeSpans": [{"spans": [{"traceId": "TRACE",'
    '"spanId": "00f067aa0ba902b7", "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},'
    '{"key": "service.note", "value": @@}]}]}]}]}',
    AGENTS: '{"data": [{"object": "trace", "id": "trace_1", "metadata": {"x": @@}}, {"object": "trace.span",'
    '"id": "span_1", "trace_id": "trace_1", "span_data": {"type": "generation", "input": HI, "output": OK}}]}',
    RUNS: '{"post": [{"id": "r1", "trace_id": "r1", "run_type": "llm", "end_time": "2026-01-01T00:00:00Z", "inputs":'
    '{"messages": HI}, "outputs": {"messages": OK}, "extra": {"metadata": {"x": @@}}}]}',
    RECORDS: '[{"id": "t1", "messages": HI, "metadata": {"x": @@}}]',
}


def body_of(door: str, value: str) -> bytes:
    """A body of this door with `value` (JSON text, perhaps none that is allowed) in its metadata."""
    return filled(BODIES[door], value)


def filled(whole: str, value: str) -> bytes:
    whole = whole.replace("TRACE", TRACE).replace("HI", HI).replace("OK", OK)
    return whole.replace("@@", value).encode("utf-8", "surrogatepass")


def post(door: str, token: str, body: Any, **headers: str) -> httpx.Response:
    return send(door, body, Authorization=f"Bearer {token}", **headers)


def stored() -> Trace:
    """The only trace, after the inbox was worked off; what is kept of it is JSON for every parser behind us."""
    sweep_inbox()
    assert not RawRecord.objects.exclude(status="done").exists(), list(
        RawRecord.objects.values_list("error", flat=True)
    )
    trace = Trace.objects.get()
    json.dumps([trace.metadata, trace.revision.document if trace.revision else None], allow_nan=False).encode()
    return trace


VALUES: dict[str, tuple[int, str]] = {
    "nul": (27, r'"a\u0000b"'),
    "nul-in-key": (28, r'{"a\u0000b": 1}'),
    "surrogate": (29, r'"\ud800"'),
    "nan": (30, "[NaN, Infinity, -Infinity, 1e400]"),
    "large-integers": (31, f"[{2**64}, -{2**70}, {'9' * 5000}]"),
    "keys-twice": (33, '{"k": 1, "k": 2}'),
    "strange-letters": (43, '"\u202eevil\u202c\u200b\u2066 \\u001b[31mred Z\u0351\u036b\u0343\u036a\u0302"'),
    "strange-ids": (45, r'"a/b\r%_\\ 😀 \u0027; drop table"'),
    "depth-100": (17, '{"arrayValue": {"values": [' * 100 + '{"intValue": 1}' + "]}}" * 100),
}


@pytest.mark.parametrize("door", JSON_DOORS)
def test_values_no_database_likes_are_stored_and_told(token: str, door: str) -> None:
    for name, (_, value) in VALUES.items():
        for _ in range(2):  # and the same again is the same
            answer = post(door, token, body_of(door, value))
            assert answer.status_code == (202 if door == RUNS else 200), (name, answer.content)
            trace = stored()
        found = wait(ask("GET", f"{RECORDS}/{trace.uid}", Authorization=f"Bearer {token}"))
        assert found.status_code == 200 and json.loads(found.content), name
    assert post(door, token, b"\xef\xbb\xbf" + body_of(door, "34")).status_code in (200, 202)  # a byte order mark
    stored()


SPOILED: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "deep": (32, lambda door: body_of(door, "[" * 1100 + "]" * 1100)),
    "very deep": (32, lambda door: body_of(door, "[" * 100_000 + "]" * 100_000)),
    "no UTF-8": (36, lambda door: body_of(door, '"x"').replace(b'"x": "x"', b'"x": "\xff\xfe"')
                 .replace(b'"value": "x"', b'"value": "\xff"')),
    "noise": (10, lambda door: b"\x00\x93\xfa random \xff"),
    "cut off": (3, lambda door: body_of(door, "1")[:-5]),
}  # fmt: skip


@pytest.mark.parametrize("door", JSON_DOORS)
def test_bodies_that_are_refused_with_a_reason(token: str, door: str) -> None:
    for name, (_, spoil) in SPOILED.items():
        answer = post(door, token, spoil(door))
        found = answer.json()
        if door == RECORDS:  # an item that cannot be read is told as such, the others would be stored
            assert answer.status_code == 422 or (answer.status_code == 200 and found["rejected"]), (name, found)
        else:
            assert answer.status_code == 400 and (found.get("message") or found["error"]["message"]), (name, found)
    sweep_inbox()
    assert not Trace.objects.exists()


AMPLIFIED: dict[str, tuple[int, str]] = {
    "holders": (41, "[" + "{}," * 3_000_000 + "{}]"),
    "lists": (41, "[" + "[]," * 3_000_000 + "[]]"),
    "values": (41, "[" + "1," * 5_000_000 + "1]"),
    "keys": (42, "{" + ",".join(f'"{number:x}":1' for number in range(1_200_000)) + "}"),
}


@pytest.mark.parametrize("door", JSON_DOORS)
def test_small_bodies_that_would_become_large_objects(token: str, door: str) -> None:
    """15 kB of gzip, and keys by the million: refused by counting, in a fraction of the time and memory of reading them."""
    whole = BODIES[door].replace('{"x": @@}', "{}", 1) if door == OTLP else BODIES[door]  # the value once
    for name, (_, text) in AMPLIFIED.items():
        packed = gzip.compress(filled(whole, text), 1)
        started = time.process_time()
        answer = post(door, token, packed, Content_Encoding="gzip")
        assert answer.status_code in (400, 422) and "send smaller batches" in answer.text, (name, answer.text)
        assert time.process_time() - started < 3, name
    assert not Trace.objects.exists()


def test_text_full_of_brackets_is_no_amplification(token: str) -> None:
    answer = post(RECORDS, token, body_of(RECORDS, json.dumps("{}[],:" * 600_000)))
    assert answer.status_code == 200 and answer.json()["created"] == 1, answer.text


def test_17_18_22_23_spans(token: str) -> None:
    one = {"traceId": TRACE, "spanId": "00f067aa0ba902b7", "attributes": {"gen_ai.operation.name": "chat"}}
    many = [{"key": f"k{number}", "value": {"intValue": number}} for number in range(10_000)]
    chat = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
    long = [{"key": "long", "value": {"stringValue": "x" * 5_000_000}}, chat]
    for spans in ([one, one], [one], [{**one, "attributes": [*many, chat]}], [{**one, "attributes": long}]):
        answer = post(OTLP, token, json_body(spans))
        assert (answer.status_code, answer.json()) == (200, {})
        sweep_inbox()
    assert (Span.objects.count(), Trace.objects.count(), RawRecord.objects.filter(status="done").count()) == (1, 1, 4)
    span = json.loads(Span.objects.get().payload)
    assert len(span["attributes"]["long"]) == 5_000_000  # the report that came last


def test_40_44_very_long_values(token: str) -> None:
    image = '"data:image/png;base64,' + "iVBORw0K" * 2_500_000 + '"'
    for door in JSON_DOORS:
        assert post(door, token, body_of(door, image)).status_code == 413  # 20 MB, over the default of 16 MiB
    assert not RawRecord.objects.exists()


def test_44_an_image_of_20_mb_where_the_limit_allows_it(token: str, settings: Any) -> None:
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
    address = "data:image/png;base64," + "iVBORw0K" * 2_500_000
    parts = [{"type": "image_url", "image_url": {"url": address}}]
    body = json.dumps([{"id": "t", "messages": [{"role": "user", "content": parts}]}]).encode()
    assert post(RECORDS, token, body).json()["created"] == 1
    trace = stored()
    assert trace.revision is not None
    assert trace.revision.document["conversations"][0]["messages"][0]["parts"][0]["url"] == address


# --- size and time


def test_1_a_bomb_is_never_held(settings: Any) -> None:
    """100 MB of zeros, fed as a socket would: what is held never grows beyond the limit and one piece."""
    packed = gzip.compress(b"\0" * 100_000_000)
    unpacker, limit = Unpacker("gzip", 1024 * 1024), 1024 * 1024
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            for start in range(0, len(packed), 1000):
                unpacker.feed(packed[start : start + 1000])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * limit + 512 * 1024


def test_4_6_pieces_of_any_size_make_the_same_body() -> None:
    body = bytes(range(256)) * 1500
    members = gzip.compress(body[:100]) + gzip.compress(body[100:])
    sent = {"": body, "deflate": zlib.compress(body), "gzip": members, "x-gzip": members}
    for (encoding, packed), step in itertools.product(sent.items(), (1, 7, 65_536)):
        unpacker, held = Unpacker(encoding, len(body)), 0
        for start in range(0, len(packed), step):
            held += unpacker.feed(packed[start : start + step])
        kept = packed if "gzip" in encoding else b""
        assert (unpacker.finish(), held) == (body, len(body) + len(kept)), (encoding, step)
        assert (unpacker.packed or b"") == kept


def test_1_8_bodies_over_the_limit(token: str, settings: Any) -> None:
    settings.MAX_BODY_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    for door in [*THIN, RECORDS]:
        bomb = gzip.compress(b" " * 1_000_000)
        for body, encoding in ((b" " * 2001, ""), (bomb, "gzip"), (pieces(b" " * 500, 5), "")):
            answer = post(door, token, body, Content_Encoding=encoding, Content_Type=kind_of(door))
            assert answer.status_code == 413, (door, answer.content)
    assert not RawRecord.objects.exists()


def kind_of(door: str) -> str:
    return "multipart/form-data; boundary=x" if "multipart" in door else "application/json"


async def pieces(piece: bytes, count: int, pause: float = 0) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield piece
        await asyncio.sleep(pause)


def test_7_a_body_that_dribbles_is_sent_away(token: str, settings: Any) -> None:
    settings.BODY_SECONDS = 0.2
    for door in [*THIN, RECORDS]:
        started = time.monotonic()
        answer = post(door, token, pieces(b" ", 1000, 0.05), Content_Type=kind_of(door))
        assert (answer.status_code, time.monotonic() - started < 5) == (408, True), door
        assert answer.headers["connection"] == "close"


def test_a_sender_that_hangs_up_leaves_nothing(token: str) -> None:
    held = intake_door._held.size
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": b"x" * 1000, "more_body": True}, {"type": "http.disconnect"}])
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": OTLP, "headers": headers}

    async def receive() -> Any:
        return next(messages)

    async def answer(message: Any) -> None:
        sent.append(message)

    wait(application(scope, receive, answer))  # type: ignore[arg-type]
    assert (sent, intake_door._held.size, RawRecord.objects.count()) == ([], held, 0)


# --- trouble of our own


def test_trouble_of_our_own_is_a_503_that_asks_to_come_again(token: str) -> None:
    troubles = (OperationalError("away"), PoolTimeout("no connection within 10 s"), RuntimeError("bug"), MemoryError())
    for door, error in itertools.product(THIN, troubles):
        with mock.patch("curation.intake_door.tokens.find", side_effect=error):
            answer = post(door, token, b"{}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), (door, error)


def test_post_traces_without_a_database_is_a_503(token: str) -> None:
    with mock.patch("curation.api.intake.inbox.keep", side_effect=OperationalError("away")):
        answer = post(RECORDS, token, body_of(RECORDS, "1"))
    assert answer.status_code == 503 and answer.headers["retry-after"]


def test_an_inbox_that_is_far_behind_takes_nothing_more(token: str, settings: Any) -> None:
    project = Project.objects.get()
    for number in range(3):
        RawRecord.objects.create(project=project, source="x", body=b"x" * 100, sha256=str(number))
    for setting, least in (("MAX_WAITING_BODIES", 3), ("MAX_WAITING_BYTES", 300)):
        for most, is_full in ((least, False), (least - 1, True)):
            setattr(settings, setting, most)
            backlog.forget()
            for door in THIN:
                answer = post(door, token, b"{}", Content_Type=kind_of(door))
                assert (answer.status_code == 429, "retry-after" in answer.headers) == (is_full, is_full), door
        setattr(settings, setting, 10**9)
    assert RawRecord.objects.count() == 3


def test_too_many_bodies_at_once_are_asked_to_wait(token: str, settings: Any) -> None:
    settings.INTAKE_MEMORY_BYTES = 3000
    whole = json_body([{"traceId": TRACE, "spanId": "00f067aa0ba902b7", "name": "x" * 1500}])

    async def slowly() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), 100):
            yield whole[start : start + 100]
            await asyncio.sleep(0.02)

    async def many() -> list[httpx.Response]:
        named = {"Authorization": f"Bearer {token}", "Content_Type": "application/json"}
        return list(await asyncio.gather(*(ask("POST", OTLP, slowly(), **named) for _ in range(6))))

    found = wait(many())
    assert {answer.status_code for answer in found} == {200, 429}
    assert all(answer.headers["retry-after"] == "1" for answer in found if answer.status_code == 429)
    assert intake_door._held.size == 0
    assert post(OTLP, token, whole).status_code == 200
