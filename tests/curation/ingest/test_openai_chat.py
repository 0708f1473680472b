"""OpenAI chat records and request/response logs."""

import json
from typing import Any

import pytest

from curation.ingest.parsed import Unreadable
from curation.messages.form import text_of
from tests.curation.ingest.reading import PAYLOADS, lines, messages, one, read

HI = {"role": "user", "content": "hi"}
HO = {"role": "assistant", "content": "ho"}


def test_a_record_with_everything() -> None:
    trace = one(
        {
            "id": "t-1",
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Look"},
                                             {"type": "image_url", "image_url": {"url": "data:x"}}]},
                {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [
                    {"id": "c1", "function": {"name": "look", "arguments": '{"z": 1, "a": 2.50}'}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "seen"},
                {"role": "assistant", "content": "A cat.", "weight": 0},
            ],
            "tools": [{"type": "function",
                       "function": {"name": "look", "description": "d", "parameters": {"type": "object"}}}],
            "session_id": "s", "user": "u", "task_id": 7, "agent": "a", "model": "m", "environment": "prod",
            "tags": ["x"], "metadata": {"k": 1}, "started_at": "2026-01-02T03:04:05Z",
            "latency_ms": 12, "cost_usd": "0.01",
            "usage": {"prompt_tokens": 5, "completion_tokens": 6}, "status": "ok",
            "scores": [{"name": "good", "value": True}, {"name": "n", "value": 0.5, "low": 0, "high": 1},
                       {"name": "bad"}],
            "strange": 1,
        }
    )  # fmt: skip
    said = messages(trace)
    assert [m["role"] for m in said] == ["developer", "user", "assistant", "tool", "assistant"]
    assert said[1]["parts"][1] == {"type": "image", "url": "data:x"}
    assert said[2]["tool_calls"] == [{"id": "c1", "name": "look", "arguments": '{"z": 1, "a": 2.50}'}]
    assert said[2]["reasoning"] == [{"text": "Hm."}]
    assert said[4]["weight"] == 0
    assert trace.document["conversations"][0]["tools"] == [
        {"name": "look", "description": "d", "parameters": '{"type": "object"}'}
    ]
    assert (trace.external_id, trace.session_id, trace.user_id, trace.task_id) == ("t-1", "s", "u", "7")
    assert (trace.input_tokens, trace.output_tokens, str(trace.cost_usd), trace.latency_ms) == (5, 6, "0.010000", 12)
    assert [(s.name, s.boolean, s.number) for s in trace.scores] == [("good", True, None), ("n", None, 0.5)]
    assert "the field 'strange' was not taken over" in trace.import_notes
    assert "a score without a name or a value was left out" in trace.import_notes


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"messages": []}, "messages is empty"),
        ({"messages": [HI, {"role": "wizard", "content": "x"}]}, "messages[1]: role 'wizard' is none of"),
        ({"messages": [HI, "hello"]}, "messages[1]: is text, not an object"),
        ({"messages": [HI, {"role": "assistant", "tool_calls": "x"}]}, "messages[1]: tool_calls is text, not a list"),
        ({"messages": "x"}, "messages is text, not a list"),
        ({"other": 1}, "is not an object with messages"),
        ([1], "messages[0]: is a number"),
    ],
)
def test_rejections_name_the_line_and_the_message(record: Any, reason: str) -> None:
    traces, rejected = read(lines({"messages": [HI, HO]}, record), wanted="openai_chat")
    assert len(traces) == 1
    assert rejected[0].where == "line 2"
    assert reason in rejected[0].reason


def test_irregular_messages_are_read_and_told() -> None:
    trace = one(
        {
            "messages": [
                HO, HI, HI, None,
                {"role": "assistant", "content": None},
                {"role": "assistant", "function_call": {"name": "f", "arguments": ""}},
                {"role": "function", "name": "f", "content": {"a": 1}},
                {"role": "tool", "tool_call_id": "nobody", "content": "?"},
                {"role": "assistant", "tool_calls": [{"id": "q", "function": {"name": "g", "arguments": {"b": [1]}}},
                                                     {"id": "r", "function": {"name": "h", "arguments": "not json"}}]},
            ]
        }
    )  # fmt: skip
    said = messages(trace)
    assert said[4]["tool_calls"] == [{"id": "call_0", "name": "f", "arguments": "{}"}]
    assert said[5]["tool_call_id"] == "call_0"
    assert said[5]["parts"] == [{"type": "json", "value": {"a": 1}}]
    assert said[7]["tool_calls"][0]["arguments"] == '{"b": [1]}'
    assert said[7]["tool_calls"][1]["arguments"] == "not json"
    assert "an empty entry (null) in messages was skipped" in trace.import_notes
    assert "empty tool arguments were read as {}" in trace.import_notes


def test_the_same_record_is_the_same_trace_wherever_it_stands() -> None:
    first, _ = read(lines({"messages": [HI, HO]}, {"messages": [HO, HI]}))
    second, _ = read(json.dumps([{"messages": [HO, HI]}, {"messages": [HI, HO]}]).encode())
    assert {t.external_id for t in first} == {t.external_id for t in second}
    assert len({t.external_id for t in first}) == 2


def test_a_file_that_is_one_list_of_messages() -> None:
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
    }
    traces, _ = read(json.dumps([HI, call, {"role": "tool", "tool_call_id": "a", "content": "1"}]).encode())
    assert len(traces) == 1
    assert len(messages(traces[0])) == 3


def test_a_genuine_request_response_log_becomes_conversations() -> None:
    traces, rejected = read((PAYLOADS / "openai_request_response_log__openai_3.52.0.jsonl").read_bytes())
    assert rejected == []
    assert len(traces) == 4  # five requests, the second goes on with the first
    first = messages(traces[0])
    assert [m["role"] for m in first] == ["developer", "user", "assistant", "tool", "tool", "assistant"]
    assert [m["usage"]["output"] for m in first if "usage" in m] == [17, 17]
    assert traces[0].model == "gpt-4o-mini-2026-01-01"
    assert len(traces[1].document["conversations"][0]["candidates"]) == 1  # n=2
    responses = messages(traces[3])
    assert responses[2]["reasoning"][0]["text"] == "I should look up the weather first."
    assert responses[2]["tool_calls"][0]["id"] == "call_resp_1"


def test_a_failed_request_in_a_log() -> None:
    request = {"model": "m", "messages": [HI]}
    failed = {"request": request, "response": {"error": {"message": "rate limit"}}}
    trace = one(failed)
    assert trace.status == "error"
    assert messages(trace)[1]["parts"] == [{"type": "error", "text": "rate limit"}]
    answered = {"request": request, "response": {"id": "r", "choices": [{"message": HO, "finish_reason": "stop"}]}}
    again = one(failed, answered)
    assert [text_of(m) for m in messages(again)] == ["hi", "ho"]
    assert "a model call failed and was made again" in again.import_notes


def test_ambiguous_and_unknown_files_ask() -> None:
    both = lines({"messages": [HI], "items": [HI]})
    with pytest.raises(Unreadable, match="could be openai_chat or openai_items; say which with --format"):
        read(both)
    assert len(read(both, wanted="openai_items")[0]) == 1
    with pytest.raises(Unreadable, match="objects with the keys question, reply"):
        read(lines({"question": "x", "reply": "y"}))
    with pytest.raises(Unreadable, match="no format 'csv'"):
        read(both, wanted="csv")
