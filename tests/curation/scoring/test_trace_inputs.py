"""What graders see of a trace."""

import json
from decimal import Decimal

import pytest

from curation.messages.form import Conversation, message
from curation.scoring.graders import templates, trace_inputs

CALL = {"id": "c1", "name": "book", "arguments": '{"flight": "HAT1"}'}
TALK: Conversation = {
    "id": "main",
    "name": "",
    "kind": "main",
    "messages": [
        message("system", "Be brief."),
        message("user", "Book HAT1"),
        message("assistant", "", tool_calls=[CALL]),
        message("tool", "done", tool_call_id="c1"),
        message("assistant", "Anything else?"),
        message("user", "No. As JSON, please."),
        message("assistant", '{"booked": ["HAT1"]}'),
    ],
    "tools": [{"name": "book", "description": "Books", "parameters": '{"type": "object"}'}],
}


def test_sample_and_item_of_a_run() -> None:
    facts = {
        "latency_ms": 1200, "cost_usd": Decimal("0.0125"), "steps": 4, "errors": 0, "input_tokens": 90,
        "output_tokens": 10, "metadata": {"team": "a"}, "reference": message("assistant", "Booked.", tool_calls=[CALL]),
    }  # fmt: skip
    sample, item = trace_inputs.inputs_of(TALK, facts)
    assert sample == {
        "output_text": '{"booked": ["HAT1"]}',
        "output_tools": [],
        "output_json": {"booked": ["HAT1"]},
    }
    assert [said["role"] for said in item["messages"]] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert item["messages"][2]["tool_calls"][0]["function"] == {"name": "book", "arguments": '{"flight": "HAT1"}'}
    assert (item["last_user_message"], item["system_prompt"]) == ("No. As JSON, please.", "Be brief.")
    assert [call["function"]["name"] for call in item["tool_calls"]] == ["book"]
    assert item["tools"][0]["name"] == "book"
    assert (item["tokens"], item["cost_usd"], item["errors"], item["steps"]) == (100, 0.0125, 0, 4)
    assert item["reference_text"] == "Booked." and len(item["reference_tools"]) == 1
    assert item["metadata"] == {"team": "a"}
    json.dumps([sample, item], allow_nan=False)  # what a python grader is sent


def test_what_is_not_known_is_none_and_never_zero() -> None:
    sample, item = trace_inputs.inputs_of({**TALK, "messages": [message("user", "Hello")], "tools": []})
    assert sample is None
    unknown = (
        "system_prompt",
        "reference_text",
        "reference_tools",
        "latency_ms",
        "cost_usd",
        "steps",
        "errors",
        "tokens",
    )
    assert [item[name] for name in unknown] == [None] * len(unknown)
    assert (item["last_user_message"], item["tool_calls"]) == ("Hello", [])
    half, _ = trace_inputs.inputs_of(TALK, {"input_tokens": 9}), None
    assert half[1]["tokens"] is None
    with pytest.raises(ValueError, match="latency"):
        trace_inputs.inputs_of(TALK, {"latency": 3})


def test_every_variable_of_the_editor_can_be_filled() -> None:
    facts = {
        "latency_ms": 1, "cost_usd": 1, "steps": 1, "errors": 0, "input_tokens": 1, "output_tokens": 1,
        "reference": message("assistant", "x"),
    }  # fmt: skip
    sample, item = trace_inputs.inputs_of(TALK, facts)
    for name, sentence in templates.VARIABLES:
        assert templates.problem(f"{{{{ {name} }}}}") == ""
        assert templates.fill(f"{{{{ {name} }}}}", sample=sample, item=item)
        assert sentence.endswith(".")
    assert {name for name, _ in templates.VARIABLES} == {
        *(f"sample.{name}" for name in sample or {}),
        *(f"item.{name}" for name in item),
    }
    assert templates.fill("{{ sample.output_json.booked[0] }}", sample=sample, item=item) == "HAT1"


def test_calls_of_sub_agents_are_calls_of_the_run_and_count_once() -> None:
    other = {"id": "c2", "name": "escalate", "arguments": "{}"}
    shared = message("assistant", "", tool_calls=[CALL], span_id="s1")
    sub = message("assistant", "", tool_calls=[other], span_id="s2")
    main: Conversation = {**TALK, "messages": [message("user", "x"), shared]}
    agent: Conversation = {**TALK, "id": "sub", "kind": "sub_agent", "messages": [message("user", "x"), shared, sub]}
    made = trace_inputs.calls_of_run({"conversations": [main, agent]})
    assert [call["name"] for call in made] == ["book", "escalate"]
    _, item = trace_inputs.inputs_of(main, {"tool_calls": made})
    assert [call["function"]["name"] for call in item["tool_calls"]] == ["book", "escalate"]
