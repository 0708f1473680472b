"""Whatever is in a file or a body: readers reject it with a reason, and raise nothing else."""

import io
import json
from contextlib import suppress
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.ingest.bodies import Broken, TooLarge, unpack
from curation.ingest.formats import FORMATS, choose
from curation.ingest.parsed import Rejected, Unreadable
from curation.ingest.prepare import prepare
from curation.ingest.spans import decode_spans
from curation.ingest.spans_logs import decode_logs
from curation.ingest.text import open_source
from tests.curation.ingest.samples import SAMPLES, records_of

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", "tool", "system", "developer", "function", "message", "reasoning", "function_call",
                       "function_call_output", "web_search_call", "text", "output_text", "image_url", "{}", '{"a":1}', "c1"])
)  # fmt: skip
KEYS = st.sampled_from(
    ["messages", "tools", "role", "content", "tool_calls", "tool_call_id", "function", "name", "arguments", "id", "type", "items",
     "session_id", "traj", "task_id", "reward", "info", "trial", "request", "response", "choices", "message", "output", "input",
     "call_id", "summary", "text", "usage", "prompt_tokens", "scores", "tags", "metadata", "started_at", "cost_usd", "error",
     "instructions", "provider_data", "weight", "refusal", "function_call", "image_url", "parameters", "value", "latency_ms"]
) | st.text(max_size=4)  # fmt: skip
JSONISH = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)
MESSAGE = st.fixed_dictionaries(
    {"role": SCALARS, "content": JSONISH},
    optional={"tool_calls": JSONISH, "tool_call_id": SCALARS, "type": SCALARS, "name": JSONISH},
)
RECORDS = (
    JSONISH
    | st.fixed_dictionaries({"messages": st.lists(MESSAGE, max_size=4)}, optional={"tools": JSONISH, "scores": JSONISH})
    | st.fixed_dictionaries({"items": st.lists(MESSAGE | JSONISH, max_size=5)}, optional={"session_id": JSONISH})
    | st.fixed_dictionaries(
        {"traj": st.lists(MESSAGE, max_size=3), "task_id": SCALARS, "reward": SCALARS, "info": JSONISH}
    )
    | st.fixed_dictionaries(
        {
            "request": st.fixed_dictionaries({"messages": st.lists(MESSAGE, max_size=3)}, optional={"tools": JSONISH}),
            "response": st.fixed_dictionaries(
                {"choices": st.lists(st.fixed_dictionaries({"message": MESSAGE}), max_size=2)}
            ),
        }
    )
)
QUICK = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

# each of these goes through every reader
FEW = settings(QUICK, max_examples=60)


def read_everything(data: bytes) -> None:
    for wanted in (*FORMATS, "auto"):
        source = open_source(io.BytesIO(data), name="x")
        if isinstance(source, Rejected):
            continue
        try:
            known = choose(source, wanted)
        except Unreadable:
            continue
        for item in known.read(source):
            if not isinstance(item, Rejected):
                prepared = prepare(item[1])
                assert orjson.loads(prepared.document)["conversations"]
                assert 0 < len(prepared.external_id) <= 200
                assert len({step.key for step in prepared.steps}) == len(prepared.steps)


@FEW
@given(st.lists(RECORDS, max_size=4))
def test_arrays_and_lines_of_anything(records: list[Any]) -> None:
    read_everything(json.dumps(records).encode())
    read_everything("\n".join(json.dumps(record) for record in records).encode())


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += _places(inner, (*path, key))
    return found


GENUINE = [record for name in SAMPLES for record in records_of(name)]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A record of some format in which some values are others, or gone."""
    record = json.loads(json.dumps(draw(st.sampled_from(GENUINE))))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(_places(record)))
        if not path:
            continue
        holder = record
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()) or isinstance(holder, list):
            holder[path[-1]] = draw(JSONISH)
        else:
            del holder[path[-1]]
    return record


@FEW
@given(st.lists(mutated(), min_size=1, max_size=2))
def test_records_of_every_format_with_faults_in_them(records: list[Any]) -> None:
    read_everything("\n".join(json.dumps(record) for record in records).encode())


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    read_everything(data)
    for encoding in ("gzip", "deflate", ""):
        with suppress(Broken, TooLarge):
            unpack(data, encoding, 1000)
    for encoding in ("protobuf", "json"):
        with suppress(Unreadable):
            decode_spans(data, encoding)  # type: ignore[arg-type]
        with suppress(Unreadable):
            decode_logs(data, encoding)  # type: ignore[arg-type]
