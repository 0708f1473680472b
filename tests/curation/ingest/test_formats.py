"""All formats against each other: every sample is recognised by its own format alone, and read by it."""

import json
import os
from pathlib import Path

import pytest

from curation.ingest.formats import FORMATS, choose, grouped
from curation.ingest.parsed import ParsedTrace, Rejected, Unreadable
from curation.ingest.prepare import prepare
from curation.ingest.text import open_source
from tests.curation.ingest.reading import lines, messages, one, read
from tests.curation.ingest.samples import ASK, CALL, SAMPLES, STREAM, TURNS, payload


def test_there_is_a_sample_of_every_format_and_every_format_has_a_group() -> None:
    assert {name for name, _, _ in SAMPLES.values()} == set(FORMATS)
    assert [known.name for _, formats in grouped() for known in formats] != []
    assert {known.name for _, formats in grouped() for known in formats} == set(FORMATS)


@pytest.mark.parametrize("sample", SAMPLES)
def test_only_its_own_format_knows_a_sample(sample: str, tmp_path: Path) -> None:
    name, data, count = SAMPLES[sample]
    (tmp_path / "x").write_bytes(data)
    with (tmp_path / "x").open("rb") as file:
        source = open_source(file, name="x")
        assert not isinstance(source, Rejected)
        assert [known.name for known in FORMATS.values() if known.detect(source.sample)] == [name]
        found = list(choose(source, "auto").read(source))
    traces = [item[1] for item in found if not isinstance(item, Rejected)]
    assert [item for item in found if isinstance(item, Rejected)] == []
    assert len(traces) == count
    for trace in traces:
        assert trace.source["format"] == name
        prepared = prepare(trace)
        assert prepared.columns["steps"] + prepared.columns["turns"] > 0
    again, _ = read(data, name="other name")
    if name != "tau_bench":  # its ids are its file's
        assert [trace.external_id for trace in again] == [trace.external_id for trace in traces]


def test_a_file_of_several_formats_says_which_lines_are_what() -> None:
    chat = {"messages": [ASK]}
    shared = {"conversations": TURNS}
    with pytest.raises(Unreadable) as error:
        read(lines(chat, shared, chat, {"instruction": "x", "output": "y"}))
    assert "lines 1, 3 are openai_chat; line 2 is sharegpt; line 4 is alpaca" in str(error.value)
    late = lines(*[chat] * 30, shared, {"strange": 1}, chat)
    traces, rejected = read(late)
    assert len(traces) == 31
    assert [(item.where, item.reason.partition(";")[0]) for item in rejected] == [
        ("line 31", "this is sharegpt, and the file began as openai_chat"),
        ("line 32", "is not an object with messages"),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04rest", "this is a ZIP archive; unpack it"),
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"PAR1....PAR1", "this is a Parquet file"),
        (b"SQLite format 3\0" + b"\0" * 200, "this SQLite file cannot be read"),
    ],
)
def test_binary_files_are_refused_by_name(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(data)


def test_a_stream_is_put_together_by_the_indexes_of_its_choices_and_calls() -> None:
    trace = one({"request": {"messages": [ASK]}, "response": {"body": STREAM}})
    answer = messages(trace)[1]
    assert answer["parts"] == [{"type": "text", "text": "It is 7 °C."}]
    assert answer["tool_calls"] == [
        {"id": "c1", "name": "note", "arguments": '{"a": 1}', "type": "function"}
    ] or answer["tool_calls"] == [{"id": "c1", "name": "note", "arguments": '{"a": 1}'}]
    assert answer["usage"] == {"input": 9, "output": 5}
    assert trace.document["conversations"][0]["candidates"][0]["parts"] == [{"type": "text", "text": "Cold"}]


def test_anthropic_results_stand_alone_and_the_cache_counts() -> None:
    traces, _ = read(payload("anthropic_request_response_log__anthropic_2.11.0.jsonl"))
    said = messages(traces[0])
    assert [message["role"] for message in said] == ["system", "user", "assistant", "tool", "assistant"]
    assert said[2]["reasoning"] == [{"text": "User wants weather.", "signature": "sig=="}]
    assert said[2]["usage"] == {"input": 57, "output": 21, "cache_read": 5, "cache_write": 12}
    assert said[3] == {
        "role": "tool",
        "parts": [{"type": "text", "text": '{"temp": 7}'}],
        "tool_call_id": "toolu_fake1",
    }


def test_sharegpt_calls_get_ids_and_parallel_results_are_split() -> None:
    trace = one({"conversations": TURNS})
    said = messages(trace)
    assert said[1]["tool_calls"][0]["id"] == said[2]["tool_call_id"] == "call_0"
    calls = [{"type": "tool_call", "value": json.dumps({"name": name, "arguments": {}})} for name in ("a", "b")]
    result = json.dumps([{"name": "a", "content": "1"}, {"name": "b", "content": {"x": 2}}])
    folded = one({"messages": [ASK, {"role": "assistant", "content": [{"type": "reasoning", "value": "Hm."}, *calls], "loss_weight": 1.0},
                               {"role": "tool", "content": [{"type": "text", "value": result}]}]})  # fmt: skip
    said = messages(folded)
    assert [message["role"] for message in said] == ["user", "assistant", "tool", "tool"]
    assert said[1]["reasoning"] == [{"text": "Hm."}] and said[1]["weight"] == 1.0
    assert [message["tool_call_id"] for message in said[2:]] == [call["id"] for call in said[1]["tool_calls"]]
    assert said[3]["parts"] == [{"type": "text", "text": '{"x": 2}'}]


def test_trajectories_keep_observations_out_of_the_models_words() -> None:
    trace = read(SAMPLES["trajectory"][1])[0][0]
    said = messages(trace)
    assert [message["role"] for message in said] == ["user", "assistant", "tool", "assistant"]
    assert said[1]["reasoning"] == [{"text": "Look it up."}] and said[1]["parts"] == []
    assert said[3]["parts"] == [{"type": "text", "text": "It is 7 °C."}]
    assert [(score.name, score.boolean, score.number) for score in trace.scores] == [
        ("success", True, None), ("total_reward", None, 5.5),
    ]  # fmt: skip
    assert (trace.task_id, trace.metadata["step_rewards"]) == ("t-9", [1.5, 4.0])


def test_atif_has_its_calls_tokens_and_sub_agents() -> None:
    trace = read(SAMPLES["atif"][1])[0][0]
    said = messages(trace)
    assert [message["role"] for message in said] == ["user", "assistant", "tool", "assistant"]
    assert said[1]["usage"] == {"input": 10, "output": 4, "cache_read": 2}
    assert [one["kind"] for one in trace.document["conversations"]] == ["main", "sub_agent"]
    assert (trace.input_tokens, str(trace.cost_usd), trace.agent) == (10, "0.002000", "terminus")
    newer = one({**json.loads(SAMPLES["atif"][1]), "schema_version": "ATIF-v1.8"})
    assert any("was read as v1.7" in note for note in newer.import_notes)


def test_exports_of_tools_are_put_together_as_live_spans_are() -> None:
    def found(sample: str) -> ParsedTrace:
        return read(SAMPLES[sample][1])[0][0]

    langfuse = found("langfuse trace")
    assert [m["role"] for m in messages(langfuse)] == ["user", "assistant", "tool"]
    assert (langfuse.session_id, langfuse.tags, langfuse.input_tokens, langfuse.latency_ms) == (
        "s-1",
        ["prod"],
        10,
        1500,
    )
    assert [(s.name, s.boolean, s.category) for s in langfuse.scores] == [("helpful", True, ""), ("tone", None, "dry")]
    assert [m["role"] for m in messages(found("langfuse observations"))] == ["user", "assistant", "tool"]
    phoenix = found("phoenix")
    assert [m["role"] for m in messages(phoenix)] == ["user", "assistant"]
    assert (phoenix.session_id, phoenix.model, phoenix.scores[0].number) == ("s-1", "m-1", 1.0)
    assert phoenix.document["conversations"][0]["tools"][0]["name"] == "get_weather"
    mlflow = found("mlflow")
    assert (mlflow.external_id, mlflow.session_id, mlflow.user_id) == ("0af7651916cd43dd8448eb211c80319c", "s-1", "u-1")
    assert [m["role"] for m in messages(mlflow)] == ["user", "assistant"]
    assert (mlflow.latency_ms, mlflow.input_tokens, mlflow.scores[0].author) == (1500, 10, "ann")
    mastra = found("mastra")
    assert [m["role"] for m in messages(mastra)] == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert messages(mastra)[2]["tool_calls"][0]["id"] == "call_fake_1"
    assert (mastra.input_tokens, mastra.session_id, mastra.tags) == (114, "sess-1", ["prod"])


def test_every_genuine_row_of_training_data_is_read() -> None:
    folder = os.environ.get("WHETSTONE_SAMPLES")
    if not folder:
        pytest.skip("WHETSTONE_SAMPLES names no folder with sample data")
    counted = {}
    for path in sorted(Path(folder).glob("llama-factory/*.json*")):
        traces, rejected = read(path.read_bytes(), name=path.stem)
        assert rejected == []
        counted[traces[0].source["format"], len(traces)] = sum(
            len(trace.judgments) + len(trace.preferences) for trace in traces
        )
    assert counted == {
        ("alpaca", 500): 0, ("dpo", 150): 150, ("sharegpt", 150): 0, ("kto", 150): 150, ("openai_chat", 25): 0, ("dpo", 10): 10,
    }  # fmt: skip


def test_calls_of_a_conversation_keep_their_text() -> None:
    said = messages(
        one({"messages": [ASK, {"role": "assistant", "content": None, "tool_calls": [CALL]}], "tools": "[]"})
    )
    assert said[1]["tool_calls"][0]["arguments"] == '{"city": "Zürich"}'
