"""Responses and Agents SDK items (requirements 004-36 to 44, 57, 58)."""

import json

from curation.messages.form import text_of
from tests.curation.ingest.reading import PAYLOADS, lines, messages, one, read

USER = {"role": "user", "content": "go"}


ANSWER = {
    "role": "assistant",
    "content": [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}],
}
SEARCH = {"type": "web_search_call", "id": "ws", "status": "completed"}


def call(number: int, **extra: object) -> dict[str, object]:
    return {"type": "function_call", "call_id": f"c{number}", "name": f"t{number}", "arguments": "{}", **extra}


def output(number: int, value: object = "ok") -> dict[str, object]:
    return {"type": "function_call_output", "call_id": f"c{number}", "output": value}


def test_genuine_session_items() -> None:
    traces, rejected = read((PAYLOADS / "openai_agents_0.24.0__session_items__responses.json").read_bytes())
    assert rejected == []
    said = messages(traces[0])
    assert [m["role"] for m in said] == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    assert said[1]["reasoning"] == [{"text": "I should look up the weather first.", "id": "rs_fake_1"}]
    assert said[1]["tool_calls"][0]["name"] == "transfer_to_weather"
    assert text_of(said[5]) == "It is 7 °C in Zürich."


def test_genuine_input_list_of_parallel_calls() -> None:
    traces, _ = read((PAYLOADS / "openai_agents_0.24.0__to_input_list__chat_completions.json").read_bytes())
    said = messages(traces[0])
    assert [c["id"] for c in said[1]["tool_calls"]] == ["call_fake_1", "call_fake_2"]
    assert [m["role"] for m in said] == ["user", "assistant", "tool", "tool", "assistant"]


def test_one_response_is_one_message() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    said = messages(
        one([USER, thought, call(1), call(2), output(1), output(2), {"role": "assistant", "content": "done"}])
    )
    assert [m["role"] for m in said] == ["user", "assistant", "tool", "tool", "assistant"]
    assert len(said[1]["tool_calls"]) == 2


def test_a_call_behind_an_unknown_item_never_joins_the_message_before() -> None:
    trace = one([USER, call(1), {"type": "mystery"}, call(2), None, output(1), output(2), 7])
    said = messages(trace)
    assert [len(m.get("tool_calls", [])) for m in said if m["role"] == "assistant"] == [1, 1]
    assert "items of kind 'mystery' are not known and were left out" in trace.import_notes
    assert "items of kind 'null' are not known and were left out" in trace.import_notes
    assert "items of kind 'int' are not known and were left out" in trace.import_notes


def test_missing_ids_meet_each_other() -> None:
    calls = [
        {"type": "function_call", "name": "t", "arguments": "{}"},
        {"type": "function_call", "name": "u", "arguments": "{}"},
    ]
    outputs = [{"type": "function_call_output", "output": "1"}, {"type": "function_call_output", "output": "2"}]
    said = messages(one([USER, *calls, *outputs]))
    assert [c["id"] for c in said[1]["tool_calls"]] == ["call_0", "call_1"]
    assert [m["tool_call_id"] for m in said[2:]] == ["call_0", "call_1"]


def test_outputs_that_are_no_text_are_json() -> None:
    said = messages(
        one([USER, call(1), output(1, {"a": True, "b": None}), call(2), output(2, [1, "ü"]), call(3), output(3, None)])
    )
    assert [text_of(m) for m in said if m["role"] == "tool"] == ['{"a": true, "b": null}', '[1, "ü"]', ""]


def test_sessions_with_tools_and_instructions() -> None:
    session = {
        "session_id": "s-1",
        "items": [{"role": "system", "content": ""}, USER, ANSWER],
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True}],
        "agent": "helper",
    }  # fmt: skip
    traces, rejected = read(lines(session, {"session_id": "s-2", "items": []}, {"session_id": "s-3", "items": [USER]}))
    assert [t.external_id for t in traces] == ["s-1", "s-3"]
    assert [(r.where, r.reason) for r in rejected] == [("line 2", "items is empty")]
    assert (traces[0].session_id, traces[0].agent) == ("s-1", "helper")
    assert traces[0].document["conversations"][0]["tools"][0]["name"] == "look"
    assert [p["text"] for p in messages(traces[0])[2]["parts"]] == ["a", "b"]


def test_items_on_lines_are_one_trace_even_with_a_broken_line() -> None:
    traces, rejected = read(lines(USER) + b"{broken\n" + lines(call(1), output(1)))
    assert len(traces) == 1
    assert len(messages(traces[0])) == 3
    assert rejected[0].where == "line 2"


def test_tools_the_provider_ran_are_kept_whole() -> None:
    said = messages(one([USER, SEARCH, {"type": "message", "role": "assistant", "content": "found"}]))
    assert said[1]["parts"] == [
        {"type": "server_tool_call", "value": {"type": "web_search_call", "id": "ws", "status": "completed"}}
    ]
    assert json.dumps(said)


def test_item_ids_that_repeat_do_not_matter() -> None:
    items = [
        USER,
        {**call(1), "id": "same"},
        {**output(1), "id": "same"},
        {**call(2), "id": "same"},
        {**output(2), "id": "same"},
    ]
    assert [m["role"] for m in messages(one(items))] == ["user", "assistant", "tool", "assistant", "tool"]
