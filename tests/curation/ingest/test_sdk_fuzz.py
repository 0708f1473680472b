"""Whatever an SDK's path is sent: it is refused with a reason or read; nothing else is raised."""

import json
from contextlib import suppress
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.ingest import langsmith_wire
from curation.ingest.assemble import assemble
from curation.ingest.formats import openai_agents_spans
from curation.ingest.formats.langsmith_runs import as_span
from curation.ingest.parsed import Unreadable
from curation.ingest.prepare import prepare
from curation.messages.clean import Notes, clean
from curation.review import sdk_words
from curation.review.invalid import Invalid
from tests.curation.ingest.test_fuzz import JSONISH, SCALARS

QUICK = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
ID = st.sampled_from(["r1", "r2", "r3"])
TIME = st.sampled_from(["2026-01-01T00:00:00Z", "x", ""]) | SCALARS
MESSAGE = st.fixed_dictionaries(
    {"role": SCALARS, "content": JSONISH},
    optional={"tool_calls": JSONISH, "type": st.sampled_from(["human", "ai", "tool"]) | SCALARS, "kwargs": JSONISH, "id": JSONISH,
              "additional_kwargs": JSONISH, "data": JSONISH, "lc": SCALARS},
)  # fmt: skip
CONSTRUCTED = st.fixed_dictionaries(
    {"lc": st.just(1), "id": st.lists(st.sampled_from(["langchain", "AIMessage", "ToolMessage", "HumanMessageChunk"]), max_size=3),
     "kwargs": MESSAGE}
)  # fmt: skip
SAID = st.lists(MESSAGE | CONSTRUCTED, max_size=3)
INSIDE = (
    JSONISH
    | st.fixed_dictionaries({"messages": SAID | st.lists(SAID, max_size=2)}, optional={"tools": JSONISH, "system": SCALARS})
    | st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": MESSAGE}) | JSONISH, max_size=2)})
    | st.fixed_dictionaries({"generations": st.lists(st.lists(st.fixed_dictionaries({"message": CONSTRUCTED}), max_size=2) | JSONISH)})
    | st.fixed_dictionaries({"output": SAID | CONSTRUCTED | JSONISH})
    | st.fixed_dictionaries({"input": JSONISH, "instructions": JSONISH})
)  # fmt: skip
RUN = st.fixed_dictionaries(
    {"id": ID, "trace_id": ID, "run_type": st.sampled_from(["llm", "tool", "chain", ""]) | SCALARS},
    optional={"parent_run_id": ID | SCALARS, "name": JSONISH, "start_time": TIME, "end_time": TIME, "inputs": INSIDE,
              "outputs": INSIDE, "error": JSONISH, "extra": JSONISH | st.fixed_dictionaries({"metadata": JSONISH}),
              "tags": JSONISH, "session_name": JSONISH, "attachments": JSONISH, "dotted_order": SCALARS, "total_cost": SCALARS},
)  # fmt: skip


def read(spans: list[Any]) -> None:
    once = list({span["span"]: clean(span, Notes()) for span in spans}.values())  # as the store keeps them
    trace = assemble(once) if once else None
    if trace is not None:
        assert orjson.loads(prepare(trace).document)["conversations"]


@QUICK
@given(st.lists(RUN, max_size=4), st.lists(RUN, max_size=3))
def test_langsmith_runs_of_anything(posts: list[Any], patches: list[Any]) -> None:
    batch = langsmith_wire.decode_body(json.dumps({"post": posts, "patch": patches}).encode())
    assert len(batch.runs) + len(batch.rejected) == len(posts) + len(patches)
    assert langsmith_wire.decode_body(langsmith_wire.as_json(batch)).runs == batch.runs
    parts: dict[str, dict[str, Any]] = {}
    for how, run in batch.runs:
        parts.setdefault(run["id"], {"post": {}, "patch": {}})[how] = run
    read([as_span("r1", key, found["post"], found["patch"]) for key, found in parts.items()])


SPAN = st.fixed_dictionaries(
    {"object": st.sampled_from(["trace", "trace.span"]), "id": ID, "trace_id": ID},
    optional={"parent_id": ID | SCALARS, "started_at": TIME, "ended_at": TIME, "error": JSONISH, "metadata": JSONISH,
              "group_id": JSONISH, "workflow_name": JSONISH,
              "span_data": JSONISH | st.fixed_dictionaries(
                  {"type": st.sampled_from(["generation", "response", "function", "handoff", "agent", "guardrail"])},
                  optional={"input": SAID | JSONISH, "output": SAID | JSONISH, "name": JSONISH, "usage": JSONISH,
                            "to_agent": JSONISH, "model": JSONISH, "triggered": JSONISH})},
)  # fmt: skip


@QUICK
@given(st.lists(SPAN | JSONISH, max_size=5))
def test_agents_spans_of_anything(items: list[Any]) -> None:
    batch = openai_agents_spans.decode_body(json.dumps({"data": items}).encode())
    assert len(batch["spans"]) + len(batch["rejected"]) == len(items)
    read(batch["spans"])


@QUICK
@given(JSONISH | st.binary(max_size=80), st.sampled_from(["", "b", "XyZ"]))
def test_any_body(value: Any, boundary: str) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    wrapped = b'--b\r\nContent-Disposition: form-data; name="post.r1"\r\n\r\n' + body + b"\r\n--b--\r\n"
    for given_body in (body, wrapped):
        with suppress(Unreadable):
            openai_agents_spans.decode_body(given_body)
        for kind in ("application/json", f"multipart/form-data; boundary={boundary}"):
            with suppress(Unreadable):
                langsmith_wire.decode_body(given_body, kind)


WORD = st.dictionaries(
    st.sampled_from(["id", "traceId", "sessionId", "name", "value", "dataType", "comment", "observationId", "key", "score",
                     "trace_id", "run_id", "correction"]),
    JSONISH | st.sampled_from(["NUMERIC", "BOOLEAN", "CATEGORICAL", "CORRECTION", 1, 0.5, "x", True]),
)  # fmt: skip


@QUICK
@given(WORD | JSONISH)
def test_words_of_anything(item: Any) -> None:
    for read_word in (sdk_words.langfuse_score, sdk_words.langsmith_feedback):
        with suppress(Invalid):
            word = read_word(item)
            assert word.value or word.opinion
