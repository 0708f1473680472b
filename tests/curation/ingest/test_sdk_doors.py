"""The SDKs' fixed paths with bodies that the SDKs made themselves."""

import base64
import gzip
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from curation.ingest import inbox
from curation.models import Feedback, Grader, RawRecord, Score, Span, Trace, WaitingWord
from curation.tasks import give_words, sweep_inbox
from tests.curation.ingest.reading import PAYLOADS
from tests.curation.ingest.sending import basic, make_token, send
from workspace.models import Project

pytestmark = pytest.mark.django_db(transaction=True)
RUNS = (PAYLOADS / "langsmith_0.14.17__runs_batch__post.json").read_bytes()
AGENTS = "openai_agents_0.24.0__trace_ingest__"


@pytest.fixture
def token() -> Iterator[str]:
    yield make_token()
    connections.close_all()


def work() -> None:
    sweep_inbox()
    assert not RawRecord.objects.exclude(status="done").exists(), list(
        RawRecord.objects.values_list("error", flat=True)
    )


def said(trace: Trace) -> list[tuple[str, str, list[str]]]:
    """(role, text, names of calls) of the main conversation."""
    assert trace.revision is not None
    messages = trace.revision.document["conversations"][0]["messages"]
    return [
        (m["role"], "".join(part.get("text", "") for part in m["parts"]), [c["name"] for c in m.get("tool_calls", [])])
        for m in messages
    ]


# --- Langfuse


def test_langfuse_spans_and_scores_with_basic(token: str) -> None:
    scores = (PAYLOADS / "langfuse_5.0.4__post_scores.json").read_bytes()
    answer = send("/api/public/scores", scores, Authorization=basic(token))
    assert (answer.status_code, answer.json()) == (202, {"message": "Accepted"})
    assert (WaitingWord.objects.count(), Score.objects.count()) == (2, 0)  # an SDK sends scores before spans
    spans = (PAYLOADS / "otlp_traces__langfuse_5.0.4.pb.gzip").read_bytes()
    answer = send("/api/public/otel/v1/traces", spans, Authorization=basic(token), Content_Encoding="gzip",
                  Content_Type="application/x-protobuf")  # fmt: skip
    assert (answer.status_code, answer.content) == (200, b"")
    work()
    give_words()
    trace = Trace.objects.get(external_id="608c9a0a7981d8f65c6d0f2e84d55347")
    found = trace.scores.order_by("name").values_list("name", "number", "category", "reason", "external_id", "source")
    assert list(found) == [
        ("helpful", 0.8, "", "ok", "21990e77c1ad6718", "imported"),
        ("verdict", None, "acceptable", "", "e6e2fe15fbaf4281", "imported"),
    ]
    assert not WaitingWord.objects.exists()
    assert send("/api/public/scores", scores, Authorization=basic(token)).status_code == 202
    assert Score.objects.count() == 2  # the same again is the same


def test_langfuse_scores_one_by_one_and_what_is_wrong_with_them(token: str) -> None:
    one = {"id": "s1", "traceId": "t1", "name": "ok", "value": 1, "dataType": "BOOLEAN"}
    answer = send("/api/public/scores", json.dumps(one).encode(), Authorization=basic(token))
    assert (answer.status_code, answer.json()) == (200, {"id": "s1"})
    bad = [
        {"traceId": "t1", "name": "response_quality", "value": 7},
        {"traceId": "t1", "name": "x", "value": "word", "dataType": "NUMERIC"},
        {"name": "x", "value": 1},
        {"traceId": "t1", "name": "x", "value": None},
        "nothing",
        one,
    ]
    answer = send("/api/public/scores", json.dumps(bad).encode(), Authorization=basic(token))
    found = answer.json()
    assert (answer.status_code, found["accepted"], found["rejected"]) == (207, 1, 5)
    assert found["errors"][0]["message"] == "[0] number must be from 0 to 5 for response_quality; got 7."
    assert [error["index"] for error in found["errors"]] == [0, 1, 2, 3, 4]
    corrected = {"traceId": "t1", "name": "output", "value": "So it should be.", "dataType": "CORRECTION"}
    assert send("/api/public/scores", json.dumps(corrected).encode(), Authorization=basic(token)).status_code == 200
    assert sorted(WaitingWord.objects.values_list("kind", flat=True)) == ["feedback", "score"]


def test_scores_under_the_name_of_a_grader_are_taken_and_told(token: str) -> None:
    Grader.objects.create(project=Project.objects.get(slug="acme"), slug="polite", name="Polite")
    score = {"id": "s1", "traceId": "t1", "name": "polite", "value": 1}
    events = {"batch": [{"id": "e1", "type": "score-create", "body": score}]}
    feedback = {"id": "f1", "trace_id": "t1", "key": "polite", "score": 1}
    for path, body, status in (
        ("/api/public/scores", score, 200), ("/api/public/scores", [score, score], 202),
        ("/api/public/ingestion", events, 207), ("/feedback", feedback, 200),
    ):  # fmt: skip
        answer = send(path, json.dumps(body).encode(), Authorization=basic(token), x_api_key=token)
        assert answer.status_code == status, path
        (note,) = answer.json()["notes"]
        assert "polite is a grader of this project" in note


def test_langfuse_older_sdks_and_its_check_of_keys(token: str) -> None:
    events = {"batch": [{"id": "e1", "type": "score-create", "body": {"traceId": "t", "name": "n", "value": 0.5}},
                        {"id": "e2", "type": "trace-create", "body": {}}]}  # fmt: skip
    found = send("/api/public/ingestion", json.dumps(events).encode(), Authorization=basic(token))
    assert found.status_code == 207
    assert ([one["id"] for one in found.json()["successes"]], found.json()["errors"][0]["id"]) == (["e1"], "e2")
    project = send("/api/public/projects", b"", method="GET", Authorization=basic(token)).json()["data"][0]
    assert (project["id"], project["name"]) == ("acme", "Acme")


@pytest.mark.parametrize(
    "given", ["", "Basic", "Basic ***", basic("wst_wrong"), "Basic " + base64.b64encode(b"x").decode()]
)
def test_wrong_keys(token: str, given: str) -> None:
    assert send("/api/public/scores", b"[]", Authorization=given).status_code == 401


# --- OpenAI Agents


def test_agents_with_messages(token: str) -> None:
    body = (PAYLOADS / f"{AGENTS}chat_completions.json").read_bytes()
    for _ in range(2):
        answer = send("/v1/traces/ingest", body, Authorization=f"Bearer {token}", OpenAI_Beta="traces=v1")
        assert (answer.status_code, answer.json()["accepted"]) == (200, 9)
        work()
    trace = Trace.objects.get()
    assert (trace.external_id, trace.session_id, trace.name) == (
        "trace_eebd245a810f4269a18c96badd1bf42d", "chat_9", "cc workflow",
    )  # fmt: skip
    assert (trace.input_tokens, trace.output_tokens, trace.agent, trace.latency_ms) == (114, 34, "Weather", 206)
    assert trace.source_format == "openai_agents"
    assert said(trace) == [
        ("system", "Answer weather questions.", []),
        ("user", "Weather in Zürich and 東京?", []),
        ("assistant", "", ["get_weather", "get_weather"]),
        ("tool", '{"temp": 7, "city": "Zürich"}', []),
        ("tool", '{"temp": 7, "city": "東京"}', []),
        ("assistant", "Zürich: 7 °C, 東京: 19 °C ☀️. <b>Not html</b> & `code`.", []),
    ]


def test_agents_of_the_responses_api_say_that_there_are_no_words(token: str) -> None:
    body = (PAYLOADS / f"{AGENTS}responses.json").read_bytes()
    assert send("/v1/traces/ingest", body, Authorization=f"Bearer {token}").status_code == 200
    work()
    trace = Trace.objects.get()
    assert (trace.input_tokens, trace.output_tokens, trace.session_id) == (243, 69, "chat_123")
    assert (trace.tools, trace.errors) == (["fail_tool", "transfer_to_weather"], 1)
    assert trace.metadata["guardrail.no_secrets"] is False
    assert trace.revision is not None
    assert any("exports no messages of the Responses API" in note for note in trace.revision.import_notes)


def test_agents_in_pieces_and_with_a_bad_one(token: str) -> None:
    items = json.loads((PAYLOADS / f"{AGENTS}chat_completions.json").read_bytes())["data"]
    for item in reversed(items):
        body = json.dumps({"data": [item, {"object": "trace.span", "id": "\0"}]}).encode()
        answer = send("/v1/traces/ingest", body, Authorization=f"Bearer {token}")
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 1)
    work()
    assert (Trace.objects.get().input_tokens, Span.objects.count()) == (114, 9)
    assert send("/v1/traces/ingest", b'{"data": [1]}', Authorization=f"Bearer {token}").status_code == 400


# --- LangSmith


def check_langsmith() -> None:
    trace = Trace.objects.get(external_id="01a1fb07-edb0-71de-8c5e-ec0c38e442f4")
    assert (trace.name, trace.session_id, trace.tags, trace.status) == ("agent", "sess-1", ["prod"], "ok")
    assert (trace.model, trace.input_tokens, trace.output_tokens) == ("gpt-4o-mini-2026-01-01", 114, 34)
    assert (trace.tool_calls, trace.latency_ms, trace.metadata["langsmith.project"]) == (2, 93, "demo")
    assert said(trace) == [
        ("system", "Be short", []),
        ("user", "Weather in Zürich?", []),
        ("assistant", "", ["get_weather", "get_weather"]),
        ("tool", '{"temp": 7}', []),
        ("tool", '{"temp": 7}', []),
        ("assistant", "Zürich: 7 °C, 東京: 19 °C ☀️. <b>Not html</b> & `code`.", []),
    ]
    assert trace.revision is not None and trace.revision.import_notes == []


def test_langsmith_batch_as_it_was_sent(token: str) -> None:
    for _ in range(2):
        assert send("/runs/batch", RUNS, x_api_key=token).status_code == 202
        work()
    check_langsmith()
    assert (Trace.objects.count(), RawRecord.objects.count()) == (2, 1)


ENDS = ("end_time", "outputs", "error", "events")


def parts() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The runs of the captured body as an SDK posts them when they begin and patches them when they end."""
    runs = json.loads(RUNS)["post"]
    posts = [{key: value for key, value in run.items() if key not in ENDS} for run in runs]
    same = ("id", "trace_id", "parent_run_id", "dotted_order", *ENDS)
    return posts, [{key: run[key] for key in same if key in run} for run in runs]


@pytest.mark.parametrize("order", list(itertools.permutations(["post", "patch"])), ids=["post-first", "patch-first"])
def test_langsmith_post_and_patch_complete_each_other_in_any_order(token: str, order: tuple[str, str]) -> None:
    posts, patches = parts()
    pieces = {"post": [{"post": [run]} for run in posts], "patch": [{"patch": [run]} for run in patches]}
    for how in order:
        for piece in reversed(pieces[how]):
            assert send("/runs/batch", json.dumps(piece).encode(), x_api_key=token).status_code == 202
        work()
    check_langsmith()


def test_langsmith_pieces_worked_off_in_the_wrong_order(token: str) -> None:
    posts, patches = parts()
    for piece in ({"post": posts}, {"patch": patches}, {"patch": [{**patches[0], "outputs": {"output": "newest"}}]}):
        assert send("/runs/batch", json.dumps(piece).encode(), x_api_key=token).status_code == 202
    for record in reversed(inbox.pending()):
        inbox.work_off(record_id=record)
    check_langsmith()
    root = json.loads(Span.objects.get(span_key=posts[0]["id"]).payload)
    assert root["attributes"]["langsmith.patch"]["outputs"] == {"output": "newest"}  # the one received last


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1)], ids=["as-sent", "backwards"])
def test_langsmith_genuine_multipart_bodies(token: str, order: tuple[int, ...]) -> None:
    for number in order:
        body = (PAYLOADS / f"langsmith_0.14.17__runs_multipart__{number}of3.multipart").read_bytes()
        kind = f"multipart/form-data; boundary={body[2:34].decode()}"
        answer = send("/runs/multipart", body, x_api_key=token, Content_Type=kind)
        assert (answer.status_code, answer.json()["rejected"]) == (202, 0)
    work()
    give_words()
    trace = Trace.objects.get()
    assert (trace.session_id, trace.tags, trace.status, trace.name) == ("sess-9", ["prod"], "ok", "agent")
    assert (trace.input_tokens, trace.output_tokens, trace.model) == (100, 20, "gpt-4o-mini-x")
    assert said(trace) == [
        ("user", "Weather in Zürich?", []),
        ("assistant", "", ["get_weather"]),
        ("tool", '{"temp": 7}', []),
        ("assistant", "7 °C in Zürich.", []),
    ]
    assert list(Score.objects.values_list("name", "number", "reason", "low", "high")) == [
        ("user_satisfaction", 4.0, "fine", 0, 5)
    ]


def multipart(parts: list[tuple[str, bytes]], boundary: str = "XyZ") -> bytes:
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: application/json\r\n\r\n'.encode()
        + content + b"\r\n" for name, content in parts
    ]  # fmt: skip
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


def test_langsmith_multipart_with_feedback_and_an_attachment(token: str) -> None:
    pieces: list[tuple[str, bytes]] = []
    for run in json.loads(RUNS)["post"]:
        bulky = {key: run.pop(key) for key in ("inputs", "outputs", "extra", "events") if key in run}
        pieces += [(f"post.{run['id']}.{key}", json.dumps(value).encode()) for key, value in bulky.items()]
        pieces.append((f"post.{run['id']}", json.dumps(run).encode()))
    root = "01a1fb07-edb0-71de-8c5e-ec0c38e442f4"
    word = {"trace_id": root, "run_id": root, "key": "correctness", "score": 1.0, "comment": "right",
            "correction": {"output": "Warmer."}}  # fmt: skip
    pieces += [("feedback.f1", json.dumps(word).encode()), (f"attachment.{root}.picture", b"\x89PNG\r\n\r\n\0"),
               ("feedback.f2", b"[]"), ("post.nobody.inputs", b"{}")]  # fmt: skip
    kind = 'multipart/form-data; boundary="XyZ"'
    answer = send("/runs/multipart", gzip.compress(multipart(pieces)), x_api_key=token, Content_Type=kind,
                  Content_Encoding="gzip")  # fmt: skip
    assert (answer.status_code, answer.json()["rejected"]) == (202, 2)
    work()
    give_words()
    trace = Trace.objects.get(external_id=root)
    assert trace.revision is not None
    assert trace.revision.import_notes == ["an attachment of a run was not taken over"]
    assert list(Score.objects.values_list("name", "number", "reason", "external_id")) == [
        ("correctness", 1.0, "right", "f1")
    ]
    assert Feedback.objects.get().suggested_response == '{"output": "Warmer."}'


def test_langsmith_single_runs_feedback_and_info(token: str) -> None:
    posts, patches = parts()
    for run in posts:
        assert send("/runs", json.dumps(run).encode(), x_api_key=token).status_code == 202
    for run in patches:
        body = json.dumps({key: value for key, value in run.items() if key != "id"}).encode()
        assert send(f"/runs/{run['id']}", body, method="PATCH", x_api_key=token).status_code == 202
    work()
    check_langsmith()
    word = {"id": "f", "run_id": posts[0]["id"], "trace_id": posts[0]["id"], "key": "liked", "score": True}
    assert send("/feedback", json.dumps(word).encode(), x_api_key=token).status_code == 200
    assert Score.objects.get().boolean is True
    info = send("/info", b"", method="GET").json()
    assert info["batch_ingest_config"]["use_multipart_endpoint"] and not info["instance_flags"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 202),
        (b"[]", "application/json", 400),
        (b'{"post": {}}', "application/json", 400),
        (b'{"post": [{"name": "no id"}]}', "application/json", 400),
        (b'{"patch": [{"id": "a"}]}', "application/json", 400),
        (multipart([]), "multipart/form-data; boundary=XyZ", 202),
        (multipart([("post.x", b"{}")])[:-8], "multipart/form-data; boundary=XyZ", 400),
        (multipart([]), "multipart/form-data; boundary=other", 400),
        (multipart([]), "multipart/form-data", 400),
    ],
    ids=["empty", "list", "object", "no-id", "no-trace", "no-parts", "cut", "wrong-boundary", "no-boundary"],
)
def test_langsmith_bodies_that_are_none(token: str, body: bytes, kind: str, status: int) -> None:
    path = "/runs/multipart" if kind.startswith("multi") else "/runs/batch"
    assert send(path, body, x_api_key=token, Content_Type=kind).status_code == status
    assert not RawRecord.objects.exists()
